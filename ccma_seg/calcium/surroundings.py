"""What lies just outside each component: fat, lung, blood, dense contrast."""

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
    index, own = _samples(voxels, components.geometry.shape, _offsets(components, distance_mm))
    flat_hu = hu.ravel()[np.ravel_multi_index(tuple(index.T), components.geometry.shape)]
    pool = np.zeros(own.shape, bool) if pools is None else pools.at(index) > 0
    outside = (flat_hu < threshold_hu) | pool
    total = np.maximum(_count(own, outside, components.count), 1)

    def share(where: Bools) -> Floats:
        return _count(own, outside & where, components.count) / total

    lowest = np.full(components.count + 1, np.inf)
    np.minimum.at(lowest, own[outside], flat_hu[outside])
    lung = flat_hu < params.lung_hu
    return Surroundings(
        fat=share((flat_hu < params.fat_hu) & ~lung),
        lung=share(lung),
        blood=share(_is_blood(flat_hu, blood)),
        pool=share(pool),
        lowest_hu=lowest[1:],
    )


def _thinned(components: Components) -> Components:
    step = np.maximum(components.voxels // MAX_SAMPLED_VOXELS, 1)[components.label - 1]
    return components.where(np.arange(components.label.size) % step == 0)


def _offsets(components: Components, distance_mm: float) -> Integers:
    directions = np.array([d for d in product((-1, 0, 1), repeat=3) if 1 <= np.abs(d).sum() <= 2])
    unit = directions / np.linalg.norm(directions, axis=1)[:, None]
    steps = np.maximum(np.rint(np.abs(unit) * distance_mm / np.array(components.geometry.spacing_mm)), 1)
    return np.asarray(directions * steps, np.intp)


def _samples(voxels: Components, shape: tuple[int, int, int], offsets: Integers) -> tuple[Integers, Integers]:
    index = (voxels.index[:, None, :] + offsets[None]).reshape(-1, 3)
    np.clip(index, 0, np.array(shape) - 1, out=index)
    return index, np.repeat(voxels.label, len(offsets))


def _count(own: Integers, where: Bools, count: int) -> Floats:
    return np.asarray(np.bincount(own[where], minlength=count + 1)[1:], float)


def _is_blood(hu: npt.NDArray[np.int16], blood: Blood | None) -> Bools:
    if blood is None:
        return np.zeros(hu.shape, bool)
    return np.asarray(np.abs(hu - blood.hu) <= BLOOD_SD * blood.sd_hu)
