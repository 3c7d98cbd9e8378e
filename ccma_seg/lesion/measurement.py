"""The figures of one mass."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy.findings import Anatomy, ContrastState
from ccma_seg.anatomy.sectors import sector
from ccma_seg.geometry import as_point
from ccma_seg.lesion import shape, sphere
from ccma_seg.lesion.cavity import LIKE_BLOOD, NEEDS_CONTRAST
from ccma_seg.lesion.circumflex import circumflex_distance_mm
from ccma_seg.lesion.findings import CAVITY, LEAK, Cavity, Core, Leak, Lesion, Measurements, Rim
from ccma_seg.lesion.inside import state_core
from ccma_seg.lesion.intensity import describe_hu
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.rim import measure_rim
from ccma_seg.lesion.segmentation import annulus_distances_mm
from ccma_seg.lesion.surface import envelope_points
from ccma_seg.lesion.uncertainty import half_widths
from ccma_seg.morphology import near
from ccma_seg.reasons import Reason
from ccma_seg.volume import Volume

_LVOT_RADIUS_MM = 12.1
"""Of the normal outflow tract, 20.8 x 28.3 mm (Halpern 2012)."""
_LVOT_LENGTH_MM = 20.0
_CLEAR_MM = 1.5
"""Distance from its border from which on a part is free of partial volume on thin slices."""
_UNEVEN_MM = 0.15
"""Excess thickness from which on a band may be merged with a rim: rims alone have less than 0.05 (computed)."""
_TELLS_WALL_FROM_BLOOD_HU = 100.0
"""Contrast between blood and myocardium from which on the two are told apart (proposal)."""


def measure(volume: Volume, anatomy: Anatomy, lesion: Lesion, params: LesionParams = LesionParams()) -> Measurements:
    """Measure one mass.

    The axes are those of the ellipsoid with the same second moments as the mass within its outer surface, which for
    an ellipsoid are its own; the maximal diameter is the largest distance between two points of that surface.

    Parameters
    ----------
    volume, anatomy
        What `lesion` was found in.
    lesion
        From `segment`.
    params
        The same as for `segment`.

    Returns
    -------
    Measurements
        None, with a reason, for what could not be measured.
    """
    points = envelope_points(lesion.envelope)
    faces = sphere.triangles(len(points))
    body = shape.describe_mesh(points, faces)
    centroid = shape.mesh_centroid_mm(points, faces)
    rim = measure_rim(volume, anatomy, lesion, params=params)
    core, core_reasons = state_core(volume, anatomy, lesion, params=params)
    result = Measurements(
        centroid_mm=as_point(centroid),
        long_axis_mm=body.axes_mm[0],
        short_axis_mm=body.axes_mm[1],
        third_axis_mm=body.axes_mm[2],
        max_diameter_mm=body.max_diameter_mm,
        volume_mm3=body.volume_mm3,
        surface_mm2=body.surface_mm2,
        sphericity=body.sphericity,
        solidity=body.solidity,
        rim=rim,
        core=_relative(core, rim, anatomy.myocardium_hu),
        cavity=_cavity(volume, anatomy, lesion, body.max_diameter_mm),
        leak=_leak(volume, anatomy, lesion),
        touches_border=not bool(volume.geometry.contains(points).all()),
        reasons=(*lesion.reasons, *core_reasons, *_rim_reasons(rim), *_neck_reasons(volume, params)),
    )
    placed = _placed(result, volume, anatomy, lesion=lesion)
    return replace(placed, uncertainty=half_widths(volume, anatomy, placed))


def _placed(result: Measurements, volume: Volume, anatomy: Anatomy, *, lesion: Lesion) -> Measurements:
    """Add where the mass lies; nothing without an annulus."""
    annulus = anatomy.annulus
    if annulus is None:
        return result
    angle = float(annulus.angle_deg(result.centroid_mm))
    near, centre = annulus_distances_mm(lesion.envelope, annulus)
    circumflex, unseen = circumflex_distance_mm(volume, anatomy, lesion)
    return replace(
        result,
        annulus_angle_deg=angle,
        sector=sector(angle),
        annulus_distance_mm=near,
        centroid_distance_mm=centre,
        lvot_distance_mm=_lvot_distance_mm(anatomy, lesion),
        aortic_root_distance_mm=_root_distance_mm(anatomy, lesion),
        circumflex_distance_mm=circumflex,
        wall_depth_mm=_wall_depth_mm(anatomy, lesion),
        reasons=result.reasons if unseen is None else (*result.reasons, unseen),
    )


def _root_distance_mm(anatomy: Anatomy, lesion: Lesion) -> float | None:
    """Return how far the mass is from the middle of the aortic root."""
    if anatomy.aortic_root_mm is None:
        return None
    offset = envelope_points(lesion.envelope) - np.array(anatomy.aortic_root_mm)
    return float(np.linalg.norm(offset, axis=1).min())


def _relative(core: Core, rim: Rim, myocardium_hu: float | None) -> Core:
    """Add how the core compares with the rim and with the myocardium."""
    if core.mean_hu is None:
        return core
    return replace(
        core,
        below_rim_hu=None if rim.mean_hu is None else rim.mean_hu - core.mean_hu,
        above_myocardium_hu=None if myocardium_hu is None else core.mean_hu - myocardium_hu,
    )


def _lvot_distance_mm(anatomy: Anatomy, lesion: Lesion) -> float | None:
    """Return how far the mass is from the outflow tract: a tube from the aortic root towards the apex."""
    if anatomy.aortic_root_mm is None or anatomy.annulus is None:
        return None
    root = np.array(anatomy.aortic_root_mm)
    offset = envelope_points(lesion.envelope) - root
    axis = np.array(anatomy.annulus.normal)
    along = np.clip(offset @ axis, 0, _LVOT_LENGTH_MM)
    apart = np.linalg.norm(offset - along[:, None] * axis, axis=1)
    return max(0.0, float(apart.min()) - _LVOT_RADIUS_MM)


def _wall_depth_mm(anatomy: Anatomy, lesion: Lesion) -> float | None:
    """Return how far the mass reaches towards the apex, below the annular plane, where myocardium lies outside it."""
    envelope, blood = lesion.envelope, anatomy.contrast.blood_pool_hu
    soft = anatomy.myocardium_hu
    if anatomy.annulus is None or soft is None or blood is None or blood - soft < _TELLS_WALL_FROM_BLOOD_HU:
        return None
    wall = (envelope.outside_hu > soft / 2) & (envelope.outside_hu < (soft + blood) / 2)
    depth = anatomy.annulus.to_frame(envelope_points(envelope))[:, 2]
    return max(0.0, float(depth[wall].max())) if wall.any() else 0.0


def _cavity(volume: Volume, anatomy: Anatomy, lesion: Lesion, diameter_mm: float) -> Cavity:
    passage = lesion.passage
    way_out = Cavity(blood_chance=lesion.blood_chance)
    if passage is not None:
        neck = passage.neck_mm
        ratio = neck / diameter_mm
        way_out = replace(way_out, neck_mm=neck, neck_to_diameter=ratio, communicates_with=passage.chambers)
    mask = lesion.parts.mask(CAVITY)
    if not mask.any():
        unsure = {r.code for r in lesion.reasons} & {NEEDS_CONTRAST, LIKE_BLOOD}
        return replace(way_out, present=None if unsure else False)
    mean = _hu_of(volume, lesion, CAVITY)
    blood = anatomy.contrast.blood_pool_hu
    return replace(
        way_out,
        present=True,
        volume_mm3=float(mask.sum() * lesion.parts.geometry.voxel_mm3),
        mean_hu=mean,
        ratio_to_blood_pool=mean / blood if mean is not None and blood else None,
    )


def _hu_of(volume: Volume, lesion: Lesion, label: int) -> float | None:
    return part_hu(volume.hu[lesion.parts.slices_in(volume.geometry)], lesion, label)


def part_hu(hu: npt.NDArray[np.generic], lesion: Lesion, label: int) -> float | None:
    """Return the mean HU of a part, clear of partial volume where it is large enough; `hu` on the grid of the parts."""
    mask = lesion.parts.mask(label)
    deep = mask & ~near(~mask, _CLEAR_MM, lesion.parts.geometry.spacing_mm)
    found = describe_hu(hu[deep if deep.any() else mask])
    return None if found is None else found.mean_hu


def _leak(volume: Volume, anatomy: Anatomy, lesion: Lesion) -> Leak:
    mask = lesion.parts.mask(LEAK)
    if anatomy.contrast.state != ContrastState.ENHANCED:
        return Leak()
    if not mask.any():
        return Leak(present=False)
    return Leak(
        present=True,
        volume_mm3=float(mask.sum() * lesion.parts.geometry.voxel_mm3),
        mean_hu=_hu_of(volume, lesion, LEAK),
        gap_mm=lesion.leak_gap_mm,
    )


def _rim_reasons(rim: Rim) -> tuple[Reason, ...]:
    if (rim.excess_mm or 0.0) < _UNEVEN_MM:
        return ()
    text = (
        "Part of the rim is much thicker than the rest: calcium beside the mass may be counted in, sizes are less sure."
    )
    return (Reason("rim_uneven", text),)


def _neck_reasons(volume: Volume, params: LesionParams) -> tuple[Reason, ...]:
    spacing = volume.geometry.spacing_mm[0]
    if spacing <= params.neck_slice_mm:
        return ()
    text = f"A neck is not measured on slices {spacing:g} mm apart: nothing below the slice thickness is reliable."
    return (Reason("neck_not_assessable", text),)
