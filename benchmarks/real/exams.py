"""Which real CTs are at hand, what a careful reader says of them, and where their annulus was marked."""

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pydicom

from benchmarks.cases import marked_annulus
from benchmarks.heart_template import read_landmarks
from ccma_seg import read_series
from ccma_seg.anatomy import MitralAnnulus
from ccma_seg.volume import Volume

_IMAGES = (".nii", ".nii.gz", ".nrrd")
_NOT_EXAMS = {"about"}
_NO_HEART, _PART = "none", "part"
"""The `sort` of what shows no heart, or not a whole one."""
_NO_UID = "?"
"""Stands in an index where the headers name no series."""
Told = dict[str, Any]
_BESIDE = ("ct", "cts", ".")
"""Where a CT lies in a folder of data, if nothing says."""
_TILTED = "geometry"
_PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"


@dataclass(frozen=True, slots=True, kw_only=True)
class RealExam:
    """A CT and what is known of it."""

    name: str
    path: Path
    """A folder of DICOM, or one file."""
    series_uid: str | None = None
    allowed: tuple[str, ...] = ()
    """Verdicts that a careful reader accepts; none for what shows no heart."""
    calcifications: tuple[dict[str, Any], ...] = ()
    """Place (LPS mm), kind, how sure, of each that a reader saw."""
    marks: dict[str, Any] | None = None
    """Landmarks."""
    contrast: bool | None = None
    """None if nobody said."""
    is_part: bool = False
    """Whether it shows a part of a heart only, or the heart in a way that no exam does."""

    @property
    def is_heart(self) -> bool:
        """Tell whether a reader judged a heart in it."""
        return bool(self.allowed)

    @property
    def has_mac(self) -> bool:
        """Tell whether a reader takes it for MAC, or may."""
        return "mac" in self.allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Exams:
    """All that is at hand, and the names of those that are told of but not here."""

    here: tuple[RealExam, ...]
    absent: tuple[str, ...] = field(default=())

    @property
    def hearts(self) -> list[RealExam]:
        """List the hearts."""
        return [exam for exam in self.here if exam.is_heart]

    @property
    def whole_hearts(self) -> list[RealExam]:
        """List the hearts that are seen whole."""
        return [exam for exam in self.hearts if not exam.is_part]

    @property
    def others(self) -> list[RealExam]:
        """List what is no heart."""
        return [exam for exam in self.here if not exam.is_heart]


def find_exams(folders: list[Path]) -> Exams:
    """Put together what the folders say of their CTs; of two that say the same thing the first is believed."""
    index, judged = (_all_told(folders, file) for file in ("index.json", "calcium.json"))
    marks = _all_marks(folders)
    here, absent = [], []
    for name in sorted({**judged, **index}.keys() - _NOT_EXAMS):
        exam = _exam(folders, name, index.get(name, {}), judged.get(name, {}), marks.get(name, {}))
        if exam is None:
            absent.append(name)
        else:
            here.append(exam)
    here += [*_tilted(folders[0]), *_shipped_with_pydicom()]
    return Exams(here=tuple(here), absent=tuple(absent))


def read_exam(exam: RealExam) -> Volume:
    """Read a CT; the last one is kept."""
    return _read(exam.path, exam.series_uid)


def annulus_of(exam: RealExam) -> MitralAnnulus | None:
    """Return the marked annulus; None without landmarks."""
    return None if exam.marks is None else marked_annulus(exam.marks)


def _exam(folders: list[Path], name: str, told: Told, verdicts: Told, marks: Told) -> RealExam | None:
    """Return what is known of a CT; None if it is not there, or if nobody judged it yet."""
    path = _place(folders, name, told.get("path") or marks.get("path"))
    is_other = told.get("sort") == _NO_HEART
    if path is None or not (is_other or verdicts.get("allowed")):
        return None
    return RealExam(
        name=name,
        path=path,
        series_uid=_known(told.get("series_uid")) or marks.get("series_uid"),
        allowed=() if is_other else tuple(verdicts["allowed"]),
        calcifications=tuple(verdicts.get("calcifications", ())),
        marks=marks if "landmarks" in marks else None,
        contrast=marks.get("contrast", verdicts.get("contrast", told.get("contrast"))),
        is_part=told.get("sort") == _PART,
    )


def _known(uid: str | None) -> str | None:
    return None if uid == _NO_UID else uid


def _all_told(folders: list[Path], file: str) -> dict[str, Told]:
    told: dict[str, Told] = {}
    for path in (folder / file for folder in folders):
        told = {**(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}), **told}
    return told


def _all_marks(folders: list[Path]) -> dict[str, Told]:
    marks: dict[str, Told] = {}
    for folder in folders:
        marks = {**(read_landmarks(folder) if (folder / "landmarks.json").is_file() else {}), **marks}
    return marks


def _place(folders: list[Path], name: str, path: str | None) -> Path | None:
    """Find a CT where it is said to be, or in a folder of its name; of a folder of images take the CT."""
    told = [folder / path for folder in folders] if path else []
    named = [folder / part / name for folder in folders for part in _BESIDE]
    there = next((place for place in (*told, *named) if place.exists()), None)
    if there is None or there.is_file():
        return there
    images = sorted(file for file in there.iterdir() if file.name.endswith(_IMAGES))
    return next((file for file in images if file.name.startswith("ct")), images[0]) if images else there


def _tilted(data: Path) -> Iterator[RealExam]:
    """Yield heads whose geometry must be refused as well."""
    folder = data / _TILTED
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        yield RealExam(name=path.name, path=path)


@lru_cache(maxsize=1)
def _shipped_with_pydicom() -> tuple[RealExam, ...]:
    """Return each CT series of pydicom's test files."""
    first_of = {}
    for path in sorted(_PYDICOM_FILES.rglob("*"), reverse=True):
        if uid := _ct_series(path):
            first_of[uid] = path
    return tuple(
        RealExam(name=f"pydicom {path.relative_to(_PYDICOM_FILES)}", path=path.parent, series_uid=uid)
        for uid, path in reversed(first_of.items())
    )


def _ct_series(path: Path) -> str | None:
    if not path.is_file() or path.suffix in {".zip", ".gz"}:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["Modality", "SeriesInstanceUID"])
        except Exception:  # noqa: BLE001 - the test files are broken in every way
            return None
    return str(header.SeriesInstanceUID) if header.get("Modality") == "CT" and "SeriesInstanceUID" in header else None


@lru_cache(maxsize=1)
def _read(path: Path, series_uid: str | None) -> Volume:
    return read_series(path, series_uid=series_uid)
