"""Where cases are analysed: on this machine, or wherever a Dask scheduler sends them."""

import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, suppress

from ccma_seg.cohort.analysts import Analyst, worker_command
from ccma_seg.cohort.cases import Case
from ccma_seg.cohort.jobs import Job
from ccma_seg.cohort.params import CohortParams
from ccma_seg.cohort.rows import Outcome
from ccma_seg.cohort.stopping import Stop

Analyse = Callable[[Case, Job], Outcome]

Engine = tuple[Executor, Analyse, int]
"""Who runs what, and how many at a time."""

StartEngine = Callable[[CohortParams, Stop], AbstractContextManager[Engine]]

_LOOK_UP_S = 0.5
"""How long to wait at a time, so that Ctrl-C is heard on every system."""


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
            yield threads, analyse, params.jobs
    finally:
        for analyst in analysts:
            analyst.close()


def each_outcome(engine: Engine, cases: Iterator[Case], job: Job, stop: Stop) -> Iterator[Outcome]:
    """Yield outcomes as they come in.

    Raises
    ------
    OutputError
        If results cannot be written; cases under way are finished first.
    """
    executor, analyse, most = engine
    pending: set[Future[Outcome]] = set()
    for case in cases:
        if stop.asked:
            break
        pending.add(executor.submit(analyse, case, job))
        if len(pending) >= most:
            yield from _done(pending)
    while pending:
        yield from _done(pending)


def _done(pending: set[Future[Outcome]]) -> Iterator[Outcome]:
    """Wait for at least one, and take it from those pending."""
    done: set[Future[Outcome]] = set()
    while not done:
        done, _ = wait(pending, timeout=_LOOK_UP_S, return_when=FIRST_COMPLETED)
    for future in done:
        pending.remove(future)
        with suppress(InterruptedError):
            yield future.result()
