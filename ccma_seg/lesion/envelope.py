"""The surfaces of a mass: where its rim begins and ends in every direction, closed smoothly over gaps."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from ccma_seg.geometry import Bools, Floats, as_point
from ccma_seg.lesion import profile, rays, sphere
from ccma_seg.lesion.ellipsoid import Ellipsoid, grown
from ccma_seg.lesion.findings import Envelope
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.sections import Refined, fit_sections
from ccma_seg.lesion.stations import Stations, blur_sigma_mm, find_stations
from ccma_seg.lesion.surface import Surface, mesh_normals, smooth_surface
from ccma_seg.spread import MAD_TO_SD
from ccma_seg.volume import Volume

_STATIONS = (500, 1000)
"""Fewest and most places at which walls are fitted; half as many at first, when the rim's HU are not known."""
_FEW = 30
"""Fewer places with a wall make no surface."""
_NEIGHBOURS = 8
_REACH = 2.2
"""Of profiles outwards, that HU are needed beyond the middle of a rim: to its outer edge, another there, and a little
for the spline."""
_SIDE_MM = 2.0
"""How much of either side is looked at when the edges are known."""
_BLUR_POWER = 2.0
_PULL = 0.1
_PULL_THICK, _PULL_POWER = 0.05, 4.0
"""Pull towards the form of the start, in places: hardly any; on thick slices a share of all, the more the fewer slices
half the mass lies on (computed)."""
_NEAR_MM, _DENSEST, _SPREAD_HU = 2.0, 90.0, 100.0
"""Where the rim's HU are looked up before anything is known of it, in percent of the places, and how sure they are."""
_THICKER, _THICKER_POWER = 1.5, 4.0
"""A wall thicker than usual by more than the first counts less, by this power of how much it is."""
_REFINEMENTS = 2
"""On thick slices: each time coverage is looked at anew."""


def find_envelope(volume: Volume, middle: Ellipsoid, params: LesionParams) -> Envelope | None:
    """Follow a rim all round from its middle; None if there is none to follow.

    Parameters
    ----------
    volume
        The CT.
    middle
        From `find_middle`.
    params
        How many rays, how long, and what a rim is.
    """
    rim = middle.points_mm(sphere.directions(_STATIONS[0]))
    field = rays.field_within(volume, rim, margin_mm=_REACH * params.profile_out_mm)
    followed = _outer_surface(volume, field, middle, params)
    if followed is None:
        return None
    surface, at, walls = followed
    good = _is_wall(walls, params)
    if good.sum() < _FEW:
        return None
    nearby = _interpolated(surface, (at, walls, good))
    found = _describe(volume, field, (surface, nearby), params)
    if volume.geometry.spacing_mm[0] <= params.section_slice_mm:
        return found
    for _ in range(_REFINEMENTS):
        refined = fit_sections(volume, surface, found, params=params)
        surface, nearby = refined.surface, nearby.changed(refined)
        found = _describe(volume, field, (surface, nearby), params)
    return found


