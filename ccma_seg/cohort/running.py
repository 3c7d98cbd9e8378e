"""A cohort from an archive to its tables."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ccma_seg.cohort.cases import Case
from ccma_seg.cohort.clusters import dask_engine
from ccma_seg.cohort.engines import StartEngine, each_outcome, local_engine
from ccma_seg.cohort.index import write_index
from ccma_seg.cohort.jobs import Job
from ccma_seg.cohort.params import CohortParams, Existing
from ccma_seg.cohort.parquet import check_parquet, write_parquet
from ccma_seg.cohort.planning import Plan
from ccma_seg.cohort.progress import Progress
from ccma_seg.cohort.rows import Outcome
from ccma_seg.cohort.runs import Run, check_earlier
from ccma_seg.cohort.stopping import Stop
from ccma_seg.cohort.storing import find_outcome, outcomes
from ccma_seg.cohort.tables import write_tables
from ccma_seg.config import Config
from ccma_seg.errors import NoSeriesError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """What a run left behind."""

    out: Path
    analysed: int
    """Series analysed in this run, failures included."""

    series: int
    """Rows in `series.csv`, of earlier runs too."""

    verdicts: Counter[str]
    """Of all rows with a result."""

    failures: Counter[str]
    """Of all rows without one that should have one, by the first reason code."""

    skipped: Counter[str]
    """Of all rows that should have none, by the first reason code."""

    interrupted: bool


def run_cohort(
    root: str | Path,
    out: str | Path,
    config: Config | None = None,
    *,
    params: CohortParams = CohortParams(),
    on_progress: Callable[[Progress], None] = lambda _: None,
    stop: Stop | None = None,
    start_engine: StartEngine | None = None,
) -> Cohort:
    """Analyse every CT series of an archive, each in a process of its own, and write tables of all.

    Parameters
    ----------
    root
        Folder with many exams, nested and mixed in any way; or a zip.
    out
        Folder for the results. What is there of an earlier run is kept, replaced or refused as `params.existing` says.
    config
        Parameters of all steps of the analysis.
    params
        How many at a time, for how long, which part.
    on_progress
        Called after every folder of the walk and after every series.
    stop
        Stops the run from outside; results so far are kept, and tables written.
    start_engine
        What analyses the cases, and where; if None, this machine, or the Dask scheduler that `params` names.

    Returns
    -------
    Cohort
        Counts; everything else is in the folder.

    Raises
    ------
    InputPathError
        If `root` is not there.
    NoSeriesError
        If there is no series at all.
    OutputError
        If results cannot be written; what is there by then is whole, and a later run goes on from it.
    ConfigError
        If earlier results were made with another configuration, or what was asked for is not installed.
    SchedulerLostError
        If the Dask scheduler is lost; a later run goes on.

    Examples
    --------
    >>> run_cohort("archive", "results", params=CohortParams(jobs=4))  # doctest: +SKIP
    """
    stop = stop or Stop()
    job = Job(
        root=Path(root).resolve(),
        out=Path(out).resolve(),
        config=config or Config(),
        allow_missing_slices=params.allow_missing_slices,
        allow_gantry_tilt=params.allow_gantry_tilt,
        with_folders=params.with_folders,
        reading_views=params.reading_views,
    )
    check_earlier(job, params.existing)
    if params.parquet:
        check_parquet()
    run, progress = Run(job, params), Progress()
    with closing(Plan(job.root, job.config.read)) as plan:
        _plan(plan, job, params=params, progress=progress, on_progress=on_progress, stop=stop)
        run.write("running", progress)
        try:
            for outcome in _analyse(plan.chosen(), job, params=params, stop=stop, start_engine=start_engine):
                progress.add(outcome)
                on_progress(progress)
        finally:
            found = _publish(job, run, params)
    run.write("interrupted" if stop.asked else "finished", progress)
    return _summary(job, progress, found, interrupted=stop.asked)


def _plan(
    plan: Plan,
    job: Job,
    *,
    params: CohortParams,
    progress: Progress,
    on_progress: Callable[[Progress], None],
    stop: Stop,
) -> None:
    """Walk the archive, and choose what is to be analysed."""
    progress.walked = plan.walked
    for _ in plan.find(leave_out=job.out):
        on_progress(progress)
        if stop.asked:
            return
    if plan.is_empty:
        raise NoSeriesError(f"the archive must hold at least one series, none of its {plan.walked.files} files is one")
    progress.begin(plan.choose(lambda case: _is_wanted(case, job, params), limit=params.limit))


def _is_wanted(case: Case, job: Job, params: CohortParams) -> bool:
    if not case.in_shard(*params.shard):
        return False
    earlier = find_outcome(job.out, case.case_id) if params.existing == Existing.SKIP else None
    if earlier is None or earlier.files != case.files:
        return True
    return earlier.failed and params.retry_failed


def _analyse(
    cases: Iterator[Case], job: Job, *, params: CohortParams, stop: Stop, start_engine: StartEngine | None
) -> Iterator[Outcome]:
    start = start_engine or (dask_engine if params.scheduler else local_engine)
    with start(params, stop) as engine:
        yield from each_outcome(engine, cases, job, stop)


def _publish(job: Job, run: Run, params: CohortParams) -> list[Outcome]:
    """Make the tables and the index from what is on disk."""
    found = sorted((outcome for outcome in outcomes(job.out) if run.made(outcome)), key=Outcome.place)
    write_tables(job.out, found, with_folders=params.with_folders)
    if params.parquet:
        write_parquet(job.out, found, with_folders=params.with_folders)
    write_index(job.out, found)
    return found


def _summary(job: Job, progress: Progress, found: list[Outcome], *, interrupted: bool) -> Cohort:
    return Cohort(
        out=job.out,
        analysed=progress.done,
        series=len(found),
        verdicts=Counter(outcome.row["verdict"] for outcome in found if not (outcome.failed or outcome.skipped)),
        failures=Counter(outcome.codes[0] for outcome in found if outcome.failed),
        skipped=Counter(outcome.codes[0] for outcome in found if outcome.skipped),
        interrupted=interrupted,
    )


def list_cases(
    root: str | Path,
    out: str | Path,
    config: Config | None = None,
    *,
    params: CohortParams = CohortParams(),
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Iterator[Case]:
    """Yield what `run_cohort` would analyse, and write nothing.

    Raises
    ------
    InputPathError
        If `root` is not there.
    NoSeriesError
        If there is no series at all.
    """
    job = Job(root=Path(root).resolve(), out=Path(out).resolve(), config=config or Config())
    with closing(Plan(job.root, job.config.read)) as plan:
        _plan(plan, job, params=params, progress=Progress(), on_progress=on_progress, stop=Stop())
        yield from plan.chosen()
