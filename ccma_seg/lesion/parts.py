"""Which voxel belongs to which part of a mass."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ccma_seg.geometry import Bools, Floats, Geometry
from ccma_seg.lesion import sphere
from ccma_seg.lesion.findings import CORE, RIM, Envelope
from ccma_seg.lesion.sphere import Indices
from ccma_seg.lesion.surface import vertex_normals

_POLAR_CELLS = 90
_MARGIN_VOXELS = 2


def crop_around(geometry: Geometry, envelope: Envelope) -> tuple[slice, slice, slice]:
    """Return the index ranges of the smallest crop that holds a mass and a small margin."""
    points = np.array(envelope.center_mm) + envelope.outer_radius_mm[:, None] * sphere.directions(envelope.covered.size)
    return geometry.slices_around(points, margin_mm=_MARGIN_VOXELS * max(geometry.spacing_mm))


def polar(geometry: Geometry, envelope: Envelope) -> tuple[npt.NDArray[np.float32], Indices]:
    """Return, for each voxel of a grid, its distance from the centre of a mass and the nearest direction's index."""
    axes = (np.array(geometry.axes) * np.array(geometry.spacing_mm)[:, None]).astype(np.float32)
    start = (np.array(geometry.origin_mm) - envelope.center_mm).astype(np.float32)
    along = [np.arange(n, dtype=np.float32) for n in geometry.shape]
    x, y, z = (
        along[0][:, None, None] * axes[0, k] + (along[1][:, None] * axes[1, k] + along[2] * axes[2, k] + start[k])
        for k in range(3)
    )
    distance = np.sqrt(x * x + y * y + z * z)
    height = z / np.maximum(distance, np.float32(1e-6))
    row = np.minimum(((1 - height) * np.float32(_POLAR_CELLS)).astype(np.int32), 2 * _POLAR_CELLS - 1)
    column = ((np.arctan2(y, x) * np.float32(1 / np.pi) + 1) * np.float32(2 * _POLAR_CELLS)).astype(np.int32)
    return distance, _nearest_direction(envelope.covered.size)[row, np.minimum(column, 4 * _POLAR_CELLS - 1)]


@lru_cache(maxsize=4)
def _nearest_direction(count: int) -> Indices:
    """Return the index of the direction nearest to the middle of each cell of equal area, (height, turn)."""
    height = 1 - (np.arange(2 * _POLAR_CELLS) + 0.5) / _POLAR_CELLS
    turn = np.pi * ((np.arange(4 * _POLAR_CELLS) + 0.5) / (2 * _POLAR_CELLS) - 1)
    ring = np.sqrt(1 - height**2)[:, None]
    cells = np.stack(np.broadcast_arrays(ring * np.cos(turn), ring * np.sin(turn), height[:, None]), axis=-1)
    _, nearest = cKDTree(sphere.directions(count)).query(cells.reshape(-1, 3))
    return np.asarray(nearest, np.intp).reshape(cells.shape[:2])


def label_parts(geometry: Geometry, envelope: Envelope) -> npt.NDArray[np.uint8]:
    """Label the rim and what it encloses on a grid."""
    distance, nearest = polar(geometry, envelope)
    outer, inner = (r.astype(np.float32)[nearest] for r in (envelope.outer_radius_mm, envelope.inner_radius_mm))
    rim = (distance >= inner) & envelope.covered[nearest]
    return np.where(distance > outer, 0, np.where(rim, RIM, CORE)).astype(np.uint8)


@lru_cache(maxsize=2)
def depth_mm(geometry: Geometry, envelope: Envelope) -> npt.NDArray[np.float32]:
    """Return for each voxel how deep it lies below the inner surface of the rim, negative outside of it; read-only.

    Along the ray, shortened by the slant of the surface. Kept for the last masses: all that measures their inside asks.
    """
    distance, nearest = polar(geometry, envelope)
    slant = _slant(envelope)
    deep = (envelope.inner_radius_mm.astype(np.float32)[nearest] - distance) * slant.astype(np.float32)[nearest]
    deep.flags.writeable = False
    return np.asarray(deep, np.float32)


def _slant(envelope: Envelope) -> Floats:
    """Return the cosine between the rays and the normals of the inner surface."""
    directions = sphere.directions(envelope.covered.size)
    normals = vertex_normals(envelope.inner_radius_mm[:, None] * directions, len(directions))
    return np.asarray(np.clip(np.einsum("ij,ij->i", normals, directions), 0.3, 1.0))


def inside(geometry: Geometry, envelope: Envelope, *, erosion_mm: float) -> Bools:
    """Tell which voxels lie deeper than a margin below the rim."""
    return np.asarray(depth_mm(geometry, envelope) >= erosion_mm)
