"""The command line: parse, call, print; all image analysis lives in the library."""

import os
import sys

from ccma_seg import interpreter


def main() -> None:
    """Run the command line."""
    _open_what_is_closed()
    interpreter.set_up()
    from .app import app

    app()


def _open_what_is_closed() -> None:
    """Let output that somebody closed go nowhere: otherwise the next file opened would get what is printed."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
