"""The diameters of the annulus, measured on the atrium's blood just above it."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.findings import BLOOD_POOL_LA
from ccma_seg.volume import LabelMap


@dataclass(frozen=True, slots=True, kw_only=True)
class DiameterParams:
    """Where and when diameters are measured."""

    surest_mm: float = 3.5
    """Only where the annulus is known this well."""

    levels_mm: tuple[float, ...] = (-6.0, -4.0, -2.0)
    """On the side of the atrium: there are no leaflets, and no outflow tract, in the way."""

    step_mm: float = 0.5
    reach_mm: float = 35.0
    """Along rays, one every 10 degrees."""

    gap_mm: float = 2.5
    """The blood ends where it is missing over this length."""

    septal_lateral_mm: tuple[float, float] = (18.0, 50.0)
    intercommissural_mm: tuple[float, float] = (22.0, 60.0)
    """Diameters outside these are no annulus: 31.4 +- 4.5 and 39.3 +- 4.6 mm in CT (Erasmus repository 101897)."""


def measure_diameters(pools: LabelMap, annulus: MitralAnnulus, *, params: DiameterParams) -> tuple[float, float] | None:
    """Return the septal-lateral and the intercommissural diameter in mm; None where they do not show."""
    if annulus.uncertainty_mm > params.surest_mm:
        return None
    angles = np.radians(np.arange(0, 360, 10))
    radii = np.arange(0, params.reach_mm, params.step_mm)
    level, angle, radius = np.meshgrid(params.levels_mm, angles, radii, indexing="ij")
    rays = np.stack([np.cos(angle) * radius, np.sin(angle) * radius, level], axis=-1)
    index = np.moveaxis(pools.geometry.to_index(annulus.to_patient(rays)), -1, 0)
    missing = ndimage.map_coordinates(pools.labels, index, order=0) != BLOOD_POOL_LA
    width = round(params.gap_mm / params.step_mm)
    gone = ndimage.uniform_filter1d(missing.astype(float), width, axis=-1) > 1 - 0.5 / width
    ends = np.where(gone.any(axis=-1), radii[gone.argmax(axis=-1)] - params.gap_mm / 2, params.reach_mm)
    ends = ndimage.median_filter(ends, size=(1, 5), mode="wrap").mean(axis=0)
    across = ends + np.roll(ends, len(angles) // 2)
    septal_lateral, intercommissural = float(across[0]), float(across[len(angles) // 4])
    low, high = params.septal_lateral_mm
    shorter, longer = params.intercommissural_mm
    plausible = low <= septal_lateral <= high and shorter <= intercommissural <= longer
    return (septal_lateral, intercommissural) if plausible else None
