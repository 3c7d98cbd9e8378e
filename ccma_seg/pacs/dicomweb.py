"""A PACS that speaks DICOMweb: QIDO to find, WADO to fetch (the only user of dicomweb-client)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccma_seg.errors import ConfigError
from ccma_seg.pacs.fetching import Query, Remote

if TYPE_CHECKING:
    from dicomweb_client.api import DICOMwebClient

_PAGE = 100
"""Series asked for at a time."""

_STUDY_UID, _SERIES_UID = "0020000D", "0020000E"
_AS_STORED = (("application/dicom", "*"),)


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
        client, offset = self._client(), 0
        while True:
            found = _asked(self.url, client.search_for_series, **_filters(query), limit=_PAGE, offset=offset)
            yield from (Remote(study_uid=_value(x, _STUDY_UID), series_uid=_value(x, _SERIES_UID)) for x in found)
            if len(found) < _PAGE:
                return
            offset += _PAGE

    def retrieve(self, series: Remote, folder: Path) -> None:
        """Put the files of one series into a folder, as they are stored.

        Raises
        ------
        ConfigError
            If the service does not answer, or refuses.
        """
        images = _asked(
            self.url, self._client().iter_series, series.study_uid, series.series_uid, media_types=_AS_STORED
        )
        for number, image in enumerate(images, 1):
            image.save_as(folder / f"{number:06d}.dcm", enforce_file_format=True)

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


def _value(found: dict[str, Any], tag: str) -> str:
    return str(found[tag]["Value"][0])
