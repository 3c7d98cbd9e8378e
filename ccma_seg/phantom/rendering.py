"""From solids to voxels, with partial volume."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccma_seg.geometry import Floats
from ccma_seg.phantom.shapes import Array, Solid

Hu32 = npt.NDArray[np.float32]

_BLOCK = (4, 8, 8)
"""Planes, rows, columns that are decided at once where no surface is near."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Painted:
    """A solid and the HU it is filled with."""

    solid: Solid
    hu: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Where the voxels of a slab lie: coordinates that broadcast to (planes, rows, columns)."""

    x: Array
    """(1, 1, columns)"""
    y: Array
    """(1, rows, 1)"""
    z: Array
    """(planes, rows or 1, 1): rows when the gantry is tilted."""
    voxel_mm: tuple[float, float, float]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Planes, rows, columns."""
        return self.z.shape[0], self.y.shape[1], self.x.shape[2]

    def part(self, box: tuple[slice, slice, slice]) -> "Grid":
        """Cut out a box of voxels."""
        planes, rows, columns = box
        z = self.z[planes] if self.z.shape[1] == 1 else self.z[planes, rows]
        return Grid(x=self.x[:, :, columns], y=self.y[:, rows], z=z, voxel_mm=self.voxel_mm)

    def at(self, index: tuple[npt.NDArray[np.intp], ...]) -> tuple[Array, Array, Array]:
        """Return x, y and z of single voxels."""
        plane, row, column = index
        return self.x[0, 0, column], self.y[0, row, 0], self.z[plane, row if self.z.shape[1] > 1 else 0, 0]

    def box(self, low_mm: Floats, high_mm: Floats) -> tuple[slice, slice, slice] | None:
        """Find the voxels inside a box in space; None if there are none."""
        margin = max(self.voxel_mm)
        spans = []
        for values, axis, low, high in zip(
            (self.z, self.y, self.x), (0, 1, 2), low_mm[::-1], high_mm[::-1], strict=True
        ):
            others = tuple(i for i in range(3) if i != axis)
            near = (values.max(axis=others) >= low - margin) & (values.min(axis=others) <= high + margin)
            hits = np.flatnonzero(near)
            if hits.size == 0:
                return None
            spans.append(slice(int(hits[0]), int(hits[-1]) + 1))
        return spans[0], spans[1], spans[2]


def paint(image: Hu32, grid: Grid, scene: Sequence[Painted]) -> None:
    """Fill an image, in place, with solids in their order: later ones cover earlier ones.

    A voxel that a surface crosses gets the share that lies inside, from its distance to the surface.
    """
    for item in scene:
        box = grid.box(item.solid.low_mm, item.solid.high_mm)
        if box is not None:
            _paint_one(image[box], grid.part(box), item)


def _paint_one(image: Hu32, grid: Grid, item: Painted) -> None:
    inside, crossed = _blocks(grid, item.solid)
    hu = np.float32(item.hu)
    if inside.any():
        np.copyto(image, hu, where=_spread(inside, image.shape))
    if not crossed.any():
        return
    index = _expand(crossed, image.shape)
    distance = item.solid.level(*grid.at(index))
    width = np.float32(np.sqrt(np.mean(np.square(grid.voxel_mm))))
    share = np.clip(np.float32(0.5) - distance.astype(np.float32) / width, 0, 1)
    image[index] += share * (hu - image[index])


def _blocks(grid: Grid, solid: Solid) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Tell which blocks lie inside a solid, and which its surface may cross."""
    starts = [np.arange(0, n, b) for n, b in zip(grid.shape, _BLOCK, strict=True)]
    ends = [np.minimum(s + b, n) - 1 for s, b, n in zip(starts, _BLOCK, grid.shape, strict=True)]
    z = (grid.z[starts[0]] + grid.z[ends[0]]) / 2
    z = z if z.shape[1] == 1 else (z[:, starts[1]] + z[:, ends[1]]) / 2
    y = (grid.y[:, starts[1]] + grid.y[:, ends[1]]) / 2
    x = (grid.x[:, :, starts[2]] + grid.x[:, :, ends[2]]) / 2
    reach = solid.slack * np.sqrt(sum((b * step / 2) ** 2 for b, step in zip(_BLOCK, grid.voxel_mm, strict=True)))
    shape = tuple(len(s) for s in starts)
    level = np.broadcast_to(solid.level(x, y, z), shape)
    return level < -reach, np.abs(level) <= reach


def _spread(blocks: npt.NDArray[np.bool_], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Turn a mask of blocks into one of voxels."""
    mask = blocks
    for axis, (size, n) in enumerate(zip(_BLOCK, shape, strict=True)):
        mask = np.repeat(mask, size, axis=axis).take(range(n), axis=axis)
    return mask


def _expand(blocks: npt.NDArray[np.bool_], shape: tuple[int, ...]) -> tuple[npt.NDArray[np.intp], ...]:
    """List the voxels of some blocks."""
    offsets = np.indices(_BLOCK).reshape(3, -1)
    index = np.argwhere(blocks).T * np.array(_BLOCK)[:, None]
    flat = (index[:, :, None] + offsets[:, None, :]).reshape(3, -1)
    keep = (flat < np.array(shape)[:, None]).all(axis=0)
    first, second, third = flat[:, keep]
    return first, second, third
