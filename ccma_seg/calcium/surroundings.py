"""What lies just outside each component: fat, lung, blood, dense contrast."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.calcium.components import Components, Integers
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.pools import Index, Pools
from ccma_seg.calcium.threshold import Blood
from ccma_seg.geometry import Floats
from ccma_seg.tissue import FAT_BELOW_HU

MAX_SAMPLED_VOXELS = 5_000
"""Of larger components every k-th voxel is asked; shares stay good to 1 %."""

BLOOD_SD = 3.0
"""Where muscle was not measured, blood lies within that many standard deviations of its median."""

_NONE_SEEN = np.int16(np.iinfo(np.int16).max)
"""Lowest HU of no samples."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surroundings:
    """Shares, 0 to 1, of the samples round each component; one entry per component."""

    fat: Floats
    lung: Floats
    blood: Floats
    pool: Floats
    """In a pool of dense contrast."""
    lowest_hu: Floats
    inner_fat: Floats
    """Share of fat among the samples on the side of the valve."""
    inner_blood: Floats
    """... and of blood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """HU as whole numbers, which compare six times as fast."""

    calcium: int
    """From here on."""
    fat: int
    lung: int
    """Below."""
    blood: tuple[int, int]
    """Between, both included; the wrong way round for none."""


def find_surroundings(
    components: Components,
    hu: npt.NDArray[np.int16],
    *,
    annulus: MitralAnnulus,
    distance_mm: float,
    threshold_hu: float,
    pools: Pools | None,
    blood: Blood | None,
    params: CalciumParams,
) -> Surroundings:
    """Sample 18 directions at a fixed distance from each voxel, less what hits calcium."""
    voxels = _thinned(components)
    limits = _limits(threshold_hu, blood, params)
    seen, lowest = np.zeros((5, voxels.label.size), np.uint8), np.full(voxels.label.size, _NONE_SEEN)
    for index in _around(voxels, distance_mm):
        near = hu[index]
        pool = np.zeros(near.shape, bool) if pools is None else pools.at(index) > 0
        outside, lung = (near < limits.calcium) | pool, near < limits.lung
        parts = ((near < limits.fat) & ~lung, lung, (near >= limits.blood[0]) & (near <= limits.blood[1]), pool)
        for count, part in zip(seen, (outside, *(outside & part for part in parts)), strict=True):
            np.add(count, part, out=count)
        np.minimum(lowest, near, out=lowest, where=outside)
    inner = hu[_inward(voxels, annulus, distance_mm)]
    total, *votes = (voxels.sum(count) for count in seen)
    fat, lungs, in_blood, pooled = (count / np.maximum(total, 1) for count in votes)
    return Surroundings(
        fat=fat,
        lung=lungs,
        blood=in_blood,
        pool=pooled,
        lowest_hu=voxels.min(np.where(lowest < _NONE_SEEN, lowest, np.inf)),
        inner_fat=voxels.mean((inner < limits.fat) & (inner >= limits.lung)),
        inner_blood=voxels.mean((inner >= limits.blood[0]) & (inner <= limits.blood[1])),
    )


def _thinned(components: Components) -> Components:
    step = np.maximum(components.voxels // MAX_SAMPLED_VOXELS, 1)[components.label - 1]
    return components.where(np.arange(components.label.size) % step == 0)


def _around(voxels: Components, distance_mm: float) -> Iterator[Index]:
    """Yield slices, rows and columns of what lies at a distance, one direction after the other."""
    offsets = _offsets(voxels, distance_mm)
    places = np.unravel_index(voxels.flat, voxels.geometry.shape)
    moved = [
        {step: np.clip(place + step, 0, count - 1) for step in set(steps)}
        for place, steps, count in zip(places, offsets.T.tolist(), voxels.geometry.shape, strict=True)
    ]
    for offset in offsets.tolist():
        yield tuple(by_step[step] for by_step, step in zip(moved, offset, strict=True))


def _inward(voxels: Components, annulus: MitralAnnulus, distance_mm: float) -> Index:
    """Return slices, rows and columns of what lies at a distance towards the axis of the annulus."""
    frame = annulus.to_frame(voxels.positions_mm)
    radius = np.hypot(frame[:, 0], frame[:, 1])
    frame[:, :2] *= (1 - distance_mm / np.maximum(radius, distance_mm))[:, None]
    index = np.rint(voxels.geometry.to_index(annulus.to_patient(frame))).astype(np.intp)
    return tuple(np.clip(index, 0, np.array(voxels.geometry.shape) - 1).T)


def _offsets(components: Components, distance_mm: float) -> Integers:
    directions = np.array([d for d in product((-1, 0, 1), repeat=3) if 1 <= np.abs(d).sum() <= 2])
    unit = directions / np.linalg.norm(directions, axis=1)[:, None]
    steps = np.maximum(np.rint(np.abs(unit) * distance_mm / np.array(components.geometry.spacing_mm)), 1)
    return np.asarray(directions * steps, np.intp)


def _limits(threshold_hu: float, blood: Blood | None, params: CalciumParams) -> _Limits:
    return _Limits(
        calcium=math.ceil(threshold_hu),
        fat=math.ceil(FAT_BELOW_HU),
        lung=math.ceil(params.lung_hu),
        blood=(1, 0) if blood is None else (math.ceil(_least_hu(blood)), math.ceil(threshold_hu) - 1),
    )


def _least_hu(blood: Blood) -> float:
    return blood.hu - BLOOD_SD * blood.sd_hu if blood.from_hu is None else blood.from_hu
