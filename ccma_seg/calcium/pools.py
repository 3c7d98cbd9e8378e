"""Dense venous contrast: large, smooth regions brighter than the left heart's blood, away from the annulus."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.ring import dense_ring, distance_to_ring
from ccma_seg.geometry import Bools, Floats, Geometry
from ccma_seg.morphology import opened

Index = tuple[npt.NDArray[np.intp], ...]
"""Slice, row and column of voxels, (n,) each."""

_NEIGHBOURS_26 = np.ones((3, 3, 3), bool)

SAMPLES = 3
"""27 voxels bring noise of 30 HU down to 6 HU."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pools:
    """Regions of dense blood, in blocks of voxels."""

    blocks: npt.NDArray[np.int32]
    """0 is none."""
    size: npt.NDArray[np.int_]
    """Voxels in a block along slices, rows and columns."""

    def at(self, index: Index) -> npt.NDArray[np.int32]:
        """Return the pool at voxels, given as slices, rows and columns; 0 where there is none."""
        return np.asarray(self.blocks[tuple(place // size for place, size in zip(index, self.size, strict=True))])


def find_dense_pools(
    hu: npt.NDArray[np.int16], geometry: Geometry, *, level_hu: float, annulus: MitralAnnulus, params: CalciumParams
) -> Pools:
    """Find regions of contrast-enhanced blood above a level, such as a right heart full of undiluted contrast.

    Parameters
    ----------
    hu
        (slice, row, column), a crop round the heart.
    geometry
        Its grid.
    level_hu
        Brighter than the left heart's blood, on average over a block.
    annulus
        A bright region that hugs it may be a mass.

    Returns
    -------
    Pools
        They reach one block beyond the region's edge.
    """
    size = np.maximum(np.rint(params.pool_block_mm / np.array(geometry.spacing_mm)), 1).astype(int)
    bright = _block_means(hu, size) > level_hu
    ring_mm, blocks = dense_ring(annulus.curve_mm), np.argwhere(bright)
    centers = geometry.to_patient(blocks * size + (size - 1) / 2)
    away = np.zeros(bright.shape)
    away[tuple(blocks.T)] = distance_to_ring(centers, ring_mm, annulus=annulus)
    thick = opened(bright)  # a calcified band that touches a pool stays out
    if not thick.any():
        return Pools(blocks=np.zeros(bright.shape, np.int32), size=size)
    core = _is_pool(bright, thick, away, block_mm3=geometry.voxel_mm3 * size.prod(), params=params)
    free = bright & (away > params.near_annulus_mm) & ~(thick & ~core)
    pools, _ = ndimage.label(ndimage.binary_propagation(core, mask=free | core))
    filled = np.bincount(pools.ravel(), core.ravel()) / np.bincount(pools.ravel())
    pools[filled[pools] < params.min_pool_thick_share] = 0  # mostly thin: the shell of a mass that touches a pool
    wider = ndimage.grey_dilation(pools, footprint=_NEIGHBOURS_26)
    return Pools(blocks=wider.astype(np.int32), size=size)


def _lobes(mask: Bools, near: Bools) -> npt.NDArray[np.int32]:
    """Cut a region where it is narrow: a mass, or a ring of calcium, may touch a pool.

    Whatever is thickest close to the annulus is one lobe: a ring is a chain of small swellings.
    """
    depth = ndimage.distance_transform_edt(mask)
    swellings = mask & near & (depth == ndimage.maximum_filter(depth, footprint=_NEIGHBOURS_26))
    markers, count = ndimage.label(h_maxima(depth, 1).astype(bool) & ~swellings, _NEIGHBOURS_26)
    markers[swellings] = count + 1
    return np.asarray(watershed(-depth, markers, mask=mask), np.int32)


def _block_means(hu: npt.NDArray[np.int16], size: npt.NDArray[np.int_]) -> Floats:
    """Average over blocks, from at most `SAMPLES` voxels along each side: enough against noise.

    A last block that holds no sample takes the nearest.
    """
    step = np.maximum(size // SAMPLES, 1)
    few = hu[:: step[0], :: step[1], :: step[2]]
    starts = [
        np.minimum(np.searchsorted(np.arange(0, n, s), np.arange(0, n, block)), len(range(0, n, s)) - 1)
        for n, s, block in zip(hu.shape, step, size, strict=True)
    ]
    sums = few
    for axis in (2, 1, 0):
        sums = np.add.reduceat(sums, starts[axis], axis=axis, dtype=np.int32)
    counts = [np.maximum(np.diff([*start, n]), 1) for start, n in zip(starts, few.shape, strict=True)]
    return np.asarray(sums / np.einsum("i,j,k->ijk", *counts))


def _is_pool(bright: Bools, thick: Bools, away_mm: Floats, *, block_mm3: float, params: CalciumParams) -> Bools:
    """Tell which blocks are dense blood: of a large region, and of a lobe that does not hug the annulus."""
    regions, _ = ndimage.label(bright)
    large = np.bincount(regions.ravel()) * block_mm3 >= params.min_pool_mm3
    if not (thick & (away_mm <= params.centroid_annulus_mm)).any():
        return np.asarray(thick & large[regions])
    lobes = _lobes(thick, away_mm <= params.near_annulus_mm)
    near = np.bincount(lobes.ravel(), (away_mm <= params.centroid_annulus_mm).ravel())
    at_ring = near / np.maximum(np.bincount(lobes.ravel()), 1)
    return np.asarray(thick & large[regions] & (at_ring <= params.max_pool_share_at_annulus)[lobes])
