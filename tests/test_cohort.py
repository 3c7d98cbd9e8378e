"""Cohorts: every series gets its row, whatever happens to it, to the process that analyses it, or to the run."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path

import pytest
from typer.testing import CliRunner

import odd_worker
from ccma_seg.cli.app import app
from ccma_seg.cohort import CohortParams, Existing, list_cases, run_cohort
from ccma_seg.cohort.engines import Engine, local_engine
from ccma_seg.config import Config
from ccma_seg.errors import ConfigError, InputPathError, NoSeriesError, OutputError
from ccma_seg.series import walk_archive
from make_dicom import UID, write_ct

TESTS = Path(__file__).parent
SAMPLE = TESTS.parent / "sample_data" / "dicom"


def make_archive(root, *names):
    """Write one good series a name, each with UIDs of its own."""
    for name in names:
        number = sum(ord(letter) * 7**place for place, letter in enumerate(name))
        uids = {"SeriesInstanceUID": f"{UID}2.{number}", "StudyInstanceUID": f"{UID}1.{number}"}

        def edit(image, index, uids=uids):
            for keyword, uid in uids.items():
                setattr(image, keyword, uid)
            image.SOPInstanceUID = f"{uids['SeriesInstanceUID']}.{index}"

        write_ct(root / name, count=5, edit=edit)
    return root


def scratch_of(out):
    scratch = out.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    return scratch


def run(root, out, **options):
    """Run a cohort whose cases are only pretended to be analysed, in threads of this process."""

    @contextmanager
    def threads(params, _):
        with ThreadPoolExecutor(params.jobs) as executor:
            yield Engine(executor, partial(odd_worker.analyse, scratch=scratch_of(out)), params.jobs)

    return run_cohort(root, out, params=CohortParams(**options), start_engine=threads)


def run_apart(root, out, **options):
    """Run it as it is run, each case in a process of its own."""
    odd = partial(local_engine, command=[sys.executable, odd_worker.__file__, str(scratch_of(out))])
    return run_cohort(root, out, params=CohortParams(**options), start_engine=odd)


def rows(out, table="series.csv"):
    with (out / table).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def row_of(root, out, name):
    """Return the row of the series in folder `name`."""
    (case,) = (case for case in list_cases(root, out / "nowhere") if case.folders[0] == name)
    (row,) = (row for row in rows(out) if row["case_id"] == case.case_id)
    return row


def log(out):
    path = out.parent / "scratch" / "log"
    return path.read_text("utf-8").split() if path.exists() else []


def contents(out):
    """Return all that must be the same in every run."""
    files = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    run_file = json.loads(files.pop("run.json"))
    table = [{k: v for k, v in row.items() if k not in run_file["differs_from_run_to_run"]} for row in rows(out)]
    del files["series.csv"]
    for name in [name for name in files if name.endswith(".json")]:
        case = json.loads(files[name]) if name.startswith("failed/") or name.endswith("/case.json") else {}
        for column in ("seconds", "peak_memory_mib"):
            case.get("row", {}).pop(column, None)
        files[name] = json.dumps(case) if case else files[name]
    return files, table, run_file["counts"]


def start_batch(root, out, *options):
    command = [sys.executable, TESTS / "odd_batch.py", scratch_of(out), root, "-o", out, *options]
    return subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def wait_for(condition, *, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def holdings(root):
    return {holding.name: holding for holding in walk_archive(root)}


# where series lie


def test_the_walk_counts_what_each_folder_holds(tmp_path):
    make_archive(tmp_path, "a/x", "a/y")
    (tmp_path / "a" / "notes.txt").write_text("text")
    (tmp_path / "a" / "x" / "empty").touch()
    found = holdings(tmp_path)
    assert list(found) == [".", "a", "a/x", "a/y"]
    assert found["a"].ignored == {"not_dicom": 1}
    assert found["a/x"].series.total() == 5
    assert [reason.code for reason in found["a/x"].lost] == ["damaged_file"]


def test_a_large_folder_is_told_in_parts(tmp_path):
    for number in range(2100):
        (tmp_path / f"{number}.txt").write_text("text")
    parts = list(walk_archive(tmp_path))
    assert [part.file_count for part in parts] == [1000, 1000, 100]
    assert {part.name for part in parts} == {"."}


def test_links_that_form_a_loop_end_and_are_counted(tmp_path):
    make_archive(tmp_path, "a")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert [holding.ignored["link"] for holding in walk_archive(tmp_path)] == [0, 1]


def test_a_zip_is_looked_into(tmp_path):
    make_archive(tmp_path, "a", "b")
    shutil.make_archive(str(tmp_path / "exam"), "zip", tmp_path / "a")
    shutil.rmtree(tmp_path / "a")
    assert {name: found.series.total() for name, found in holdings(tmp_path).items()} == {".": 0, "b": 5, "exam.zip": 5}


def test_a_series_spread_over_folders_is_one_case(tmp_path):
    make_archive(tmp_path, "a")
    parts = [tmp_path / "part0", tmp_path / "part1"]
    for part in parts:
        part.mkdir()
    for index, path in enumerate(sorted((tmp_path / "a").iterdir())):
        path.rename(parts[index % 2] / path.name)
    (case,) = list_cases(tmp_path, tmp_path / "out")
    assert case.folders == ("part0", "part1")
    assert case.files == 5
    assert [note.code for note in case.notes] == ["spread_over_folders"]


def test_copies_of_a_series_are_told_as_such(tmp_path):
    make_archive(tmp_path, "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    cases = list(list_cases(tmp_path, tmp_path / "out"))
    assert [[note.code for note in case.notes] for case in cases] == [["duplicate_series"]] * 2
    assert len({case.case_id for case in cases}) == 2


def test_two_patients_under_one_series_uid_stay_apart_and_are_doubted(tmp_path):
    write_ct(tmp_path / "a", count=5)
    write_ct(
        tmp_path / "b", count=5, PatientID="another", edit=lambda i, n: setattr(i, "SOPInstanceUID", f"1.2.{n + 1}")
    )
    notes = [note for case in list_cases(tmp_path, tmp_path / "out") for note in case.notes]
    assert [(note.code, note.degrades) for note in notes] == [("shared_series_uid", True)] * 2


def test_a_case_id_tells_nothing_and_never_changes(tmp_path):
    make_archive(tmp_path, "Name^Of^A^Person")
    (case,) = list_cases(tmp_path, tmp_path / "out")
    assert case.case_id == "case-85cf5e8d7c0568db"


def test_shards_share_all_series_out(tmp_path):
    make_archive(tmp_path, "a", "b", "c", "d", "e")
    shards = [[c.case_id for c in list_cases(tmp_path, "out", params=CohortParams(shard=(i, 3)))] for i in (1, 2, 3)]
    assert sorted(chain.from_iterable(shards)) == sorted(case.case_id for case in list_cases(tmp_path, "out"))


def test_results_inside_the_archive_are_not_looked_into(tmp_path):
    make_archive(tmp_path, "a", "out/b")
    assert [case.folders for case in list_cases(tmp_path, tmp_path / "out")] == [("a",)]


def test_an_archive_without_series_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(NoSeriesError, match="none of its 1 files"):
        run(tmp_path, tmp_path / "out")


def test_an_archive_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputPathError):
        run(tmp_path / "nowhere", tmp_path / "out")


# rows


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A cohort of good and of all kinds of bad series, run once."""
    base = tmp_path_factory.mktemp("mixed")
    root = make_archive(base / "root", "good", "gap", "cut", "dies", "hangs", "eats", "odd", "once", "good2")
    sorted((root / "gap").iterdir())[2].unlink()
    os.truncate(sorted((root / "cut").iterdir())[2], 1500)
    write_ct(root / "mr", Modality="MR", SeriesInstanceUID="1.9", SOPClassUID="1.2.840.10008.5.1.4.1.1.4")
    (root / "zeros").mkdir()
    for number in range(3):
        (root / "zeros" / str(number)).write_bytes(bytes(132))
    cohort = run_apart(root, base / "out", jobs=2, timeout_s=10)
    return root, base / "out", cohort


