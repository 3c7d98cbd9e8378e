"""The accuracy bench: a short subset, and what it writes."""

import json
from dataclasses import replace

import pytest

from benchmarks.accuracy import Options, run
from benchmarks.cases import Case, grid_cases, random_cases
from benchmarks.comparison import compare
from benchmarks.expected import expected_verdicts, is_assessable
from benchmarks.tables import write_report
from ccma_seg.phantom import ScannerSpec, make_phantom, read_recipe

SMALL = ScannerSpec(
    matrix=144, field_of_view_mm=172.8, slices=54, slice_spacing_mm=2.0, slice_thickness_mm=2.0, noise_sd_hu=8.0
)


def small(name):
    return replace(read_recipe(name), scanner=SMALL)


@pytest.fixture(scope="module")
def ruptured():
    return make_phantom(small("ruptured"))


def perfect(truth):
    """A record that says exactly what is true."""
    return {**truth, "status": "ok", "reasons": []}


def test_a_perfect_record_has_no_errors(ruptured):
    row = compare(ruptured.truth, perfect(ruptured.truth))
    assert row["verdict"] in row["expected"]
    assert set(row["errors"].values()) == {0.0}
    assert row["exam"]["annulus.center_mm"] == 0


def test_a_lesion_that_was_not_found_is_counted(ruptured):
    row = compare(ruptured.truth, {**perfect(ruptured.truth), "lesions": []})
    assert row["found"] is False


def test_a_stated_uncertainty_holds_the_truth_or_not(ruptured):
    found = perfect(ruptured.truth)
    lesion = {**found["lesions"][0], "long_axis_mm": 34.0, "uncertainty": {"long_axis_mm": 0.5, "rim.coverage_pct": 1}}
    row = compare(ruptured.truth, {**found, "lesions": [lesion]})
    assert json.loads(json.dumps(row))["covered"] == {"long_axis_mm": False, "rim.coverage_pct": True}


def test_paste_as_bright_as_blood_does_not_allow_a_plain_verdict():
    assert expected_verdicts(make_phantom(small("ccma_dense")).truth) == {"ccma_rupture_not_assessable"}


def test_calcium_nearly_as_dense_as_blood_may_go_unseen():
    band = {"kind": "band", "mean_hu": 515.0}
    truth = {"verdict": "mac", "lesions": [band], "contrast": {"state": "enhanced", "blood_pool_hu": 426.0}}
    assert expected_verdicts(truth) == {"mac", "no_calcification"}
    assert expected_verdicts({**truth, "lesions": [{**band, "mean_hu": 900.0}]}) == {"mac"}


def uneven(*, surely, perhaps, mean_hu=200.0):
    core = {"mean_hu": mean_hu, "like_blood": {"surely": surely, "perhaps": perhaps}, "inside_mm3": 3000.0}
    mass = {"kind": "mass", "verdict": "ccma", "short_axis_mm": 20.0, "core": core}
    return {"verdict": "ccma", "lesions": [mass], "contrast": {"state": "enhanced", "blood_pool_hu": 350.0}}


def test_lumps_too_small_for_a_cavity_leave_paste_alone_whatever_the_mean():
    assert expected_verdicts(uneven(surely=0.0, perhaps=49.0, mean_hu=350.0)) == {"ccma"}


def test_a_large_part_as_bright_as_blood_allows_that_rupture_cannot_be_assessed():
    assert expected_verdicts(uneven(surely=100.0, perhaps=400.0)) == {"ccma", "ccma_rupture_not_assessable"}


def test_a_core_mostly_as_bright_as_blood_does_not_allow_a_plain_verdict():
    assert expected_verdicts(uneven(surely=1600.0, perhaps=2500.0)) == {"ccma_rupture_not_assessable"}


def test_no_unevenness_of_an_intact_core_allows_a_rupture():
    for part in (0.0, 100.0, 3000.0):
        assert not expected_verdicts(uneven(surely=part, perhaps=part)) & {"ruptured_ccma", "ccma_possible_rupture"}


def test_a_stone_or_a_band_of_nodules_allows_ordinary_calcification_alone():
    for kind in ("stone", "band"):
        truth = {"verdict": "mac", "lesions": [{"kind": kind, "mean_hu": 900.0, "short_axis_mm": 17.0}]}
        assert expected_verdicts({**truth, "contrast": {"state": "enhanced", "blood_pool_hu": 350.0}}) == {"mac"}


def test_an_uneven_cavity_must_be_seen_only_if_it_has_enough_bright_blood(ruptured):
    lesion = ruptured.truth["lesions"][0]
    thin = {**ruptured.truth["series"], "slice_thickness_mm": 0.5, "spacing_mm": [0.5] * 3}

    def allowed(**blood):
        mass = {**lesion, "cavity": {**lesion["cavity"], "sd_hu": 30.0, **blood}}
        return expected_verdicts({**ruptured.truth, "series": thin, "lesions": [mass]})

    assert allowed(volume_mm3=900.0, ratio_to_blood_pool=0.9) == {"ruptured_ccma"}
    assert "ccma_rupture_not_assessable" in allowed(volume_mm3=60.0, ratio_to_blood_pool=0.9)
    assert "ccma" not in allowed(volume_mm3=60.0, ratio_to_blood_pool=0.9)


def test_an_exam_is_assessable_by_its_truth_alone(ruptured):
    thin = {
        **ruptured.truth,
        "series": {**ruptured.truth["series"], "slice_thickness_mm": 0.5, "spacing_mm": [0.5] * 3},
    }
    assert not is_assessable(ruptured.truth)
    assert is_assessable(thin)
    assert not is_assessable({**thin, "motion_mm": 2.0})


def test_cases_have_names_of_their_own():
    cases = [*grid_cases(), *random_cases(20), *random_cases(20, smooth=True)]
    assert len({case.id for case in cases}) == len(cases)


def test_a_mass_is_found_measured_and_named_and_the_run_resumes(tmp_path):
    case = Case(id="one", group="short", recipe=small("ccma_soft"))
    options = Options(out=tmp_path, cases=(case,))
    row = run(options)[0]
    assert row["found"]
    assert abs(row["errors"]["long_axis_mm"]) < 2
    assert run(options) == [json.loads(json.dumps(row))]
    assert len((tmp_path / "cases.jsonl").read_text().splitlines()) == 1
    write_report([row], tmp_path / "accuracy.md")
    assert "long_axis_mm" in (tmp_path / "accuracy.md").read_text()
