"""The command line: parse, call, print; all image analysis lives in the library."""

import os


def main() -> None:
    """Run the command line."""
    # Our matrices are small: a second thread of OpenBLAS only spins, and sums in another order than a cohort's worker
    # does. It is read when numpy loads.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from .app import app

    app()
