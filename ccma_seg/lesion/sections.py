"""The surface of a mass on thick slices: fitted to the voxels themselves, each an average over its slice."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from ccma_seg.geometry import Bools, Floats, Geometry, as_point
from ccma_seg.lesion import sphere
from ccma_seg.lesion.findings import Envelope
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.parts import crop_around, polar
from ccma_seg.lesion.sphere import Indices
from ccma_seg.lesion.stations import blur_sigma_mm
from ccma_seg.lesion.surface import Surface, vertex_normals
from ccma_seg.volume import Volume

_LAYER_MM = 0.75
"""Slices are cut into layers no thicker than this."""
_WAVES = 4
"""Degree of the waves of the surface that thick slices still show."""
_SIDES = 3
"""Degree of the waves of HU on either side of the rim."""
_SIDES_HU = (-150.0, 600.0)
"""Fat to bright blood: HU of the sides lie in between."""
_REACH_MM = 2.5
"""Voxels this near to the rim are explained."""
_VOXELS = 4000
"""About so many are enough; more are thinned out evenly."""
_LEAST_BLUR_MM = 0.05
_ROUNDS = 5
_TOLERANCE = 0.25
"""Of the height of the rim: what is off by more is something else's."""
_UNEXPLAINED = 0.06
"""Of the height of the rim: what such a model leaves over (computed)."""
_ALIKE = 12.0
"""Neighbouring voxels tell much the same: so many count as one."""
_PRIOR_MM = 1.5
"""How far long waves may move the surface; short ones less."""
_PRIOR_SIDE_HU = 60.0
_PRIOR_RIM_HU = 50.0
_PRIOR_THICKNESS = 0.08
"""Of the logarithm of the thickness."""
_LONGEST_STEP = 0.2
"""Of the logarithm of the radius, and of the thickness, in one round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
    """A surface that explains the voxels, and what became of its rim."""

    surface: Surface
    thicker: float
    """Factor of the rim's thickness."""
    denser_hu: float
    """Added to the rim's HU."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Samples:
    """Voxels near a surface, (voxels,), and the layers that each averages, (voxels, layers)."""

    hu: Floats
    distance_mm: Floats
    """From the centre."""
    radius_mm: Floats
    """Of the surface, that way."""
    waves: Floats
    """(voxels, layers, waves)"""
    sides: Floats
    """(voxels, layers, waves)"""
    slant: Floats
    sigma_mm: Floats
    thickness_mm: Floats
    rim_hu: Floats
    covered: Floats
    """1 where there is a rim, 0 where what is inside takes its place."""


def fit_sections(volume: Volume, surface: Surface, found: Envelope, *, params: LesionParams) -> Refined:
    """Move a surface so that rim, inside and outside, averaged over each slice, explain the voxels best.

    Gauss-Newton on waves of the radius, on waves of the HU inside and outside, and on the rim's thickness and HU as a
    whole; with weights that forget voxels that are not explained.

    Parameters
    ----------
    volume
        With slices thicker than a rim.
    surface, found
        Where the rim was followed within slices, and what was seen across it.
    params
        Those of `find_envelope`.
    """
    samples = _samples(volume, surface, found, params=params)
    state, cost = _start(volume, found, params)
    anchor, height = state.copy(), float(np.median((found.rim_hu - found.inside_hu)[found.covered]))
    for _ in range(_ROUNDS):
        model, slope = _model(samples, state)
        off = samples.hu - model
        weight = 1 / (1 + (off / (_TOLERANCE * height)) ** 2) ** 2 / ((_UNEXPLAINED * height) ** 2 * _ALIKE)
        normal = slope.T @ (weight[:, None] * slope) + np.diag(cost)
        move = np.linalg.solve(normal, slope.T @ (weight * off) - cost * (state - anchor))
        state = state + _limited(np.asarray(move, float))
    waves = surface.waves.copy()
    waves.resize(max(waves.size, _count(_WAVES)))
    waves[: _count(_WAVES)] += state[_of_waves()]
    return Refined(surface=replace(surface, waves=waves), thicker=float(np.exp(state[-2])), denser_hu=float(state[-1]))


def _count(degree: int) -> int:
    return (degree + 1) ** 2


def _of_waves() -> slice:
    return slice(0, _count(_WAVES))


def _of_sides() -> tuple[slice, slice]:
    """Return where the state holds the HU outside and inside; after them come the rim's thickness and HU."""
    first, each = _count(_WAVES), _count(_SIDES)
    return slice(first, first + each), slice(first + each, first + 2 * each)


def _limited(move: Floats) -> Floats:
    geometric = np.r_[np.arange(_count(_WAVES)), move.size - 2]
    move[geometric] = np.clip(move[geometric], -_LONGEST_STEP, _LONGEST_STEP)
    return move


def _start(volume: Volume, found: Envelope, params: LesionParams) -> tuple[Floats, Floats]:
    """Return where the fit begins, and the cost of leaving that: HU of the sides are taken from within slices."""
    directions = sphere.directions(found.covered.size)
    level = np.abs(directions @ np.array(volume.geometry.axes[0])) < params.section_tilt
    basis = sphere.harmonics(directions[level], _SIDES)
    sides = [
        np.linalg.lstsq(basis, np.clip(hu[level], *_SIDES_HU), rcond=None)[0]
        for hu in (found.outside_hu, found.inside_hu)
    ]
    size = float(np.mean(found.outer_radius_mm))
    waves = (1 + sphere.degrees(_WAVES) ** 2) * (size / _PRIOR_MM) ** 2
    side = (1 + sphere.degrees(_SIDES) ** 2) / _PRIOR_SIDE_HU**2
    cost = np.r_[waves, side, side, 1 / _PRIOR_THICKNESS**2, 1 / _PRIOR_RIM_HU**2]
    return np.r_[np.zeros(waves.size), *sides, 0.0, 0.0], cost


