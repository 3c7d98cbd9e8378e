"""Comparing exams, finished results and phases: what goes in, what comes out, and how it refuses."""

import csv
import datetime as dt
import json
from dataclasses import replace

import jsonschema
import pytest
from typer.testing import CliRunner

import ccma_seg as ccma
from ccma_seg.cli.analysis import further_phases
from ccma_seg.cli.app import app
from ccma_seg.comparison import comparison_schema
from ccma_seg.comparison.exams import open_exam
from ccma_seg.config import Config
from ccma_seg.errors import ConfigError, CorruptInputError, OutputError
from ccma_seg.phantom import insert, make_phantom, read_recipe
from ccma_seg.record import tracking_uid
from ccma_seg.series import write_series
from test_cli import make_block

DAY = dt.date(2025, 1, 1)


def dated(analysis, days=0, **acquisition):
    """Return an analysis of another study, some days later."""
    own = analysis.volume.acquisition
    acquired = replace(own, date=DAY + dt.timedelta(days), **{"study_uid": f"1.2.{days + 1}"} | acquisition)
    return replace(analysis, volume=replace(analysis.volume, acquisition=acquired))


@pytest.fixture(scope="module")
def finished(analysis, tmp_path_factory):
    """The folder of a finished result: what a comparison needs of it."""
    return ccma.write_results(analysis, tmp_path_factory.mktemp("finished") / "out")


@pytest.fixture(scope="module")
def grown():
    """One heart with a mass, the same a tenth larger, and a quarter."""
    scanner = replace(read_recipe("demo").scanner, matrix=192, slices=92, slice_spacing_mm=1.2)
    heart = make_phantom(replace(read_recipe("normal"), scanner=scanner))
    (spec,) = read_recipe("ccma_soft").lesions

    def scaled(share):
        names = ("long_axis_mm", "short_axis_mm", "third_axis_mm")
        sizes = {name: (getattr(spec, name) or spec.short_axis_mm) * share ** (1 / 3) for name in names}
        mass = insert(heart.volume, heart.annulus, replace(spec, **sizes)).volume
        acquisition = replace(mass.acquisition, study_uid=f"1.2.{share * 100:.0f}")
        return ccma.analyze(replace(mass, acquisition=acquisition), annulus=heart.annulus)

    return scaled(1.0), scaled(1.1), scaled(1.25)


def test_growth_of_a_quarter_is_found_and_of_a_tenth_is_not_called_growth(grown):
    first, tenth, quarter = grown
    assert ccma.compare(first, tenth).lesions[0]["change"] == "unchanged"
    found = ccma.compare(first, quarter).lesions[0]
    assert found["change"] == "increased"
    volume = next(q for q in found["quantities"] if q["quantity"] == "volume_mm3")
    assert volume["difference_pct"] == pytest.approx(25, abs=4)


def test_the_same_exam_has_not_changed_and_its_record_follows_the_schema(analysis):
    record = ccma.compare(dated(analysis), dated(analysis, 100)).record()
    jsonschema.validate(record, comparison_schema())
    assert record["kind"] == "follow_up"
    assert record["interval_days"] == 100
    assert [x["change"] for x in record["lesions"]] == ["unchanged"]


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(comparison_schema())


def test_no_date_and_no_patient_is_in_the_record(analysis):
    text = json.dumps(ccma.compare(dated(analysis, patient_key="ab12cd"), dated(analysis, 30)).record())
    assert "ab12cd" not in text
    assert "2025" not in text.replace(analysis.volume.acquisition.series_uid, "")


def test_a_lesion_keeps_the_identifier_of_the_exam_that_first_showed_it(analysis):
    first, second = dated(analysis), dated(analysis, 100, series_uid="1.2.99")
    found = ccma.compare(first, second).record()["lesions"][0]
    assert found["tracking_uid"] == tracking_uid(analysis.volume.acquisition.series_uid, 1)
    without = replace(first, masses=())
    new = ccma.compare(without, second).record()["lesions"][0]
    assert (new["change"], new["tracking_uid"]) == ("new", tracking_uid("1.2.99", 1))


