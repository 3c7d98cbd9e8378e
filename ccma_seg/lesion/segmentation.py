"""Masses at the annulus and their parts."""

import numpy as np
from scipy.spatial import cKDTree

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.findings import Anatomy
from ccma_seg.calcium.findings import CalciumMap
from ccma_seg.geometry import Bools, Floats
from ccma_seg.lesion import shape, sphere
from ccma_seg.lesion.candidates import Candidate, find_candidates
from ccma_seg.lesion.cavity import find_cavity
from ccma_seg.lesion.ellipsoid import Ellipsoid
from ccma_seg.lesion.envelope import find_envelope
from ccma_seg.lesion.findings import Envelope, Lesion
from ccma_seg.lesion.gaps import distance_to_rim_mm
from ccma_seg.lesion.leak import find_leak
from ccma_seg.lesion.middle import find_middle
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.parts import crop_around, label_parts
from ccma_seg.lesion.surface import envelope_points
from ccma_seg.volume import LabelMap, Volume

_FEW_DIRECTIONS = 500
"""Enough to tell whether two surfaces overlap."""


def segment(
    volume: Volume, anatomy: Anatomy, calcium: CalciumMap, params: LesionParams = LesionParams()
) -> tuple[Lesion, ...]:
    """Find the masses at the mitral annulus and tell their parts apart.

    A mass is what a calcified rim encloses, be the rim patchy and its inside brighter than the calcium threshold.
    Solid calcium and bands have no inside and are no mass.

    Parameters
    ----------
    volume
        The CT, with or without contrast.
    anatomy
        Annulus, blood pools and contrast of `volume`.
    calcium
        Calcifications of `volume`, each with its place.
    params
        What a mass is, and how closely it is looked at.

    Returns
    -------
    tuple of Lesion
        By falling volume; empty without an annulus or without annular calcium.
    """
    if anatomy.annulus is None:
        return ()
    envelopes: list[tuple[Envelope, float]] = []
    in_vain = 0
    for candidate in _promising(find_candidates(volume, calcium, params), params):
        if in_vain == params.in_vain_max:
            break
        sure = [e for e, _ in envelopes if not _is_doubtful(volume, e, params)]
        if any(holds(e, candidate.points_mm.mean(axis=0)) for e in sure):
            continue
        middle = find_middle(volume, candidate, params)
        if middle is None or any(_share_within(e, middle) > params.overlap_max for e in sure):
            in_vain += 1
            continue
        envelope = find_envelope(volume, middle, params)
        if envelope is None or not is_mass(envelope, anatomy.annulus, params):
            in_vain += 1
            continue
        rivals = [found for found in envelopes if _overlap(envelope, found[0]) > params.overlap_max]
        if all(_is_better(volume, envelope, than=e, params=params) for e, _ in rivals):
            envelopes = [found for found in envelopes if not any(found is rival for rival in rivals)]
            envelopes.append((envelope, candidate.wall_hu))
        else:
            in_vain += 1
    envelopes.sort(key=lambda found: -volume_mm3(found[0]))
    return tuple(_lesion(volume, anatomy, found, id_=k, params=params) for k, found in enumerate(envelopes, start=1))


def is_mass(envelope: Envelope, annulus: MitralAnnulus, params: LesionParams) -> bool:
    """Tell whether an envelope is that of a mass at the annulus: walled all round, hollow, and near enough.

    Hollow is what lacks calcium inside: the smaller the inside, the darker it must be.
    """
    directions = sphere.directions(envelope.covered.size)
    covered = float(envelope.covered.mean())
    if covered < params.coverage_min:
        return False
    lopsided = float(np.linalg.norm(directions[envelope.covered].mean(axis=0)))
    hollow = float(np.mean(envelope.inner_radius_mm**3) / np.mean(envelope.outer_radius_mm**3))
    contrast = float(np.median((envelope.rim_hu - envelope.inside_hu)[envelope.covered]))
    lacking = hollow * contrast / envelope.usual_rim_hu
    inside_hu = float(np.median(envelope.inside_hu))
    near, centre = annulus_distances_mm(envelope, annulus)
    stretched = float(np.ptp(np.log(envelope.outer_radius_mm)))
    return (
        lopsided <= params.lopsided_max
        and contrast >= params.contrast_min_hu
        and lacking >= params.lacking_min
        and inside_hu >= params.inside_min_hu
        and float(np.mean(envelope.inside_hu < params.fat_hu)) <= params.fat_share_max
        and near <= params.annulus_reach_mm
        and centre <= params.centroid_reach_mm
        and stretched <= np.log(params.aspect_max)
        and envelope.position_sd_mm <= params.rough_max_mm
        and not _is_orifice(envelope, annulus, params)
        and not _is_hook(envelope, params)
    )


