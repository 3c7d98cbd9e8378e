"""The command line: parse, call, print; all image analysis lives in the library."""

import atexit
import gc
import os

_NEW_OBJECTS = 100_000
"""So many before the interpreter looks for cycles among them: libraries and results live on, and to go through them
after each 700 takes half a second of an exam."""


def main() -> None:
    """Run the command line."""
    # Our matrices are small: a second thread of OpenBLAS only spins, and sums in another order than a cohort's worker
    # does. It is read when numpy loads.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(_NEW_OBJECTS)
    atexit.register(gc.freeze)  # what is left at the end goes with the process: no need to look for cycles in it
    from .app import app

    app()
