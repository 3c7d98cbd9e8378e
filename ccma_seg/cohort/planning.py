"""From an archive to its cases, in memory that does not grow with it."""

import itertools
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ccma_seg.cohort.cases import Case
from ccma_seg.reasons import Reason
from ccma_seg.series import Holding, Inventory, ReadParams, find_in_archive, walk_archive

_POSITION_DIGITS = 2
_DIRECTION_DIGITS = 4

_TABLES = """
CREATE TABLE place (uid TEXT, folder BLOB, files INTEGER, PRIMARY KEY (uid, folder)) WITHOUT ROWID;
CREATE TABLE lost (folder BLOB, code TEXT, text TEXT, files INTEGER, PRIMARY KEY (folder, code, text)) WITHOUT ROWID;
CREATE TABLE chosen (text TEXT);
"""
_ADD_PLACE = "INSERT INTO place VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET files = files + excluded.files"
_ADD_LOST = "INSERT INTO lost VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET files = files + excluded.files"
_ONLY_LOST = "SELECT folder, code, text, files FROM lost WHERE folder NOT IN (SELECT folder FROM place) ORDER BY folder"


@dataclass(slots=True)
class Walked:
    """How far a walk has come."""

    files: int = 0
    folders: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    """Files that never were slices, by reason code."""


