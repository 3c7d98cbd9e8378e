"""One side of a comparison: an exam to analyse, an analysis, or the folder of a finished result."""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccma_seg.config import Config
from ccma_seg.errors import CorruptInputError
from ccma_seg.nifti.reading import read_labels
from ccma_seg.pipeline import Analysis, analyze
from ccma_seg.record import SCHEMA_VERSION
from ccma_seg.report import make_label_map
from ccma_seg.series import read_series
from ccma_seg.volume import LabelMap, Volume

_RECORD, _LABELS = "report.json", "labels.nii.gz"
_NEEDED = ("series", "contrast", "annulus", "calcium", "lesions", "verdict")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exam:
    """What is known of one exam."""

    record: dict[str, Any]
    labels: LabelMap | None
    analysis: Analysis | None
    """None for a finished result: images, date and patient are not kept in it."""

    @property
    def date(self) -> dt.date | None:
        """When it was scanned."""
        return None if self.analysis is None else self.analysis.volume.acquisition.date

    @property
    def patient_key(self) -> str:
        """Tells patients apart; empty where not known."""
        return "" if self.analysis is None else self.analysis.volume.acquisition.patient_key


def open_exam(source: str | Path | Volume | Analysis | Exam, config: Config) -> Exam:
    """Read, analyse or open an exam.

    Parameters
    ----------
    source
        A path to images or to the folder of a finished result; a volume; an analysis.
    config
        For what is still to be analysed.

    Raises
    ------
    CorruptInputError
        If a finished result is damaged, or of another version.
    CcmaError
        As `read_series` and `analyze` do.
    """
    match source:
        case Exam():
            return source
        case Analysis():
            return Exam(record=source.record(), labels=make_label_map(source), analysis=source)
        case Volume():
            return open_exam(analyze(source, config), config)
    folder = Path(source)
    if is_finished(folder):
        return Exam(record=_read_record(folder / _RECORD), labels=_read_labels(folder, config), analysis=None)
    return open_exam(read_series(folder, params=config.read), config)


def is_finished(path: Path) -> bool:
    """Tell the folder of a finished result by its record."""
    return (path / _RECORD).is_file()


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptInputError(f"{path.name} must be a whole record; it cannot be read: run the exam again") from error
    version = record.get("schema_version") if isinstance(record, dict) else None
    if version != SCHEMA_VERSION or any(name not in record for name in _NEEDED):
        raise CorruptInputError(
            f"{path.name} must be a record of version {SCHEMA_VERSION}, it is of {version}; run the exam again"
        )
    return dict(record)


def _read_labels(folder: Path, config: Config) -> LabelMap | None:
    path = folder / _LABELS
    return read_labels(path, max_voxels=config.read.max_voxels) if path.is_file() else None
