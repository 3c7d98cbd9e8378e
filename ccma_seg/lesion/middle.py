"""The middle of a rim: an ellipsoid through the first walls met from inside."""

import numpy as np

from ccma_seg.geometry import Floats
from ccma_seg.lesion import sphere
from ccma_seg.lesion.candidates import Candidate
from ccma_seg.lesion.ellipsoid import Ellipsoid, agreement, fit_ellipsoid, triangular
from ccma_seg.lesion.ellipsoid import sphere as ball
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.rays import Field, along, first_wall

_COARSE_RAYS = 600
_COARSE_STEP_MM = 0.5
_TOLERANCES_MM = (3.0, 1.5, 1.0)
"""How far walls may lie from an ellipsoid to be counted as its own, from the first fit to the last."""
_PRIOR = 0.01
"""Pull towards the form of the start, as a share of the walls met."""
_FAR = 2.0
"""Walls farther away than this, in medians, are not those of the mass."""


def find_middle(field: Field, candidate: Candidate, params: LesionParams) -> Ellipsoid | None:
    """Fit an ellipsoid to the middle of the first walls met from inside, and again from its centre.

    None where too few directions meet a wall, or none of the fits is a mass's form.
    """
    center = candidate.points_mm.mean(axis=0)
    found: Ellipsoid | None = None
    for tolerance in _TOLERANCES_MM:
        points = _walls_from(field, center, candidate.wall_hu, params)
        if len(points) < params.coverage_min * _COARSE_RAYS:
            return None
        starts = [found] if found is not None else _starts(center, points, candidate)
        fits = [fit_ellipsoid(points, s, tolerance_mm=tolerance, prior=_PRIOR * len(points)) for s in starts]
        possible = [f for f in fits if _possible(f, field, params)]
        if not possible:
            return None
        found = max(possible, key=lambda f: agreement(points, f, tolerance_mm=tolerance))
        center = found.center_mm
    return found


def _walls_from(field: Field, center: Floats, wall_hu: float, params: LesionParams) -> Floats:
    """Return the middle of the first wall met in each direction, where one is met."""
    directions = sphere.directions(_COARSE_RAYS)
    steps = np.arange(0, min(params.range_mm, max(field.geometry.extent_mm)), _COARSE_STEP_MM)
    profiles = field.roughly_at(along(np.broadcast_to(center, directions.shape), directions, steps_mm=steps))
    entry, leave, met = first_wall(profiles, wall_hu)
    depth = np.minimum((leave - entry) * _COARSE_STEP_MM, params.rim_max_mm) / 2
    return np.asarray((center + (steps[entry] + depth)[:, None] * directions)[met])


def _starts(center: Floats, points: Floats, candidate: Candidate) -> list[Ellipsoid]:
    """Begin with a ball of the enclosed volume, a larger one, and with the form of the walls met."""
    radius = float(np.cbrt(candidate.score * 3 / (4 * np.pi))) + 1
    offset = points - center
    distance = np.linalg.norm(offset, axis=1)
    near = offset[distance <= _FAR * np.median(distance)]
    spread = near.T @ near / len(near) * 3
    formed = Ellipsoid(center_mm=center, shape=np.linalg.cholesky(np.linalg.inv(spread + np.eye(3))).T)
    return [ball(center, radius), ball(center, float(np.median(distance))), triangular(formed)]


def _possible(fit: Ellipsoid, field: Field, params: LesionParams) -> bool:
    if not (np.isfinite(fit.shape).all() and np.isfinite(fit.center_mm).all()):
        return False
    longest, _, shortest = fit.semi_axes_mm()
    inside = bool(field.geometry.contains(fit.center_mm))
    return (
        bool(np.isfinite(longest)) and longest <= params.range_mm and longest <= params.aspect_max * shortest and inside
    )
