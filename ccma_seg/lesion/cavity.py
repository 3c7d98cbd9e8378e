"""Blood inside a mass: only what has a way out to a chamber is called so."""

from dataclasses import replace

import numpy as np
from scipy import ndimage

from ccma_seg.anatomy.findings import Anatomy, ContrastState
from ccma_seg.geometry import Bools
from ccma_seg.lesion.findings import CAVITY, CORE, Lesion
from ccma_seg.lesion.neck import find_passage
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.parts import depth_mm
from ccma_seg.reasons import Reason
from ccma_seg.volume import LabelMap, Volume


def find_cavity(volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams) -> Lesion:
    """Label the part of the inside that is filled with contrast-enhanced blood, if it can be told from the core.

    Paste and blood can have the same HU: without a way to a chamber, what looks like blood stays core, with a reason.
    """
    if anatomy.contrast.state != ContrastState.ENHANCED or anatomy.contrast.blood_pool_hu is None:
        return _with(lesion, Reason("cavity_needs_contrast", "Without contrast a cavity cannot be told from the core."))
    blood = blood_like_inside(volume, lesion, anatomy.contrast.blood_pool_hu, params=params)
    volume_mm3 = float(blood.sum() * lesion.parts.geometry.voxel_mm3)
    if volume_mm3 < params.cavity_min_mm3:
        return lesion
    thick = volume.geometry.spacing_mm[0] > params.neck_slice_mm
    passage = None if thick else find_passage(volume, anatomy, lesion, params=params)
    if passage is None:
        text = "The inside is as bright as blood; whether it is blood cannot be told without a way out being seen."
        return _with(lesion, Reason("core_like_blood", text, degrades=True))
    labels = lesion.parts.labels.copy()
    labels[_grown(blood, lesion)] = CAVITY
    return replace(lesion, parts=LabelMap(labels=labels, geometry=lesion.parts.geometry), passage=passage)


def blood_like_inside(volume: Volume, lesion: Lesion, blood_hu: float, *, params: LesionParams) -> Bools:
    """Return where, clear of the rim, the inside is as bright as blood once noise is averaged out."""
    geometry = lesion.parts.geometry
    hu = volume.hu[lesion.parts.slices_in(volume.geometry)].astype(np.float32)
    size = np.maximum(1, np.rint(params.smoothing_mm / np.array(geometry.spacing_mm))).astype(int)
    smooth = ndimage.uniform_filter(hu, size, mode="nearest")
    low, high = (blood_hu * f for f in params.blood_like)
    clear = lesion.parts.mask(CORE) & (depth_mm(geometry, lesion.envelope) >= params.erosion_thin_mm)
    return largest_part(clear & (smooth >= low) & (smooth <= high))


def largest_part(mask: Bools) -> Bools:
    """Return the largest connected part of a mask."""
    labels, count = ndimage.label(mask)
    if count <= 1:
        return mask
    return np.asarray(labels == 1 + np.bincount(labels.ravel())[1:].argmax())


def _grown(blood: Bools, lesion: Lesion) -> Bools:
    """Give the margin next to the rim to cavity or core, whichever is nearer."""
    core = lesion.parts.mask(CORE)
    deep = depth_mm(lesion.parts.geometry, lesion.envelope) >= 1.0
    spacing = lesion.parts.geometry.spacing_mm
    to_blood = ndimage.distance_transform_edt(~blood, sampling=spacing)
    to_core = ndimage.distance_transform_edt(~(core & deep & ~blood), sampling=spacing)
    return np.asarray(blood | (core & ~deep & (to_blood <= to_core)))


def _with(lesion: Lesion, reason: Reason) -> Lesion:
    return replace(lesion, reasons=(*lesion.reasons, reason))
