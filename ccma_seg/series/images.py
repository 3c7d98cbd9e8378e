"""One stored image, or one frame of a multi-frame object: what its header says, in plain values."""

import datetime as dt
import hashlib
from dataclasses import dataclass, field

from ccma_seg.geometry import Point
from ccma_seg.series.elements import DEFLATED, UNDEFINED, Elements
from ccma_seg.series.sources import Source
from ccma_seg.series.texts import phase_in
from ccma_seg.series.values import Header

_LEAST_SPACING_MM = 1e-3
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
    temporal: str = ""
    """Which of several points in time, by the elements of that name."""
    scan_options: str = ""
    acquisition: int | None = None
    date: dt.date | None = field(default=None, repr=False)
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
    commas: bool = False
    """Whether decimal commas were read as points."""


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
        temporal=header.text("temporal"),
        scan_options=header.text("scan_options"),
        acquisition=header.whole("acquisition"),
        date=_date(header.text("acquisition_date")) or _date(header.text("study_date")),
        acquisition_time=header.text("acquisition_time"),
        content_time=header.text("content_time"),
        number=header.whole("number"),
        slope=header.number("slope"),
        intercept=header.number("intercept"),
        rescale_type=header.text("rescale_type").upper(),
        padding=header.short("padding", signed=coding.signed),
        padding_limit=header.short("padding_limit", signed=coding.signed),
        lossy=header.text("lossy") == "01",
        commas=header.has_commas(),
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


def _date(text: str) -> dt.date | None:
    """Read a date as DICOM writes it, `20260131`."""
    try:
        return dt.date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None


def _phase(percent: float | None, description: str) -> float | None:
    """Return the phase from its own element, or from the `75 %` that scanners write into the description."""
    percent = phase_in(description) if percent is None else percent
    return percent if percent is not None and 0 <= percent <= _WHOLE_INTERVAL_PERCENT else None
