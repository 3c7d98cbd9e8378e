"""Uneven and tilted stacks, resampled to an even upright grid."""

from dataclasses import replace

import numpy as np

from ccma_seg.geometry import Floats, Geometry, as_point
from ccma_seg.reasons import Reason
from ccma_seg.series.params import ReadParams
from ccma_seg.series.stacks import Layout
from ccma_seg.volume import PADDING_HU, Hu, Volume


def straighten(volume: Volume, layout: Layout, params: ReadParams) -> Volume:
    """Resample a stack whose slices are uneven or tilted to an even upright grid; others are returned as they are.

    Slices keep their planes. A tilted stack is sheared back by moving each slice within its plane, on a matrix that is
    enlarged to hold them all; an uneven one is interpolated linearly between neighbouring slices.
    """
    tilted, uneven = layout.is_tilted(params), not layout.is_even(params)
    if tilted and layout.hides_tilt(params):
        volume = replace(volume, reasons=(*volume.reasons, _hidden_tilt(layout)))
    elif tilted:
        volume = _upright(volume, layout)
    return _even(volume, layout, params) if uneven else volume


def _hidden_tilt(layout: Layout) -> Reason:
    text = f"the header names a gantry tilt of {layout.header_tilt_deg:g} degrees that the slice directions do not show"
    return Reason("gantry_tilt_believed_absent", text, degrades=True)


def _upright(volume: Volume, layout: Layout) -> Volume:
    """Move each slice within its plane to where it was in the patient."""
    moved = _offsets_px(layout)
    low = np.floor(moved.min(axis=0))
    grow = np.ceil(moved.max(axis=0) - low).astype(int)
    grid = volume.geometry
    shape = (grid.shape[0], grid.shape[1] + int(grow[0]), grid.shape[2] + int(grow[1]))
    hu = np.full(shape, PADDING_HU, np.int16)
    for plane, offset, out in zip(volume.hu, moved - low, hu, strict=True):
        _place(plane, offset, out)
    origin = grid.to_patient((0, low[0], low[1]))
    geometry = replace(grid, shape=shape, origin_mm=as_point(origin))
    text = f"slices were tilted by {layout.tilt_deg:.1f} degrees and were moved upright by linear interpolation"
    return _corrected(volume, hu, geometry, Reason("gantry_tilt_corrected", text, degrades=True))


def _offsets_px(layout: Layout) -> Floats:
    """Return how far each slice lies from the first within the plane, in rows and columns, shape (slices, 2)."""
    moved = layout.positions_mm - layout.positions_mm[0]
    in_plane = np.stack([moved @ layout.column_direction, moved @ layout.row_direction], axis=1)
    return np.asarray(in_plane / layout.pixel_spacing_mm)


def _place(plane: Hu, offset_px: Floats, out: Hu) -> None:
    """Put a slice at an offset in rows and columns, not necessarily whole, into a larger one."""
    from scipy import ndimage  # noqa: PLC0415  scipy takes a third of a second to load, and few stacks are tilted

    whole = np.floor(offset_px).astype(int)
    shifted = ndimage.shift(plane.astype(np.float32), offset_px - whole, order=1, cval=PADDING_HU)
    rows, columns = plane.shape
    out[whole[0] : whole[0] + rows, whole[1] : whole[1] + columns] = np.rint(shifted)


def _even(volume: Volume, layout: Layout, params: ReadParams) -> Volume:
    """Interpolate between slices to an even distance, the usual one of the stack."""
    heights = layout.heights_mm - layout.heights_mm[0]
    count = layout.even_count
    wanted = np.linspace(0.0, heights[-1], count)
    upper = np.clip(np.searchsorted(heights, wanted), 1, len(heights) - 1)
    weight = (wanted - heights[upper - 1]) / (heights[upper] - heights[upper - 1])
    hu = np.empty((count, *volume.hu.shape[1:]), np.int16)
    for out, above, share in zip(hu, upper, weight, strict=True):
        out[...] = np.rint(volume.hu[above - 1] * np.float32(1 - share) + volume.hu[above] * np.float32(share))
    geometry = replace(
        volume.geometry,
        shape=hu.shape,
        spacing_mm=(float(heights[-1]) / (count - 1), *volume.geometry.spacing_mm[1:]),
    )
    text = f"slices were uneven or missing and were interpolated linearly to an even grid: {layout.gaps(params)}"
    return _corrected(volume, hu, geometry, Reason("missing_slices_interpolated", text, degrades=True))


def _corrected(volume: Volume, hu: Hu, geometry: Geometry, reason: Reason) -> Volume:
    acquisition = replace(volume.acquisition, resampled=True)
    return replace(volume, hu=hu, geometry=geometry, acquisition=acquisition, reasons=(*volume.reasons, reason))
