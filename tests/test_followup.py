"""Two exams of one patient: which lesion is which, and what has changed beyond repeatability."""

import copy

import numpy as np
import pytest

from ccma_seg.followup import FollowUpParams, compare_records, match_lesions

PARAMS = FollowUpParams()


def lesion(number=1, *, angle_deg=0.0, apical_mm=0.0, **values):
    angle = np.radians(angle_deg)
    made = {
        "id": number,
        "verdict": "ccma",
        "centroid_mm": [20 * np.cos(angle), 20 * np.sin(angle), apical_mm],
        "annulus_angle_deg": angle_deg,
        "volume_mm3": 6000.0,
        "long_axis_mm": 28.0,
        "short_axis_mm": 21.0,
        "third_axis_mm": 20.0,
        "rim": {"coverage_pct": 95.0, "thickness_mm": 2.0, "gaps": []},
        "core": {"mean_hu": 350.0, "volume_mm3": 3000.0},
        "cavity": {"volume_mm3": None, "neck_mm": None},
        "leak": {"volume_mm3": None},
        "uncertainty": {"volume_mm3": 150.0, "long_axis_mm": 0.4},
    }
    for path, value in values.items():
        part = made
        *parents, name = path.split("__")
        for parent in parents:
            part = part[parent]
        part[name] = value
    return made


def exam(*lesions, state="enhanced", threshold_hu=480.0, calcium_mm3=900.0, **series):
    known = {"spacing_mm": [0.5, 0.4, 0.4], "slice_thickness_mm": 0.75, "tube_voltage_kv": 120.0, "kernel": "B26f"}
    return {
        "annulus": {"center_mm": [0.0, 0.0, 0.0], "normal": [0.0, 0.0, 1.0]},
        "contrast": {"state": state},
        "series": known | series,
        "calcium": {
            "threshold_hu": threshold_hu,
            "annular_volume_mm3": calcium_mm3,
            "agatston": None,
            "mass_mg": None,
            "arc_deg": 90.0,
        },
        "lesions": list(lesions),
    }


def compared(baseline, followup, *, days=200):
    changes, reasons = compare_records(baseline, followup, interval_days=days, params=PARAMS)
    return changes["lesions"], {reason.code for reason in reasons}, changes["calcium"]


def only(baseline, followup, **options):
    (found,), _, _ = compared(baseline, followup, **options)
    return found


def figure(found, name):
    return next(q for q in found["quantities"] if q["quantity"] == name)


def test_a_quarter_more_volume_is_growth_and_a_tenth_is_not():
    assert only(exam(lesion()), exam(lesion(volume_mm3=7500.0)))["change"] == "increased"
    assert only(exam(lesion()), exam(lesion(volume_mm3=6600.0)))["change"] == "unchanged"


def test_a_quarter_less_is_regression():
    assert only(exam(lesion()), exam(lesion(volume_mm3=4500.0)))["change"] == "decreased"


def test_a_change_within_the_uncertainty_of_both_exams_is_none():
    unsure = {"volume_mm3": 1500.0}
    found = only(exam(lesion(uncertainty=unsure)), exam(lesion(volume_mm3=7500.0, uncertainty=unsure)))
    assert found["change"] == "unchanged"
    assert figure(found, "volume_mm3")["limit"] == pytest.approx(1500 * 2**0.5)


@pytest.mark.parametrize(("days", "rapid"), [(200, True), (365, True), (366, False), (None, None), (0, None)])
def test_a_marked_increase_is_rapid_within_a_year(days, rapid):
    found = only(exam(lesion()), exam(lesion(volume_mm3=9000.0, long_axis_mm=31.5)), days=days)
    assert found["marked"] is True
    assert found["rapid"] is rapid


def test_growth_without_a_longer_axis_is_not_marked():
    assert only(exam(lesion()), exam(lesion(volume_mm3=9000.0)))["marked"] is False


def test_a_lesion_is_found_again_where_it_was_however_the_patient_lies():
    turned = exam(lesion(angle_deg=10.0, apical_mm=2.0))
    turn = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    turned["annulus"] = {"center_mm": [50.0, -30.0, 7.0], "normal": (turn @ [0, 0, 1]).tolist()}
    one = turned["lesions"][0]
    one["centroid_mm"] = (turn @ one["centroid_mm"] + [50.0, -30.0, 7.0]).tolist()
    found = only(exam(lesion()), turned)
    assert found["change"] == "unchanged"
    assert found["offset"]["angle_deg"] == pytest.approx(10)
    assert found["offset"]["apical_mm"] == pytest.approx(2)
    assert found["offset"]["radial_mm"] == pytest.approx(0)


