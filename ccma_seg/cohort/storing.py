"""What is on disk of a cohort: one folder a result, one small file a failure; each is there whole, or not at all.

::

    OUT/cases/<case>/          the files of the exam, and case.json: its rows
    OUT/failed/<case>.json     the row of a series without a result
    OUT/run.json               what was run, and how it went

Tables are made of these and can be made again; nothing else is remembered, so that a run that was killed at any moment
can go on from what is there.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ccma_seg.cohort.blinding import READING_VIEWS, write_reading_views
from ccma_seg.cohort.jobs import Job
from ccma_seg.cohort.rows import Outcome
from ccma_seg.errors import OutputError
from ccma_seg.pipeline import Analysis
from ccma_seg.report import whole_folder, write_files

CASES, FAILURES, RUN = "cases", "failed", "run.json"
_CASE = "case.json"


def store_result(analysis: Analysis, outcome: Outcome, job: Job) -> None:
    """Write the folder of a case, safe from loss of power once it has its name.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    folder = job.out / CASES / outcome.case_id
    with whole_folder(folder) as private:
        write_files(analysis, private)
        if job.reading_views:
            write_reading_views(analysis, private / READING_VIEWS)
        (private / _CASE).write_text(_text(outcome, job), "utf-8")
        for path in sorted(private.rglob("*")):
            flush(path)
        flush(private)
    flush(folder.parent)
    (job.out / FAILURES / f"{outcome.case_id}.json").unlink(missing_ok=True)


def store_failure(outcome: Outcome, job: Job) -> None:
    """Write why a case has no result; an earlier result of it is removed.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    write_whole(job.out / FAILURES / f"{outcome.case_id}.json", _text(outcome, job))
    shutil.rmtree(job.out / CASES / outcome.case_id, ignore_errors=True)


def find_outcome(out: Path, case_id: str) -> Outcome | None:
    """Return what became of a case in an earlier run; None if it is not known, or not whole."""
    paths = (out / CASES / case_id / _CASE, out / FAILURES / f"{case_id}.json")
    return next((outcome for path in paths if (outcome := _read(path)) is not None), None)


def outcomes(out: Path) -> Iterator[Outcome]:
    """Yield what became of every case in a folder, in the order of case ids."""
    names = {path.name for path in _entries(out / CASES)} | {path.stem for path in _entries(out / FAILURES)}
    for case_id in sorted(name for name in names if not name.startswith(".")):
        outcome = find_outcome(out, case_id)
        if outcome is not None:
            yield outcome


def remove_leftovers(out: Path, case_id: str) -> None:
    """Remove what a process that was killed left of this case."""
    for folder in (out / CASES).glob(f".{case_id}.*"):
        shutil.rmtree(folder, ignore_errors=True)


def write_whole(path: Path, text: str) -> None:
    """Write a small file: the old one or the new one is there, whatever happens meanwhile.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with whole_file(path) as private:
        private.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a name to write to; the file takes the name `path` when all went well, and vanishes otherwise.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    private = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield private
        flush(private)
        private.replace(path)
        flush(path.parent)
    except OSError as error:
        raise OutputError(f"{path.name} cannot be written: {error.strerror or error}") from error
    finally:
        private.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Wait until a file or the names in a folder are on disk."""
    if path.is_dir() and not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _text(outcome: Outcome, job: Job) -> str:
    row = outcome.row if job.with_folders else {k: v for k, v in outcome.row.items() if k != "folder"}
    return json.dumps(asdict(outcome) | {"row": row}, indent=1, allow_nan=False) + "\n"


def _read(path: Path) -> Outcome | None:
    try:
        values: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return Outcome(row=values["row"], lesions=tuple(values["lesions"]), files=values["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _entries(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())
