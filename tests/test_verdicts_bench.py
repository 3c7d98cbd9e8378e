"""The bench of verdicts: what it notes, and that processes share its exams."""

from collections import Counter

from benchmarks.closeup import close_up
from benchmarks.verdicts import STRATA, Options, Row, dangers, drawn, report, run
from ccma_seg.phantom import read_recipe
from ccma_seg.phantom.ring import make_annulus
from ccma_seg.phantom.variation import vary


def row(name, verdict, *, truth_verdict, core_hu=80.0):
    core = {"mean_hu": core_hu, "sd_hu": 30.0, "like_blood": {"surely": 0.0, "perhaps": 0.0}, "inside_mm3": 900.0}
    lesion = {
        "kind": "mass",
        "verdict": truth_verdict,
        "short_axis_mm": 20.0,
        "core": core,
        "cavity": {"neck_mm": None},
    }
    truth = {
        "verdict": truth_verdict,
        "lesions": [lesion] if truth_verdict == "ccma" else [{"kind": "band", "mean_hu": 900.0}],
        "contrast": {"state": "enhanced", "blood_pool_hu": 350.0},
        "series": {"slice_thickness_mm": 0.75},
    }
    return Row(name=name, seed=1, truth=truth, verdict=verdict, neck_mm=None)


def test_strata_are_drawn_in_proportion_even_when_a_run_is_cut_short():
    exams = drawn(Options(number=140, seed=5))
    kinds = [recipe.name.removeprefix("rough_").rsplit("_", 1)[0] for _, recipe in exams]
    assert Counter(kinds) == {kind: n // 10 for kind, n in STRATA.items()}
    assert abs(kinds[:70].count("intact") - 25) <= 1


def test_dangerous_errors_are_counted_and_named_by_seed():
    rows = [
        row("rough_intact_1", "ruptured_ccma", truth_verdict="ccma"),
        row("rough_intact_2", "ccma_rupture_not_assessable", truth_verdict="ccma"),
        row("rough_solid_3", "ccma", truth_verdict="mac"),
        row("rough_solid_4", "mac", truth_verdict="mac"),
    ]
    said = dangers(rows)
    assert said[0] == "- intact or solid called `ruptured_ccma`: 1 of 4 (rough_intact_1)"
    assert said[2].endswith("`ccma_rupture_not_assessable`: 1 of 2 (rough_intact_2)")
    assert said[-1] == "- solid called a mass of any kind: 1 of 2 (rough_solid_3)"


def test_a_close_up_holds_a_mass_beside_a_band():
    recipe = read_recipe("mac_and_ccma")
    small = close_up(recipe, seed=1).scanner
    ring = make_annulus(vary(recipe.anatomy, seed=1).annulus, (0.0, 0.0, 0.0))
    assert small.field_of_view_mm >= 54.0
    assert ring.septal_lateral_mm < small.field_of_view_mm < recipe.scanner.field_of_view_mm


def test_exams_that_two_processes_looked_at_are_noted_once_by_rising_seed(tmp_path):
    options = Options(number=2, seed=92_020, kind="normal", smooth=True, jobs=2, rows=tmp_path / "rows.jsonl")
    rows = list(run(options))
    assert rows[0].seed < rows[1].seed
    assert list(run(options)) == rows
    assert len(options.rows.read_text().splitlines()) == 2
    assert "verdict as the exam allows: 2 of 2" in report(rows)
