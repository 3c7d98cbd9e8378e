"""Connected components above the threshold, as one table of voxels: all their figures at once."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.geometry import Bools, Floats, Geometry

Integers = npt.NDArray[np.intp]

_NEIGHBOURS_26 = np.ones((3, 3, 3), bool)

SPARSE = 0.01
"""Up to this share of the grid, runs of voxels are linked: a tenth of the time of a pass over it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Components:
    """The voxels of all components, one entry each, sorted by place in the grid.

    Figures of components are arrays of length `count`, entry 0 for label 1.
    """

    geometry: Geometry
    label: Integers
    """(n,) 1..count."""
    flat: Integers
    """(n,) index into the flattened grid."""
    hu: npt.NDArray[np.int16]
    """(n,)"""
    positions_mm: Floats
    """(n, 3) LPS."""
    ring_mm: Floats
    """(n,) distance to the annulus curve; infinite where there is none."""
    count: int

    @property
    def voxels(self) -> Integers:
        """How many voxels each has."""
        return np.asarray(np.bincount(self.label, minlength=self.count + 1)[1:])

    @property
    def volume_mm3(self) -> Floats:
        """How large each is."""
        return np.asarray(self.voxels * self.geometry.voxel_mm3)

    def sum(self, values: npt.ArrayLike) -> Floats:
        """Add up a value of each voxel, (n,), within each component."""
        return np.asarray(np.bincount(self.label, np.asarray(values, float), self.count + 1)[1:])

    def mean(self, values: npt.ArrayLike) -> Floats:
        """Average a value of each voxel, (n,) or (n, k), within each component."""
        table = np.asarray(values, float)
        if table.ndim == 1:
            return np.asarray(self.sum(table) / np.maximum(self.voxels, 1))
        return np.stack([self.mean(column) for column in table.T], axis=-1)

    def max(self, values: npt.ArrayLike) -> Floats:
        """Return the largest of a value of each voxel, (n,), within each component."""
        top = np.full(self.count + 1, -np.inf)
        np.maximum.at(top, self.label, np.asarray(values, float))
        return top[1:]

    def min(self, values: npt.ArrayLike) -> Floats:
        """Return the smallest of a value of each voxel, (n,), within each component."""
        return -self.max(-np.asarray(values, float))

    def relabelled(self, label: Integers) -> "Components":
        """Give voxels other labels; 0 drops a voxel, and numbers close up."""
        present = np.bincount(label, minlength=1) > 0
        present[0] = False
        number = np.cumsum(present, dtype=np.intp)
        return replace(self.where(label > 0), label=number[label[label > 0]], count=int(present.sum()))

    def where(self, keep: Bools) -> "Components":
        """Keep some voxels, with their labels."""
        return replace(
            self,
            label=self.label[keep],
            flat=self.flat[keep],
            hu=self.hu[keep],
            positions_mm=self.positions_mm[keep],
            ring_mm=self.ring_mm[keep],
        )

    def joined(self, other: "Components") -> "Components":
        """Add other components of the same grid, numbered from here on."""
        return replace(
            self,
            label=np.concatenate([self.label, self.count + other.label]),
            flat=np.concatenate([self.flat, other.flat]),
            hu=np.concatenate([self.hu, other.hu]),
            positions_mm=np.concatenate([self.positions_mm, other.positions_mm]),
            ring_mm=np.concatenate([self.ring_mm, other.ring_mm]),
            count=self.count + other.count,
        )

    def image(self) -> npt.NDArray[np.unsignedinteger]:
        """Return the labels as an array on the grid, of as few bytes as they need."""
        labels = np.zeros(self.geometry.shape, np.min_scalar_type(self.count))
        labels.ravel()[self.flat] = self.label
        return labels


def make_components(
    hu: npt.NDArray[np.int16], geometry: Geometry, flat: Integers, label: Integers, *, count: int
) -> Components:
    """Make the table of voxels at indices into the flattened grid."""
    place = np.unravel_index(flat, geometry.shape)
    index = np.stack(place, axis=-1)
    return Components(
        geometry=geometry,
        label=label,
        flat=flat,
        hu=hu[place],
        positions_mm=geometry.to_patient(index),
        ring_mm=np.full(flat.size, np.inf),
        count=count,
    )


def find_components(hu: npt.NDArray[np.int16], geometry: Geometry, flat: Integers) -> Components:
    """Label what is connected over faces, edges or corners, from rising indices into the flattened grid of `hu`."""
    if flat.size <= SPARSE * hu.size:
        label, count = _label_sparse(flat, geometry.shape)
    else:
        mask = np.zeros(hu.shape, bool)
        mask.ravel()[flat] = True
        labels, count = ndimage.label(mask, _NEIGHBOURS_26)
        label = labels.ravel()[flat].astype(np.intp)
    return make_components(hu, geometry, flat, label, count=int(count))


def _label_sparse(flat: Integers, shape: tuple[int, int, int]) -> tuple[Integers, int]:
    """Label few voxels of a large grid, as `ndimage.label` does: runs of a row are linked, not voxels of the grid."""
    slice_, row, column = np.unravel_index(flat, shape)
    width, area = shape[2] + 2, (shape[1] + 2) * (shape[2] + 2)
    place = (slice_ + 1) * area + (row + 1) * width + column + 1  # in a grid with a free border: rows do not touch
    start = place[np.diff(place, prepend=-2) != 1]
    end = place[np.diff(place, append=-2) != 1]
    ahead = (width, area - width, area, area + width)
    rows, columns = np.concatenate([_touching(start, end, shift) for shift in ahead], axis=1)
    graph = coo_array((np.ones(rows.size, bool), (rows, columns)), shape=(start.size, start.size))
    count, label = connected_components(graph, directed=False)
    return np.repeat(np.asarray(label + 1, np.intp), end - start + 1), int(count)


def _touching(start: Integers, end: Integers, shift: int) -> Integers:
    """Pair runs of voxels with those that touch them, (2, n), in the row `shift` places ahead."""
    first = np.searchsorted(end, start + shift - 1)
    many = np.searchsorted(start, end + shift + 1, side="right") - first
    own = np.repeat(np.arange(start.size), many)
    return np.stack([own, np.arange(own.size) - np.repeat(np.cumsum(many) - many - first, many)])


def without_specks(components: Components, params: CalciumParams) -> Components:
    """Drop components of too few voxels, or of too small an area on every slice."""
    if components.count == 0:
        return components
    slices = components.geometry.shape[0]
    slice_of = components.flat // (components.geometry.shape[1] * components.geometry.shape[2])
    cells = np.bincount(components.label * slices + slice_of, minlength=(components.count + 1) * slices)
    pixel_mm2 = components.geometry.spacing_mm[1] * components.geometry.spacing_mm[2]
    area = cells.reshape(-1, slices).max(axis=1)[1:] * pixel_mm2
    keep = (components.voxels >= params.min_voxels) & (area >= params.min_area_mm2)
    return components.relabelled(np.where(keep[components.label - 1], components.label, 0))
