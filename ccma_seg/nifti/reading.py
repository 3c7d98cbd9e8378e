"""Volumes and label maps from NIfTI files (nibabel's only door)."""

import gzip
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import nibabel as nib
import numpy as np
import numpy.typing as npt
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from ccma_seg.errors import (
    CorruptInputError,
    GeometryError,
    IncompleteVolumeError,
    NoSeriesError,
)
from ccma_seg.geometry import Geometry
from ccma_seg.nifti.writing import LPS_TO_RAS
from ccma_seg.reasons import Reason
from ccma_seg.volume import LabelMap, Volume, check_extent, hu_of, turned

_GZIP = b"\x1f\x8b"
_HEADER_BYTES = 348
_MAGIC_AT, _MAGICS = 344, (b"n+1\0", b"ni1\0")
_NIFTI2_MAGIC_AT, _NIFTI2_MAGICS = 4, (b"n+2\0", b"ni2\0")
_DIMENSIONS = 3
_DAMAGED = (
    OSError,
    EOFError,
    zlib.error,
    ValueError,
    HeaderDataError,
    ImageFileError,
)


def is_nifti(path: Path) -> bool:
    """Tell a NIfTI file, gzipped or not, by its content."""
    try:
        with _open(path) as file:
            head = file.read(_HEADER_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return False
    one, two = head[_MAGIC_AT:], head[_NIFTI2_MAGIC_AT : _NIFTI2_MAGIC_AT + 4]
    return one in _MAGICS or (len(head) == _HEADER_BYTES and two in _NIFTI2_MAGICS)


def read_volume(path: Path, *, max_voxels: int) -> Volume:
    """Read a CT in HU; the grid is turned so that slices grow to the head, rows to the back, columns to the left.

    Raises
    ------
    NoSeriesError
        If the image is not a three-dimensional one in HU, or is too large.
    CorruptInputError
        If the file is damaged.
    """
    values, geometry, placed = _read(path, max_voxels=max_voxels)
    unplaced = Reason("orientation_unknown", "the file does not say how the patient lies", degrades=True)
    return Volume(hu=hu_of(values, path.name), geometry=geometry, reasons=() if placed else (unplaced,))


def read_labels(path: Path, *, max_voxels: int) -> LabelMap:
    """Read a label map, turned like a volume.

    Raises
    ------
    NoSeriesError
        If the image is not a three-dimensional one of whole numbers from 0 to 255, or is too large.
    CorruptInputError
        If the file is damaged.
    """
    values, geometry = read_label_values(path, max_voxels=max_voxels)
    if values.max(initial=0) > np.iinfo(np.uint8).max:
        raise NoSeriesError(f"{path.name} must hold labels, whole numbers from 0 to 255, got {values.max()}")
    return LabelMap(labels=np.ascontiguousarray(values.astype(np.uint8)), geometry=geometry)


def read_label_values(path: Path, *, max_voxels: int) -> tuple[npt.NDArray[np.int32], Geometry]:
    """Read labels of any size, (slice, row, column), turned like a volume, with their grid.

    Raises
    ------
    NoSeriesError
        If the image is not a three-dimensional one of whole numbers, or is too large.
    CorruptInputError
        If the file is damaged.
    """
    values, geometry, _ = _read(path, max_voxels=max_voxels)
    with np.errstate(invalid="ignore"):
        labels = np.asarray(values).astype(np.int32)
    if not np.array_equal(labels, values) or labels.min(initial=0) < 0:
        raise NoSeriesError(f"{path.name} must hold labels, whole numbers from 0 on, got {values.dtype} values")
    return labels, geometry


def _read(path: Path, *, max_voxels: int) -> tuple[npt.NDArray[Any], Geometry, bool]:
    """Return values, grid, and whether the file says how the patient lies."""
    try:
        with _open(path) as file:
            image = _image(file, path)
            shape = _shape(image, path, max_voxels=max_voxels)
            placed = bool(image.header["sform_code"] or image.header["qform_code"])
            unit_mm = _mm_in(image)
            values = np.asanyarray(image.dataobj).reshape(shape)
    except _DAMAGED as error:
        raise CorruptInputError(
            f"{path.name} must be a whole NIfTI file: it is damaged ({type(error).__name__})"
        ) from error
    try:
        values, geometry = turned(values, LPS_TO_RAS @ image.affine, unit_mm=unit_mm)
    except GeometryError as error:
        raise IncompleteVolumeError(f"{path.name} must hold an upright grid: {error}; resample it") from error
    check_extent(geometry, path.name)
    return values, geometry, placed


def _image(file: BinaryIO, path: Path) -> Any:
    head = file.read(_HEADER_BYTES)
    file.seek(0)
    kind = nib.Nifti1Image if head[_MAGIC_AT:] in _MAGICS else nib.Nifti2Image
    if b"ni1\0" in head[_MAGIC_AT:] or b"ni2\0" in head[_NIFTI2_MAGIC_AT : _NIFTI2_MAGIC_AT + 4]:
        raise NoSeriesError(f"{path.name} must hold header and voxels in one file (.nii), not in two (.hdr, .img)")
    return kind.from_stream(file)


def _mm_in(image: Any) -> float:
    """Return how many mm the file's unit of length has; none that it names is one."""
    return {"meter": 1e3, "micron": 1e-3}.get(image.header.get_xyzt_units()[0], 1.0)


def _shape(image: Any, path: Path, *, max_voxels: int) -> tuple[int, int, int]:
    shape = tuple(int(n) for n in image.shape)
    if len(shape) < _DIMENSIONS or any(n != 1 for n in shape[_DIMENSIONS:]) or min(shape) < 1:
        raise NoSeriesError(f"{path.name} must hold one volume, it has the shape {shape}; split it")
    if (voxels := int(np.prod([*shape], dtype=object))) > max_voxels:
        raise NoSeriesError(f"{path.name} must have at most {max_voxels:.3g} voxels, it has {voxels:.3g}")
    return shape[0], shape[1], shape[2]


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
    return cast("BinaryIO", gzip.open(path)) if packed else path.open("rb")