def test_every_series_has_one_row(mixed):
    _, out, cohort = mixed
    assert len(rows(out)) == cohort.series == 11
    assert len({row["case_id"] for row in rows(out)}) == 11


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("gap", "incomplete_volume;missing_slices"),
        ("cut", "corrupt_input;truncated"),
        ("zeros", "damaged_file"),
        ("dies", "process_died"),
        ("hangs", "timeout"),
        ("eats", "out_of_memory"),
        ("odd", "unexpected"),
    ],
)
def test_a_series_without_a_result_says_why(mixed, name, codes):
    root, out, _ = mixed
    row = row_of(root, out, name)
    assert (row["status"], row["verdict"], row["reason_codes"]) == ("failed", "", codes)
    assert not (out / "cases" / row["case_id"]).exists()


def test_what_is_no_ct_is_skipped_by_its_kind(mixed):
    root, out, cohort = mixed
    row = row_of(root, out, "mr")
    assert (row["status"], row["verdict"], row["reason_codes"]) == ("skipped", "", "wrong_modality")
    assert cohort.skipped == {"wrong_modality": 1}


@pytest.mark.parametrize("name", ["good", "good2", "once"])
def test_the_others_are_analysed_all_the_same(mixed, name):
    root, out, _ = mixed
    row = row_of(root, out, name)
    assert (row["status"], row["verdict"]) == ("ok", "mac")
    assert json.loads((out / "cases" / row["case_id"] / "case.json").read_text("utf-8"))["files"] == 5


