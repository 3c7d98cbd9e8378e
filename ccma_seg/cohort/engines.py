"""Where cases are analysed: on this machine, or wherever a Dask scheduler sends them."""

import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from ccma_seg.cohort.analysts import Analyst, give_up, worker_command
from ccma_seg.cohort.cases import Case
from ccma_seg.cohort.jobs import Job
from ccma_seg.cohort.params import CohortParams
from ccma_seg.cohort.rows import Outcome
from ccma_seg.cohort.stopping import Stop
from ccma_seg.errors import SchedulerLostError
from ccma_seg.reasons import Reason


@dataclass(frozen=True, slots=True)
class Engine:
    """What analyses cases, and how many it is given at a time."""

    executor: Executor
    analyse: Callable[[Case, Job], Outcome]
    at_a_time: int
    lost: tuple[type[Exception], ...] = ()
    """Errors that mean: whoever analysed a case is gone, again and again."""


StartEngine = Callable[[CohortParams, Stop], AbstractContextManager[Engine]]

_LOOK_UP_S = 0.5
"""How long to wait at a time, so that Ctrl-C is heard on every system."""

_AT_ONCE_S = 5.0
"""How long to wait for what was ended; what runs elsewhere is left to itself then."""


@contextmanager
def local_engine(params: CohortParams, stop: Stop, command: Sequence[str] | None = None) -> Iterator[Engine]:
    """Analyse cases on this machine, each in a process of its own, started with `command` if not as usual."""
    command = command or worker_command(params)
    analysts = [Analyst(command, params) for _ in range(params.jobs)]
    idle: queue.SimpleQueue[Analyst] = queue.SimpleQueue()
    for analyst in analysts:
        idle.put(analyst)
        stop.call_when_at_once(analyst.kill)

    def analyse(case: Case, job: Job) -> Outcome:
        analyst = idle.get()
        try:
            return analyst.analyse(case, job)
        finally:
            idle.put(analyst)

    try:
        with ThreadPoolExecutor(params.jobs) as threads:
            yield Engine(threads, analyse, params.jobs)
    finally:
        for analyst in analysts:
            analyst.close()


def each_outcome(engine: Engine, cases: Iterator[Case], job: Job, stop: Stop) -> Iterator[Outcome]:
    """Yield outcomes as they come in.

    Raises
    ------
    OutputError
        If results cannot be written.
    SchedulerLostError
        If there is nobody left to hand cases to.
    """
    pending: dict[Future[Outcome], Case] = {}
    for case in cases:
        if stop.asked:
            break
        pending[engine.executor.submit(engine.analyse, case, job)] = case
        if len(pending) >= engine.at_a_time:
            yield from _done(engine, pending, job, stop)
    while pending:
        yield from _done(engine, pending, job, stop)


def _done(engine: Engine, pending: dict[Future[Outcome], Case], job: Job, stop: Stop) -> Iterator[Outcome]:
    """Wait for at least one, and take it from those pending."""
    done: set[Future[Outcome]] = set()
    while not done and not stop.at_once:
        done, _ = wait(pending, timeout=_LOOK_UP_S, return_when=FIRST_COMPLETED)
    if stop.at_once:
        done, left = wait(pending, timeout=_AT_ONCE_S)
        for future in left:
            del pending[future]
    for future in done:
        case = pending.pop(future)
        try:
            yield future.result()
        except InterruptedError:
            continue
        except CancelledError as error:
            raise SchedulerLostError("whoever hands out the series is gone; go on with --existing skip") from error
        except engine.lost:
            yield give_up(
                case, job, Reason("process_died", "the machines that analysed it were lost, one after another")
            )
