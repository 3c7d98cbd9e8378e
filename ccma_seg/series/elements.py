"""The elements of a DICOM header, as bytes.

pydicom reads a header in 0.5 ms, which for a folder of thousands of slices is most of the waiting. Only a few dozen
plain elements are needed of each slice, so they are picked here; nested ones (multi-frame images) are left to pydicom.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

PIXEL_DATA = 0x7FE00010
TRANSFER_SYNTAX = 0x00020010
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
PLAIN = frozenset((EXPLICIT_LITTLE, IMPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED))
UNDEFINED = 0xFFFFFFFF

_PREAMBLE = 128
_MAGIC = b"DICM"
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_VRS = _LONG_VRS | _SHORT_VRS
_META_GROUP, _FIRST_GROUP = 0x0002, 0x0008
_ITEM_GROUP = 0xFFFE
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONGEST_FIRST_ELEMENT = 4096
_DEEPEST_NESTING = 32
_FIRST_ELEMENT_BYTES = 16


class HeaderError(ValueError):
    """Bytes that are no DICOM header, or one that is damaged."""


class HeaderCutError(HeaderError):
    """A header that goes on beyond the bytes at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """The elements of one header that were asked for."""

    values: dict[int, bytes]
    """Value of each element, by tag (group << 16 | element)."""

    transfer_syntax: str
    pixel_offset: int | None
    """Where the value of PixelData begins; None if there is none."""

    pixel_length: int
    """Bytes of PixelData; `UNDEFINED` where it is encapsulated."""

    @property
    def big_endian(self) -> bool:
        """Whether numbers are stored most significant byte first."""
        return self.transfer_syntax == EXPLICIT_BIG


@dataclass(frozen=True, slots=True)
class _Coding:
    implicit: bool
    order: str
    explicit: struct.Struct
    """Tag, VR and short length."""
    long_length: struct.Struct


def _coding(*, implicit: bool, order: str = "<") -> _Coding:
    layouts = (struct.Struct(f"{order}{layout}") for layout in ("HH2sH", "I"))
    return _Coding(implicit, order, *layouts)


_EXPLICIT_LITTLE, _EXPLICIT_BIG = _coding(implicit=False), _coding(implicit=False, order=">")
_IMPLICIT_LITTLE = _coding(implicit=True)


@dataclass(slots=True)
class _Cursor:
    data: bytes
    at: int


def looks_like_dicom(head: bytes) -> bool:
    """Tell DICOM by its first bytes, with or without the preamble."""
    return head[_PREAMBLE : _PREAMBLE + 4] == _MAGIC or _bare_coding(head) is not None


def read_elements(data: bytes, wanted: frozenset[int]) -> Elements:
    """Read the elements in `wanted` from the first bytes of a file, up to its pixel data.

    Parameters
    ----------
    data
        The file from its start; as much as holds the header.
    wanted
        Tags of plain elements, as group << 16 | element.

    Raises
    ------
    HeaderCutError
        If `data` ends before the header does.
    HeaderError
        If this is no DICOM header, or a damaged one.
    """
    start, syntax = _meta(data)
    coding = {IMPLICIT_LITTLE: _IMPLICIT_LITTLE, EXPLICIT_BIG: _EXPLICIT_BIG}.get(syntax, _EXPLICIT_LITTLE)
    values: dict[int, bytes] = {}
    for tag, offset, length in _walk(_Cursor(data, start), coding):
        if tag == PIXEL_DATA:
            return Elements(values=values, transfer_syntax=syntax, pixel_offset=offset, pixel_length=length)
        if tag in wanted:
            values[tag] = data[offset : offset + length]
    return Elements(values=values, transfer_syntax=syntax, pixel_offset=None, pixel_length=0)


def inflate(data: bytes, *, limit: int) -> bytes:
    """Return a deflated file as a plain one, at most `limit` bytes of it.

    Raises
    ------
    HeaderError
        If the deflated part is damaged.
    """
    start, _ = _meta(data)
    try:
        return data[:start] + zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:], limit)
    except zlib.error as error:
        raise HeaderError("the deflated part is damaged") from error


def transfer_syntax(data: bytes) -> str:
    """Return the UID of how a file is encoded.

    Raises
    ------
    HeaderError
        If this is no DICOM header, or a damaged one.
    """
    return _meta(data)[1]


