"""Which series are wanted, and how they come to lie in a folder: each whole, or not at all."""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ccma_seg.errors import ConfigError, OutputError
from ccma_seg.series.elements import UNDEFINED, HeaderError, read_elements

_UID = re.compile(r"[0-9.]{1,64}")
_DATES = re.compile(r"\d{8}(-(\d{8})?)?|-\d{8}")
_ID_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which series are wanted; None stands for any."""

    study_uid: str | None = None
    series_uid: str | None = None
    dates: str | None = None
    """Of the study: `20240131`, or a range `20240101-20241231`."""

    modality: str = "CT"

    def __post_init__(self) -> None:
        for name in ("study_uid", "series_uid"):
            value = getattr(self, name)
            if value is not None and not _UID.fullmatch(value):
                raise ConfigError(f"{name} must be a UID of digits and points, got {value[:64]!r}")
        if self.dates is not None and not _DATES.fullmatch(self.dates):
            raise ConfigError(f"dates must read 20240131 or 20240101-20241231, got {self.dates!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A series in a PACS."""

    study_uid: str
    series_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A series that is in its folder."""

    folder: Path
    files: int
    new: bool
    """False if an earlier run had fetched it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFetched:
    """A series that could not be had whole; nothing of it is kept."""

    name: str
    """Of the folder that it would have."""
    why: str


class Pacs(Protocol):
    """Where series are asked for."""

    def find(self, query: Query) -> Iterator[Remote]:
        """Yield the series that match."""

    def retrieve(self, series: Remote, folder: Path) -> None:
        """Put the files of one series into a folder, named by number; ConfigError if they are not all."""


def fetch_series(pacs: Pacs, out: Path, query: Query = Query()) -> Iterator[Fetched | NotFetched]:
    """Fetch all series that match, each into a folder named by a digest; those that are there are left.

    A series that fails costs no other one.

    Raises
    ------
    ConfigError
        If the PACS does not answer what there is, or refuses to.
    OutputError
        If a folder cannot be written.
    """
    for series in pacs.find(query):
        name = hashlib.sha256(series.series_uid.encode()).hexdigest()[:_ID_DIGITS]
        folder = out / f"series-{name}"
        new = not folder.is_dir()
        try:
            if new:
                _fetch(pacs, series, folder)
        except ConfigError as error:
            yield NotFetched(name=folder.name, why=str(error))
        else:
            yield Fetched(folder=folder, files=sum(1 for _ in folder.iterdir()), new=new)


def check_count(got: int, told: int | None) -> None:
    """Refuse fewer files than the PACS said there are; None if it did not say.

    Raises
    ------
    ConfigError
        If some are missing, or there are none.
    """
    if got == 0 or (told is not None and got < told):
        raise ConfigError(f"the PACS must send all files of a series, it sent {got} of {told or 'some'}; fetch again")


def check_whole(data: bytes) -> None:
    """Refuse an image whose pixels are cut short.

    Raises
    ------
    ConfigError
        If it is, or is no DICOM at all.
    """
    try:
        elements = read_elements(data, frozenset())
    except HeaderError as error:
        raise ConfigError(f"the PACS must send whole files, one is damaged: {error}; fetch again") from error
    if elements.pixel_offset is None or elements.pixel_length == UNDEFINED:
        return
    if len(data) < elements.pixel_offset + elements.pixel_length:
        raise ConfigError("the PACS must send whole files, one is cut short; fetch again")


def _fetch(pacs: Pacs, series: Remote, folder: Path) -> None:
    private = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        private = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        pacs.retrieve(series, private)
        private.rename(folder)
    except OSError as error:
        raise OutputError(f"{folder.name} cannot be written: {error.strerror or error}") from error
    finally:
        if private is not None:
            shutil.rmtree(private, ignore_errors=True)
