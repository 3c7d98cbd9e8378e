"""Whether a stack of images can be read as a CT volume, before any pixel is."""

from collections.abc import Iterator

import numpy as np

from ccma_seg.errors import CorruptInputError, IncompleteVolumeError, NoSeriesError
from ccma_seg.geometry import Geometry
from ccma_seg.reasons import Reason
from ccma_seg.series.grouping import Stack
from ccma_seg.series.images import Image
from ccma_seg.series.inventory import Obstacle, Series
from ccma_seg.series.kinds import is_derived, kind_of
from ccma_seg.series.params import ReadParams
from ccma_seg.series.ranking import describe, rank
from ccma_seg.series.stacks import Layout, lay_out

_HU = ("", "HU", "HOUNSFIELD", "HOUNSFIELD UNIT", "HOUNSFIELD UNITS")
_WIDE_BITS = (16, 32)


def judge(stack: Stack, params: ReadParams) -> Series:
    """Turn a stack into a series that says whether, how, and how well it can be read."""
    layout = lay_out(stack.images, params)
    obstacles = tuple(_obstacles(stack.images, layout, params))
    first = stack.images[0]
    return Series(
        series_uid=first.series_uid,
        study_uid=first.study_uid,
        description=first.description,
        modality=first.modality,
        geometry=_geometry(layout),
        phase_percent=first.phase_percent,
        tube_voltage_kv=first.tube_voltage_kv,
        slice_thickness_mm=first.slice_thickness_mm,
        kernel=first.kernel,
        contrast_agent=first.contrast_agent,
        reasons=(*stack.reasons, *_reasons(stack.images, layout, params)),
        obstacles=obstacles,
        images=stack.images,
        duplicates=stack.duplicates,
        layout=None if isinstance(layout, str) else layout,
        rank=rank(first, _geometry(layout), params),
        rank_text=describe(first, _geometry(layout)),
    )


def _geometry(layout: Layout | str) -> Geometry | None:
    if isinstance(layout, str) or len(layout.heights_mm) < 2 or not np.ptp(layout.heights_mm) > 0:
        return None
    return layout.geometry()


def _obstacles(images: tuple[Image, ...], layout: Layout | str, params: ReadParams) -> Iterator[Obstacle]:
    """Yield what stands against reading a stack, the gravest first."""
    kind = kind_of(images[0])
    if kind is not None:
        yield Obstacle(error=NoSeriesError, code=kind.code, text=kind.text)
        return
    yield from _size(images, layout, params)
    yield from _values(images)
    yield from _cut_short(images)
    if isinstance(layout, str):
        yield Obstacle(error=NoSeriesError, code="no_position", text=f"the series {layout}")
    elif len(images) < params.min_slices:
        text = f"a series needs at least {params.min_slices} slices, it has {len(images)}; give the whole folder"
        yield Obstacle(error=NoSeriesError, code="too_few_slices", text=text)
    else:
        yield from _places(layout, params)


def _size(images: tuple[Image, ...], layout: Layout | str, params: ReadParams) -> Iterator[Obstacle]:
    """Estimate the volume, corrected if need be, before anything is allocated."""
    coding = images[0].coding
    slices = len(images) if isinstance(layout, str) else max(len(images), layout.even_count)
    voxels = slices * coding.rows * coding.columns
    if voxels > params.max_voxels:
        text = (
            f"a volume must have at most {params.max_voxels:.3g} voxels, this one of {slices} x {coding.rows} x "
            f"{coding.columns} would take {2 * voxels / 1e9:.1f} GB; raise read.max_voxels if there is memory"
        )
        yield Obstacle(error=NoSeriesError, code="too_large", text=text)


def _values(images: tuple[Image, ...]) -> Iterator[Obstacle]:
    """Check that pixels are Hounsfield units."""
    allocated = {image.coding.bits_allocated for image in images}
    odd = sorted({image.rescale_type for image in images} - {*_HU})
    if not allocated <= {*_WIDE_BITS}:
        text = f"pixels must be Hounsfield units of 16 bits, got {min(allocated)} bits; use the original series"
        yield Obstacle(error=NoSeriesError, code="not_hu", text=text)
    if odd:
        text = f"pixels must be Hounsfield units (HU), the rescale type is {odd[0]!r}; use the original series"
        yield Obstacle(error=NoSeriesError, code="not_hu", text=text)
    bare = [image for image in images if image.slope is None or image.intercept is None or not image.slope]
    if bare:
        text = (
            f"pixels must be Hounsfield units: {len(bare)} of {len(images)} images have no rescale slope and intercept"
        )
        yield Obstacle(error=NoSeriesError, code="not_hu", text=text)