class Plan:
    """The cases of an archive; kept in a private file that vanishes with it."""

    def __init__(self, root: Path, params: ReadParams) -> None:
        self.walked = Walked()
        self._root, self._params = root, params
        self._index = sqlite3.connect("")
        self._index.executescript(_TABLES)

    @property
    def is_empty(self) -> bool:
        """Whether there is no series, and nothing that might have been one."""
        found = self._index.execute("SELECT EXISTS (SELECT * FROM place) OR EXISTS (SELECT * FROM lost)").fetchone()
        return not found[0]

    def find(self, *, leave_out: Path) -> Iterator[Walked]:
        """Walk the archive, and say now and then how far that is.

        Raises
        ------
        InputPathError, CorruptInputError
            If the archive as a whole cannot be read.
        """
        folder = None
        for holding in walk_archive(self._root, self._params, leave_out=leave_out):
            self._add(holding)
            self.walked.folders += holding.name != folder
            folder = holding.name
            yield self.walked

    def choose(self, wanted: Callable[[Case], bool], *, limit: int | None) -> int:
        """Set aside the cases that are wanted, at most `limit`; return how many there are."""
        chosen = itertools.islice(filter(wanted, self._cases()), limit)
        self._index.executemany("INSERT INTO chosen VALUES (?)", ((json.dumps(case.as_dict()),) for case in chosen))
        return int(self._index.execute("SELECT count(*) FROM chosen").fetchone()[0])

    def chosen(self) -> Iterator[Case]:
        """Yield the cases set aside, always in the same order."""
        for (text,) in self._index.execute("SELECT text FROM chosen ORDER BY rowid"):
            yield Case.from_dict(json.loads(text))

    def _cases(self) -> Iterator[Case]:
        with closing(self._index.execute("SELECT uid, folder, files FROM place ORDER BY uid, folder")) as rows:
            for uid, places in itertools.groupby(rows, key=lambda row: str(row[0])):
                yield from self._of_uid(uid, {os.fsdecode(folder): int(files) for _, folder, files in places})
        with closing(self._index.execute(_ONLY_LOST)) as rows:
            for folder, parts in itertools.groupby(rows, key=lambda row: os.fsdecode(row[0])):
                yield _lost(folder, [(Reason(code, text), files) for _, code, text, files in parts])

    def close(self) -> None:
        """Remove the private file."""
        self._index.close()

    def _add(self, holding: Holding) -> None:
        folder = os.fsencode(holding.name)
        self._index.executemany(_ADD_PLACE, ((uid, folder, count) for uid, count in holding.series.items()))
        lost = ((folder, reason.code, reason.text, count) for reason, count in holding.lost.items())
        self._index.executemany(_ADD_LOST, lost)
        self.walked.files += holding.file_count
        self.walked.ignored += holding.ignored

    def _of_uid(self, uid: str, places: dict[str, int]) -> Iterator[Case]:
        """Tell a series that is spread over folders from several that share a UID."""
        if len(places) == 1 or not uid:
            yield from (Case(series_uid=uid, folders=(folder,), files=files) for folder, files in places.items())
            return
        parts = [
            _part(folder, find_in_archive(self._root, (folder,), series_uid=uid, params=self._params))
            for folder in places
        ]
        wholes = _put_together(parts)
        for whole in wholes:
            files = sum(places[folder] for folder in whole.folders)
            notes = tuple(_notes(whole, [other for other in wholes if other is not whole]))
            yield Case(series_uid=uid, folders=whole.folders, files=files, notes=notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The images of one series in some folders, as far as it matters to tell whether they belong together."""

    folders: tuple[str, ...]
    patients: frozenset[str]
    kinds: frozenset[Hashable]
    """Matrix, spacing and direction."""

    spots: frozenset[Hashable]
    """Where images lie; an image that does not say is at None."""

    images: frozenset[str]
    """SOPInstanceUIDs."""

    def fits(self, other: "_Part") -> bool:
        """Tell whether two parts complete each other."""
        alike = self.kinds == other.kinds and self.patients == other.patients and len(self.kinds) == 1
        return alike and None not in self.spots | other.spots and self.spots.isdisjoint(other.spots)

    def joined(self, other: "_Part") -> "_Part":
        """Return both as one."""
        return _Part(
            folders=(*self.folders, *other.folders),
            patients=self.patients,
            kinds=self.kinds,
            spots=self.spots | other.spots,
            images=self.images | other.images,
        )


def _part(folder: str, inventory: Inventory) -> _Part:
    images = [image for series in inventory.series for image in series.images + series.duplicates]
    return _Part(
        folders=(folder,),
        patients=frozenset(image.patient_key for image in images),
        kinds=frozenset(
            (
                image.coding.rows,
                image.coding.columns,
                image.pixel_spacing_mm,
                _rounded(image.row_direction, _DIRECTION_DIGITS),
                _rounded(image.column_direction, _DIRECTION_DIGITS),
            )
            for image in images
        ),
        spots=frozenset(_rounded(image.position_mm, _POSITION_DIGITS) for image in images),
        images=frozenset(image.sop_uid for image in images if image.sop_uid),
    )


def _rounded(values: tuple[float, ...] | None, digits: int) -> tuple[float, ...] | None:
    return None if values is None else tuple(round(value, digits) for value in values)


def _put_together(parts: list[_Part]) -> list[_Part]:
    """Join parts that complete each other; phases and copies lie at the same places, and stay apart."""
    wholes: list[_Part] = []
    for part in parts:
        fitting = next((i for i, whole in enumerate(wholes) if whole.fits(part)), None)
        if fitting is None:
            wholes.append(part)
        else:
            wholes[fitting] = wholes[fitting].joined(part)
    return wholes


def _notes(whole: _Part, others: list[_Part]) -> Iterator[Reason]:
    if len(whole.folders) > 1:
        yield Reason("spread_over_folders", f"the series was put together from {len(whole.folders)} folders")
    copies = sum(not whole.images.isdisjoint(other.images) for other in others)
    if copies:
        yield Reason("duplicate_series", f"the same images lie in {copies} other places too; count them once")
    if len(others) > copies:
        text = f"{len(others) - copies} other places hold other images under the same SeriesInstanceUID"
        yield Reason("shared_series_uid", text, degrades=any(other.patients != whole.patients for other in others))


def _lost(folder: str, reasons: list[tuple[Reason, int]]) -> Case:
    told = tuple(Reason(reason.code, f"{files} files: {reason.text}") for reason, files in reasons)
    return Case(series_uid="", folders=(folder,), files=sum(files for _, files in reasons), lost=told)
