"""Many machines: a Dask scheduler hands the cases out (needs distributed).

Every machine must see the archive and the results under the same paths. On each, a case is analysed in a process of its
own, as on one machine; a machine that is lost is replaced by another, and the case begun again.
"""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ccma_seg.cohort.analysts import Analyst, worker_command
from ccma_seg.cohort.cases import Case
from ccma_seg.cohort.engines import Engine
from ccma_seg.cohort.jobs import Job
from ccma_seg.cohort.params import CohortParams
from ccma_seg.cohort.rows import Outcome
from ccma_seg.cohort.stopping import Stop
from ccma_seg.cohort.storing import RUN
from ccma_seg.errors import ConfigError, InputPathError, OutputError

_AHEAD = 2
"""Cases handed out per thread of the cluster, so that none waits for the next."""

_RETRIES = 2
"""Of a case whose machine was lost, before the scheduler counts it against the case."""

_ANSWER_S = 20.0
"""How long a scheduler may take to answer at first."""

_here = threading.local()


@contextmanager
def dask_engine(params: CohortParams, stop: Stop) -> Iterator[Engine]:
    """Analyse cases wherever a running Dask scheduler sends them.

    Raises
    ------
    ConfigError
        If distributed is not installed, or no scheduler answers.
    """
    del stop
    try:
        from distributed import Client, KilledWorker  # noqa: PLC0415  an extra, and slow to load
    except ImportError as error:
        raise ConfigError("--scheduler needs distributed: pip install 'ccma-seg[dask]'") from error
    try:
        client = Client(params.scheduler, set_as_default=False, timeout=_ANSWER_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConfigError(f"a Dask scheduler must run at {params.scheduler}, none answers there") from error
    with client:
        threads = sum(client.nthreads().values())
        executor = client.get_executor(pure=False, retries=_RETRIES)
        analyse = functools.partial(analyse_here, params=params)
        yield Engine(executor, analyse, max(threads, 1) * _AHEAD, lost=(KilledWorker,))


def analyse_here(case: Case, job: Job, *, params: CohortParams) -> Outcome:
    """Analyse one case on this machine of a cluster; each thread keeps a process for it.

    Raises
    ------
    OutputError, InputPathError
        If this machine does not see the results or the archive.
    """
    if not (job.out / RUN).is_file():
        raise OutputError(f"a machine of the cluster does not see the results: {job.out.name} must be shared")
    if not job.root.exists():
        raise InputPathError(f"a machine of the cluster does not see the archive: {job.root.name} must be shared")
    analyst = getattr(_here, "analyst", None)
    if analyst is None or analyst.params != params:
        analyst = _here.analyst = Analyst(worker_command(params), params)
    return analyst.analyse(case, job)