def test_of_two_lesions_each_keeps_its_own():
    baseline = exam(lesion(1, angle_deg=-40.0), lesion(2, angle_deg=40.0))
    followup = exam(lesion(1, angle_deg=42.0), lesion(2, angle_deg=-38.0))
    found = match_lesions(baseline, followup, within_mm=15.0)
    assert [(m.baseline["id"], m.followup["id"]) for m in found] == [(1, 2), (2, 1)]


def test_a_lesion_elsewhere_is_new_and_the_old_one_resolved():
    found, _, _ = compared(exam(lesion()), exam(lesion(angle_deg=120.0)))
    assert [x["change"] for x in found] == ["resolved", "new"]


def test_a_mass_that_is_gone_while_calcium_stays_has_returned_to_mac():
    assert only(exam(lesion()), exam())["returned_to_mac"] is True
    assert only(exam(lesion()), exam(calcium_mm3=0.0))["returned_to_mac"] is False
    assert only(exam(lesion()), exam(lesion(verdict="mac")))["returned_to_mac"] is True


def test_without_an_annulus_nothing_is_new_or_resolved():
    blind = exam(lesion(annulus_angle_deg=None))
    blind["annulus"] = {"center_mm": None, "normal": None}
    found, codes, _ = compared(exam(lesion()), blind)
    assert {x["change"] for x in found} == {"not_comparable"}
    assert "lesions_not_matched" in codes


def test_a_core_that_loses_more_than_100_hu_is_told():
    assert only(exam(lesion()), exam(lesion(core__mean_hu=230.0)))["core_fall"] is True
    assert only(exam(lesion()), exam(lesion(core__mean_hu=270.0)))["core_fall"] is False


def test_a_gap_to_a_chamber_where_there_was_none_is_new():
    gap = {"width_mm": 3.0, "direction": [0.0, 0.0, 1.0], "faces": "left_ventricle"}
    opened = exam(lesion(rim__gaps=[gap]))
    assert only(exam(lesion()), opened)["new_gap"] is True
    assert only(opened, opened)["new_gap"] is False
    assert only(exam(lesion()), exam(lesion(rim__gaps=[gap | {"width_mm": 1.0}])))["new_gap"] is False
    assert only(exam(lesion()), exam(lesion(rim__gaps=[gap | {"faces": "fat"}])))["new_gap"] is False


@pytest.mark.parametrize(
    ("other", "code", "lost", "kept"),
    [
        ({"state": "none"}, "contrast_differs", "core.mean_hu", "volume_mm3"),
        ({"tube_voltage_kv": 100.0}, "tube_voltages_differ", "core.mean_hu", "volume_mm3"),
        ({"tube_voltage_kv": None}, "tube_voltage_unknown", "core.mean_hu", "volume_mm3"),
        ({"kernel": "B46f"}, "kernels_differ", "rim.thickness_mm", "core.mean_hu"),
        ({"spacing_mm": [3.0, 0.4, 0.4], "slice_thickness_mm": 3.0}, "slices_differ", "rim.coverage_pct", "volume_mm3"),
    ],
)
def test_what_cannot_be_compared_is_not_and_says_why(other, code, lost, kept):
    found, codes, _ = compared(exam(lesion()), exam(lesion(core__mean_hu=100.0), **other))
    assert code in codes
    assert figure(found[0], lost)["outcome"] == "not_comparable"
    assert figure(found[0], lost)["difference"] is None
    assert figure(found[0], kept)["difference"] is not None


def test_gaps_are_not_compared_on_thick_slices():
    thick = {"spacing_mm": [3.0, 0.4, 0.4], "slice_thickness_mm": 3.0}
    found, codes, _ = compared(exam(lesion(), **thick), exam(lesion(), **thick))
    assert "gaps_not_assessable" in codes
    assert found[0]["new_gap"] is None


def test_calcium_changes_beyond_the_limits_of_two_scans_at_like_thresholds():
    def outcome(followup):
        return compared(exam(), followup)[2][0]["outcome"]

    assert outcome(exam(calcium_mm3=1000.0)) == "unchanged"
    assert outcome(exam(calcium_mm3=1100.0)) == "increased"
    assert outcome(exam(calcium_mm3=1100.0, threshold_hu=600.0)) == "not_comparable"


def test_comparing_changes_neither_record():
    baseline, followup = exam(lesion()), exam(lesion(volume_mm3=7500.0))
    before = copy.deepcopy((baseline, followup))
    compared(baseline, followup)
    assert (baseline, followup) == before
