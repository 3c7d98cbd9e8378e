"""Golden records: every field that an analysis finds in small exams is as it is kept."""

import pytest

from benchmarks.golden import FOLDER, changes, make_fields, names, read_fields, table

OLD = {
    "verdict": "ccma",
    "lesions[0].long_axis_mm": 30.0,
    "lesions[0].uncertainty.long_axis_mm": 2.0,
    "lesions[0].aspect": 1.5,
    "lesions[0].evidence.thick (long_axis_mm)": [30.0, "holds"],
    "lesions[0].core.sd_hu": None,
    "calcium.sectors": ["P1", "P2"],
}


@pytest.mark.parametrize("name", names())
def test_the_record_of_an_exam_is_as_kept(name):
    found = changes(read_fields(name), make_fields(name))
    assert not found, "\n".join(["what changed (benchmarks.golden --write keeps it):", *map(str, found)])


def test_every_kept_record_belongs_to_an_exam():
    assert {path.stem for path in FOLDER.glob("*.json")} == set(names())


def test_a_figure_may_move_within_a_tenth_of_its_stated_uncertainty():
    moved = {"lesions[0].long_axis_mm": 30.2, "lesions[0].evidence.thick (long_axis_mm)": [30.2, "holds"]}
    assert changes(OLD, {**OLD, **moved}) == []


def test_every_field_that_differs_is_listed():
    new = {
        "verdict": "mac",
        "lesions[0].long_axis_mm": 30.3,
        "lesions[0].uncertainty.long_axis_mm": 2.0,
        "lesions[0].aspect": 1.51,
        "lesions[0].evidence.thick (long_axis_mm)": [30.0, "fails"],
        "lesions[0].core.sd_hu": 0.0,
        "calcium.sectors": ["P1"],
        "calcium.arc_deg": 90.0,
    }
    listed = [str(change) for change in changes(OLD, new)]
    assert listed == [
        "calcium.arc_deg: null -> 90.0",
        'calcium.sectors: ["P1", "P2"] -> ["P1"]',
        "lesions[0].aspect: 1.5 -> 1.51",
        "lesions[0].core.sd_hu: null -> 0.0",
        'lesions[0].evidence.thick (long_axis_mm): [30.0, "holds"] -> [30.0, "fails"]',
        "lesions[0].long_axis_mm: 30.0 -> 30.3",
        'verdict: "ccma" -> "mac"',
    ]


def test_true_is_not_one():
    assert changes({"present": True}, {"present": 1})


def test_what_no_analysis_found_is_not_kept():
    kept = read_fields("sample")
    left_out = ("config", "software", "context", "timing_s", "files", "series.study_uid")
    assert not [key for key in kept if key.startswith(left_out)]
    assert "lesions[0].evidence.thick (short_axis_mm)" in kept


def test_the_table_names_exam_and_field():
    assert '| mac | `verdict` | "ccma" | null |' in table({"mac": changes({"verdict": "ccma"}, {})})
