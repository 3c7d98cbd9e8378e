"""Who analyses: a process of its own for each case, replaced as need be, so that there is always an outcome."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ccma_seg.cohort.cases import Case
from ccma_seg.cohort.jobs import Job
from ccma_seg.cohort.params import CohortParams
from ccma_seg.cohort.process import DiedError, Process, TooLateError
from ccma_seg.cohort.rows import OUT_OF_MEMORY, Outcome, failed
from ccma_seg.cohort.storing import remove_leftovers, store_failure
from ccma_seg.errors import OutputError
from ccma_seg.reasons import Reason

_GIB = 1024**3

_TRIES = 2
"""A process may be ended by someone else; a case that ends two has itself to blame."""


def worker_command(params: CohortParams) -> tuple[str, ...]:
    """Return how a process that analyses is started; `-P`: nothing is imported from the current folder."""
    return (sys.executable, "-P", "-m", "ccma_seg.cohort.worker", str(int(params.memory_gib * _GIB)))


@dataclass(slots=True)
class Analyst:
    """Analyses one case after another; all but `kill` is for one thread alone."""

    command: Sequence[str]
    params: CohortParams
    _process: Process | None = None
    _killed: bool = False

    def analyse(self, case: Case, job: Job) -> Outcome:
        """Analyse one case; whatever becomes of the process, there is an outcome.

        Raises
        ------
        OutputError
            If results cannot be written, which is not the fault of the case.
        InterruptedError
            If killed meanwhile.
        """
        fresh = self._process is None
        outcome = self._insist(case, job)
        if OUT_OF_MEMORY not in outcome.codes:
            return outcome
        self.close()
        return outcome if fresh else self._insist(case, job)  # what earlier cases left behind may be to blame

    def kill(self) -> None:
        """End for good, whatever is going on; for any thread."""
        self._killed = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process; the next case gets another."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _insist(self, case: Case, job: Job) -> Outcome:
        why, started = "", time.perf_counter()
        for _ in range(_TRIES):
            try:
                return self._ask(case, job)
            except TooLateError:
                text = f"the analysis did not end within {self.params.timeout_s:g} s; raise --timeout"
                return give_up(case, job, Reason("timeout", text), seconds=self.params.timeout_s)
            except DiedError as error:
                why = str(error)
        reason = Reason("process_died", f"the process that analysed it {why}, {_TRIES} times")
        return give_up(case, job, reason, seconds=round(time.perf_counter() - started, 3))

    def _ask(self, case: Case, job: Job) -> Outcome:
        if self._killed:
            raise InterruptedError
        process = self._process = self._process or Process.start(self.command)
        request = json.dumps({"case": case.as_dict(), "job": job.as_dict()})
        try:
            answer = process.ask(request, timeout_s=self.params.timeout_s)
        except (DiedError, TooLateError):
            self.close()
            if self._killed:
                raise InterruptedError from None
            raise
        if process.served >= self.params.cases_per_process:
            self.close()
        return _read(answer)


def _read(answer: str) -> Outcome:
    values = json.loads(answer)
    if "output_error" in values:
        raise OutputError(values["output_error"])
    return Outcome(row=values["row"], lesions=tuple(values["lesions"]), files=values["files"])


def give_up(case: Case, job: Job, reason: Reason, *, seconds: float | None = None) -> Outcome:
    """Store that a case has no result, and why."""
    remove_leftovers(job.out, case.case_id)
    outcome = failed(case, [reason], config_sha256=job.config.sha256())
    outcome = outcome.with_machine(seconds=seconds)
    store_failure(outcome, job)
    return outcome
