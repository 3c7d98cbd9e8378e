"""How a process of our own is set up; a library leaves that to whoever uses it."""

import atexit
import gc
import os
import sys

_NEW_OBJECTS = 100_000
"""So many before the interpreter looks for cycles among them: libraries and results live on, and to go through them
after each 700 takes half a second of an exam."""


def set_up() -> None:
    """Let the interpreter print safely, and do nothing that is of no use here; to be called before numpy loads."""
    _open_what_is_closed()
    # Our matrices are small: a second thread of OpenBLAS only spins, and sums in another order.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(_NEW_OBJECTS)
    atexit.register(gc.freeze)  # what is left at the end goes with the process: no need to look for cycles in it


def _open_what_is_closed() -> None:
    """Let output that somebody closed go nowhere: otherwise the next file opened would get what is printed."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
