"""The neck: the narrowest place of the widest way from a cavity to a chamber."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg.anatomy.findings import Anatomy
from ccma_seg.geometry import Bools, Floats, Geometry, Point, as_point, unit
from ccma_seg.lesion import sphere
from ccma_seg.lesion.findings import Envelope, Lesion, Passage
from ccma_seg.lesion.gaps import CHAMBERS
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.parts import polar
from ccma_seg.lesion.rays import Field, field_around
from ccma_seg.lesion.stations import blur_sigma_mm
from ccma_seg.volume import Volume

_HALVINGS = 7
_OPENINGS = 3
"""Most ways out that are told apart."""
_CLEAR_MM = 0.5
"""Beyond this distance from the rim's surfaces lie inside and outside."""
_ALONG_XYZ: tuple[Point, Point, Point] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_SOFT_HU = 60.0
"""Paste and wall next to blood: between core (20-130) and unenhanced myocardium (45)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Region:
    """A fine grid round the openings of a mass."""

    clearance_mm: Floats
    """Distance of each grid point to what is not blood; 0 there."""
    inside: Bools
    """Cavity, clear of the rim."""
    chamber: npt.NDArray[np.uint8]
    """Blood-pool label outside the mass."""
    hu: Floats
    points_mm: Floats


def find_passage(volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams) -> Passage | None:
    """Return the widest way from inside a mass to a chamber; None if there is none as wide as `neck_possible_mm`.

    Blood is what lies between the half-maxima towards soft tissue and towards the rim. The clearance at a place is
    its distance to what is not blood; the width of a way is twice the least clearance on it. Blur narrows the
    half-maximum contour of a channel of radius R by sigma^2 / (2 R), which is put back.
    """
    region = _fine_region(volume, anatomy, lesion, params)
    if region is None:
        return None
    ways = _ways_out(region, least_mm=params.neck_possible_mm / 2)
    if not ways:
        return None
    clearance, where, _ = ways[0]
    direction = unit(where - np.array(lesion.envelope.center_mm))
    sigma = float(blur_sigma_mm(volume, direction[None], params)[0])
    sigma2 = sigma**2 + _smoothing_mm(anatomy, params) ** 2
    found = {chamber for _, _, chamber in ways}
    return Passage(
        neck_mm=2 * clearance + sigma2 / clearance,
        chamber_hu=float(np.median(region.hu[region.chamber == ways[0][2]])),
        direction=as_point(direction),
        chambers=tuple(name for label, name in CHAMBERS.items() if label in found),
    )


def _ways_out(region: _Region, *, least_mm: float) -> list[tuple[float, Floats, int]]:
    """Return clearance, narrowest place and chamber of each opening, widest first: one is shut, the next is sought."""
    ways: list[tuple[float, Floats, int]] = []
    for _ in range(_OPENINGS):
        best = _widest(region, region.chamber > 0, least_mm=least_mm)
        if best is None:
            break
        clearance, where = best
        away = np.linalg.norm(region.points_mm - where, axis=-1)
        nearest = np.unravel_index(np.where(region.chamber > 0, away, np.inf).argmin(), away.shape)
        ways.append((clearance, where, int(region.chamber[nearest])))
        shut = away < 2 * clearance + 1
        region = replace(region, clearance_mm=np.where(shut, 0.0, region.clearance_mm))
    return ways


def _fine_region(volume: Volume, anatomy: Anatomy, lesion: Lesion, params: LesionParams) -> _Region | None:
    envelope, blood_hu = lesion.envelope, anatomy.contrast.blood_pool_hu
    places = _openings(envelope, blood_hu)
    if anatomy.blood_pools is None or blood_hu is None or not places.any():
        return None
    directions = sphere.directions(places.size)[places]
    ends = [envelope.inner_radius_mm[places] - 2.0, envelope.outer_radius_mm[places] + params.neck_outside_mm]
    corners = np.concatenate([np.array(envelope.center_mm) + r[:, None] * directions for r in ends])
    low, high = corners.min(axis=0) - 1.0, corners.max(axis=0) + 1.0
    step = max(params.neck_step_mm, float(np.cbrt(np.prod(high - low) / params.neck_points)))
    first, second, third = (int(n) + 1 for n in np.ceil((high - low) / step))
    grid = Geometry(
        shape=(first, second, third), spacing_mm=(step, step, step), origin_mm=as_point(low), axes=_ALONG_XYZ
    )
    field = field_around(volume, (low + high) / 2, radius_mm=float((high - low).max()) / 2 + 2)
    return _read_region(field, anatomy, envelope, grid=grid, smoothing_mm=_smoothing_mm(anatomy, params))


def _smoothing_mm(anatomy: Anatomy, params: LesionParams) -> float:
    return params.neck_smoothing * (anatomy.contrast.blood_pool_sd_hu or 0.0)


def _openings(envelope: Envelope, blood_hu: float | None) -> Bools:
    """Tell where the rim is thin or missing: darker than halfway from rim to blood."""
    if blood_hu is None:
        return np.zeros(envelope.covered.size, bool)
    usual = float(np.median(envelope.rim_hu[envelope.covered]))
    return np.logical_or(~envelope.covered, envelope.rim_hu < (usual + blood_hu) / 2)


def _read_region(field: Field, anatomy: Anatomy, envelope: Envelope, *, grid: Geometry, smoothing_mm: float) -> _Region:
    blood_hu = anatomy.contrast.blood_pool_hu or 0.0
    rim_hu = float(np.median(envelope.rim_hu[envelope.covered]))
    soft_hu = min(anatomy.myocardium_hu or _SOFT_HU, _SOFT_HU)
    points = grid.to_patient(np.moveaxis(np.indices(grid.shape), 0, -1))
    hu = ndimage.gaussian_filter(field.at(points), smoothing_mm / grid.spacing_mm[0])
    blood = (hu > (blood_hu + soft_hu) / 2) & (hu < (blood_hu + rim_hu) / 2)
    distance, nearest = polar(grid, envelope)
    chamber = np.zeros(hu.shape, np.uint8)
    outside = blood & (distance > envelope.outer_radius_mm[nearest] + _CLEAR_MM)
    chamber[outside] = _pool_labels(anatomy, points[outside])
    return _Region(
        clearance_mm=ndimage.distance_transform_edt(blood, sampling=grid.spacing_mm),
        inside=blood & (distance < envelope.inner_radius_mm[nearest] - _CLEAR_MM),
        chamber=chamber,
        hu=hu,
        points_mm=points,
    )


def _pool_labels(anatomy: Anatomy, points: Floats) -> npt.NDArray[np.uint8]:
    """Return the blood-pool label at positions, shape (n, 3); 0 beyond the labels."""
    pools = anatomy.blood_pools
    if pools is None:
        return np.zeros(len(points), np.uint8)
    index = np.rint(pools.geometry.to_index(points)).astype(int)
    valid = np.asarray(((index >= 0) & (index < pools.labels.shape)).all(axis=1))
    index = np.where(valid[:, None], index, 0)
    return np.where(valid, pools.labels[tuple(index.T)], 0).astype(np.uint8)


def _widest(region: _Region, goal: Bools, *, least_mm: float) -> tuple[float, Floats] | None:
    """Return the largest clearance at which inside and goal hang together, and where the way is narrowest."""
    low, high = least_mm, float(region.clearance_mm.max())
    if _connected(region, goal, low) is None:
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _connected(region, goal, middle) is None:
            high = middle
        else:
            low = middle
    way = _connected(region, goal, low)
    narrow = way & (region.clearance_mm <= low * 1.1 + 0.05) if way is not None else region.inside
    return low, region.points_mm[narrow if narrow.any() else way].mean(axis=0)


def _connected(region: _Region, goal: Bools, clearance_mm: float) -> Bools | None:
    """Return the open places that join inside and goal at a clearance; None if none does."""
    labels, count = ndimage.label(region.clearance_mm >= clearance_mm)
    from_inside = np.bincount(labels[region.inside], minlength=count + 1) > 0
    to_goal = np.bincount(labels[goal], minlength=count + 1) > 0
    joined = np.flatnonzero(from_inside & to_goal)
    joined = joined[joined > 0]
    return np.asarray(np.isin(labels, joined)) if joined.size else None
