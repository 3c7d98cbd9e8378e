"""SimpleITK's only door: resampling, distance maps, NRRD."""

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 - its own documentation calls it so

from ccma_seg.geometry import Floats32, Geometry


def resample(values: Floats32, geometry: Geometry, *, onto: Geometry, outside: float) -> Floats32:
    """Interpolate an array on one grid linearly onto another; `outside` where it does not reach."""
    image = _image(values, geometry)
    grid = sitk.Image([1, 1, 1], sitk.sitkUInt8)
    _place(grid, onto)
    shape = [int(n) for n in onto.shape[::-1]]
    resampled = sitk.Resample(
        image,
        shape,
        sitk.Transform(),
        sitk.sitkLinear,
        grid.GetOrigin(),
        grid.GetSpacing(),
        grid.GetDirection(),
        outside,
        sitk.sitkFloat32,
    )
    return np.asarray(sitk.GetArrayFromImage(resampled))


def _image(values: Floats32, geometry: Geometry) -> sitk.Image:
    image = sitk.GetImageFromArray(values)
    _place(image, geometry)
    return image


def _place(image: sitk.Image, geometry: Geometry) -> None:
    image.SetOrigin(geometry.origin_mm)
    image.SetSpacing(geometry.spacing_mm[::-1])
    image.SetDirection(np.array(geometry.axes[::-1]).T.ravel().tolist())


def resample_labels(labels: npt.NDArray[np.uint8], geometry: Geometry, *, onto: Geometry) -> npt.NDArray[np.uint8]:
    """Look up the nearest label on another grid; 0 where the labels do not reach."""
    image = sitk.GetImageFromArray(labels)
    _place(image, geometry)
    grid = sitk.Image([1, 1, 1], sitk.sitkUInt8)
    _place(grid, onto)
    size = [int(n) for n in onto.shape[::-1]]
    place = grid.GetOrigin(), grid.GetSpacing(), grid.GetDirection()
    resampled = sitk.Resample(image, size, sitk.Transform(), sitk.sitkNearestNeighbor, *place, 0, sitk.sitkUInt8)
    return np.array(sitk.GetArrayViewFromImage(resampled))
