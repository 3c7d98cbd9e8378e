"""Copies of a CT that are no exam of a heart any more, or one with thicker slices."""

from dataclasses import replace

import numpy as np

from benchmarks.real.exams import RealExam
from ccma_seg.geometry import Geometry, as_point
from ccma_seg.volume import Hu, Volume

BELOW_MM, ABOVE_MM = 10.0, 20.0
"""From the marked heart box, whose faces are good to 3-5 mm; above it come the great vessels."""
LEAST_MM = 60.0
"""A part that is shorter than this would be refused for that alone."""


def with_slices_apart(volume: Volume, factor: float) -> Volume:
    """State a wrong distance between slices: the body is squeezed or stretched."""
    slices, rows, columns = volume.geometry.spacing_mm
    return replace(volume, geometry=replace(volume.geometry, spacing_mm=(slices * factor, rows, columns)))


def sagittal_as_axial(volume: Volume) -> Volume:
    """Take a sagittal reformat, with the slice distance of the axial slices, for axial slices."""
    hu = np.ascontiguousarray(volume.hu.transpose(2, 0, 1)[:, ::-1])
    spacing = volume.geometry.spacing_mm
    middle = volume.geometry.corners_mm().mean(axis=0)
    half = np.array([n * s for n, s in zip(hu.shape[::-1], spacing[::-1], strict=True)]) / 2
    geometry = Geometry(shape=hu.shape, spacing_mm=spacing, origin_mm=as_point(middle - half))
    return _new(volume, hu, geometry)


def below_heart(volume: Volume, exam: RealExam) -> Volume | None:
    """Cut off everything above the marked heart's lower face; None if too little is left."""
    first, _ = _slices_of_heart(volume, exam)
    return _of_slices(volume, 0, first - round(BELOW_MM / volume.geometry.spacing_mm[0]))


def above_heart(volume: Volume, exam: RealExam) -> Volume | None:
    """Cut off everything below the marked heart's upper face; None if too little is left."""
    _, last = _slices_of_heart(volume, exam)
    return _of_slices(volume, last + round(ABOVE_MM / volume.geometry.spacing_mm[0]), volume.geometry.shape[0])


def averaged(volume: Volume, thick_mm: float) -> Volume | None:
    """Average slices until they are about so thick; None if they are not thinner."""
    step = volume.geometry.spacing_mm[0]
    count = round(thick_mm / step)
    slices = volume.geometry.shape[0] // max(count, 1)
    if count < 2 or slices < 2:
        return None
    _, rows, columns = volume.geometry.shape
    mean = volume.hu[: slices * count].reshape(slices, count, rows, columns).mean(axis=1, dtype=np.float32)
    geometry = Geometry(
        shape=(slices, rows, columns),
        spacing_mm=(step * count, *volume.geometry.spacing_mm[1:]),
        origin_mm=as_point(volume.geometry.to_patient(((count - 1) / 2, 0, 0))),
        axes=volume.geometry.axes,
    )
    thick = _new(volume, np.rint(mean).astype(np.int16), geometry)
    return replace(thick, acquisition=replace(thick.acquisition, slice_thickness_mm=step * count))


def _slices_of_heart(volume: Volume, exam: RealExam) -> tuple[int, int]:
    assert exam.marks is not None
    low, high = (np.array(corner, float) for corner in exam.marks["heart_bbox_lps"])
    middle = (low + high) / 2
    ends = volume.geometry.to_index([[*middle[:2], low[2]], [*middle[:2], high[2]]])[:, 0]
    return int(np.floor(ends.min())), int(np.ceil(ends.max()))


def _of_slices(volume: Volume, first: int, stop: int) -> Volume | None:
    if (stop - first) * volume.geometry.spacing_mm[0] < LEAST_MM:
        return None
    _, rows, columns = volume.geometry.shape
    return volume.crop((slice(first, stop), slice(0, rows), slice(0, columns)))


def _new(volume: Volume, hu: Hu, geometry: Geometry) -> Volume:
    seen = replace(volume.acquisition, sop_instance_uids=(), frame_numbers=(), resampled=True)
    return replace(volume, hu=hu, geometry=geometry, acquisition=seen)
