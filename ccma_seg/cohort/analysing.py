"""One case from its files to its folder, in a process of its own."""

import logging
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ccma_seg.cohort.cases import Case
from ccma_seg.cohort.jobs import Job
from ccma_seg.cohort.rows import OUT_OF_MEMORY, Outcome, analysed, failed
from ccma_seg.cohort.storing import remove_leftovers, store_failure, store_result
from ccma_seg.errors import CcmaError, HeartNotFoundError, InputPathError, NoHeartError
from ccma_seg.pipeline import Analysis, analyze
from ccma_seg.reasons import Reason
from ccma_seg.series import Inventory, Series, choose_series, find_in_archive, read_chosen
from ccma_seg.series.kinds import kind_of

logger = logging.getLogger(__name__)


def analyse_case(case: Case, job: Job) -> Outcome:
    """Analyse one case and write its folder, or the reason why there is none; never raises for what it was given.

    Raises
    ------
    OutputError
        If results cannot be written, which is not the fault of the case.
    """
    started = time.perf_counter()
    remove_leftovers(job.out, case.case_id)
    found = _try(case, job)
    figures = {"seconds": round(time.perf_counter() - started, 3), "peak_memory_mib": _peak_memory_mib()}
    if isinstance(found, _Refusal):
        outcome = failed(case, found.reasons, config_sha256=job.config.sha256(), skipped=found.skipped)
        outcome = outcome.with_machine(**figures)
        store_failure(outcome, job)
    else:
        outcome = analysed(case, found.record()).with_machine(**figures)
        store_result(found, outcome, job)
    return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """Why there is no analysis."""

    reasons: tuple[Reason, ...]
    skipped: bool = False
    """Whether there should be none."""


def _try(case: Case, job: Job) -> Analysis | _Refusal:
    """Return the analysis, or why there is none."""
    inventory = None
    if case.lost:
        return _Refusal(reasons=case.lost)
    try:
        inventory = find_in_archive(job.root, case.folders, series_uid=case.series_uid, params=job.config.read)
        return analyze(read_chosen(_choose(case, inventory, job), job.config.read), job.config)
    except InputPathError:
        text = "a folder of the series was there when looked for and is not any more"
        return _Refusal(reasons=(Reason(InputPathError.code, text),))
    except CcmaError as error:
        kinds = _kinds(inventory)
        no_candidate = isinstance(error, NoHeartError) and not isinstance(error, HeartNotFoundError)
        return _Refusal(reasons=kinds or tuple(_reasons(error, inventory)), skipped=bool(kinds) or no_candidate)
    except MemoryError:
        text = "the analysis needs more memory than a process may have; raise --max-memory"
        return _Refusal(reasons=(Reason(OUT_OF_MEMORY, text),))
    except Exception as error:
        logger.debug("unexpected", exc_info=error)
        return _Refusal(reasons=(_unexpected(error),))


def _choose(case: Case, inventory: Inventory, job: Job) -> Series:
    series = choose_series(
        inventory,
        allow_missing_slices=job.allow_missing_slices,
        allow_gantry_tilt=job.allow_gantry_tilt,
        params=job.config.read,
    )
    return replace(series, reasons=(*series.reasons, *case.notes))


def _kinds(inventory: Inventory | None) -> tuple[Reason, ...]:
    """Return what the series is instead of a CT; nothing if some of it is one."""
    kinds = [] if inventory is None else [kind_of(series.images[0]) for series in inventory.series]
    return tuple(dict.fromkeys(kind for kind in kinds if kind)) if all(kinds) else ()


def _reasons(error: CcmaError, inventory: Inventory | None) -> Iterator[Reason]:
    """Tell a refusal by its kind, then by what stands against the series that suited best."""
    yield Reason(error.code, str(error))
    refused = [] if inventory is None else [series for series in inventory.series if series.obstacles]
    if refused:
        best = max(refused, key=lambda series: (isinstance(error, series.obstacles[0].error), series.rank))
        yield from (Reason(obstacle.code, str(error)) for obstacle in best.obstacles)


def _unexpected(error: Exception) -> Reason:
    """Name the place; the words of a foreign error may hold anything."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "ccma_seg" in frame.filename]
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return Reason("unexpected", f"unexpected error ({type(error).__name__}){place}; please report it")


def _peak_memory_mib() -> float | None:
    """Return the most memory that this process has held so far; None where the system does not say."""
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1024**2, 1)
