"""`fetch`: series from a PACS into a folder, for `batch`."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from .exits import speaks_plainly
from .options import Output

if TYPE_CHECKING:
    from ccma_seg.pacs import DicomWeb, Dimse

_DIMSE_PORT = 104


@speaks_plainly
def fetch(
    pacs: Annotated[
        str, typer.Argument(metavar="PACS", help="http(s)://host/dicom-web, or dimse://TITLE@host:port for C-GET.")
    ],
    output: Output,
    study_uid: Annotated[str | None, typer.Option("--study-uid", help="Only this study.")] = None,
    series_uid: Annotated[str | None, typer.Option("--series-uid", help="Only this series.")] = None,
    dates: Annotated[str | None, typer.Option("--dates", help="Of the study: 20240131 or 20240101-20241231.")] = None,
) -> None:
    """Fetch CT series from a PACS into a folder, for batch.

    The only command that uses a network, and only to the address given. Series that are there already are left, so a
    fetch that was stopped goes on.

    Examples:

      ccma-seg fetch http://localhost:8042/dicom-web -o archive/ --dates 20240101-20241231

      ccma-seg fetch dimse://ORTHANC@localhost:4242 -o archive/
    """
    from ccma_seg.errors import CasesFailedError
    from ccma_seg.pacs import NotFetched, Query, fetch_series

    query = Query(study_uid=study_uid, series_uid=series_uid, dates=dates)
    count, failed = 0, 0
    for fetched in fetch_series(_pacs(pacs), output, query):
        count += 1
        if isinstance(fetched, NotFetched):
            failed += 1
            typer.echo(f"{fetched.name}: not fetched: {fetched.why}", err=True)
            continue
        typer.echo(f"{fetched.folder}  {fetched.files} files{'' if fetched.new else ', there already'}")
    typer.echo(f"{count} series", err=True)
    if failed:
        raise CasesFailedError(f"{failed} of {count} series were not fetched, and nothing of them is kept; fetch again")


def _pacs(address: str) -> "DicomWeb | Dimse":
    from ccma_seg.errors import ConfigError
    from ccma_seg.pacs import DicomWeb, Dimse

    parts = urlsplit(address)
    if parts.scheme in ("http", "https"):
        return DicomWeb(address)
    if parts.scheme == "dimse" and parts.hostname and parts.username:
        title = parts.netloc.partition("@")[0]
        return Dimse(host=parts.hostname, port=parts.port or _DIMSE_PORT, title=title)
    raise ConfigError(f"a PACS must read http://host/path or dimse://TITLE@host:port, got {address!r}")
