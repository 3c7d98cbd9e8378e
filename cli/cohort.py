"""`batch`: every exam of an archive."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .analysis import read_config
from .display import Display
from .exits import speaks_plainly
from .options import ConfigFile, Json, LogFile, Output, Settings, Verbose
from .progress import set_up_logging

if TYPE_CHECKING:
    from ccma_seg.cohort import Cohort, CohortParams, Stop
    from ccma_seg.config import Config

_WHICH, _HOW = "Which series", "How it is run"


@speaks_plainly
def batch(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="Folder with many exams, or a zip.")],
    output: Output,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", help="How many at a time (1).", rich_help_panel=_HOW)
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Address of a Dask scheduler.", rich_help_panel=_HOW)
    ] = None,
    existing: Annotated[
        str | None, typer.Option("--existing", help="skip (go on), overwrite, or (fail).", rich_help_panel=_HOW)
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", help="Seconds a series may take (1800).", rich_help_panel=_HOW)
    ] = None,
    max_memory: Annotated[
        float | None, typer.Option("--max-memory", help="GiB a series may take (8).", rich_help_panel=_HOW)
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", help="At most so many series.", rich_help_panel=_WHICH)
    ] = None,
    shard: Annotated[
        str | None, typer.Option("--shard", help="Part i of n of all series, as i/n.", rich_help_panel=_WHICH)
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="With --existing skip.", rich_help_panel=_WHICH)
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be analysed.", rich_help_panel=_WHICH)
    ] = False,
    allow_missing_slices: Annotated[
        bool, typer.Option("--allow-missing-slices", help="Interpolate gaps.", rich_help_panel=_WHICH)
    ] = False,
    allow_gantry_tilt: Annotated[
        bool, typer.Option("--allow-gantry-tilt", help="Resample tilted slices.", rich_help_panel=_WHICH)
    ] = False,
    with_folders: Annotated[
        bool, typer.Option("--with-folders", help="Name folders in the tables; they may name patients.")
    ] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write the tables as Parquet too.")] = False,
    reading_views: Annotated[
        bool, typer.Option("--reading-views", help="Draw exams for readers too; see `ccma-seg study`.")
    ] = False,
    config: ConfigFile = None,
    settings: Settings = None,
    as_json: Json = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
) -> None:
    """Analyse every cardiac CT series under a folder.

    Writes OUT/cases/, series.csv (one row a series, failures too), lesions.csv, index.html and run.json.
    A run that was stopped, by whatever, goes on with --existing skip. Ctrl-C ends it after the series
    under way; a second one at once.

    Examples:

      ccma-seg batch archive/ -o results/ -j 4

      ccma-seg batch archive/ -o results/ --existing skip --retry-failed
    """
    set_up_logging(verbose=verbose, log_file=log_file)
    params = _params(
        jobs=jobs,
        scheduler=scheduler,
        existing=existing,
        timeout_s=timeout,
        memory_gib=max_memory,
        shard=shard,
        limit=limit,
        retry_failed=retry_failed,
        allow_missing_slices=allow_missing_slices,
        allow_gantry_tilt=allow_gantry_tilt,
        with_folders=with_folders,
        parquet=parquet,
        reading_views=reading_views,
    )
    parameters = read_config(config, settings)
    if dry_run:
        _list(root, output, parameters, params=params, as_json=as_json)
        return
    _run(root, output, parameters, params=params, as_json=as_json)


def _params(*, existing: str | None, shard: str | None, **given: Any) -> "CohortParams":
    """Take what was given; everything else has its default."""
    from ccma_seg.cohort import CohortParams, Existing
    from ccma_seg.errors import ConfigError

    options = {name: value for name, value in given.items() if value is not None}
    if existing is not None:
        if existing not in list(Existing):
            raise ConfigError(f"--existing must be one of {', '.join(Existing)}, got {existing!r}")
        options["existing"] = Existing(existing)
    if shard is not None:
        part, slash, parts = shard.partition("/")
        if not (slash and part.isdecimal() and parts.isdecimal()):
            raise ConfigError(f"--shard must read i/n, as 2/5, got {shard!r}")
        options["shard"] = int(part), int(parts)
    return CohortParams(**options)


def _list(root: Path, output: Path, config: "Config", *, params: "CohortParams", as_json: bool) -> None:
    from ccma_seg.cohort import list_cases

    with Display(as_json=as_json) as display:
        cases = list(list_cases(root, output, config, params=params, on_progress=display.show))
    for case in cases:
        told = {"case_id": case.case_id, "series_uid": case.series_uid, "files": case.files, "folders": case.folders}
        line = f"{case.case_id}  {case.files:>6} files  {case.series_uid or '-'}  {', '.join(case.folders)}"
        typer.echo(json.dumps(told) if as_json else line)


def _run(root: Path, output: Path, config: "Config", *, params: "CohortParams", as_json: bool) -> None:
    from ccma_seg.cohort import Stop, run_cohort
    from ccma_seg.errors import CasesFailedError

    stop = Stop()
    with _stopped_by_signals(stop), Display(as_json=as_json) as display:
        cohort = run_cohort(root, output, config, params=params, on_progress=display.show, stop=stop)
    if not as_json:
        _tell(cohort)
    if cohort.interrupted:
        raise KeyboardInterrupt
    if failed := cohort.failures.total():
        raise CasesFailedError(f"{failed} of {cohort.series} series have no result; series.csv says which, and why")


def _tell(cohort: "Cohort") -> None:
    for verdict, count in sorted(cohort.verdicts.items()):
        typer.echo(f"{verdict:<28} {count:>6}")
    for code, count in sorted(cohort.failures.items()):
        typer.echo(f"{'failed: ' + code:<28} {count:>6}")
    for code, count in sorted(cohort.skipped.items()):
        typer.echo(f"{'skipped: ' + code:<28} {count:>6}")
    typer.echo(f"table   {cohort.out / 'series.csv'}")


@contextmanager
def _stopped_by_signals(stop: "Stop") -> Iterator[None]:
    """Let Ctrl-C, and what batch systems send before they kill, stop the run cleanly."""

    def ask(number: int, frame: object) -> None:
        del number, frame
        stop.ask()
        typer.echo("\nstopping at once" if stop.at_once else "\nstopping after the series under way", err=True)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
