"""The bench of verdicts: what it notes, and that processes share its exams."""

from benchmarks.verdicts import Options, report, run


def test_exams_that_two_processes_looked_at_are_noted_once_by_rising_seed(tmp_path):
    options = Options(number=2, seed=92_020, kind="normal", jobs=2, rows=tmp_path / "rows.jsonl")
    rows = list(run(options))
    assert rows[0].seed < rows[1].seed
    assert list(run(options)) == rows
    assert len(options.rows.read_text().splitlines()) == 2
    assert "verdict as the exam allows: 2 of 2" in report(rows)