def test_nothing_is_left_beside_results(mixed):
    _, out, _ = mixed
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["cases", "failed", "index.html", "lesions.csv", "run.json", "series.csv"]
    )
    assert not list(out.rglob(".*"))


def test_no_row_names_a_person_or_runs_as_a_formula(mixed):
    _, out, _ = mixed
    text = "".join(path.read_text("utf-8") for path in out.rglob("*.*") if path.is_file())
    assert "Name^Of^A^Person" not in text
    assert "ID-OF-A-PERSON" not in text
    assert {row["explanation"] for row in rows(out)} == {"", "'=1+1"}


def test_run_json_counts_what_happened(mixed):
    counts = json.loads((mixed[1] / "run.json").read_text("utf-8"))["counts"]
    assert counts["series_done"] == 11
    assert counts["verdicts"] == {"mac": 3}
    assert counts["skipped"] == {"wrong_modality": 1}
    assert sum(counts["failures"].values()) == 7


def test_results_are_the_same_bytes_however_many_at_a_time(tmp_path):
    root = make_archive(tmp_path / "root", "a", "b", "c", "odd", "d")
    for jobs in (1, 3):
        run_apart(root, tmp_path / f"out{jobs}", jobs=jobs)
    assert contents(tmp_path / "out1") == contents(tmp_path / "out3")


# going on


def test_earlier_results_are_left_alone_unless_told_otherwise(tmp_path):
    root = make_archive(tmp_path / "root", "a")
    run(root, tmp_path / "out")
    with pytest.raises(OutputError, match="--existing skip"):
        run(root, tmp_path / "out")


def test_a_folder_with_something_else_is_never_written_to(tmp_path):
    root = make_archive(tmp_path / "root", "a")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.doc").write_text("text")
    with pytest.raises(OutputError, match="something other than a cohort"):
        run(root, tmp_path / "out", existing=Existing.OVERWRITE)


def test_going_on_does_only_what_is_new_or_has_grown(tmp_path):
    root, out = make_archive(tmp_path / "root", "a", "b", "odd"), tmp_path / "out"
    run(root, out)
    make_archive(root, "c")
    shutil.copy(next((root / "b").iterdir()), root / "b" / "copy")
    before = log(out)
    assert run(root, out, existing=Existing.SKIP).analysed == 2
    assert sorted(log(out)[len(before) :]) == ["b", "c"]
    assert len(rows(out)) == 4


def test_what_failed_is_tried_again_when_asked(tmp_path):
    root, out = make_archive(tmp_path / "root", "a", "odd"), tmp_path / "out"
    run(root, out)
    before = log(out)
    run(root, out, existing=Existing.SKIP, retry_failed=True)
    assert log(out)[len(before) :] == ["odd"]


def test_a_failure_that_is_mended_leaves_no_trace(tmp_path):
    root, out = make_archive(tmp_path / "root", "a"), tmp_path / "out"
    lost = sorted((root / "a").iterdir())[2].rename(tmp_path / "lost")
    assert run(root, out).failures == {"incomplete_volume": 1}
    lost.rename(root / "a" / "found")
    assert run(root, out, existing=Existing.SKIP).verdicts == {"mac": 1}
    assert not list((out / "failed").iterdir())


def test_going_on_with_another_configuration_is_refused(tmp_path):
    root, out = make_archive(tmp_path / "root", "a"), tmp_path / "out"
    run(root, out)
    other = Config().with_setting("read.min_slices=4")
    with pytest.raises(ConfigError, match="another configuration"):
        run_cohort(root, out, other, params=CohortParams(existing=Existing.SKIP))


def test_going_on_with_other_threads_goes_on(tmp_path):
    root, out = make_archive(tmp_path / "root", "a"), tmp_path / "out"
    run(root, out)
    other = Config().with_setting("read.threads=1")
    assert run_cohort(root, out, other, params=CohortParams(existing=Existing.SKIP)).analysed == 0


def test_a_limit_is_kept_and_the_next_run_takes_the_next(tmp_path):
    root, out = make_archive(tmp_path / "root", "a", "b", "c"), tmp_path / "out"
    assert [run(root, out, existing=Existing.SKIP, limit=2).analysed for _ in range(3)] == [2, 1, 0]
    assert sorted(log(out)) == ["a", "b", "c"]


