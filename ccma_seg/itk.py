"""SimpleITK's only door: resampling, registration, NRRD."""

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813 - its own documentation calls it so

from ccma_seg.errors import CorruptInputError, GeometryError, NoSeriesError
from ccma_seg.geometry import Bools, Floats, Floats32, Geometry
from ccma_seg.reasons import Reason
from ccma_seg.registration import Descent
from ccma_seg.volume import Volume, check_extent, hu_of, turned

_NRRD = b"NRRD000"
_DIMENSIONS = 3
_SPACE, _UNITS = b"space:", b"space units:"
_MM = {"mm": 1.0, "cm": 10.0, "m": 1e3, "um": 1e-3, "\N{MICRO SIGN}m": 1e-3, "microns": 1e-3}
_UNPLACED = Reason("orientation_unknown", "the file does not say how the patient lies", degrades=True)
_HEADER_BYTES = 4096


def is_nrrd(path: Path) -> bool:
    """Tell an NRRD file by its content."""
    with path.open("rb") as file:
        return file.read(len(_NRRD)) == _NRRD


def read_nrrd(path: Path, *, max_voxels: int) -> Volume:
    """Read a CT in HU; the grid is turned so that slices grow to the head, rows to the back, columns to the left.

    Raises
    ------
    NoSeriesError
        If the image is not a three-dimensional one in HU, or is too large.
    CorruptInputError
        If the file is damaged.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("NrrdImageIO")
    try:
        reader.ReadImageInformation()
        _check(reader, path, max_voxels=max_voxels)
        image = reader.Execute()
    except RuntimeError as error:
        raise CorruptInputError(
            f"{path.name} must be a whole NRRD file with its voxels inside; it is damaged"
        ) from error
    values = sitk.GetArrayViewFromImage(image)
    affine = np.eye(4)
    affine[:3, :3] = (np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing())[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    head = _head(path)
    values, geometry = turned(values, affine, unit_mm=_mm_in(head, path))
    check_extent(geometry, path.name)
    return Volume(hu=hu_of(values, path.name), geometry=geometry, reasons=() if _SPACE in head else (_UNPLACED,))


def _check(reader: sitk.ImageFileReader, path: Path, *, max_voxels: int) -> None:
    shape = reader.GetSize()
    if reader.GetNumberOfComponents() != 1 or len(shape) != _DIMENSIONS:
        raise NoSeriesError(f"{path.name} must hold one volume of single values, it has the shape {shape}; split it")
    if (voxels := int(np.prod([*shape], dtype=object))) > max_voxels:
        raise NoSeriesError(f"{path.name} must have at most {max_voxels:.3g} voxels, it has {voxels:.3g}")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADER_BYTES).split(b"\n\n")[0]


def _mm_in(head: bytes, path: Path) -> float:
    """Return how many mm the header's unit of length has; none that it names is one."""
    line = next((line for line in head.splitlines() if line.startswith(_UNITS)), b"")
    units = set(re.findall(r'"([^"]*)"', line.decode("utf-8", "replace"))) - {""}
    if not units <= _MM.keys() or len({_MM[unit] for unit in units}) > 1:
        raise NoSeriesError(
            f"{path.name} must be measured in one of {', '.join(_MM)}, got {' and '.join(sorted(units))}"
        )
    return _MM[units.pop()] if units else 1.0


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


def register_rigid(
    fixed: Floats32,
    moving: Floats32,
    grids: tuple[Geometry, Geometry],
    *,
    start: Floats,
    where: Bools,
    descent: Descent = Descent(),
) -> Floats:
    """Turn and shift `fixed` until it correlates best with `moving`.

    Parameters
    ----------
    fixed, moving
        Arrays on the two grids.
    grids
        Of `fixed` and of `moving`.
    start
        4 x 4: from LPS mm of `fixed` to those of `moving`, to begin with.
    where
        Which voxels of `fixed` count.
    descent
        How the optimum is looked for.

    Returns
    -------
    array
        4 x 4, from LPS mm of `fixed` to those of `moving`.

    Raises
    ------
    GeometryError
        If the two do not overlap.
    """
    transform = _euler(start, grids[0].corners_mm().mean(axis=0))
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)  # the sums of several threads depend on their number
    method.SetMetricAsCorrelation()
    method.SetMetricFixedMask(_image(where.astype(np.uint8), grids[0]))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(descent.step_mm, descent.least_step_mm, descent.iterations)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(list(descent.shrink))
    method.SetSmoothingSigmasPerLevel([factor / 2 if factor > 1 else 0 for factor in descent.shrink])
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(_image(fixed, grids[0]), _image(moving, grids[1]))
    except RuntimeError as error:
        raise GeometryError("the two images must overlap to be aligned; they do not") from error
    return _matrix(transform)


def _euler(start: Floats, center: Floats) -> sitk.Euler3DTransform:
    transform = sitk.Euler3DTransform()
    transform.SetCenter(center.tolist())
    transform.SetMatrix(start[:3, :3].ravel().tolist(), 1e-6)
    transform.SetTranslation((start[:3, :3] @ center + start[:3, 3] - center).tolist())
    return transform


def _matrix(transform: sitk.Euler3DTransform) -> Floats:
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = transform.TransformPoint((0.0, 0.0, 0.0))
    return matrix
