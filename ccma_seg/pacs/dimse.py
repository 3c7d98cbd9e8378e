"""A PACS that speaks DIMSE: C-FIND to find, C-GET to fetch (the only user of pynetdicom)."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccma_seg.errors import ConfigError
from ccma_seg.pacs.fetching import Query, Remote, check_count, check_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom import Dataset
    from pynetdicom.association import Association
    from pynetdicom.events import Event

_PENDING = (0xFF00, 0xFF01)
_SUCCESS, _SOME_FAILED = 0x0000, 0xB000
_SUBOPERATIONS = ("Remaining", "Completed", "Failed", "Warning")
_STORED = tuple(f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "2.1", "2.2", "7", "66.4", "88.33", "88.67"))
"""CT, enhanced CT, legacy converted CT; what lies in series beside it: captures, segmentations, reports of dose."""
_FIND, _GET = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.3"
"""Study root."""

_SYNTAXES = tuple(f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".5", ".4.70", ".4.80", ".4.81", ".4.90", ".4.91"))
"""Plain, RLE, JPEG lossless, JPEG-LS, JPEG 2000: images come as they are stored, if the node can."""

_OURS = "CCMA-SEG"


@dataclass(frozen=True, slots=True)
class Dimse:
    """The node at a host and port, with its AE title; images come back over the same connection."""

    host: str
    port: int
    title: str

    def find(self, query: Query) -> Iterator[Remote]:
        """Yield the series that match: studies first, then the series of each, as every node understands.

        Raises
        ------
        ConfigError
            If the node does not answer, or refuses.
        """
        study = {"StudyInstanceUID": query.study_uid or "", "StudyDate": query.dates or ""}
        for found in self._ask("STUDY", study | {"ModalitiesInStudy": query.modality}):
            series = {"StudyInstanceUID": found.StudyInstanceUID, "SeriesInstanceUID": query.series_uid or ""}
            for one in self._ask("SERIES", series | {"Modality": query.modality}):
                yield Remote(study_uid=str(found.StudyInstanceUID), series_uid=str(one.SeriesInstanceUID))

    def retrieve(self, series: Remote, folder: Path) -> None:
        """Put the files of one series into a folder, as they are sent.

        Raises
        ------
        ConfigError
            If the node does not answer, or refuses.
        """
        got: list[bytes] = []
        told, failed = 0, 0

        def store(event: "Event") -> int:
            got.append(event.encoded_dataset())
            return _SUCCESS

        asked = {"StudyInstanceUID": series.study_uid, "SeriesInstanceUID": series.series_uid}
        with self._connected(store) as association:
            for status, _ in self._sent(association, _dataset("SERIES", asked)):
                told = max(told, sum(int(status.get(f"NumberOf{kind}Suboperations") or 0) for kind in _SUBOPERATIONS))
                failed = int(status.get("NumberOfFailedSuboperations") or 0)
                if status.get("Status") != _SOME_FAILED:
                    self._check(status)
        check_count(len(got), max(told, len(got) + failed))
        for number, image in enumerate(got, 1):
            check_whole(image)
            (folder / f"{number:06d}.dcm").write_bytes(image)

    def _sent(self, association: "Association", asked: "Dataset") -> "Iterator[tuple[Dataset, Dataset | None]]":
        try:
            yield from association.send_c_get(asked, _GET)
        except ValueError as error:
            raise ConfigError(
                f"the DICOM node {self.title} must send images by C-GET, it does not; ask it by DICOMweb"
            ) from error

    def _ask(self, level: str, asked: dict[str, Any]) -> list["Dataset"]:
        found = []
        with self._connected() as association:
            for status, answer in association.send_c_find(_dataset(level, asked), _FIND):
                self._check(status)
                found += [] if answer is None else [answer]
        return found

    @contextmanager
    def _connected(self, store: "Callable[[Event], int] | None" = None) -> Iterator["Association"]:
        try:
            from pynetdicom import AE, build_role, evt  # noqa: PLC0415  an extra
        except ImportError as error:
            raise ConfigError("C-GET needs pynetdicom: pip install 'ccma-seg[pacs]'") from error
        node = AE(_OURS)
        for context in (_FIND, _GET):
            node.add_requested_context(context)
        for kind, syntax in itertools.product(_STORED, _SYNTAXES):
            node.add_requested_context(kind, syntax)
        association = node.associate(
            self.host,
            self.port,
            ae_title=self.title,
            ext_neg=[build_role(kind, scp_role=True) for kind in _STORED],
            evt_handlers=[] if store is None else [(evt.EVT_C_STORE, store)],
        )
        if not association.is_established:
            raise ConfigError(
                f"a DICOM node {self.title} must answer at {self.host}:{self.port}, none accepts us there"
            )
        try:
            yield association
        finally:
            association.release()

    def _check(self, status: "Dataset") -> None:
        if "Status" not in status or status.Status not in (*_PENDING, _SUCCESS):
            code = f"status {status.Status:04x}" if "Status" in status else "no status"
            raise ConfigError(f"the DICOM node {self.title} must answer what it is asked, it gave {code}")


def _dataset(level: str, asked: dict[str, Any]) -> "Dataset":
    from pydicom import Dataset  # noqa: PLC0415

    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in asked.items():
        setattr(identifier, keyword, value)
    return identifier