def _meta(data: bytes) -> tuple[int, str]:
    """Return where the dataset begins, and its transfer syntax."""
    start = _PREAMBLE + 4 if data[_PREAMBLE : _PREAMBLE + 4] == _MAGIC else 0
    coding = _bare_coding(data[start:])
    if coding is None:
        raise HeaderError("not DICOM")
    if struct.unpack_from("<H", data, start)[0] != _META_GROUP:
        return start, IMPLICIT_LITTLE if coding.implicit else EXPLICIT_BIG if coding.order == ">" else EXPLICIT_LITTLE
    cursor, syntax = _Cursor(data, start), ""
    for tag, offset, length in _walk(cursor, coding, group=_META_GROUP):
        if tag == TRANSFER_SYNTAX:
            syntax = data[offset : offset + length].decode("ascii", "replace").strip("\0 ")
    return cursor.at, _true_syntax(syntax, data[cursor.at : cursor.at + _FIRST_ELEMENT_BYTES])


def _true_syntax(declared: str, head: bytes) -> str:
    """Return the transfer syntax, corrected where the first element is written otherwise than declared."""
    if declared in (EXPLICIT_BIG, DEFLATED):
        return declared
    coding = _bare_coding(head)
    if coding is not None and coding.implicit != (declared == IMPLICIT_LITTLE):
        return IMPLICIT_LITTLE if coding.implicit else EXPLICIT_LITTLE
    return declared or EXPLICIT_LITTLE


def _bare_coding(head: bytes) -> _Coding | None:
    """Guess how a dataset without a preamble is written, from its first element; None if it is none."""
    if len(head) < 8:
        return None
    for order in "<>":
        group, element, length = struct.unpack_from(f"{order}HHI", head)
        if group not in (_META_GROUP, _FIRST_GROUP) or element > 0x0100:
            continue
        if head[4:6] in _VRS:
            return _EXPLICIT_LITTLE if order == "<" else _EXPLICIT_BIG
        if order == "<" and length <= _LONGEST_FIRST_ELEMENT:
            return _IMPLICIT_LITTLE
    return None


def _walk(cursor: _Cursor, coding: _Coding, *, group: int | None = None) -> Iterator[tuple[int, int, int]]:
    """Yield tag, offset and length of each element of the outermost level, the last being PixelData.

    With `group`, stop before the first element of another one.
    """
    size = len(cursor.data)
    while cursor.at < size:
        begin = cursor.at
        tag, length = _element(cursor, coding)
        if group is not None and tag >> 16 != group:
            cursor.at = begin
            return
        yield tag, cursor.at, length
        if tag == PIXEL_DATA:
            return
        if length == UNDEFINED:
            _skip_items(cursor, coding, depth=0)
        else:
            cursor.at += length
    if cursor.at > size:
        raise HeaderCutError("the header is cut short")


def _element(cursor: _Cursor, coding: _Coding) -> tuple[int, int]:
    """Read one element's tag and length; the cursor then stands on its value."""
    data, at = cursor.data, cursor.at
    try:
        group, element, vr, length = coding.explicit.unpack_from(data, at)
        cursor.at = at + 8
        # Items have no VR, and some writers fall back to implicit VR in the middle of a file.
        if coding.implicit or group == _ITEM_GROUP or not (vr in _VRS or (vr.isalpha() and vr.isupper())):
            (length,) = coding.long_length.unpack_from(data, at + 4)
        elif vr in _LONG_VRS:
            (length,) = coding.long_length.unpack_from(data, at + 8)
            cursor.at = at + 12
    except struct.error as error:
        raise HeaderCutError("the header is cut short") from error
    return group << 16 | element, length


def _skip_items(cursor: _Cursor, coding: _Coding, *, depth: int) -> None:
    """Move behind a sequence of undefined length."""
    if depth > _DEEPEST_NESTING:
        raise HeaderError("sequences are nested too deeply")
    while True:
        tag, length = _element(cursor, coding)
        if tag == _SEQUENCE_END:
            return
        if tag != _ITEM:
            raise HeaderError("a sequence holds something else than items")
        if length != UNDEFINED:
            cursor.at += length
            continue
        while tag != _ITEM_END:
            tag, length = _element(cursor, coding)
            if length == UNDEFINED:
                _skip_items(cursor, coding, depth=depth + 1)
            else:
                cursor.at += length
