"""Say on stderr what is going on: a bar on a terminal, plain lines otherwise; and where logs go."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from ccma_seg.errors import OutputError


class Steps:
    """Names the steps of a run as they begin."""

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        self._total, self._done, self._quiet = total, 0, quiet
        self._terminal = sys.stderr.isatty() and not quiet

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show that a step is going on, then that it is done, with its time."""
        start = time.perf_counter()
        if self._terminal:
            typer.echo(f"\r\x1b[K{self._bar()} {name}", err=True, nl=False)
        yield
        self._done += 1
        if self._terminal:
            end = "\n" if self._done == self._total else ""
            typer.echo(f"\r\x1b[K{self._bar()} {name}{end}", err=True, nl=False)
        elif not self._quiet:
            typer.echo(f"{name}: {time.perf_counter() - start:.1f} s", err=True)

    def _bar(self) -> str:
        width = 24
        filled = width * self._done // self._total
        return "[" + "#" * filled + "-" * (width - filled) + "]"


def set_up_logging(*, verbose: bool, log_file: Path | None) -> None:
    """Send the library's log to stderr (with -v) and to a file (if named).

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    root = logging.getLogger("ccma_seg")
    root.setLevel(logging.DEBUG)
    for handler in root.handlers:
        handler.close()
    root.handlers = [logging.StreamHandler() if verbose else logging.NullHandler()]
    if log_file is not None:
        try:
            file_handler = logging.FileHandler(log_file, encoding="utf-8")
        except OSError as error:
            raise OutputError(f"the log file {log_file.name} cannot be written: {error.strerror}") from error
        file_handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        root.addHandler(file_handler)
