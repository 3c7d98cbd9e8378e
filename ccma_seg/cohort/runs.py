"""`run.json`: what was run, with what, and how it went; and whether a later run may go on from it."""

import importlib.metadata
import json
import os
import platform
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from ccma_seg._version import __version__
from ccma_seg.cohort.jobs import Job
from ccma_seg.cohort.params import CohortParams, Existing
from ccma_seg.cohort.progress import Progress
from ccma_seg.cohort.rows import MACHINE_COLUMNS, Outcome
from ccma_seg.cohort.storing import RUN, write_whole
from ccma_seg.errors import ConfigError, OutputError
from ccma_seg.record import SCHEMA_VERSION

_LIBRARIES = ("numpy", "scipy", "scikit-image", "SimpleITK", "pydicom", "nibabel", "matplotlib")


def check_earlier(job: Job, existing: Existing) -> None:
    """Refuse a folder that may not be written to, before any work is done.

    Raises
    ------
    OutputError
        If it holds something, unless that is an earlier run and `existing` allows it.
    ConfigError
        If it is to be completed with another configuration than it was begun with.
    """
    out = job.out
    if out.exists() and not out.is_dir():
        raise OutputError(f"the output must be a folder, but {out.name} is a file; give another name")
    if not out.is_dir() or not any(out.iterdir()):
        return
    if existing == Existing.FAIL:
        raise OutputError(
            f"the output folder {out.name} holds something already; give another name, or --existing skip to go on"
        )
    earlier = _earlier_config(job)
    if existing == Existing.SKIP and earlier != job.config.sha256():
        raise ConfigError(
            f"the results in {out.name} were made with another configuration; go on with the same, "
            "or give another name, or --existing overwrite"
        )


def _earlier_config(job: Job) -> str:
    try:
        return str(json.loads((job.out / RUN).read_text("utf-8"))["software"]["config_sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"the folder {job.out.name} holds something other than a cohort, so it is left alone; give another name"
        ) from error


@dataclass(slots=True)
class Run:
    """One run of a cohort, as it is written down."""

    job: Job
    params: CohortParams
    _began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _started_s: float = field(default_factory=time.monotonic)

    def made(self, outcome: Outcome) -> bool:
        """Tell whether a result belongs to this configuration."""
        return bool(outcome.row["config_sha256"] == self.job.config.sha256())

    def write(self, status: str, progress: Progress) -> None:
        """Write `run.json`.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        write_whole(self.job.out / RUN, json.dumps(self._record(status, progress), indent=1) + "\n")

    def _record(self, status: str, progress: Progress) -> dict[str, Any]:
        walked = progress.walked
        return {
            "schema_version": SCHEMA_VERSION,
            "status": status,
            "software": {"name": "ccma-seg", "version": __version__, "config_sha256": self.job.config.sha256()},
            "libraries": {name: _version(name) for name in _LIBRARIES},
            "machine": {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()},
            "options": asdict(self.params),
            "config": self.job.config.as_dict(),
            "counts": {
                "folders": walked.folders,
                "files": walked.files,
                "files_ignored": dict(sorted(walked.ignored.items())),
                "series_to_do": progress.total,
                "series_done": progress.done,
                "verdicts": dict(sorted(progress.verdicts.items())),
                "skipped": dict(sorted(progress.skipped.items())),
                "failures": dict(sorted(progress.failures.items())),
            },
            "timing": {
                "began": self._began.isoformat(timespec="seconds"),
                "total_s": round(time.monotonic() - self._started_s, 3),
            },
            "differs_from_run_to_run": ["timing", *MACHINE_COLUMNS],
        }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
