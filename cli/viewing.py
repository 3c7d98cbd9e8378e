"""`view`: a result in the browser, from this machine only."""

import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .exits import speaks_plainly

if TYPE_CHECKING:
    from ccma_seg.volume import Volume


@speaks_plainly
def view(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder with a result.")],
    source: Annotated[
        Path | None, typer.Option("--input", metavar="INPUT", help="The exam it came from, to see all of it.")
    ] = None,
    port: Annotated[int, typer.Option("--port", help="Where to listen; 0 for any free port.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the browser.")] = True,
) -> None:
    """Open a result in a browser, from this machine only; Ctrl-C ends it.

    A result holds no copy of the exam: give it with --input to look through all of it.

    Examples:

      ccma-seg view result/

      ccma-seg view result/ --input exam/
    """
    from ccma_seg.report.server import LocalServer
    from ccma_seg.report.viewing import read_record, result_files
    from ccma_seg.series import ReadParams

    record = read_record(out)
    volume = None if source is None else _read(source, record)
    files = result_files(out, record, volume, max_voxels=ReadParams().max_voxels)
    with LocalServer(files, port=port) as server:
        typer.echo(server.url)
        typer.echo("only this machine can open it; Ctrl-C ends it", err=True)
        if browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("ended", err=True)


def _read(source: Path, record: dict[str, Any]) -> "Volume":
    """Read the series of a result again, as leniently as it may have been read."""
    from ccma_seg.series import read_series

    return read_series(
        source,
        series_uid=record["series"]["series_uid"] or None,
        allow_missing_slices=True,
        allow_gantry_tilt=True,
    )
