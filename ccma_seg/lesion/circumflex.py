"""How far a mass is from the circumflex artery, where that shows."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ccma_seg.anatomy.findings import Anatomy, ContrastState
from ccma_seg.geometry import Bools, Floats, Geometry, as_point, voxels_in
from ccma_seg.lesion.findings import Envelope, Lesion
from ccma_seg.lesion.parts import polar
from ccma_seg.lesion.surface import envelope_points
from ccma_seg.morphology import near
from ccma_seg.reasons import Reason
from ccma_seg.tissue import FAT_BELOW_HU
from ccma_seg.volume import Hu, Volume

_REACH_MM = 10.0
"""Round a mass: a vessel farther away is no concern of it (the artery runs 1-8 mm from the annulus)."""
_STEP_MM = 0.8
"""Finer voxels are thinned to about this: a quarter of an artery."""
_THICKEST_SLICE_MM = 1.5
"""Two slices across an artery of 3 mm."""
_WIDEST_MM = 2.5
"""Radius of the circumflex artery, 1.5-2.5 mm, at most."""
_BESIDE_MM = 0.8
"""What lies so near to a chamber or to a mass may be its blurred border."""
_LEAST_LENGTH_MM = 8.0
_LEAST_LENGTH_TO_WIDTH = 2.0
"""Shorter or rounder bright spots are no vessel."""
_FAT_BESIDE_MM = (1.0, 2.5)
_LEAST_FAT = 0.3
"""Share of what lies beside the artery that is the fat of its groove."""
_ABOVE_BLOOD = 1.25
"""Brighter than this share of the blood is calcium."""
_GROOVE_MM = 12.0
"""From the annulus curve: 1-8 mm, and its uncertainty."""


Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Around:
    """What lies round a mass, or round a vessel."""

    geometry: Geometry
    hu: Hu
    bright: Bools
    """Neither tissue nor calcium, and not of the mass; or the vessel itself."""


def circumflex_distance_mm(volume: Volume, anatomy: Anatomy, lesion: Lesion) -> tuple[float | None, Reason | None]:
    """Return how far the outer surface of a mass is from the lumen of the circumflex artery, or why that is not known.

    The artery is what is as bright as blood, no wider than 5 mm, long, in fat, and in the groove beside the annulus.
    """
    spacing = volume.geometry.spacing_mm[0]
    if anatomy.contrast.state != ContrastState.ENHANCED or anatomy.annulus is None or spacing > _THICKEST_SLICE_MM:
        text = "The circumflex artery is looked for with contrast and on slices up to 1.5 mm only."
        return None, Reason("circumflex_not_assessable", text)
    around = _around(volume, anatomy, lesion.envelope)
    lumen = [at for at in _vessels(around) if _in_groove(at, anatomy)]
    if not lumen:
        return None, Reason("circumflex_not_seen", f"No circumflex artery is seen within {_REACH_MM:g} mm of the mass.")
    distance, _ = cKDTree(envelope_points(lesion.envelope)).query(np.concatenate(lumen))
    apart = float(distance.min()) - max(around.geometry.spacing_mm) / 2
    return (apart if apart > _BESIDE_MM else 0.0), None


def _around(volume: Volume, anatomy: Anatomy, envelope: Envelope) -> _Around:
    box = volume.geometry.slices_around(envelope_points(envelope), margin_mm=_REACH_MM)
    geometry, hu = _thinned(volume.geometry.crop(box), volume.hu[box])
    blood = anatomy.contrast.blood_pool_hu or 0.0
    distance, nearest = polar(geometry, envelope)
    outside = distance > envelope.outer_radius_mm.astype(np.float32)[nearest] + _BESIDE_MM
    least = (blood + (anatomy.myocardium_hu or 0.0)) / 2
    return _Around(geometry=geometry, hu=hu, bright=outside & (hu >= least) & (hu <= _ABOVE_BLOOD * blood))


def _thinned(geometry: Geometry, hu: Hu) -> tuple[Geometry, Hu]:
    """Keep every so many voxels: an artery needs no finer ones."""
    first, second, third = (max(1, round(_STEP_MM / step)) for step in geometry.spacing_mm)
    kept = hu[::first, ::second, ::third]
    spacing = as_point(np.array(geometry.spacing_mm) * (first, second, third))
    return replace(geometry, shape=kept.shape, spacing_mm=spacing), kept


def _vessels(around: _Around) -> list[Floats]:
    """Return the voxels (n, 3) LPS mm of whatever is bright, narrow, long, and lies in fat."""
    spacing = around.geometry.spacing_mm
    chamber = around.bright & ~near(~around.bright, _WIDEST_MM, spacing)
    narrow = around.bright & ~near(chamber, _WIDEST_MM + _BESIDE_MM, spacing)
    labels, _ = ndimage.label(narrow, np.ones((3, 3, 3)))
    boxes = enumerate(ndimage.find_objects(labels), start=1)
    long = [(label, _widened(box, around)) for label, box in boxes if _extent_mm(box, spacing) >= _LEAST_LENGTH_MM]
    parts = [_Around(geometry=around.geometry.crop(b), hu=around.hu[b], bright=labels[b] == k) for k, b in long]
    return [part.geometry.to_patient(voxels_in(part.bright)) for part in parts if _is_vessel(part)]


def _widened(box: Box, around: _Around) -> Box:
    """Add to a box what is looked at beside a vessel."""
    more = [int(np.ceil(_FAT_BESIDE_MM[1] / step)) for step in around.geometry.spacing_mm]
    first, second, third = (slice(max(0, s.start - n), s.stop + n) for s, n in zip(box, more, strict=True))
    return first, second, third


def _extent_mm(box: Box, spacing_mm: tuple[float, float, float]) -> float:
    extent = [(s.stop - s.start) * step for s, step in zip(box, spacing_mm, strict=True)]
    return float(np.linalg.norm(extent))


def _is_vessel(part: _Around) -> bool:
    index = voxels_in(part.bright)
    length = float(np.linalg.norm(np.ptp(part.geometry.to_patient(index), axis=0)))
    width = float(np.sqrt(4 / np.pi * len(index) * part.geometry.voxel_mm3 / length)) if length else np.inf
    if length < max(_LEAST_LENGTH_MM, _LEAST_LENGTH_TO_WIDTH * width):
        return False
    away = ndimage.distance_transform_edt(~part.bright, sampling=part.geometry.spacing_mm)
    beside = (away >= _FAT_BESIDE_MM[0]) & (away <= _FAT_BESIDE_MM[1])
    return float(np.mean(part.hu[beside] < FAT_BELOW_HU)) >= _LEAST_FAT


def _in_groove(points_mm: Floats, anatomy: Anatomy) -> bool:
    """Tell whether a vessel runs beside the annulus, outside of its ring."""
    annulus = anatomy.annulus
    if annulus is None:
        return False
    distance, _ = cKDTree(annulus.curve_mm).query(points_mm)
    return float(np.median(distance)) <= _GROOVE_MM and float(annulus.outward_mm(points_mm.mean(axis=0))) > 0
