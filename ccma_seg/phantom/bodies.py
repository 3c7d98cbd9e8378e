"""A lesion as voxels: what fraction of each voxel it fills, and with what."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccma_seg.geometry import Floats
from ccma_seg.phantom.rendering import Grid, Hu32

Codes = npt.NDArray[np.uint8]

ANNULAR_CALCIUM, RIM, CORE, CAVITY, LEAK = 1, 2, 3, 4, 5
"""Labels, as in `labels.nii.gz`."""

SUBSAMPLES, UNEVEN_SUBSAMPLES = 3, 2
"""Along each axis of a voxel that a surface crosses; uneven bodies have many such voxels, and no smooth edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What one part of a lesion is made of."""

    name: str
    hu: float
    label: int
    """As in `labels.nii.gz`; 0 for what is none of the lesion's parts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Body:
    """A lesion in space."""

    low_mm: Floats
    high_mm: Floats
    classify: Callable[[Floats], Codes]
    """From (n, 3) LPS mm to the number of the material, from 1; 0 is outside."""
    materials: tuple[Material, ...]
    texture: Callable[[Floats, Codes], Floats] | None = None
    """HU to add to those of the material."""
    subsamples: int = SUBSAMPLES
    """Along each axis of a voxel that a surface crosses."""

    def hu_at(self, positions_mm: Floats, codes: Codes) -> Floats:
        """Return the HU of positions; 0 outside."""
        table = np.array([0.0, *(m.hu for m in self.materials)])
        hu = table[codes]
        return hu if self.texture is None else hu + self.texture(positions_mm, codes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filling:
    """How a body fills the voxels of a box in a grid."""

    box: tuple[slice, slice, slice]
    share: Hu32
    """Of each voxel, 0 to 1."""
    hu: Hu32
    """HU times share."""
    volumes_mm3: tuple[float, ...]
    """Of each material."""

    def put_into(self, image: Hu32, *, first: int = 0) -> None:
        """Cover an image, in place, whose first plane is plane `first` of the grid."""
        planes = self.box[0]
        start, stop = max(planes.start, first), min(planes.stop, first + image.shape[0])
        if start >= stop:
            return
        own = slice(start - planes.start, stop - planes.start)
        target = image[start - first : stop - first, self.box[1], self.box[2]]
        target *= 1 - self.share[own]
        target += self.hu[own]


def fill(body: Body, grid: Grid) -> Filling | None:
    """Sample a body on a grid; None if it lies outside.

    Voxels that no surface crosses are sampled at their centres and corners, the others at `subsamples` cubed points.
    """
    box = grid.box(body.low_mm, body.high_mm)
    if box is None:
        return None
    part = grid.part(box)
    codes = _codes_at_corners(body, part)
    mixed = _mixed(codes)
    center = body.classify(_positions(part, np.indices(part.shape).reshape(3, -1).T)).reshape(part.shape)
    whole = ~mixed & (center > 0)
    share = whole.astype(np.float32)
    hu = np.zeros(part.shape, np.float32)
    at = _positions(part, np.argwhere(whole))
    hu[whole] = body.hu_at(at, center[whole])
    counts = np.bincount(center[whole], minlength=len(body.materials) + 1).astype(float)
    share[mixed], hu[mixed], partial = _subsample(body, part, np.argwhere(mixed))
    voxel_mm3 = float(np.prod(grid.voxel_mm))
    volumes = tuple(float(v) for v in (counts + partial)[1:] * voxel_mm3)
    return Filling(box=box, share=share, hu=hu, volumes_mm3=volumes)


def _subsample(body: Body, grid: Grid, index: npt.NDArray[np.intp]) -> tuple[Hu32, Hu32, Floats]:
    """Return share, share times HU, and the filled voxels of each material, of single voxels."""
    steps = (np.arange(body.subsamples) + 0.5) / body.subsamples - 0.5
    offsets = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    share, hu = np.zeros(len(index), np.float32), np.zeros(len(index), np.float32)
    counts = np.zeros(len(body.materials) + 1)
    for offset in offsets:
        at = _positions(grid, index + offset)
        codes = body.classify(at)
        counts += np.bincount(codes, minlength=len(counts))
        share += codes > 0
        hu += np.where(codes > 0, body.hu_at(at, codes), 0).astype(np.float32)
    return share / np.float32(len(offsets)), hu / np.float32(len(offsets)), counts / len(offsets)


def _codes_at_corners(body: Body, grid: Grid) -> Codes:
    shape = tuple(n + 1 for n in grid.shape)
    corners = np.indices(shape).reshape(3, -1).T - 0.5
    return body.classify(_positions(grid, corners)).reshape(shape)


def _mixed(corners: Codes) -> npt.NDArray[np.bool_]:
    """Tell voxels whose corners differ, and their neighbours: thin parts may slip between corners."""
    low, high = corners, corners
    for axis in range(3):
        front, back = [slice(None)] * 3, [slice(None)] * 3
        front[axis], back[axis] = slice(1, None), slice(None, -1)
        low = np.minimum(low[tuple(front)], low[tuple(back)])
        high = np.maximum(high[tuple(front)], high[tuple(back)])
    mixed = low != high
    grown = mixed.copy()
    for axis in range(3):
        front, back = [slice(None)] * 3, [slice(None)] * 3
        front[axis], back[axis] = slice(1, None), slice(None, -1)
        grown[tuple(front)] |= mixed[tuple(back)]
        grown[tuple(back)] |= mixed[tuple(front)]
    return np.asarray(grown)


def _positions(grid: Grid, index: npt.NDArray[np.floating] | npt.NDArray[np.intp]) -> Floats:
    """Return LPS mm of fractional (plane, row, column)."""
    plane, row, column = np.asarray(index, float).reshape(-1, 3).T
    x0, y0, z0 = float(grid.x[0, 0, 0]), float(grid.y[0, 0, 0]), float(grid.z[0, 0, 0])
    dx = _step(grid.x[0, 0], grid.voxel_mm[2])
    dy = _step(grid.y[0, :, 0], grid.voxel_mm[1])
    dz = _step(grid.z[:, 0, 0], grid.voxel_mm[0])
    slope = _step(grid.z[0, :, 0], 0.0)
    return np.stack([x0 + column * dx, y0 + row * dy, z0 + plane * dz + row * slope], axis=-1)


def _step(values: npt.NDArray[np.floating], otherwise: float) -> float:
    return float(values[-1] - values[0]) / (len(values) - 1) if len(values) > 1 else otherwise
