"""A function called in a process of its own, which loads what it needs while this one is busy with something else."""

import pickle
import subprocess
import sys
from importlib import import_module
from types import TracebackType
from typing import Any, Self

from ccma_seg import interpreter


class Apart:
    """A process that waits to call one function once; it ends when this is closed, or with this process.

    Parameters
    ----------
    module, function
        What is called. It is imported at once.

    Raises
    ------
    OSError
        If no process can be started.
    """

    def __init__(self, module: str, function: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            [sys.executable, "-P", "-m", __name__, module, function],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C is for this process to deal with
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def call(self, *arguments: Any) -> bool:
        """Call the function; tell whether all went well. If not, whoever calls it here as well learns why."""
        self._process.communicate(pickle.dumps(arguments, pickle.HIGHEST_PROTOCOL))
        return self._process.returncode == 0


def serve(module: str, function: str) -> None:
    """Call a function with the arguments that come on stdin, if any come."""
    call = getattr(import_module(module), function)
    request = sys.stdin.buffer.read()
    if request:
        call(*pickle.loads(request))  # noqa: S301  from our own process


if __name__ == "__main__":
    interpreter.set_up()
    serve(*sys.argv[1:])
