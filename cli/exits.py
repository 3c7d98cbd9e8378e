"""From errors to one line on stderr and an exit code."""

import functools
import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import typer

from ccma_seg import errors

EXIT_CODES: dict[type[BaseException], int] = {
    errors.ConfigError: 2,
    errors.NotBuiltError: 2,
    errors.NoSeriesError: 3,
    errors.CorruptInputError: 4,
    errors.GeometryError: 4,
    errors.InputPathError: 5,
    errors.OutputError: 6,
    errors.SchedulerLostError: 1,
    errors.CasesFailedError: 8,
    errors.IncompleteVolumeError: 10,
    KeyboardInterrupt: 130,
}
"""Every other error is unexpected: 1."""

UNEXPECTED = 1

logger = logging.getLogger(__name__)


def exit_code(error: BaseException, *, as_json: bool = False) -> int:
    """Tell the user what went wrong on one line, and return the exit code for it."""
    known = next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), None)
    code = getattr(error, "code", "unexpected" if known is None else "interrupted")
    text = _line(error, expected=known is not None)
    logger.debug("what led to this", exc_info=error)
    typer.echo(f"ccma-seg: {text}", err=True)
    if as_json:
        typer.echo(json.dumps({"status": "failed", "reasons": [{"code": code, "text": text}]}))
    return UNEXPECTED if known is None else known


def speaks_plainly(command: Callable[..., None]) -> Callable[..., None]:
    """Make a command end with one line and an exit code, whatever goes wrong in it."""

    @functools.wraps(command)
    def guarded(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  the outermost frame of every command
            sys.exit(exit_code(error, as_json=options.get("as_json", False)))

    return guarded


def _line(error: BaseException, *, expected: bool) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    words = " ".join(str(error).split())
    return words if expected else f"unexpected error ({type(error).__name__}): {words}; run again with -v to see where"