def _samples(volume: Volume, surface: Surface, found: Envelope, *, params: LesionParams) -> _Samples:
    box = crop_around(volume.geometry, found)
    layers, count = _layered(volume.geometry.crop(box))
    distance, closest = polar(layers, found)
    beyond = distance - found.outer_radius_mm[closest]
    thick = float(np.median(found.thickness_mm[found.covered]))
    at = _places((beyond > -thick - _REACH_MM) & (beyond < _REACH_MM), count)
    offset = layers.to_patient(at) - np.array(found.center_mm)
    away = np.maximum(np.linalg.norm(offset, axis=-1), 1e-3)
    directions = (offset / away[..., None]).reshape(-1, 3)
    nearest = closest[tuple(np.moveaxis(at, -1, 0))]
    slant, sigma = _slant_and_blur(volume, found, layers.spacing_mm[0], params)
    thickness = np.maximum((found.outer_radius_mm - found.inner_radius_mm) * slant, 0.1)
    return _Samples(
        hu=volume.hu[box][at[:, 0, 0] // count, at[:, 0, 1], at[:, 0, 2]].astype(float),
        distance_mm=away,
        radius_mm=surface.radius_mm(directions).reshape(away.shape),
        waves=sphere.harmonics(directions, _WAVES).reshape(*away.shape, -1),
        sides=sphere.harmonics(directions, _SIDES).reshape(*away.shape, -1),
        slant=slant[nearest],
        sigma_mm=sigma[nearest],
        thickness_mm=thickness[nearest],
        rim_hu=found.rim_hu[nearest],
        covered=found.covered[nearest].astype(float),
    )


def _layered(geometry: Geometry) -> tuple[Geometry, int]:
    """Cut slices into layers, and return how many each."""
    spacing = geometry.spacing_mm[0]
    count = int(np.ceil(spacing / _LAYER_MM))
    step = spacing / count
    start = geometry.to_patient(((step - spacing) / 2 / spacing, 0, 0))
    slices, rows, columns = geometry.shape
    fine = replace(
        geometry,
        shape=(slices * count, rows, columns),
        spacing_mm=(step, *geometry.spacing_mm[1:]),
        origin_mm=as_point(start),
    )
    return fine, count


def _places(near: Bools, count: int) -> Indices:
    """Return the indices, (voxels, layers, 3), of the layers of voxels that come near a surface, thinned evenly."""
    layers, rows, columns = near.shape
    voxels = np.argwhere(near.reshape(layers // count, count, rows, columns).any(axis=1))
    kept = voxels[:: max(1, len(voxels) // _VOXELS)]
    return np.asarray(kept[:, None] * (count, 1, 1) + np.eye(3, dtype=int)[0] * np.arange(count)[:, None])


def _slant_and_blur(volume: Volume, found: Envelope, layer_mm: float, params: LesionParams) -> tuple[Floats, Floats]:
    """Return the cosine between rays and normals, and the blur along normals that averaging layers leaves to do."""
    directions = sphere.directions(found.covered.size)
    normals = vertex_normals(found.outer_radius_mm[:, None] * directions, len(directions))
    up = normals @ np.array(volume.geometry.axes[0])
    within = float(blur_sigma_mm(volume, np.array(volume.geometry.axes[1:]), params).mean())
    slant = np.clip(np.einsum("ij,ij->i", normals, directions), 0.3, 1)
    return slant, np.sqrt(within**2 * (1 - up**2) + (layer_mm * up) ** 2 / 12 + _LEAST_BLUR_MM**2)


def _model(samples: _Samples, state: Floats) -> tuple[Floats, Floats]:
    """Return the HU of voxels and their derivatives by the state."""
    outside, inside = (samples.sides @ state[part] for part in _of_sides())
    thickness = samples.thickness_mm * np.exp(state[-2])
    rim = np.where(samples.covered > 0, samples.rim_hu + state[-1], inside)
    radius = samples.radius_mm * np.exp(samples.waves @ state[_of_waves()])
    beyond = (samples.distance_mm - radius) * samples.slant / samples.sigma_mm
    behind = beyond + thickness / samples.sigma_mm
    rise, fall = ndtr(behind), ndtr(beyond)
    model = inside + (rim - inside) * rise + (outside - rim) * fall
    steep = 1 / (np.sqrt(2 * np.pi) * samples.sigma_mm)
    by_inner, by_outer = (
        (rim - inside) * steep * np.exp(-0.5 * behind**2),
        (outside - rim) * steep * np.exp(-0.5 * beyond**2),
    )
    by_radius = -(by_inner + by_outer) * radius * samples.slant
    by_inside = np.where(samples.covered > 0, 1 - rise, 1 - fall)
    columns = [
        np.einsum("vk,vkw->vw", by_radius, samples.waves),
        np.einsum("vk,vkw->vw", fall, samples.sides),
        np.einsum("vk,vkw->vw", by_inside, samples.sides),
        (by_inner * thickness).sum(axis=1, keepdims=True),
        ((rise - fall) * samples.covered).sum(axis=1, keepdims=True),
    ]
    return model.mean(axis=1), np.concatenate(columns, axis=1) / model.shape[1]
