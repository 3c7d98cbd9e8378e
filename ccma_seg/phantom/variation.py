"""Anatomy moved at random, within published ranges."""

from dataclasses import replace

import numpy as np

from ccma_seg.geometry import Floats, Point, as_point, unit
from ccma_seg.phantom.spec import AnatomySpec

_SPREAD = 2.0
"""Draws beyond this many standard deviations are cut."""


def vary(spec: AnatomySpec, *, seed: int) -> AnatomySpec:
    """Draw one anatomy round the mean one; `variation` 0 returns the mean."""
    rng = np.random.Generator(np.random.Philox(key=(seed, 11)))

    def factor() -> float:
        return float(1 + spec.variation * spec.size_sd * np.clip(rng.standard_normal(), -_SPREAD, _SPREAD))

    size, lv, length, wall, la, ring, body = (factor() for _ in range(7))
    turn = spec.variation * spec.direction_sd_deg * np.clip(rng.standard_normal(3), -_SPREAD, _SPREAD)
    annulus = replace(
        spec.annulus,
        septal_lateral_mm=spec.annulus.septal_lateral_mm * size * ring,
        intercommissural_mm=spec.annulus.intercommissural_mm * size / np.sqrt(ring),
        direction_to_apex=_turned(spec.annulus.direction_to_apex, turn),
        direction_posterior=_turned(spec.annulus.direction_posterior, turn),
    )
    return replace(
        spec,
        annulus=annulus,
        lv_radius_mm=spec.lv_radius_mm * size * lv,
        lv_length_mm=spec.lv_length_mm * length,
        wall_mm=float(np.clip(spec.wall_mm * wall, 8.0, 11.0)) if spec.variation > 0 else spec.wall_mm,
        la_scale=spec.la_scale * la**2,
        body_scale=spec.body_scale * body,
    )


def _turned(direction: Point, turn_deg: Floats) -> Point:
    """Rotate a direction by a rotation vector (Rodrigues)."""
    angle = float(np.linalg.norm(turn_deg))
    values = unit(direction)
    if angle == 0:
        return as_point(values)
    axis, theta = np.asarray(turn_deg) / angle, np.radians(angle)
    turned = (
        values * np.cos(theta)
        + np.cross(axis, values) * np.sin(theta)
        + axis * float(axis @ values) * (1 - np.cos(theta))
    )
    return as_point(turned)
