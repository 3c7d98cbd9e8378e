"""From solids to voxels, with partial volume."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccma_seg.geometry import Bools, Floats
from ccma_seg.phantom.shapes import Array, Solid

Hu32 = npt.NDArray[np.float32]
Index = npt.NDArray[np.intp]

_COARSE = (4, 8, 8)
"""Planes, rows, columns that are decided at once where no surface is near."""
_FINE = (2, 2, 4)
"""The same, closer to surfaces."""


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

    def at(self, index: tuple[Index, ...]) -> tuple[Array, Array, Array]:
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
    """Fill a contiguous image, in place, with solids in their order: later ones cover earlier ones.

    A voxel that a surface crosses gets the share that lies inside, from its distance to the surface.
    """
    for item in scene:
        for solid in item.solid.parts or (item.solid,):
            _paint_one(image, grid, Painted(solid=solid, hu=item.hu))


def _paint_one(image: Hu32, grid: Grid, item: Painted) -> None:
    box = grid.box(item.solid.low_mm, item.solid.high_mm)
    if box is None:
        return
    part, hu = grid.part(box), np.float32(item.hu)
    inside, crossed = _decide(part, item.solid)
    if inside.any():
        np.copyto(image[box], hu, where=_spread(inside, part.shape))
    if not crossed.any():
        return
    blocks = _split(crossed)
    within, near = _decide_blocks(part, item.solid, blocks)
    flat, start = image.reshape(-1), [s.start for s in box]
    flat[_flat(_voxels(blocks[:, within], part.shape), start, image.shape)] = hu
    voxels = _voxels(blocks[:, near], part.shape)
    distance = item.solid.level(*part.at(voxels)).astype(np.float32)
    width = np.float32(np.sqrt(np.mean(np.square(grid.voxel_mm))))
    share = np.minimum(np.maximum(np.float32(0.5) - distance / width, 0), 1)
    index = _flat(voxels, start, image.shape)
    before = flat[index]
    flat[index] = before + share * (hu - before)


def _decide(grid: Grid, solid: Solid) -> tuple[Bools, Bools]:
    """Tell which coarse blocks lie inside a solid, and which its surface may cross."""
    starts = [np.arange(0, n, b) for n, b in zip(grid.shape, _COARSE, strict=True)]
    ends = [np.minimum(s + b, n) - 1 for s, b, n in zip(starts, _COARSE, grid.shape, strict=True)]
    z = (grid.z[starts[0]] + grid.z[ends[0]]) / 2
    z = z if z.shape[1] == 1 else (z[:, starts[1]] + z[:, ends[1]]) / 2
    y = (grid.y[:, starts[1]] + grid.y[:, ends[1]]) / 2
    x = (grid.x[:, :, starts[2]] + grid.x[:, :, ends[2]]) / 2
    level = np.broadcast_to(solid.level(x, y, z), tuple(len(s) for s in starts))
    reach = _reach(_COARSE, grid, solid)
    return level < -reach, np.abs(level) <= reach


def _decide_blocks(grid: Grid, solid: Solid, blocks: Index) -> tuple[Bools, Bools]:
    """Do the same for fine blocks, given by their first voxels, shape (3, n)."""
    last = np.array(grid.shape)[:, None] - 1
    first = grid.at(tuple(np.minimum(blocks, last)))
    final = grid.at(tuple(np.minimum(blocks + np.array(_FINE)[:, None] - 1, last)))
    x, y, z = ((a + b) / 2 for a, b in zip(first, final, strict=True))
    level = solid.level(x, y, z)
    reach = _reach(_FINE, grid, solid)
    return level < -reach, np.abs(level) <= reach


def _reach(block: tuple[int, int, int], grid: Grid, solid: Solid) -> float:
    """Return the level beyond which no surface crosses a block."""
    half = [b * step / 2 for b, step in zip(block, grid.voxel_mm, strict=True)]
    return solid.slack * float(np.sqrt(np.square(half).sum()))


def _spread(blocks: Bools, shape: tuple[int, ...]) -> Bools:
    """Turn a mask of coarse blocks into one of voxels."""
    mask = blocks
    for axis, (size, n) in enumerate(zip(_COARSE, shape, strict=True)):
        mask = np.repeat(mask, size, axis=axis)
        mask = mask[tuple(slice(n) if i == axis else slice(None) for i in range(3))]
    return mask


def _split(coarse: Bools) -> Index:
    """List the first voxels, shape (3, n), of the fine blocks in some coarse blocks."""
    per = tuple(c // f for c, f in zip(_COARSE, _FINE, strict=True))
    offsets = np.indices(per).reshape(3, -1) * np.array(_FINE)[:, None]
    starts = np.argwhere(coarse).T * np.array(_COARSE)[:, None]
    return np.asarray((starts[:, :, None] + offsets[:, None, :]).reshape(3, -1))


def _voxels(blocks: Index, shape: tuple[int, ...]) -> tuple[Index, Index, Index]:
    """List the voxels of fine blocks, given by their first voxels, shape (3, n), as indices that broadcast.

    Planes (planes, 1, 1, n), rows (1, rows, 1, n) and columns (1, 1, columns, n); a block that juts out of the grid
    repeats its last voxel inside.
    """
    planes, rows, columns = (
        np.minimum(first + np.arange(size)[:, None], n - 1) for first, size, n in zip(blocks, _FINE, shape, strict=True)
    )
    return planes[:, None, None], rows[None, :, None], columns[None, None]


def _flat(voxels: tuple[Index, Index, Index], start: Sequence[int], shape: tuple[int, ...]) -> Index:
    """Return where the voxels of a box lie in the flattened image: one index is ten times as quick as three."""
    plane, row, column = (index + first for index, first in zip(voxels, start, strict=True))
    return np.asarray((plane * shape[1] + row) * shape[2] + column)
