"""How a process of our own is set up; a library leaves that to whoever uses it."""

import atexit
import gc
import os

_NEW_OBJECTS = 100_000
"""So many before the interpreter looks for cycles among them: libraries and results live on, and to go through them
after each 700 takes half a second of an exam."""


def set_up() -> None:
    """Let the interpreter do nothing that takes time and is of no use here; to be called before numpy loads."""
    # Our matrices are small: a second thread of OpenBLAS only spins, and sums in another order.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(_NEW_OBJECTS)
    atexit.register(gc.freeze)  # what is left at the end goes with the process: no need to look for cycles in it