def test_shards_fill_one_folder_together(tmp_path):
    root, out = make_archive(tmp_path / "root", "a", "b", "c", "d"), tmp_path / "out"
    for part in (1, 2):
        run(root, out, existing=Existing.SKIP, shard=(part, 2))
    assert len(rows(out)) == 4


def test_a_full_disk_stops_the_run_and_the_next_goes_on(tmp_path):
    root, out = make_archive(tmp_path / "root", "a", "full", "z"), tmp_path / "out"
    with pytest.raises(OutputError, match="the disk is full"):
        run(root, out)
    assert len(rows(out)) < 3
    assert not list((out / "cases").glob(".*"))
    assert run(root, out, existing=Existing.SKIP).verdicts == {"mac": 3}
    assert sorted(log(out)) == ["a", "full", "full", "z"]


def test_a_run_that_was_killed_goes_on_where_it_was(tmp_path):
    root, out = make_archive(tmp_path / "root", *(f"slow{n}" for n in range(6))), tmp_path / "out"
    batch = start_batch(root, out, "-j", "2")
    wait_for(lambda: len(list(out.glob("cases/case-*"))) >= 2)
    batch.kill()
    batch.communicate()
    done = {path.name for path in out.glob("cases/case-*")}
    assert all(sorted(p.name for p in out.glob(f"cases/{name}/*")) == PARTS for name in done)
    begun = len(log(out))
    cohort = run(root, out, existing=Existing.SKIP)
    assert cohort.analysed == 6 - len(done) == len(log(out)) - begun
    assert cohort.verdicts == {"mac": 6}
    assert not list(out.rglob(".*"))


PARTS = ["case.json", "labels.nii.gz", "report.html", "report.json"]


def test_ctrl_c_ends_a_run_after_the_series_under_way(tmp_path):
    root, out = make_archive(tmp_path / "root", *(f"slow{n}" for n in range(6))), tmp_path / "out"
    batch = start_batch(root, out)
    wait_for(lambda: len(list(out.glob("cases/case-*"))) >= 1)
    batch.send_signal(signal.SIGINT)
    _, said = batch.communicate()
    assert batch.returncode == 130
    assert "stopping after the series under way" in said
    assert 1 <= len(rows(out)) == len(log(out)) < 6
    assert json.loads((out / "run.json").read_text("utf-8"))["status"] == "interrupted"


def test_a_second_ctrl_c_ends_a_run_at_once(tmp_path):
    root, out = make_archive(tmp_path / "root", "a", "hangs"), tmp_path / "out"
    batch = start_batch(root, out, "-j", "2")
    wait_for(lambda: "hangs" in log(out) and list(out.glob("cases/case-*")))
    for _ in range(2):
        batch.send_signal(signal.SIGINT)
        time.sleep(0.3)
    batch.communicate(timeout=20)
    assert batch.returncode == 130
    assert [row["verdict"] for row in rows(out)] == ["mac"]


# the command


def test_a_real_exam_among_damaged_ones_leaves_with_8(tmp_path):
    shutil.copytree(SAMPLE, tmp_path / "root" / "exam")
    (tmp_path / "root" / "cut").mkdir()
    (tmp_path / "root" / "cut" / "1").touch()
    result = CliRunner().invoke(
        app, ["batch", str(tmp_path / "root"), "-o", str(tmp_path / "out"), "--json", "--parquet"]
    )
    assert result.exit_code == 8
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert sorted(row["status"] for row in told) == ["failed", "failed", "ok"]
    (case,) = (tmp_path / "out" / "cases").iterdir()
    assert {"report.json", "report.html", "lesions.csv", "labels.nii.gz"} <= {path.name for path in case.iterdir()}
    assert [row["case_id"] for row in rows(tmp_path / "out", "lesions.csv")] == [case.name]
    assert f"cases/{case.name}/report.html" in (tmp_path / "out" / "index.html").read_text("utf-8")
    assert (tmp_path / "out" / "series.parquet").stat().st_size


def test_a_dry_run_lists_series_and_writes_nothing(tmp_path):
    root = make_archive(tmp_path / "root", "a", "b")
    result = CliRunner().invoke(app, ["batch", str(root), "-o", str(tmp_path / "out"), "--dry-run"])
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2
    assert not (tmp_path / "out").exists()
    assert result.stderr.startswith("looking: ")


@pytest.mark.parametrize("options", [["--shard", "3/2"], ["--shard", "x"], ["--existing", "perhaps"], ["-j", "0"]])
def test_wrong_options_leave_with_2(tmp_path, options):
    result = CliRunner().invoke(app, ["batch", str(tmp_path), "-o", str(tmp_path / "out"), *options])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
