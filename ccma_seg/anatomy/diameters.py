"""The diameters of the annulus: from the heart's size, and measured on the atrium's blood just above it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.findings import BLOOD_POOL_LA
from ccma_seg.geometry import Floats, Geometry
from ccma_seg.volume import LabelMap, Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class DiameterParams:
    """Where and when diameters are measured."""

    of_mean_heart_mm: tuple[float, float] = (29.5, 34.5)
    """Septal-lateral and intercommissural; hearts wider by a factor have rings wider by it. In 12 marked CTs (0.87 to
    1.33 times the mean heart) that was off by 1.4 and 2.5 mm in the mean, two readers' marks differ by 2.5 and 6 mm."""

    seen_weight: float = 0.5
    """Of diameters seen in blood against those: off by 2.7 and 3.9 mm where they show."""

    levels_mm: tuple[float, ...] = (-6.0, -4.0, -2.0)
    """On the side of the atrium: there are no leaflets, and no outflow tract, in the way."""

    step_mm: float = 0.5
    reach_mm: float = 35.0
    """Along rays, one every 10 degrees."""

    gap_mm: float = 2.5
    """The blood ends where it is missing over this length."""

    calcium_mm: float = 4.0
    """Where over half of this much, to either side of its end, is calcium, that ray tells nothing: a mass may hold the
    blood off, and noise does not last as long."""

    beside: int = 2
    """Rays to either side that count with one."""

    septal_lateral_mm: tuple[float, float] = (18.0, 50.0)
    intercommissural_mm: tuple[float, float] = (22.0, 60.0)
    """Diameters outside these are no annulus: 31.4 +- 4.5 and 39.3 +- 4.6 mm in CT (Erasmus repository 101897)."""


Diameters = tuple[float, float]
"""Septal-lateral and intercommissural, in mm."""


def by_heart_size(size: float, *, params: DiameterParams) -> Diameters:
    """Return the diameters of a heart that is `size` times as wide as the mean heart."""
    septal_lateral_mm, intercommissural_mm = params.of_mean_heart_mm
    return size * septal_lateral_mm, size * intercommissural_mm


def weighed(by_size: Diameters, seen: Diameters, *, params: DiameterParams) -> Diameters:
    """Weigh diameters that were seen with those that go with the heart's size."""
    own, other = params.seen_weight, 1 - params.seen_weight
    return own * seen[0] + other * by_size[0], own * seen[1] + other * by_size[1]


def measure_diameters(
    pools: LabelMap, annulus: MitralAnnulus, volume: Volume, *, dense_hu: float, params: DiameterParams
) -> Diameters | None:
    """Return the diameters of the atrium's blood above the annulus; None where they do not show.

    What is brighter than `dense_hu` is calcium.
    """
    angles = np.radians(np.arange(0, 360, 10))
    radii = np.arange(0, params.reach_mm, params.step_mm)
    level, angle, radius = np.meshgrid(params.levels_mm, angles, radii, indexing="ij")
    rays = annulus.to_patient(np.stack([np.cos(angle) * radius, np.sin(angle) * radius, level], axis=-1))
    missing = _along(rays, pools.geometry, pools.labels) != BLOOD_POOL_LA
    width = round(params.gap_mm / params.step_mm)
    gone = ndimage.uniform_filter1d(missing.astype(float), width, axis=-1) > 1 - 0.5 / width
    ends = np.where(gone.any(axis=-1), radii[gone.argmax(axis=-1)] - params.gap_mm / 2, params.reach_mm)
    calcium = _along(rays, volume.geometry, volume.hu) > dense_hu
    near = np.abs(radii - ends[..., None]) < params.calcium_mm
    ends[(calcium & near).sum(axis=-1) * params.step_mm > params.calcium_mm / 2] = np.nan
    reach = [_middle(ends, at, params) for at in (0, len(angles) // 4, len(angles) // 2, 3 * len(angles) // 4)]
    septal_lateral, intercommissural = reach[0] + reach[2], reach[1] + reach[3]
    low, high = params.septal_lateral_mm
    shorter, longer = params.intercommissural_mm
    plausible = low <= septal_lateral <= high and shorter <= intercommissural <= longer
    return (septal_lateral, intercommissural) if plausible else None


def _along(rays: Floats, geometry: Geometry, values: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """Return the nearest voxel's value at each place of rays, LPS mm; outside 0."""
    index = np.moveaxis(geometry.to_index(rays), -1, 0)
    return np.asarray(ndimage.map_coordinates(values, index, order=0))


def _middle(ends: Floats, at: int, params: DiameterParams) -> float:
    """Return the median end of neighbouring rays of all levels; NaN if fewer than half of them tell."""
    near = np.take(ends, np.arange(at - params.beside, at + params.beside + 1), axis=1, mode="wrap")
    known = near[np.isfinite(near)]
    return float(np.median(known)) if 2 * known.size > near.size else np.nan
