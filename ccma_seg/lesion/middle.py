"""The middle of a rim: an ellipsoid through the first walls met from inside."""

import numpy as np

from ccma_seg.geometry import Floats
from ccma_seg.lesion import sphere
from ccma_seg.lesion.candidates import Candidate
from ccma_seg.lesion.ellipsoid import Ellipsoid, agreement, fit_ellipsoid, triangular
from ccma_seg.lesion.ellipsoid import sphere as ball
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.rays import along, first_wall, roughly_at
from ccma_seg.volume import Volume

_COARSE_RAYS = 600
_COARSE_STEP_MM = 0.5
_TOLERANCES_MM = (3.0, 1.5, 1.0)
"""How far walls may lie from an ellipsoid to be counted as its own, from the first fit to the last."""
_PRIOR = 0.01
"""Pull towards the form of the start, as a share of the walls met."""
_FAR = 2.0
"""Walls farther away than this, in medians, are not those of the mass."""


def find_middle(volume: Volume, candidate: Candidate, params: LesionParams) -> Ellipsoid | None:
    """Fit an ellipsoid to the middle of the first walls met from inside, and again from its centre.

    None where too few directions meet a wall, or none of the fits is a mass's form.
    """
    center, reach = candidate.points_mm.mean(axis=0), _reach_mm(candidate, params)
    points = _walls_from(volume, center, candidate.wall_hu, reach_mm=reach, params=params)
    found: Ellipsoid | None = None
    for tolerance in _TOLERANCES_MM:
        if found is not None and np.linalg.norm(found.center_mm - center) > _COARSE_STEP_MM:
            center = found.center_mm
            points = _walls_from(volume, center, candidate.wall_hu, reach_mm=reach, params=params)
        if len(points) < params.coverage_min * _COARSE_RAYS:
            return None
        starts = [found] if found is not None else _starts(center, points, candidate)
        fits = [fit_ellipsoid(points, s, tolerance_mm=tolerance, prior=_PRIOR * len(points)) for s in starts]
        possible = [f for f in fits if _possible(f, candidate, reach_mm=reach, params=params)]
        if not possible:
            return None
        found = max(possible, key=lambda f: agreement(points, f, tolerance_mm=tolerance))
    return found


def _reach_mm(candidate: Candidate, params: LesionParams) -> float:
    """Return how far from the middle of the enclosed places walls are looked for."""
    spread = np.linalg.norm(candidate.points_mm - candidate.points_mm.mean(axis=0), axis=1).max()
    return float(min(params.range_mm, 1.3 * spread + 2 * params.rim_max_mm) + params.profile_out_mm)


def _walls_from(volume: Volume, center: Floats, wall_hu: float, *, reach_mm: float, params: LesionParams) -> Floats:
    """Return the middle of the first wall met in each direction, where one is met."""
    directions = sphere.directions(_COARSE_RAYS)
    steps = np.arange(0, reach_mm, _COARSE_STEP_MM)
    profiles = roughly_at(volume, along(np.broadcast_to(center, directions.shape), directions, steps_mm=steps))
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


def _possible(fit: Ellipsoid, candidate: Candidate, *, reach_mm: float, params: LesionParams) -> bool:
    if not (np.isfinite(fit.shape).all() and np.isfinite(fit.center_mm).all()):
        return False
    longest, _, shortest = fit.semi_axes_mm()
    near = bool(np.abs(fit.center_mm - candidate.points_mm.mean(axis=0)).max() <= reach_mm)
    return near and bool(longest <= params.range_mm and longest <= params.aspect_max * shortest)
