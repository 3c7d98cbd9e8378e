"""A PACS that speaks DICOMweb: QIDO to find, WADO to fetch (the only user of dicomweb-client)."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccma_seg.errors import ConfigError
from ccma_seg.pacs.fetching import Query, Remote, check_count, check_whole

if TYPE_CHECKING:
    from dicomweb_client.api import DICOMwebClient

_PAGE = 100
"""Series asked for at a time."""

_STUDY_UID, _SERIES_UID = "0020000D", "0020000E"
_AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_JSON = "application/dicom+json"
_PATIENCE_S = (10.0, 300.0)
"""To connect, and between two bytes."""


@dataclass(frozen=True, slots=True)
class DicomWeb:
    """The service at a URL, as `http://host:8042/dicom-web`; names and passwords are taken from `~/.netrc`."""

    url: str

    def find(self, query: Query) -> Iterator[Remote]:
        """Yield the series that match, page by page.

        Raises
        ------
        ConfigError
            If the service does not answer, or refuses.
        """
        client, offset, seen = self._client(), 0, set[str]()
        while True:
            found = _asked(self.url, client.search_for_series, **_filters(query), limit=_PAGE, offset=offset)
            new = [series for series in (_remote(one, query) for one in found) if series.series_uid not in seen]
            yield from new
            seen |= {series.series_uid for series in new}
            offset += len(found)
            if not new:
                return

    def retrieve(self, series: Remote, folder: Path) -> None:
        """Put the files of one series into a folder, as they are stored.

        Raises
        ------
        ConfigError
            If the service does not answer, refuses, or does not send all.
        """
        import requests  # noqa: PLC0415  an extra

        place = f"{self.url.rstrip('/')}/studies/{series.study_uid}/series/{series.series_uid}"
        try:
            answer = requests.get(place, headers={"Accept": _AS_STORED}, timeout=_PATIENCE_S)
            answer.raise_for_status()
        except requests.HTTPError as error:
            raise ConfigError(
                f"the DICOMweb service must give what it lists, it answered {answer.status_code}"
            ) from error
        except requests.RequestException as error:
            raise ConfigError(
                f"the DICOMweb service must answer whole, it broke off: {type(error).__name__}"
            ) from error
        told = self._count(place)
        images = list(_parts(answer.content, answer.headers.get("Content-Type", "")))
        check_count(len(images), told)
        for number, image in enumerate(images, 1):
            check_whole(image)
            (folder / f"{number:06d}.dcm").write_bytes(image)

    def _count(self, place: str) -> int | None:
        """Ask how many images a series has; None where the service does not tell."""
        import requests  # noqa: PLC0415  an extra

        try:
            answer = requests.get(f"{place}/metadata", headers={"Accept": _JSON}, timeout=_PATIENCE_S)
            return len(answer.json()) if answer.ok else None
        except (requests.RequestException, ValueError):
            return None

    def _client(self) -> "DICOMwebClient":
        try:
            from dicomweb_client.api import DICOMwebClient  # noqa: PLC0415  an extra
        except ImportError as error:
            raise ConfigError("DICOMweb needs dicomweb-client: pip install 'ccma-seg[pacs]'") from error
        try:
            return DICOMwebClient(self.url)
        except ValueError as error:
            raise ConfigError(f"a DICOMweb address must read http://host/path, got {self.url!r}") from error


def _asked(url: str, ask: Any, *arguments: Any, **options: Any) -> Any:
    try:
        return ask(*arguments, **options)
    except OSError as error:  # of which the errors of requests are
        raise ConfigError(f"the DICOMweb service must answer at {url}: {type(error).__name__}") from error


def _filters(query: Query) -> dict[str, Any]:
    filters = {"Modality": query.modality, "StudyDate": query.dates, "SeriesInstanceUID": query.series_uid}
    given = {name: value for name, value in filters.items() if value is not None}
    return {"study_instance_uid": query.study_uid, "search_filters": given}


def _remote(found: dict[str, Any], query: Query) -> Remote:
    study, series = (found.get(tag, {}).get("Value", [None])[0] for tag in (_STUDY_UID, _SERIES_UID))
    if not series or not (study or query.study_uid):
        raise ConfigError("the DICOMweb service must name study and series of what it finds, it names only one")
    return Remote(study_uid=str(study or query.study_uid), series_uid=str(series))


def _parts(content: bytes, content_type: str) -> Iterator[bytes]:
    """Yield the parts of an answer of several, all of which must be there."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if boundary is None:
        raise ConfigError(f"the DICOMweb service must send multipart/related, it sends {content_type[:40]!r}")
    mark = b"--" + boundary.encode()
    parts = (b"\r\n" + content).split(b"\r\n" + mark)[1:]
    if not parts or not parts[-1].startswith(b"--"):
        raise ConfigError("the DICOMweb service must answer whole, it broke off; fetch again")
    yield from (part.partition(b"\r\n\r\n")[2] for part in parts[:-1])
