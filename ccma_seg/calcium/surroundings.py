"""What lies just outside each component: fat, lung, blood, dense contrast."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ccma_seg.calcium.components import Components, Integers
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.pools import Pools
from ccma_seg.calcium.threshold import Blood
from ccma_seg.geometry import Bools, Floats

MAX_SAMPLED_VOXELS = 20_000
"""Of larger components every k-th voxel is asked; shares stay good to 1 %."""

BLOOD_SD = 3.0
"""Blood lies within that many standard deviations of its median."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surroundings:
    """Shares, 0 to 1, of the samples round each component; one entry per component."""

    fat: Floats
    lung: Floats
    blood: Floats
    pool: Floats
    """In a pool of dense contrast."""
    lowest_hu: Floats


def find_surroundings(
    components: Components,
    hu: npt.NDArray[np.int16],
    *,
    distance_mm: float,
    threshold_hu: float,
    pools: Pools | None,
    blood: Blood | None,
    params: CalciumParams,
) -> Surroundings:
    """Sample 18 directions at a fixed distance from each voxel, less what hits calcium."""
    voxels = _thinned(components)
    seen, lowest = np.zeros((5, voxels.label.size)), np.full(voxels.label.size, np.inf)
    for index in _around(voxels, distance_mm):
        near = hu[tuple(index)]
        pool = np.zeros(near.shape, bool) if pools is None else pools.at(index.T) > 0
        outside, lung = (near < threshold_hu) | pool, near < params.lung_hu
        parts = ((near < params.fat_hu) & ~lung, lung, _is_blood(near, blood), pool)
        seen += [outside, *(outside & part for part in parts)]
        lowest = np.minimum(lowest, np.where(outside, near, np.inf))
    total, *votes = (voxels.sum(count) for count in seen)
    fat, lungs, in_blood, pooled = (count / np.maximum(total, 1) for count in votes)
    return Surroundings(fat=fat, lung=lungs, blood=in_blood, pool=pooled, lowest_hu=voxels.min(lowest))


def _thinned(components: Components) -> Components:
    step = np.maximum(components.voxels // MAX_SAMPLED_VOXELS, 1)[components.label - 1]
    return components.where(np.arange(components.label.size) % step == 0)


def _around(voxels: Components, distance_mm: float) -> Iterator[Integers]:
    """Yield slice, row and column, (3, n), of what lies at a distance, one direction after the other."""
    index, last = voxels.index.T, np.array(voxels.geometry.shape)[:, None] - 1
    for offset in _offsets(voxels, distance_mm):
        yield np.clip(index + offset[:, None], 0, last)


def _offsets(components: Components, distance_mm: float) -> Integers:
    directions = np.array([d for d in product((-1, 0, 1), repeat=3) if 1 <= np.abs(d).sum() <= 2])
    unit = directions / np.linalg.norm(directions, axis=1)[:, None]
    steps = np.maximum(np.rint(np.abs(unit) * distance_mm / np.array(components.geometry.spacing_mm)), 1)
    return np.asarray(directions * steps, np.intp)


def _is_blood(hu: npt.NDArray[np.int16], blood: Blood | None) -> Bools:
    if blood is None:
        return np.zeros(hu.shape, bool)
    return np.asarray(np.abs(hu - blood.hu) <= BLOOD_SD * blood.sd_hu)
