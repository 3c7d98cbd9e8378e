"""A process that answers line by line, seen from outside: it may die, hang or grow, and that is all that happens."""

import logging
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)
"""Processes share the cores among them; more threads would only wait for each other, and sums might differ."""

_LAST_WORDS_BYTES = 4000

logger = logging.getLogger(__name__)


class DiedError(Exception):
    """The process ended before it answered; the message says how."""


class TooLateError(Exception):
    """The process did not answer in time."""


@dataclass(slots=True)
class Process:
    """A running process; all but `kill` is for one thread alone."""

    served: int
    """How many answers it has given."""

    _popen: subprocess.Popen[str]
    _remarks: IO[bytes]

    @classmethod
    def start(cls, command: Sequence[str]) -> "Process":
        """Start a process that Ctrl-C in the terminal does not reach."""
        remarks = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the process
        popen = subprocess.Popen(  # noqa: S603  our own interpreter and module
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=remarks,
            encoding="utf-8",
            env=os.environ | dict.fromkeys(_ONE_THREAD, "1"),
            start_new_session=True,
        )
        return cls(0, popen, remarks)

    def ask(self, request: str, *, timeout_s: float) -> str:
        """Return the answer to one line; a process that has not given one is no longer of use.

        Raises
        ------
        TooLateError, DiedError
            If there is none.
        """
        late = threading.Event()
        timer = threading.Timer(timeout_s, self._give_up, (late,))
        timer.start()
        try:
            answer = self._exchange(request)
        finally:
            timer.cancel()
        if answer.endswith("\n"):
            self.served += 1
            return answer
        self._popen.wait()
        if late.is_set():
            raise TooLateError
        logger.debug("last words of a process: %s", self._last_words())
        raise DiedError(_how(self._popen.returncode))

    def kill(self) -> None:
        """End it, whatever it is doing; for any thread."""
        self._popen.kill()

    def close(self) -> None:
        """End it and give back what it held; again does nothing."""
        self.kill()
        self._popen.wait()
        self._remarks.close()
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdout.close()
        try:
            self._popen.stdin.close()
        except BrokenPipeError:
            logger.debug("a process ended before it had read its last request")

    def __del__(self) -> None:
        self.close()

    def _give_up(self, late: threading.Event) -> None:
        late.set()
        self.kill()

    def _exchange(self, request: str) -> str:
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        try:
            self._popen.stdin.write(request + "\n")
            self._popen.stdin.flush()
        except BrokenPipeError:
            return ""
        return self._popen.stdout.readline()

    def _last_words(self) -> str:
        size = self._remarks.seek(0, os.SEEK_END)
        self._remarks.seek(max(size - _LAST_WORDS_BYTES, 0))
        return self._remarks.read().decode("utf-8", "replace")


def _how(returncode: int) -> str:
    if returncode < 0:
        return f"was ended by {signal.Signals(-returncode).name}"
    return f"ended with exit code {returncode}"
