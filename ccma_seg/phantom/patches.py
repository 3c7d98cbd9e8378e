"""Smooth random patches on a shell, with an exactly stated coverage."""

from dataclasses import dataclass

import numpy as np

from ccma_seg.geometry import Bools, Floats
from ccma_seg.phantom.fields import Field, smooth_field

_SPHERE_POINTS = 40_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patches:
    """Which directions of an ellipsoid are calcified."""

    radii_mm: Floats
    field: Field
    threshold: float

    def covered(self, local_mm: Floats) -> Bools:
        """Tell whether positions (n, 3), along the axes of the ellipsoid, lie under a calcified patch."""
        if self.threshold == -np.inf:
            return np.ones(len(local_mm), bool)
        return np.asarray(self.field(on_surface(local_mm, self.radii_mm)) >= self.threshold)


def on_surface(local_mm: Floats, radii_mm: Floats) -> Floats:
    """Move positions (n, 3), along the axes of an ellipsoid, from its centre onto its surface."""
    scaled = local_mm / radii_mm
    x, y, z = scaled.T
    return np.asarray(scaled / (np.sqrt(x * x + y * y + z * z) + 1e-12)[:, None] * radii_mm)


def make_patches(radii_mm: Floats, coverage_pct: float, *, patch_mm: float, seed: int) -> Patches:
    """Draw patches that cover a share of the surface of an ellipsoid, by area."""
    field = smooth_field(wavelength_mm=2 * patch_mm, seed=seed)
    if coverage_pct >= 100:
        return Patches(radii_mm=radii_mm, field=field, threshold=-np.inf)
    points, weights = surface_points(radii_mm)
    values = field(points)
    order = np.argsort(values)[::-1]
    filled = np.cumsum(weights[order]) / weights.sum() * 100
    last = min(int(np.searchsorted(filled, coverage_pct)), len(order) - 1)
    threshold = float(values[order[last]]) if coverage_pct > 0 else np.inf
    return Patches(radii_mm=radii_mm, field=field, threshold=threshold)


def surface_points(radii_mm: Floats) -> tuple[Floats, Floats]:
    """Spread points over an ellipsoid; returns them and the area each stands for, mm2."""
    index = np.arange(_SPHERE_POINTS) + 0.5
    height = 1 - 2 * index / _SPHERE_POINTS
    turn = np.pi * (1 + np.sqrt(5)) * index
    across = np.sqrt(1 - height**2)
    sphere = np.stack([across * np.cos(turn), across * np.sin(turn), height], axis=-1)
    stretch = np.prod(radii_mm) * np.sqrt(((sphere / radii_mm) ** 2).sum(axis=1))
    return sphere * radii_mm, stretch * 4 * np.pi / _SPHERE_POINTS