def _cut_short(images: tuple[Image, ...]) -> Iterator[Obstacle]:
    for index, image in enumerate(images):
        coding = image.coding
        if coding.encapsulated or coding.deflated:
            continue
        end = coding.offset + (image.frame + 1) * coding.frame_bytes
        have = min(image.source.size(), coding.offset + coding.length)
        if have < end:
            text = (
                f"{image.source.file_name} (slice {index + 1}) must hold {coding.frame_bytes} bytes of pixels, "
                f"{end - have} are missing; copy the file again"
            )
            yield Obstacle(error=CorruptInputError, code="truncated", text=text)
            return


def _places(layout: Layout, params: ReadParams) -> Iterator[Obstacle]:
    if float(np.diff(layout.heights_mm).max()) > params.max_gap_mm:
        text = f"gaps between slices must be at most {params.max_gap_mm:g} mm: {layout.gaps(params)}; export it again"
        yield Obstacle(error=IncompleteVolumeError, code="missing_slices", text=text)
    elif not layout.is_even(params):
        text = (
            f"slices must be evenly spaced within {params.position_tolerance_mm:g} mm: {layout.gaps(params)}; "
            "use --allow-missing-slices to interpolate"
        )
        yield Obstacle(error=IncompleteVolumeError, code="missing_slices", text=text, option="allow_missing_slices")
    if layout.tilt_deg > params.max_tilt_deg:
        text = f"slices must lie above each other, they lean by {layout.tilt_deg:.0f} degrees; export the series again"
        yield Obstacle(error=IncompleteVolumeError, code="stray_slices", text=text)
    elif layout.stray_mm > params.tilt_tolerance_px * min(layout.pixel_spacing_mm):
        text = f"slices must lie on one line, one lies {layout.stray_mm:.2f} mm beside it; export the series again"
        yield Obstacle(error=IncompleteVolumeError, code="stray_slices", text=text)
    elif layout.is_tilted(params):
        yield Obstacle(
            error=IncompleteVolumeError, code="gantry_tilt", text=_tilt(layout, params), option="allow_gantry_tilt"
        )


def _tilt(layout: Layout, params: ReadParams) -> str:
    if layout.hides_tilt(params):
        return (
            f"slices must be upright: the header names a gantry tilt of {layout.header_tilt_deg:g} degrees that their "
            "directions do not show; use --allow-gantry-tilt to believe the directions"
        )
    first, last = (", ".join(f"{v:.2f}" for v in layout.positions_mm[i]) for i in (0, -1))
    return (
        f"slices must lie straight above each other: they are tilted by {layout.tilt_deg:.1f} degrees, first at "
        f"({first}), last at ({last}) mm; use --allow-gantry-tilt to resample"
    )


def _reasons(images: tuple[Image, ...], layout: Layout | str, params: ReadParams) -> Iterator[Reason]:
    if kind_of(images[0]) is not None or isinstance(layout, str):
        return
    if is_derived(images[0]):
        yield Reason("derived_images", "the images were computed from others, not reconstructed by the scanner")
    if any(image.lossy or image.coding.transfer_syntax in _LOSSY for image in images):
        yield Reason("lossy_compression", "the images were compressed with loss; HU may be off, most of all at edges")
    if any(image.commas for image in images):
        yield Reason(
            "decimal_commas", "numbers are written with decimal commas, which DICOM does not have; read as points"
        )
    height = float(np.ptp(layout.heights_mm))
    if height < params.heart_height_mm:
        text = f"the series covers {height:.0f} mm; a whole heart takes at least {params.heart_height_mm:.0f} mm"
        yield Reason("short_coverage", text)
    if params.position_tolerance_mm < layout.off_grid_mm <= params.rounding_tolerance_mm:
        text = f"slice positions are rounded: up to {layout.off_grid_mm:.3f} mm off an even grid"
        yield Reason("rounded_positions", text)
    if layout.stray_mm > params.position_tolerance_mm:
        yield Reason("stray_positions", f"slices lie up to {layout.stray_mm:.3f} mm beside a straight line")
    if len({(image.slope, image.intercept) for image in images}) > 1:
        yield Reason("rescale_varies", "slices have different rescale slopes or intercepts; each is believed")
    if len({image.frame_of_reference_uid for image in images}) > 1:
        text = "each slice names a coordinate system of its own; their positions are believed"
        yield Reason("frame_of_reference_varies", text)


_LOSSY = frozenset(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 81))
"""JPEG baseline, JPEG extended, JPEG-LS near-lossless; JPEG 2000 (91) may be either and says so in its header."""
