"""The values of one header, typed."""

import math
import re
import struct
import warnings
from dataclasses import dataclass

from ccma_seg.series.elements import Elements

TAGS: dict[str, int] = {
    "directory": 0x00041200,
    "character_set": 0x00080005,
    "image_type": 0x00080008,
    "sop_class": 0x00080016,
    "sop_uid": 0x00080018,
    "study_date": 0x00080020,
    "acquisition_date": 0x00080022,
    "acquisition_time": 0x00080032,
    "content_time": 0x00080033,
    "modality": 0x00080060,
    "manufacturer": 0x00080070,
    "description": 0x0008103E,
    "model": 0x00081090,
    "patient": 0x00100020,
    "contrast_agent": 0x00180010,
    "scan_options": 0x00180022,
    "slice_thickness": 0x00180050,
    "tube_voltage": 0x00180060,
    "trigger_time": 0x00181060,
    "tilt": 0x00181120,
    "kernel": 0x00181210,
    "phase_percent": 0x00209241,
    "study_uid": 0x0020000D,
    "series_uid": 0x0020000E,
    "acquisition": 0x00200012,
    "number": 0x00200013,
    "position": 0x00200032,
    "orientation": 0x00200037,
    "frame_of_reference": 0x00200052,
    "temporal": 0x00200100,
    "samples": 0x00280002,
    "photometric": 0x00280004,
    "frames": 0x00280008,
    "rows": 0x00280010,
    "columns": 0x00280011,
    "pixel_spacing": 0x00280030,
    "bits_allocated": 0x00280100,
    "bits_stored": 0x00280101,
    "high_bit": 0x00280102,
    "signed": 0x00280103,
    "padding": 0x00280120,
    "padding_limit": 0x00280121,
    "intercept": 0x00281052,
    "slope": 0x00281053,
    "rescale_type": 0x00281054,
    "lossy": 0x00282110,
}
"""The plain elements that are read of each image."""

WANTED = frozenset(TAGS.values())

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LONGEST_TEXT = 64
_FLOAT_BYTES = 4
_BINARY = frozenset(("phase_percent",))
"""Numbers that are stored as such; all others are text."""
_DECIMALS = (
    "slice_thickness",
    "tube_voltage",
    "trigger_time",
    "tilt",
    "position",
    "orientation",
    "pixel_spacing",
    "intercept",
    "slope",
)
_ESCAPE = b"\x1b"
"""Begins a change of character set."""
_LATIN = frozenset(("", "ISO_IR 6", "ISO_IR 100", "ISO_IR 192", "ISO 2022 IR 6", "ISO 2022 IR 100"))
"""Character sets that are told apart by looking: UTF-8, or else Latin-1."""
_MOST_MM = 1e6
_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True)
class Header:
    """Typed access to the elements of one header; garbage reads as if it were absent."""

    elements: Elements

    def raw(self, name: str) -> bytes:
        """Return an element's bytes, empty if it is absent."""
        return self.elements.values.get(TAGS[name], b"")

    def text(self, name: str) -> str:
        """Return one line of plain text, without control characters."""
        return _CONTROL.sub(" ", self._decoded(self.raw(name))).strip()[:_LONGEST_TEXT]

    def _decoded(self, raw: bytes) -> str:
        sets = [part.strip() for part in self.raw("character_set").decode("latin-1").strip("\0 ").split("\\")]
        if not set(sets) <= _LATIN and (_ESCAPE in raw or not raw.isascii()):
            return _in_character_sets(raw, sets)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode("latin-1")

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the values of a multi-valued code, in capitals."""
        return tuple(part.strip().upper() for part in self.text_whole(name).split("\\") if part.strip())

    def text_whole(self, name: str) -> str:
        """Return text of any length."""
        return _CONTROL.sub("", self.raw(name).decode("latin-1"))

    def uid(self, name: str) -> str:
        """Return a UID, empty if it is none."""
        value = self.raw(name).decode("latin-1").strip("\0 ")
        return value if _UID.fullmatch(value) else ""

    def floats(self, name: str, count: int) -> tuple[float, ...] | None:
        """Return exactly `count` numbers that can be positions, or None."""
        parts = _decimals(self.raw(name))
        try:
            numbers = tuple(float(part) for part in parts)
        except ValueError:
            return None
        return numbers if len(numbers) == count and all(abs(number) < _MOST_MM for number in numbers) else None

    def number(self, name: str) -> float | None:
        """Return the first number of a decimal string, or a binary one, or None; a decimal comma is a point."""
        raw = self.raw(name)
        if name in _BINARY and len(raw) == _FLOAT_BYTES:
            value = struct.unpack(">f" if self.elements.big_endian else "<f", raw)[0]
            return value if math.isfinite(value) else None
        try:
            value = float(_decimals(raw)[0])
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    def whole(self, name: str) -> int | None:
        """Return a whole number written as text, or None."""
        value = self.number(name)
        return None if value is None else int(value)

    def short(self, name: str, *, signed: bool = False) -> int | None:
        """Return a binary 16-bit (32-bit, if that long) number, or None."""
        raw = self.raw(name)
        if len(raw) not in (2, 4):
            return None
        return int.from_bytes(raw, "big" if self.elements.big_endian else "little", signed=signed)

    def has_commas(self) -> bool:
        """Tell whether a decimal string that is read has a comma where a point belongs."""
        return any(b"," in self.raw(name) for name in _DECIMALS)


def _decimals(raw: bytes) -> list[bytes]:
    """Take decimal strings apart; a decimal comma is a point."""
    return [part.strip(b"\0 ").replace(b",", b".") for part in raw.split(b"\\")]


def _in_character_sets(raw: bytes, sets: list[str]) -> str:
    """Decode text in other than Latin letters, several sets in one text among them."""
    from pydicom import charset  # noqa: PLC0415  pydicom takes a quarter of a second to load

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(charset.decode_bytes(raw, charset.convert_encodings(sets), set()))
