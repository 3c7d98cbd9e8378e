"""Caseous material outside an opening of the rim."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from ccma_seg.anatomy.findings import Anatomy, ContrastState
from ccma_seg.geometry import Bools, Geometry, unit
from ccma_seg.grids import resample_labels
from ccma_seg.lesion.channel import find_channel, look_round
from ccma_seg.lesion.findings import LEAK, Lesion
from ccma_seg.lesion.neck import neck_mm
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.parts import polar
from ccma_seg.lesion.surface import envelope_points
from ccma_seg.morphology import grown
from ccma_seg.volume import LabelMap, Volume

Singles = npt.NDArray[np.float32]
Box = tuple[slice, slice, slice]

_AT_RIM_MM = 2.5
"""A leak begins this near to the outer surface."""
_CUBE = np.ones((3, 3, 3), bool)
_WAIST = 0.7
"""Lobes are told apart where they meet in a waist narrower than this share of the thinner of them."""
_ROUND = 4
"""Voxels round soft tissue that its lobes are compared with: a seam and a shell of two."""
_GRID_MM = 1.0
"""Voxels on which leaks are sought."""


def find_leak(volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams) -> Lesion:
    """Label material outside the rim that hangs together with an opening and bulges into enhanced blood.

    Soft tissue outside an opening is myocardium unless blood surrounds it: what is called a leak is as dark as
    caseous material, begins at an opening, and has blood on most of its surface. It is not sought without contrast,
    in which blood, myocardium and paste are alike.
    """
    blood_hu = anatomy.contrast.blood_pool_hu
    if anatomy.contrast.state != ContrastState.ENHANCED or blood_hu is None or lesion.envelope.covered.all():
        return lesion
    box, geometry, hu = _surroundings(volume, lesion, params)
    distance, nearest = polar(geometry, lesion.envelope)
    outer = lesion.envelope.outer_radius_mm.astype(np.float32)[nearest]
    outside = distance > outer
    low, high = params.leak_hu
    noise_hu = anatomy.contrast.blood_pool_sd_hu or 0.0
    soft = outside & (hu >= low - noise_hu) & (hu <= min(high + noise_hu, blood_hu - params.leak_below_blood_hu))
    openings = (distance - outer < _AT_RIM_MM) & ~lesion.envelope.covered[nearest]
    blood = outside & (hu > (blood_hu + high) / 2) & (hu < blood_hu * params.blood_like[1])
    hanging = _at_openings(soft, openings)
    if not hanging.any():
        return lesion
    found, near = np.zeros(soft.shape, bool), _box_round(hanging, _ROUND)
    for lobe in _lobes(hanging[near], openings[near]):
        if _bulges(lobe, blood[near], ~outside[near], geometry=geometry, params=params):
            found[near] |= lobe
    if not found.any():
        return lesion
    half = outside & (hu >= low) & (hu < (blood_hu + high) / 2)
    labelled = _with_leak(volume, lesion, box, ndimage.binary_dilation(found, _CUBE) & half)
    return replace(labelled, leak_gap_mm=leak_gap_mm(volume, anatomy, labelled, params=params))


def leak_gap_mm(volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams) -> float | None:
    """Return the width of the opening through which a leak hangs together with the core; None if there is none.

    An opening of the rim is what is darker than halfway from paste to rim.
    """
    envelope, noise_hu = lesion.envelope, anatomy.contrast.blood_pool_sd_hu or 0.0
    leak = lesion.parts.geometry.to_patient(np.argwhere(lesion.parts.mask(LEAK)))
    near, _ = cKDTree(leak).query(envelope_points(envelope))
    places = (near <= _AT_RIM_MM) & ~envelope.covered
    if not places.any():
        return None
    smoothing_mm = params.neck_smoothing * noise_hu
    around = look_round(volume, envelope, places, smoothing_mm=smoothing_mm, params=params)
    labels = resample_labels(lesion.parts.labels, lesion.parts.geometry, onto=around.grid)
    leaked = around.outside & (labels == LEAK)
    cut = (envelope.usual_rim_hu + params.leak_hu[0]) / 2
    channel = find_channel(around, (around.hu < cut) & (leaked | ~around.outside), goal=leaked)
    if channel is None:
        return None
    direction = unit(channel.narrowest_mm - np.array(envelope.center_mm))
    return neck_mm(volume, channel, direction, smoothing_mm=smoothing_mm, params=params)


def _lobes(soft: Bools, openings: Bools) -> Iterator[Bools]:
    """Cut soft tissue where it is narrow, as between a leak and the wall it lies on; yield what lies at an opening."""
    depth = ndimage.distance_transform_edt(soft)
    relative = np.log(np.maximum(depth, 1.0))
    markers, _ = ndimage.label(h_maxima(relative, -np.log(_WAIST)), _CUBE)
    lobes = watershed(-depth, markers, mask=soft)
    for label in np.unique(lobes[openings & soft]):
        if label > 0:
            yield np.asarray(lobes == label)


def _surroundings(volume: Volume, lesion: Lesion, params: LesionParams) -> tuple[Box, Geometry, Singles]:
    """Return how far leaks may reach, and HU there on a grid of about 1 mm, averaged against noise."""
    envelope = lesion.envelope
    points = envelope_points(envelope)[~envelope.covered]
    box = volume.geometry.slices_around(points, margin_mm=params.leak_reach_mm)
    steps = _strides(volume.geometry)
    size = np.maximum(1, np.rint(params.smoothing_mm / np.array(volume.geometry.spacing_mm))).astype(int)
    hu = volume.hu[box].astype(np.float32)
    for axis in (2, 1, 0):
        thinned = (slice(None),) * axis + (slice(None, None, steps[axis]),)
        hu = ndimage.uniform_filter1d(hu, size[axis], axis, mode="nearest")[thinned]
    crop = volume.geometry.crop(box)
    slices, rows, columns = (k * mm for k, mm in zip(steps, crop.spacing_mm, strict=True))
    first, second, third = hu.shape
    return box, replace(crop, shape=(first, second, third), spacing_mm=(slices, rows, columns)), hu


def _strides(geometry: Geometry) -> list[int]:
    """Return every how many voxels about a millimetre is."""
    return [max(1, round(_GRID_MM / step)) for step in geometry.spacing_mm]


def _at_openings(soft: Bools, opening: Bools) -> Bools:
    """Keep what hangs together with an opening of the rim, thin seams of partial volume taken off."""
    core = ndimage.binary_erosion(soft, _CUBE)
    labels, _ = ndimage.label(core)
    touching = np.unique(labels[opening & core])
    kept = np.isin(labels, touching[touching > 0])
    return np.asarray(ndimage.binary_dilation(kept, _CUBE) & soft)


def _bulges(found: Bools, blood: Bools, mass: Bools, *, geometry: Geometry, params: LesionParams) -> bool:
    """Tell whether a leak has a likely size and blood round most of it, partial volume left out."""
    volume_mm3 = float(found.sum() * geometry.voxel_mm3)
    largest = np.pi / 6 * params.leak_largest_mm**3
    shell = grown(found, 3) & ~grown(found) & ~mass
    border = [found.take(k, axis=axis).any() for axis in range(3) for k in (0, -1)]
    surrounded = float(blood[shell].mean()) if shell.any() else 0.0
    return params.leak_least_mm3 <= volume_mm3 <= largest and surrounded >= params.leak_in_blood and not any(border)


def _with_leak(volume: Volume, lesion: Lesion, box: Box, found: Bools) -> Lesion:
    """Put a leak beside the other parts, on the smallest crop that holds them all."""
    own, (there, leak) = lesion.parts.slices_in(volume.geometry), _voxels(volume.geometry, box, found)
    first, second, third = (slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(own, there, strict=True))
    starts = (first.start, second.start, third.start)
    geometry = volume.geometry.crop((first, second, third))
    labels = np.zeros(geometry.shape, np.uint8)
    labels[_moved(there, starts)][leak] = LEAK
    view = labels[_moved(own, starts)]
    view[lesion.parts.labels > 0] = lesion.parts.labels[lesion.parts.labels > 0]
    return replace(lesion, parts=LabelMap(labels=labels, geometry=geometry))


def _voxels(geometry: Geometry, box: Box, found: Bools) -> tuple[Box, Bools]:
    """Return where a leak, found on every so many voxels of a box, lies in the volume, with what is next to it."""
    part, steps = _box_round(found, 1), _strides(geometry)
    fine = found[part]
    for axis, step in enumerate(steps):
        fine = np.repeat(fine, step, axis=axis)
    first, second, third = (
        slice(b.start + p.start * k, min(b.start + p.stop * k, b.stop))
        for b, p, k in zip(box, part, steps, strict=True)
    )
    there = (first, second, third)
    return there, fine[tuple(slice(s.stop - s.start) for s in there)]


def _box_round(mask: Bools, margin: int) -> Box:
    """Return the smallest box that holds a mask and so many voxels round it, cut at the border."""
    (tight,) = ndimage.find_objects(mask.view(np.uint8))
    first, second, third = (slice(max(0, s.start - margin), s.stop + margin) for s in tight)
    return first, second, third


def _moved(box: Box, starts: tuple[int, int, int]) -> Box:
    first, second, third = (slice(s.start - start, s.stop - start) for s, start in zip(box, starts, strict=True))
    return first, second, third
