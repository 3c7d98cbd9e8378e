"""How far a cohort has come: a live display on a terminal, plain lines otherwise."""

import json
import sys
import time
from typing import TYPE_CHECKING, Self

import typer

if TYPE_CHECKING:
    from types import TracebackType

    from ccma_seg.cohort import Progress

_EVERY_S = 0.2
_LINE_EVERY_S = 5.0


class Display:
    """Shows progress on stderr, and rows on stdout where JSON is wanted."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json, self._shown_s, self._done = as_json, 0.0, 0
        self._terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: "TracebackType | None") -> None:
        if self._terminal:
            typer.echo("", err=True)

    def show(self, progress: "Progress") -> None:
        """Show the state; called after every folder and every series."""
        fresh = progress.done > self._done
        self._done = progress.done
        if fresh and self._as_json and progress.latest is not None:
            typer.echo(json.dumps(progress.latest.row))
        last = progress.done == progress.total
        if not (last or time.monotonic() - self._shown_s > (_EVERY_S if self._terminal else _LINE_EVERY_S)):
            return
        self._shown_s = time.monotonic()
        line = describe(progress)
        typer.echo(f"\r\x1b[K{line}" if self._terminal else line, err=True, nl=not self._terminal)


def describe(progress: "Progress") -> str:
    """Say in one line how far a run has come."""
    if progress.total is None:
        walked = progress.walked
        return f"looking: {walked.files} files in {walked.folders} folders"
    parts = [f"{progress.done}/{progress.total} series"]
    if progress.left_s is not None:
        parts.append(f"{_duration(progress.left_s)} left")
    parts += [f"{name} {count}" for name, count in progress.verdicts.most_common()]
    parts += [f"skipped ({name}) {count}" for name, count in progress.skipped.most_common()]
    parts += [f"failed ({name}) {count}" for name, count in progress.failures.most_common()]
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"