def test_exams_in_the_wrong_order_are_refused(analysis):
    with pytest.raises(ConfigError, match="swap"):
        ccma.compare(dated(analysis, 10), dated(analysis))


def test_two_patient_ids_are_told_and_degrade(analysis):
    found = ccma.compare(dated(analysis, patient_key="a"), dated(analysis, 5, patient_key="b"))
    assert found.status == "degraded"
    assert "patient_ids_differ" in {reason.code for reason in found.reasons}


def test_finished_results_are_compared_by_their_records(finished, analysis, tmp_path):
    found = ccma.compare(finished, finished, kind="follow_up", interval_days=90)
    assert found.lesions[0]["change"] == "unchanged"
    assert "finished_result" in {reason.code for reason in found.reasons}
    written = ccma.write_comparison(found, tmp_path / "out")
    assert (written / "comparison.png").stat().st_size > 10_000
    assert ccma.compare(finished, dated(analysis)).record()["baseline"]["finished_result"] is True


def test_a_damaged_result_is_refused(tmp_path):
    (tmp_path / "report.json").write_text('{"schema_version": "1.0"}', "utf-8")
    with pytest.raises(CorruptInputError, match="run the exam again"):
        open_exam(tmp_path, ccma.Config())


def test_the_table_has_a_row_for_each_figure(analysis, tmp_path):
    out = ccma.write_comparison(ccma.compare(dated(analysis), dated(analysis, 9)), tmp_path / "out")
    with (out / "comparison.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["quantity"] for row in rows} >= {"volume_mm3", "core.mean_hu", "calcium.annular_volume_mm3"}
    with pytest.raises(OutputError, match="exists"):
        ccma.write_comparison(ccma.compare(dated(analysis), dated(analysis, 9)), out)


def test_two_exams_without_a_mass_are_drawn_too(analysis, tmp_path):
    bare = replace(dated(analysis), masses=())
    found = ccma.compare(bare, replace(dated(analysis, 3), masses=()))
    assert found.explanation == "There is no mass in either exam."
    assert (ccma.write_comparison(found, tmp_path / "out") / "comparison.png").is_file()


def test_same_bytes_every_time(analysis, tmp_path):
    first, second = (
        ccma.write_comparison(ccma.compare(dated(analysis), dated(analysis, 9)), tmp_path / name) for name in "ab"
    )
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_compares_finished_results(finished, tmp_path):
    result = call("compare", finished, finished, "-o", tmp_path / "out", "--as", "follow_up", "--interval-days", "40")
    assert result.exit_code == 0, result.output
    assert "unchanged" in result.stdout
    assert (tmp_path / "out" / "comparison.json").is_file()


def test_the_command_speaks_json(finished, tmp_path):
    result = call("compare", finished, finished, "-o", tmp_path / "out", "--as", "follow_up", "--json")
    jsonschema.validate(json.loads(result.stdout), comparison_schema())


def test_the_command_leaves_with_5_where_an_exam_is_missing(finished, tmp_path):
    assert call("compare", finished, tmp_path / "none", "-o", tmp_path / "out").exit_code == 5
    assert not (tmp_path / "out").exists()


def test_a_limit_from_the_command_line_changes_what_is_growth(finished, tmp_path):
    result = call("compare", finished, finished, "-o", tmp_path / "o", "--set", "followup.volume_pct=-1")
    assert result.exit_code == 2


def test_the_series_that_was_read_already_is_not_taken_for_the_second_phase(tmp_path):
    for number in (1, 2):
        write_series(make_block(series_uid=f"1.2.{number}"), tmp_path / str(number))
    first = ccma.read_series(tmp_path).acquisition.series_uid
    other = ccma.read_series(tmp_path, other_than={first}).acquisition.series_uid
    assert {first, other} == {"1.2.1", "1.2.2"}


def test_further_phases_are_read_from_one_folder_each_another_series(tmp_path):
    for number in (1, 2, 3):
        write_series(make_block(series_uid=f"1.2.{number}"), tmp_path / str(number))
    first = ccma.read_series(tmp_path)
    read = further_phases([tmp_path, tmp_path], first, Config())
    assert {volume.acquisition.series_uid for volume in (first, *read)} == {"1.2.1", "1.2.2", "1.2.3"}
