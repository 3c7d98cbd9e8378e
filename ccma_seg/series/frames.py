"""The frames of a multi-frame object, each as an image of its own."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ccma_seg.geometry import Point
from ccma_seg.series.elements import inflate
from ccma_seg.series.images import Image

if TYPE_CHECKING:
    from pydicom import Dataset

_MOST_FRAMES = 100_000
ENHANCED = frozenset(("1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"))
"""SOP classes that keep place and scale in functional groups, even of one frame: enhanced CT, and converted to it."""


def split_frames(image: Image, *, limit: int) -> tuple[Image, ...] | str:
    """Return one image a frame, or why that cannot be; frames without a place of their own stay together."""
    if image.coding.frames > _MOST_FRAMES:
        return f"claims {image.coding.frames} frames"
    try:
        with quiet():
            dataset = read_dataset(image, limit=limit)
            shared = _first(dataset, "SharedFunctionalGroupsSequence")
            own = list(dataset.get("PerFrameFunctionalGroupsSequence") or ())
            if len(own) != image.coding.frames:
                return (image,)
            return tuple(_frame(image, index, (groups, shared)) for index, groups in enumerate(own))
    except Exception as error:  # noqa: BLE001 - pydicom raises anything on damaged sequences
        return f"damaged multi-frame header: {type(error).__name__}"


def read_dataset(image: Image, *, limit: int) -> "Dataset":
    """Read the whole header of an image, nested elements too; raises whatever pydicom does on damaged ones."""
    from pydicom import dcmread  # noqa: PLC0415  pydicom takes a quarter of a second to load

    coding = image.coding
    data = inflate(image.source.read(), limit=limit) if coding.deflated else image.source.read(0, coding.offset)
    return dcmread(BytesIO(data), stop_before_pixels=True, force=True)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's remarks on odd headers from the caller; what matters is judged here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _frame(image: Image, index: int, groups: tuple["Dataset | None", "Dataset | None"]) -> Image:
    def find(sequence: str, name: str) -> Any:
        items = (_first(group, sequence) for group in groups)
        return next((item[name].value for item in items if item is not None and name in item), None)

    orientation = _floats(find("PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    position = _floats(find("PlanePositionSequence", "ImagePositionPatient"), 3)
    spacing = _floats(find("PixelMeasuresSequence", "PixelSpacing"), 2)
    frame_type = find("CTImageFrameTypeSequence", "FrameType")
    kernel = find("CTReconstructionSequence", "ConvolutionKernel")
    intercept = find("PixelValueTransformationSequence", "RescaleIntercept")
    return replace(
        image,
        frame=index,
        image_type=image.image_type if frame_type is None else tuple(str(part).upper() for part in frame_type),
        position_mm=image.position_mm if position is None else _point(position),
        row_direction=image.row_direction if orientation is None else _point(orientation[:3]),
        column_direction=image.column_direction if orientation is None else _point(orientation[3:]),
        pixel_spacing_mm=image.pixel_spacing_mm if spacing is None or min(spacing) <= 0 else (spacing[0], spacing[1]),
        slice_thickness_mm=_number(find("PixelMeasuresSequence", "SliceThickness"), image.slice_thickness_mm),
        tilt_deg=_number(find("CTAcquisitionDetailsSequence", "GantryDetectorTilt"), image.tilt_deg) or 0.0,
        tube_voltage_kv=_number(find("CTXRayDetailsSequence", "KVP"), image.tube_voltage_kv),
        kernel=image.kernel if kernel is None else str(kernel),
        phase_percent=_number(
            find("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase"), image.phase_percent
        ),
        trigger_time_ms=_number(
            find("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"), image.trigger_time_ms
        ),
        temporal=str(find("FrameContentSequence", "TemporalPositionIndex") or image.temporal),
        acquisition=_whole(find("FrameContentSequence", "FrameAcquisitionNumber"), image.acquisition),
        content_time=str(find("FrameContentSequence", "FrameReferenceDateTime") or image.content_time),
        number=index + 1,
        slope=_number(find("PixelValueTransformationSequence", "RescaleSlope"), image.slope),
        intercept=_number(intercept, image.intercept),
        rescale_type=str(find("PixelValueTransformationSequence", "RescaleType") or image.rescale_type).upper(),
    )


def _first(dataset: "Dataset | None", name: str) -> "Dataset | None":
    sequence = None if dataset is None else dataset.get(name)
    return sequence[0] if sequence else None


def _floats(value: Any, count: int) -> tuple[float, ...] | None:
    if value is None or len(value) != count:
        return None
    return tuple(float(part) for part in value)


def _point(values: tuple[float, ...]) -> Point:
    return values[0], values[1], values[2]


def _number(value: Any, fallback: float | None) -> float | None:
    return fallback if value is None else float(value)


def _whole(value: Any, fallback: int | None) -> int | None:
    return fallback if value is None else int(value)