def _is_orifice(envelope: Envelope, annulus: MitralAnnulus, params: LesionParams) -> bool:
    """Tell whether what is walled is the opening of the valve: a band all round it leaves both its ends open."""
    holds_middle = holds(envelope, np.array(annulus.center_mm))
    return holds_middle and float(envelope.covered.mean()) < params.coverage_orifice


def _is_hook(envelope: Envelope, params: LesionParams) -> bool:
    """Tell whether what is walled is the hollow of a bent band: widely open on one side, and dented there."""
    points = envelope_points(envelope)
    opening = float(distance_to_rim_mm(points, ~envelope.covered).max() / envelope.outer_radius_mm.mean())
    if opening < params.opening_dented:
        return False
    return shape.describe_mesh(points, sphere.triangles(len(points))).solidity < params.solidity_open


def annulus_distances_mm(envelope: Envelope, annulus: MitralAnnulus) -> tuple[float, float]:
    """Return how far the annulus curve is from a mass (0 if it passes through) and from its centre."""
    tree = cKDTree(annulus.curve_mm)
    near, _ = tree.query(envelope_points(envelope))
    centre, _ = tree.query(envelope.center_mm)
    through = bool(_within(envelope, annulus.curve_mm).any())
    return 0.0 if through else float(near.min()), float(centre)


def _promising(candidates: tuple[Candidate, ...], params: LesionParams) -> tuple[Candidate, ...]:
    return tuple(c for c in candidates if c.score >= params.enclosed_min_mm3)


def _is_doubtful(volume: Volume, envelope: Envelope, params: LesionParams) -> bool:
    """Tell whether so little of a surface is wall that a better walled one, found in its place, is to be believed."""
    thick = volume.geometry.spacing_mm[0] > params.section_slice_mm
    return float(envelope.covered.mean()) < (params.coverage_open_thick if thick else params.coverage_open)


def _is_better(volume: Volume, envelope: Envelope, *, than: Envelope, params: LesionParams) -> bool:
    gain = float(envelope.covered.mean() - than.covered.mean())
    return _is_doubtful(volume, than, params) and gain >= params.coverage_gain


def holds(envelope: Envelope, point_mm: Floats) -> bool:
    """Tell whether a point lies within an envelope."""
    return bool(_within(envelope, point_mm[None])[0])


def _within(envelope: Envelope, points_mm: Floats) -> Bools:
    """Tell which points, shape (n, 3), lie within an envelope."""
    offset = points_mm - np.array(envelope.center_mm)
    distance = np.linalg.norm(offset, axis=1)
    inside = distance <= envelope.outer_radius_mm.max()
    nearest = (offset[inside] @ sphere.directions(envelope.covered.size).T).argmax(axis=1)
    inside[inside] = distance[inside] <= envelope.outer_radius_mm[nearest]
    return np.asarray(inside)


def _share_within(envelope: Envelope, middle: Ellipsoid) -> float:
    """Return the share of an ellipsoid's surface that lies within an envelope."""
    return float(_within(envelope, middle.points_mm(sphere.directions(_FEW_DIRECTIONS))).mean())


def _overlap(first: Envelope, second: Envelope) -> float:
    """Return the larger share of one surface that lies within the other."""
    return max(
        float(_within(first, envelope_points(second)[::8]).mean()),
        float(_within(second, envelope_points(first)[::8]).mean()),
    )


def volume_mm3(envelope: Envelope) -> float:
    """Return the volume within an outer surface, roughly: the rays are spread evenly."""
    return float(4 / 3 * np.pi * np.mean(envelope.outer_radius_mm**3))


def _lesion(
    volume: Volume, anatomy: Anatomy, found: tuple[Envelope, float], *, id_: int, params: LesionParams
) -> Lesion:
    envelope, wall_hu = found
    geometry = volume.geometry.crop(crop_around(volume.geometry, envelope))
    parts = LabelMap(labels=label_parts(geometry, envelope), geometry=geometry)
    lesion = Lesion(id=id_, parts=parts, envelope=envelope, wall_hu=wall_hu)
    return find_leak(volume, anatomy, find_cavity(volume, anatomy, lesion, params=params), params=params)
