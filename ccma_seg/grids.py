"""Values of one grid looked up on another: here along parallel axes, by SimpleITK otherwise."""

import numpy as np
import numpy.typing as npt

from ccma_seg.geometry import Floats, Floats32, Geometry


def resample(values: Floats32, geometry: Geometry, *, onto: Geometry, outside: float) -> Floats32:
    """Interpolate an array on one grid linearly onto another; `outside` where it does not reach."""
    if geometry.axes != onto.axes:
        from ccma_seg import itk  # noqa: PLC0415  SimpleITK is large, and seldom needed

        return itk.resample(values, geometry, onto=onto, outside=outside)
    for axis, places in reversed([*enumerate(_places(geometry, onto))]):
        values = _blended(values, places, axis=axis, outside=outside)
    return values


def resample_labels(labels: npt.NDArray[np.uint8], geometry: Geometry, *, onto: Geometry) -> npt.NDArray[np.uint8]:
    """Look up the nearest label on another grid; 0 where the labels do not reach."""
    if geometry.axes != onto.axes:
        from ccma_seg import itk  # noqa: PLC0415

        return itk.resample_labels(labels, geometry, onto=onto)
    picked = np.pad(labels, 1)
    for axis, places in reversed([*enumerate(_places(geometry, onto))]):
        nearest = np.floor(places + 0.5).astype(int)
        picked = picked.take(np.clip(nearest, -1, labels.shape[axis]) + 1, axis=axis)
    return picked


def _places(geometry: Geometry, onto: Geometry) -> list[Floats]:
    """Return at which index of one grid each slice, row and column of another with parallel axes lies."""
    start = geometry.to_index(onto.origin_mm)
    steps = np.array(onto.spacing_mm) / geometry.spacing_mm
    return [first + step * np.arange(n) for first, step, n in zip(start, steps, onto.shape, strict=True)]


def _blended(values: Floats32, places: Floats, *, axis: int, outside: float) -> Floats32:
    """Interpolate along one axis; the outer voxels reach half their width further."""
    last = values.shape[axis] - 1
    inside = np.clip(places, 0, last)
    below = inside.astype(int)
    above = np.minimum(below + 1, last)
    share = np.expand_dims((inside - below).astype(np.float32), [other for other in range(3) if other != axis])
    blended = values.take(below, axis) * (1 - share) + values.take(above, axis) * share
    np.moveaxis(blended, axis, 0)[(places < -0.5) | (places >= last + 0.5)] = outside
    return np.asarray(blended)
