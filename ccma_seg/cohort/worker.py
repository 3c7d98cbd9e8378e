"""The process that analyses: one line of JSON in, one out, until the other end is closed.

Started as `python -m ccma_seg.cohort.worker MEMORY_BYTES`.
"""

import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import IO

from ccma_seg import interpreter
from ccma_seg.cohort.analysing import analyse_case
from ccma_seg.cohort.cases import Case
from ccma_seg.cohort.jobs import Job
from ccma_seg.cohort.rows import Outcome
from ccma_seg.errors import OutputError


def serve(analyse: Callable[[Case, Job], Outcome] = analyse_case, *, memory_bytes: int) -> None:
    """Answer requests until there are no more; vanish at once when whoever asks is gone."""
    answers = _private_stdout()
    limit_memory(memory_bytes)
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    while True:
        print(_answer(requests.get(), analyse), file=answers, flush=True)


def limit_memory(limit_bytes: int) -> None:
    """Let this process have no more memory than that, where the system can see to it."""
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _answer(request: str, analyse: Callable[[Case, Job], Outcome]) -> str:
    values = json.loads(request)
    try:
        outcome = analyse(Case.from_dict(values["case"]), Job.from_dict(values["job"]))
    except OutputError as error:
        return json.dumps({"output_error": str(error)})
    return json.dumps(asdict(outcome))


def _listen(requests: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)


def _private_stdout() -> IO[str]:
    """Keep the way back for answers alone: what libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    interpreter.set_up()
    serve(memory_bytes=int(sys.argv[1]))
