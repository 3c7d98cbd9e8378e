"""Label maps and volumes as NIfTI files, written byte by byte: to load nibabel takes longer than all of that."""

import struct
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from ccma_seg.errors import OutputError
from ccma_seg.geometry import Floats, Geometry
from ccma_seg.volume import LabelMap

LPS_TO_RAS = np.diag((-1.0, -1.0, 1.0, 1.0))
"""It turns back too."""

_HEADER = struct.Struct("<i36x8h14x2h2x8f3f3xB24x104x2h6f12f16x4s4x")
"""Of one file (.nii), after the standard's `nifti1.h`; x is what stays zero: intent, time, texts, extensions."""
_HEADER_BYTES, _VOXELS_AT = 348, 352
_KINDS = {np.dtype(np.uint8): 2, np.dtype(np.int16): 4}
_MM, _SCANNER = 2, 1
_NOT_SCALED = (1, 0)
_GZIP_START = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
"""Deflated, without a name or a time."""
_DEFLATE_END = b"\x03\x00"
_SIZE_MODULUS = 2**32


def write_labels(labels: LabelMap, path: Path, *, onto: Geometry | None = None) -> None:
    """Write a label map as `.nii.gz`, the same bytes each time.

    Parameters
    ----------
    labels
        What to write.
    path
        Where to; replaced if it exists.
    onto
        The larger grid that `labels` is a crop of, to be written whole.

    Raises
    ------
    OutputError
        If the file cannot be written.
    GeometryError
        If `labels` is no crop of `onto`.
    """
    try:
        with path.open("wb") as file:
            file.writelines(_gzipped(labels, onto or labels.geometry))
    except OSError as error:
        raise OutputError(f"{path.name} must be writable: {error.strerror or error}") from error


def nifti_bytes(values: npt.NDArray[Any], geometry: Geometry) -> bytes:
    """Return voxels, (slice, row, column) of uint8 or int16, on their grid as the bytes of a NIfTI file, not packed."""
    return _header(values.dtype, geometry) + values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def _header(kind: np.dtype[Any], geometry: Geometry) -> bytes:
    steps = geometry.spacing_mm[::-1]
    ras = (LPS_TO_RAS @ geometry.affine)[:, (2, 1, 0, 3)]
    turn, flip = _rotation(ras[:3, :3] / steps)
    return _HEADER.pack(
        _HEADER_BYTES,
        *(3, *geometry.shape[::-1], 1, 1, 1, 1),
        *(_KINDS[kind], 8 * kind.itemsize),
        *(flip, *steps, 1, 1, 1, 1),
        *(_VOXELS_AT, *_NOT_SCALED),
        _MM,
        *(_SCANNER, _SCANNER),
        *(*turn, *ras[:3, 3]),
        *ras[:3].ravel(),
        b"n+1\0",
    )


def _rotation(directions: Floats) -> tuple[Floats, float]:
    """Return the quaternion of perpendicular columns (b, c, d; a is not negative), and -1 if the last is flipped."""
    flip = 1.0 if np.linalg.det(directions) > 0 else -1.0
    quaternion = Rotation.from_matrix(directions * (1.0, 1.0, flip)).as_quat(canonical=True)
    return np.asarray(quaternion[:3]), flip


def _gzipped(labels: LabelMap, grid: Geometry) -> Iterator[bytes]:
    """Pack a label map piece by piece; most of it is empty, and packed only once."""
    head = _header(labels.labels.dtype, grid)
    checksum, size = zlib.crc32(head), len(head)
    yield _GZIP_START + _deflated(head)
    for piece in _pieces(labels, grid):
        yield _nothing(len(piece)) if isinstance(piece, bytes) else _deflated(piece)
        checksum, size = zlib.crc32(piece, checksum), size + len(piece)
    yield _DEFLATE_END + struct.pack("<2I", checksum, size % _SIZE_MODULUS)


def _pieces(labels: LabelMap, grid: Geometry) -> Iterator[bytes | memoryview]:
    """Give the voxels of a grid in order: rows that labels reach as a view, and zeros as bytes."""
    slices, rows, columns = labels.slices_in(grid)
    count, height, width = grid.shape
    above, below, outside = (bytes(n * width) for n in (rows.start, height - rows.stop, height))
    reached = np.zeros((rows.stop - rows.start, width), np.uint8)
    yield from (outside for _ in range(slices.start))
    for plane in labels.labels:
        reached[:, columns] = plane
        yield from (above, reached.data.cast("B"), below)
    yield from (outside for _ in range(count - slices.stop))


@cache
def _nothing(count: int) -> bytes:
    return _deflated(bytes(count)) if count else b""


def _deflated(piece: bytes | memoryview) -> bytes:
    """Deflate a piece so that others may follow: labels are runs, for which the quickest strategy packs best."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    return packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
