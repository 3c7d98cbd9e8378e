"""One stored image, or one frame of a multi-frame object: what its header says, in plain values."""

import hashlib
import math
import re
import struct
from dataclasses import dataclass, field

from ccma_seg.geometry import Point
from ccma_seg.series.elements import DEFLATED, UNDEFINED, Elements
from ccma_seg.series.sources import Source

TAGS: dict[str, int] = {
    "directory": 0x00041200,
    "image_type": 0x00080008,
    "sop_class": 0x00080016,
    "sop_uid": 0x00080018,
    "acquisition_time": 0x00080032,
    "content_time": 0x00080033,
    "modality": 0x00080060,
    "manufacturer": 0x00080070,
    "description": 0x0008103E,
    "model": 0x00081090,
    "patient": 0x00100020,
    "contrast_agent": 0x00180010,
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
_PHASE_IN_TEXT = re.compile(r"(?<![\w.])(?<!asir )(?<!asir-v )(\d{1,3}(?:\.\d)?) ?%", re.IGNORECASE)
_LONGEST_TEXT = 64
_FLOAT_BYTES = 4
_MOST_MM = 1e6
_LEAST_SPACING_MM = 1e-3
_UID = re.compile(r"[0-9.]{1,64}")
_WHOLE_INTERVAL_PERCENT = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelCoding:
    """How the pixels of an image are stored."""

    transfer_syntax: str
    offset: int
    """Where PixelData begins in the file (in the inflated file, if that is deflated)."""
    length: int
    """Bytes of PixelData, or `UNDEFINED` where encapsulated."""
    frames: int
    rows: int
    columns: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool

    @property
    def encapsulated(self) -> bool:
        """Whether pixels are compressed, each frame in fragments."""
        return self.length == UNDEFINED

    @property
    def deflated(self) -> bool:
        """Whether the whole file is deflated."""
        return self.transfer_syntax == DEFLATED

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame, unpacked."""
        return self.rows * self.columns * self.samples * ((self.bits_allocated + 7) // 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image, where it lies and how to read it; None or empty where the header does not say."""

    source: Source
    frame: int = 0
    coding: PixelCoding

    modality: str = ""
    sop_class: str = ""
    sop_uid: str = ""
    series_uid: str = ""
    study_uid: str = ""
    frame_of_reference_uid: str = ""
    patient_key: str = field(default="", repr=False)
    """A digest of the patient's ID, to tell patients apart without knowing them."""

    image_type: tuple[str, ...] = ()
    description: str = ""
    manufacturer: str = ""
    model: str = ""
    kernel: str = ""
    contrast_agent: bool | None = None
    tube_voltage_kv: float | None = None
    slice_thickness_mm: float | None = None

    position_mm: Point | None = None
    row_direction: Point | None = None
    """Direction in which the column index grows."""
    column_direction: Point | None = None
    """Direction in which the row index grows."""
    pixel_spacing_mm: tuple[float, float] | None = None
    """Between rows, between columns."""
    tilt_deg: float = 0.0

    phase_percent: float | None = None
    trigger_time_ms: float | None = None
    acquisition: int | None = None
    acquisition_time: str = ""
    content_time: str = ""
    number: int | None = None

    slope: float | None = None
    intercept: float | None = None
    rescale_type: str = ""
    padding: int | None = None
    """Stored value of pixels that were never measured, as the pixels' own type."""
    padding_limit: int | None = None
    lossy: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """Typed access to the elements of one header; garbage reads as if it were absent."""

    elements: Elements

    def raw(self, name: str) -> bytes:
        """Return an element's bytes, empty if it is absent."""
        return self.elements.values.get(TAGS[name], b"")

    def text(self, name: str) -> str:
        """Return one line of plain text, without control characters."""
        raw = self.raw(name)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
        return _CONTROL.sub(" ", text).strip()[:_LONGEST_TEXT]

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
        parts = self.raw(name).strip(b"\0 ").split(b"\\")
        try:
            numbers = tuple(float(part) for part in parts)
        except ValueError:
            return None
        return numbers if len(numbers) == count and all(abs(number) < _MOST_MM for number in numbers) else None

    def number(self, name: str) -> float | None:
        """Return the first number of a decimal string, or a binary one, or None."""
        raw = self.raw(name)
        try:
            value = float(raw.split(b"\\")[0].strip(b"\0 "))
        except ValueError:
            if len(raw) != _FLOAT_BYTES:
                return None
            value = struct.unpack(">f" if self.elements.big_endian else "<f", raw)[0]
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


def read_image(source: Source, elements: Elements) -> Image | str:
    """Turn a header into an image, or say why it is none."""
    header = Header(elements)
    coding = _coding(header)
    if isinstance(coding, str):
        return coding
    row, column = _directions(header)
    spacing = header.floats("pixel_spacing", 2)
    position = header.floats("position", 3)
    description = header.text("description")
    return Image(
        source=source,
        coding=coding,
        modality=header.text("modality").upper(),
        sop_class=header.uid("sop_class"),
        sop_uid=header.uid("sop_uid"),
        series_uid=header.uid("series_uid"),
        study_uid=header.uid("study_uid"),
        frame_of_reference_uid=header.uid("frame_of_reference"),
        patient_key=_digest(header.raw("patient")),
        image_type=header.texts("image_type"),
        description=description,
        manufacturer=header.text("manufacturer"),
        model=header.text("model"),
        kernel=header.text("kernel").split("\\")[0],
        contrast_agent=bool(header.text("contrast_agent")) or None,
        tube_voltage_kv=_positive(header.number("tube_voltage")),
        slice_thickness_mm=_positive(header.number("slice_thickness")),
        position_mm=None if position is None else (position[0], position[1], position[2]),
        row_direction=row,
        column_direction=column,
        pixel_spacing_mm=None if spacing is None or min(spacing) < _LEAST_SPACING_MM else (spacing[0], spacing[1]),
        tilt_deg=header.number("tilt") or 0.0,
        phase_percent=_phase(header.number("phase_percent"), description),
        trigger_time_ms=header.number("trigger_time"),
        acquisition=header.whole("acquisition"),
        acquisition_time=header.text("acquisition_time"),
        content_time=header.text("content_time"),
        number=header.whole("number"),
        slope=header.number("slope"),
        intercept=header.number("intercept"),
        rescale_type=header.text("rescale_type").upper(),
        padding=header.short("padding", signed=coding.signed),
        padding_limit=header.short("padding_limit", signed=coding.signed),
        lossy=header.text("lossy") == "01",
    )


def _coding(header: Header) -> PixelCoding | str:
    elements = header.elements
    rows, columns = header.short("rows"), header.short("columns")
    if elements.pixel_offset is None or not rows or not columns:
        return "not an image"
    allocated = header.short("bits_allocated") or 0
    stored = header.short("bits_stored") or allocated
    high = header.short("high_bit")
    if not 1 <= stored <= allocated <= 64:
        return f"impossible pixels: {stored} bits stored in {allocated}"
    return PixelCoding(
        transfer_syntax=elements.transfer_syntax,
        offset=elements.pixel_offset,
        length=elements.pixel_length,
        frames=max(header.whole("frames") or 1, 1),
        rows=rows,
        columns=columns,
        samples=header.short("samples") or 1,
        photometric=header.text("photometric").upper(),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=stored - 1 if high is None or not stored - 1 <= high < allocated else high,
        signed=header.short("signed") == 1,
    )


def _directions(header: Header) -> tuple[Point | None, Point | None]:
    cosines = header.floats("orientation", 6)
    if cosines is None:
        return None, None
    return (cosines[0], cosines[1], cosines[2]), (cosines[3], cosines[4], cosines[5])


def _digest(raw: bytes) -> str:
    value = raw.strip(b"\0 ")
    return hashlib.sha256(value).hexdigest() if value else ""


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None


def _phase(percent: float | None, description: str) -> float | None:
    """Return the phase from its own element, or from the `75 %` that scanners write into the description."""
    if percent is None:
        found = _PHASE_IN_TEXT.findall(description)
        percent = float(found[0]) if len(found) == 1 else None
    return percent if percent is not None and 0 <= percent <= _WHOLE_INTERVAL_PERCENT else None