def _outer_surface(
    volume: Volume, field: rays.Field, middle: Ellipsoid, params: LesionParams
) -> tuple[Surface, Stations, profile.Walls] | None:
    """Fit walls across the middle surface, and a smooth surface through their outer edges; None if there are few."""
    surface = Surface(ellipsoid=middle, waves=np.zeros(1))
    thick = volume.geometry.spacing_mm[0] > params.section_slice_mm
    prior: profile.Prior | None = None
    steps = np.arange(-params.profile_in_mm, params.profile_out_mm + params.profile_step_mm, params.profile_step_mm)
    most = int(np.clip(_rays_over(surface, params), *_STATIONS))
    for count in (most // 2, most):
        at = find_stations(volume, surface, count, params=params)
        profiles = field.at(rays.along(at.points_mm, at.lines, steps_mm=steps))
        prior = prior or (_seen_prior(profiles, steps) if thick else None)
        walls = profile.fit_walls(profiles, steps, at.sigma_mm, thickest_mm=params.rim_max_mm, prior=prior)
        good = _is_wall(walls, params)
        if good.sum() < _FEW:
            return None
        outer = at.points_mm + walls.outer_mm[:, None] * at.lines
        thickness = (walls.thickness_mm * at.slant)[good]
        trust = (at.sigma_mm[good] / at.sigma_mm.min()) ** -_BLUR_POWER * _thinness(thickness)
        start = surface.ellipsoid
        if thick and start is middle:
            start = grown(middle, float(np.median(thickness)) / 2)
        pull = _pull(volume, middle, float(trust.sum())) if thick else _PULL
        surface = smooth_surface(outer[good], start, trust=trust, pull=pull)
        prior = _rim_prior(walls, good, at.sigma_mm)
    return surface, at, walls


def _thinness(thickness_mm: Floats) -> Floats:
    """Return how much each place of a wall tells of the surface: less where a band beside it may make it thick."""
    usual = _THICKER * float(np.median(thickness_mm))
    return np.asarray(np.minimum(1.0, usual / np.maximum(thickness_mm, 1e-3)) ** _THICKER_POWER)


def _pull(volume: Volume, middle: Ellipsoid, places: float) -> float:
    """Return how many places the form found so far counts as: a few slices do not tell how a mass ends between them."""
    slices = float(middle.semi_axes_mm()[-1]) / volume.geometry.spacing_mm[0]
    return float(max(_PULL, _PULL_THICK * places / slices**_PULL_POWER))


def _seen_prior(profiles_hu: Floats, steps_mm: Floats) -> profile.Prior:
    """Take the rim's HU from the densest places near its middle: thick slices let HU and thickness trade the more."""
    peaks = profiles_hu[:, np.abs(steps_mm) <= _NEAR_MM].max(axis=1)
    return profile.Prior(wall_hu=float(np.percentile(peaks, _DENSEST)), spread_hu=_SPREAD_HU)


def _is_wall(walls: profile.Walls, params: LesionParams) -> Bools:
    """Tell which fits are a rim: denser than both sides, as much wall as elsewhere, and explained by the model."""
    contrast = walls.wall_hu - np.maximum(walls.inside_hu, walls.outside_hu)
    usual = float(np.percentile(contrast, 75))
    explained = (contrast > 0.4 * usual) & (
        walls.misfit_hu < 0.12 * usual + 2 * float(np.percentile(walls.misfit_hu, 20))
    )
    thin_enough = walls.thickness_mm < 0.98 * params.rim_max_mm
    plausible = explained & thin_enough
    if not plausible.any():
        return plausible
    enough = walls.excess_hu_mm > 0.5 * np.percentile(walls.excess_hu_mm[plausible], 70)
    return np.asarray(plausible & enough)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rim:
    """Rim thickness and HU as smooth functions of direction, known at some."""

    tree: cKDTree
    thickness_mm: Floats
    wall_hu: Floats
    scatter_mm: float

    def changed(self, refined: Refined) -> "_Rim":
        """Return the rim as thick and dense as the voxels of thick slices ask for."""
        return replace(self, thickness_mm=self.thickness_mm * refined.thicker, wall_hu=self.wall_hu + refined.denser_hu)

    def at(self, directions: Floats) -> tuple[Floats, Floats]:
        """Return thickness and HU along unit vectors, averaged over the nearest places."""
        distance, nearest = self.tree.query(directions, k=min(_NEIGHBOURS, self.thickness_mm.size))
        weight = 1 / (distance + distance.mean()) ** 2
        weight = weight / weight.sum(axis=1, keepdims=True)
        return (weight * self.thickness_mm[nearest]).sum(axis=1), (weight * self.wall_hu[nearest]).sum(axis=1)


def _interpolated(surface: Surface, fitted: tuple[Stations, profile.Walls, Bools]) -> _Rim:
    at, walls, good = fitted
    outer = at.points_mm[good] + walls.outer_mm[good, None] * at.lines[good] - surface.ellipsoid.center_mm
    distance = np.linalg.norm(outer, axis=1)
    directions = outer / distance[:, None]
    apart = (distance - surface.radius_mm(directions)) * at.slant[good]
    thickness = (walls.thickness_mm * at.slant)[good]
    scatter = float(MAD_TO_SD * np.median(np.abs(apart)))
    return _Rim(tree=cKDTree(directions), thickness_mm=thickness, wall_hu=walls.wall_hu[good], scatter_mm=scatter)


def _describe(volume: Volume, field: rays.Field, found: tuple[Surface, _Rim], params: LesionParams) -> Envelope:
    """Look across the surface in every direction, its edges being known, and tell where there is a rim."""
    surface, rim = found
    count = _ray_count(surface, params)
    points, normals = mesh_normals(surface, count)
    offset = points - surface.ellipsoid.center_mm
    outer = np.linalg.norm(offset, axis=1)
    thickness, wall_hu = rim.at(sphere.directions(count))
    steps = np.arange(-(np.percentile(thickness, 95) + _SIDE_MM), _SIDE_MM, 1.5 * params.profile_step_mm)
    profiles = field.at(rays.along(points, normals, steps_mm=steps))
    sigma = blur_sigma_mm(volume, normals, params)
    seen, inside, outside = profile.wall_amplitude(profiles, steps, sigma, edges_mm=(-thickness, np.zeros(count))).T
    covered = seen > (wall_hu + (inside + outside) / 2) / 2
    slant = np.einsum("ij,ij->i", offset, normals) / outer
    return Envelope(
        center_mm=as_point(surface.ellipsoid.center_mm),
        outer_radius_mm=outer,
        inner_radius_mm=np.maximum(outer - thickness / np.maximum(slant, 0.3), 0.05 * outer),
        thickness_mm=np.where(covered, thickness, np.nan),
        covered=covered,
        rim_hu=np.where(covered, wall_hu, seen),
        inside_hu=inside,
        outside_hu=outside,
        position_sd_mm=rim.scatter_mm,
    )


def _ray_count(surface: Surface, params: LesionParams) -> int:
    return int(np.clip(_rays_over(surface, params), params.rays_min, params.rays_max))


def _rays_over(surface: Surface, params: LesionParams) -> int:
    """Return how many rays meet a surface `ray_spacing_mm` apart, in steps of 500: their meshes are kept."""
    radius = float(np.mean(surface.ellipsoid.semi_axes_mm()))
    return int(500 * np.ceil(4 * np.pi * (radius / params.ray_spacing_mm) ** 2 / 500))


def _rim_prior(walls: profile.Walls, good: Bools, sigma_mm: Floats) -> profile.Prior | None:
    """Take the rim's HU from where it is at least three times thicker than the blur; else from the densest places."""
    resolved = good & (walls.thickness_mm > 3 * sigma_mm)
    if not good.any():
        return None
    values = (
        walls.wall_hu[resolved] if resolved.sum() > 20 else np.sort(walls.wall_hu[good])[-max(1, good.sum() // 10) :]
    )
    return profile.Prior(wall_hu=float(np.median(values)), spread_hu=_SPREAD_HU)
