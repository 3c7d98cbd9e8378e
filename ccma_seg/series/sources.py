"""Where bytes come from: files of a folder tree, a single file, the members of a zip."""

import os
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path, PurePath, PurePosixPath
from typing import BinaryIO

from ccma_seg.errors import CorruptInputError, InputPathError
from ccma_seg.series.params import ReadParams

_SMALL_ARCHIVE_BYTES = 100_000_000
"""What a zip may always grow to: a series of empty slices shrinks a thousandfold."""


LINKED = "a link to a folder"
"""Why such a link is not followed: it may lead back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file, or a member of a zip."""

    name: str
    """Relative to the input, with forward slashes."""

    path: Path = field(repr=False)
    """The file; the zip that holds the member."""

    member: zipfile.ZipInfo | None = field(default=None, repr=False)
    archive: zipfile.ZipFile | None = field(default=None, repr=False, compare=False)
    content: bytes | None = field(default=None, repr=False, compare=False)
    """All of it, where it was unpacked."""

    @property
    def is_packed(self) -> bool:
        """Whether it is unpacked from its start each time it is read."""
        return self.content is None and self.member is not None and self.member.compress_type != zipfile.ZIP_STORED

    def unpacked(self) -> "Source":
        """Return the same, unpacked in memory."""
        return replace(self, content=self.read())

    @property
    def file_name(self) -> str:
        """Return the last part of the name, for messages."""
        return PurePosixPath(self.name).name

    def open(self) -> BinaryIO:
        """Open for reading; OSError or zipfile.BadZipFile where that is not possible."""
        if self.content is not None:
            return BytesIO(self.content)
        if self.archive is not None and self.member is not None:
            return self.archive.open(self.member)  # type: ignore[return-value]
        return self.path.open("rb", buffering=0)

    def size(self) -> int:
        """Return the number of bytes."""
        return self.member.file_size if self.member is not None else self.path.stat().st_size

    def read(self, offset: int = 0, length: int = -1) -> bytes:
        """Read `length` bytes (all: -1) from `offset`; fewer where there are no more."""
        with self.open() as file:
            file.seek(offset)
            return file.read(length)

    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Fill `buffer` from `offset`; return how many bytes there were."""
        done = 0
        with self.open() as file:
            file.seek(offset)
            while done < len(buffer) and (count := file.readinto(buffer[done:])):  # type: ignore[attr-defined]
                done += count
        return done


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Something under the input that cannot be opened, and why."""

    name: str
    why: str


def find_sources(path: Path, params: ReadParams) -> Iterator[Source | Unreadable]:
    """Walk a folder tree, a file, or a zip, in the order of names.

    Raises
    ------
    InputPathError
        If `path` is not there or may not be read.
    CorruptInputError
        If a zip is damaged, reaches outside itself, or grows beyond measure.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise InputPathError(f"input must exist: {path} - {error.strerror or error}; check the path") from error
    if stat.S_ISDIR(mode):
        return _walk(path)
    if not stat.S_ISREG(mode):
        raise InputPathError(f"input must be a folder or a file: {path}")
    return _members(path, params) if is_zip(path) else iter((Source(name=shown(PurePosixPath(path.name)), path=path),))


def is_zip(path: Path) -> bool:
    """Tell whether a file begins like a zip.

    Raises
    ------
    InputPathError
        If the file may not be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except OSError as error:
        raise InputPathError(f"input must be readable: {path} - {error.strerror or error}") from error


def _walk(root: Path) -> Iterator[Source | Unreadable]:
    """Yield the files of a tree; links to folders are not followed, so that there are no loops."""
    broken: list[OSError] = []
    for folder, folders, names in os.walk(root, onerror=broken.append):
        folders.sort()
        inside = Path(folder)
        relative = PurePosixPath(inside.relative_to(root).as_posix())
        for name in sorted(names):
            yield file_source(inside / name, name=shown(relative / name))
        for name in folders:
            if (inside / name).is_symlink():
                yield Unreadable(name=shown(relative / name), why=LINKED)
    for error in broken:
        if error.filename == str(root):
            raise InputPathError(f"input must be readable: {root} - {error.strerror}") from error
        place = Path(error.filename).relative_to(root)
        yield Unreadable(name=shown(PurePosixPath(place.as_posix())), why=f"cannot be read: {error.strerror}")


def shown(path: PurePath) -> str:
    """Return a path as text that can be written anywhere: bytes of other encodings become replacement characters."""
    return os.fsencode(path).decode("utf-8", "replace")


def file_source(path: Path, *, name: str) -> Source | Unreadable:
    """Return a file as a source, or why it cannot be one."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return Unreadable(name=name, why=f"cannot be read: {error.strerror}")
    if not stat.S_ISREG(mode):
        return Unreadable(name=name, why="not a regular file")
    return Source(name=name, path=path)


def _members(path: Path, params: ReadParams) -> Iterator[Source | Unreadable]:
    """Yield the members of a zip; they are only ever read through it, never unpacked to a place of their choice."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise CorruptInputError(f"{path.name} must be a zip archive: {error}; pack it again") from error
    members = sorted((m for m in archive.infolist() if not m.is_dir()), key=lambda m: m.filename)
    _check_archive(path, members, params)
    for member in members:
        yield _member(path, archive, member)


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Source | Unreadable:
    if stat.S_ISLNK(member.external_attr >> 16):
        return Unreadable(name=member.filename, why="a link inside a zip")
    if member.flag_bits & 0x1:
        return Unreadable(name=member.filename, why="encrypted; unpack it first")
    return Source(name=member.filename, path=path, member=member, archive=archive)


def _check_archive(path: Path, members: list[zipfile.ZipInfo], params: ReadParams) -> None:
    total = sum(member.file_size for member in members)
    ratio = total / max(path.stat().st_size, 1)
    if len(members) > params.max_archive_members:
        limit = params.max_archive_members
        raise CorruptInputError(
            f"{path.name} must hold at most {limit} files, holds {len(members)}; unpack it yourself"
        )
    bloated = total > _SMALL_ARCHIVE_BYTES and ratio > params.max_archive_ratio
    if total > params.max_archive_bytes or bloated:
        raise CorruptInputError(
            f"{path.name} must unpack to at most {params.max_archive_bytes / 1e9:.0f} GB and "
            f"{params.max_archive_ratio:.0f} times its size, would be {total / 1e9:.1f} GB and {ratio:.0f} times; "
            "unpack it yourself if you trust it"
        )
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or (name.parts[:1] and name.parts[0].endswith(":")):
            raise CorruptInputError(f"{path.name} must hold files below itself, one is named {str(name)[:80]!r}")
