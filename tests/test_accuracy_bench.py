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


def test_an_exam_is_assessable_by_its_truth_alone(ruptured):
    thin = {
        **ruptured.truth,
        "series": {**ruptured.truth["series"], "slice_thickness_mm": 0.5, "spacing_mm": [0.5] * 3},
    }
    assert not is_assessable(ruptured.truth)
    assert is_assessable(thin)
    assert not is_assessable({**thin, "motion_mm": 2.0})


def test_cases_have_names_of_their_own():
    cases = [*grid_cases(), *random_cases(20)]
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
