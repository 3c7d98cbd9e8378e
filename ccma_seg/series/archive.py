"""An archive folder by folder: which series lie where, without holding the headers of more than one."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ccma_seg.errors import CorruptInputError, InputPathError
from ccma_seg.reasons import Reason
from ccma_seg.series.grouping import group_images
from ccma_seg.series.headers import ARCHIVE, DAMAGED, NOT_READ, read_images
from ccma_seg.series.images import Image
from ccma_seg.series.inventory import Inventory, Skipped
from ccma_seg.series.judging import judge
from ccma_seg.series.params import ReadParams
from ccma_seg.series.sources import LINKED, Source, Unreadable, file_source, find_sources, is_zip, shown

_LINK = "link"

_FILES_AT_A_TIME = 1000
"""After so many files a walk reports, so that its progress can be shown within a large folder too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one folder (without the folders in it), or one zip, holds; large ones are told in several parts."""

    name: str
    """Relative to the archive, with forward slashes; `.` is the archive itself."""

    series: Counter[str] = field(default_factory=Counter)
    """How many files each series has, by SeriesInstanceUID (empty where images name none)."""

    lost: Counter[Reason] = field(default_factory=Counter)
    """Files that may have been slices and cannot be read."""

    ignored: Counter[str] = field(default_factory=Counter)
    """Files that never were slices of their own, by reason code."""

    @property
    def file_count(self) -> int:
        """Number of files looked at."""
        return self.series.total() + self.lost.total() + self.ignored.total()


def walk_archive(root: Path, params: ReadParams = ReadParams(), *, leave_out: Path | None = None) -> Iterator[Holding]:
    """Yield what each folder and each zip under `root` holds, depth first, in the order of names.

    Links to folders are counted and not followed, so that there are no loops.

    Parameters
    ----------
    root
        A folder, a zip or a single file.
    params
        What is accepted.
    leave_out
        A folder that is not looked into, such as that of the results.

    Raises
    ------
    InputPathError
        If `root` is not there or may not be read.
    CorruptInputError
        If `root` is a damaged zip.
    """
    if not root.is_dir():
        yield from _tell(root.name, find_sources(root, params), params, [])
        return
    pending = [root]
    while pending:
        inside = pending.pop()
        if leave_out is not None and inside.resolve() == leave_out.resolve():
            continue
        name = inside.relative_to(root).as_posix()
        found: list[Path] = []
        try:
            yield from _tell(name, _sources(inside, params, found), params, found)
        except (OSError, CorruptInputError) as error:
            if inside == root:
                raise InputPathError(f"input must be readable: {root} - {_why(error)}") from error
            yield Holding(name=name, lost=Counter([Reason(NOT_READ, f"cannot be opened: {_why(error)}")]))
        pending += sorted(found, reverse=True)


def find_in_archive(root: Path, names: tuple[str, ...], *, series_uid: str, params: ReadParams) -> Inventory:
    """Find one series in some folders or zips of an archive, as `find_series` would, and the files lost there.

    Parameters
    ----------
    root
        The archive.
    names
        From `Holding.name`.
    series_uid
        Images of other series are left out.
    params
        What is accepted.

    Raises
    ------
    InputPathError
        If a folder is not there any more.
    CorruptInputError
        If a zip is damaged.
    """
    images: list[Image] = []
    skipped: list[Skipped] = []
    for name in sorted(names):
        inside = root / name if root.is_dir() else root
        for source in sorted(_sources(inside, params, []), key=lambda source: source.name):
            found = _look(source, params)
            if isinstance(found, Reason):
                skipped.append(Skipped(name=source.name, reason=found))
            else:
                images.extend(image for image in found if image.series_uid == series_uid)
    return Inventory(series=tuple(judge(s, params) for s in group_images(images, params)), skipped=tuple(skipped))


def _tell(
    name: str, sources: Iterable[Source | Unreadable], params: ReadParams, archives: list[Path]
) -> Iterator[Holding]:
    """Count files by what they hold; zips are put on the list instead."""
    holding = Holding(name=name)
    for source in sources:
        found = _look(source, params)
        if not isinstance(found, Reason):
            holding.series.update({image.series_uid for image in found})
        elif found.code in (DAMAGED, NOT_READ):
            holding.lost[found] += 1
        elif found.code == ARCHIVE and isinstance(source, Source) and source.member is None and is_zip(source.path):
            archives.append(source.path)
        else:
            holding.ignored[found.code] += 1
        if holding.file_count >= _FILES_AT_A_TIME:
            yield holding
            holding = Holding(name=name)
    yield holding


def _look(source: Source | Unreadable, params: ReadParams) -> tuple[Image, ...] | Reason:
    if isinstance(source, Unreadable):
        return Reason(_LINK if source.why == LINKED else NOT_READ, source.why)
    return read_images(source, params)


def _sources(inside: Path, params: ReadParams, folders: list[Path]) -> Iterator[Source | Unreadable]:
    """Yield the files of one folder or zip; the folders in it are put on the list."""
    return _entries(inside, folders) if inside.is_dir() else find_sources(inside, params)


def _entries(folder: Path, folders: list[Path]) -> Iterator[Source | Unreadable]:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = folder / entry.name
            name = shown(PurePosixPath(folder.name, entry.name))
            if entry.is_dir(follow_symlinks=False):
                folders.append(path)
            elif entry.is_symlink() and entry.is_dir():
                yield Unreadable(name=name, why=LINKED)
            else:
                yield file_source(path, name=name)


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
