"""Blood inside a mass: only what has a way out to a chamber is called so."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ccma_seg.anatomy.findings import Anatomy, ContrastState
from ccma_seg.geometry import Bools
from ccma_seg.lesion.findings import CAVITY, CORE, Envelope, Lesion, Passage
from ccma_seg.lesion.gaps import CHAMBERS, find_gaps
from ccma_seg.lesion.neck import find_passage
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.parts import depth_mm
from ccma_seg.lesion.paste import (
    paste_behind_rim_mm2,
    paste_in_openings_mm2,
    paste_like_blood_mm2,
    wall_in_openings_mm2,
)
from ccma_seg.lesion.rays import Singles
from ccma_seg.morphology import grown
from ccma_seg.reasons import Reason
from ccma_seg.volume import LabelMap, Volume

_FEW_VOXELS = 20
"""Fewer voxels of paste say nothing of its HU."""

MAYBE_BLOOD = "core_maybe_blood"
"""Code of the reason that an inside, as bright as blood, may be open to a chamber."""


def find_cavity(volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams) -> Lesion:
    """Label the part of the inside that is filled with contrast-enhanced blood, if it can be told from the core.

    Paste and blood can have the same HU: without a way to a chamber, what looks like blood stays core, with a reason.
    """
    blood_hu = anatomy.contrast.blood_pool_hu
    if anatomy.contrast.state != ContrastState.ENHANCED or blood_hu is None:
        return _with(lesion, Reason("cavity_needs_contrast", "Without contrast a cavity cannot be told from the core."))
    bright = bright_inside(volume, anatomy, lesion, params=params)
    if bright is None:
        return lesion
    thick = volume.geometry.spacing_mm[0] > params.neck_slice_mm
    passage = None if thick else find_passage(volume, anatomy, lesion, params=params)
    enhancement_hu = anatomy.contrast.enhancement_hu
    clear = enhancement_hu is None or enhancement_hu >= params.leak_below_blood_hu
    if clear and passage is not None and _is_blood(volume, anatomy, lesion, (passage, bright), params=params):
        labels = lesion.parts.labels.copy()
        labels[bright.mask] = CAVITY
        return replace(lesion, parts=LabelMap(labels=labels, geometry=lesion.parts.geometry), passage=passage)
    hole = passage is not None and _is_hole(anatomy, lesion, passage, bright, params=params)
    text = "The inside is as bright as blood; whether it is blood cannot be told without paste beside it and a way out."
    unsure = _with(replace(lesion, passage=passage if hole else None), Reason("core_like_blood", text, degrades=True))
    return _with(unsure, _maybe_blood(thick=thick)) if thick or passage is not None else unsure


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bright:
    """The part of an inside that is as bright as enhanced blood."""

    mask: Bools
    """Cut halfway to what lies beside it, and up to the rim."""
    hu: float
    """Median, noise averaged out."""
    mixed: bool
    """Whether there is something darker beside it."""


def bright_inside(volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams) -> Bright | None:
    """Return the part of the inside that is as bright as enhanced blood; None if there is no blood or no such part."""
    blood_hu = anatomy.contrast.blood_pool_hu
    if anatomy.contrast.state != ContrastState.ENHANCED or blood_hu is None:
        return None
    smooth = smooth_hu(volume, lesion, params)
    clear = lesion.parts.mask(CORE) & (depth_mm(lesion.parts.geometry, lesion.envelope) >= params.erosion_thin_mm)
    low, high = (blood_hu * f for f in params.blood_like)
    blood = largest_part(clear & (smooth >= low) & (smooth <= high))
    least = max(params.cavity_min_mm3, params.cavity_min_share * float(clear.sum()) * lesion.parts.geometry.voxel_mm3)
    if float(blood.sum()) * lesion.parts.geometry.voxel_mm3 < least:
        return None
    mask = _cavity_mask(lesion, smooth, clear=clear, blood=blood, least_hu=low)
    return Bright(
        mask=mask,
        hu=float(np.median(smooth[blood])),
        mixed=_is_mixed(smooth, clear & ~mask, clear=clear, blood=blood, params=params),
    )


def _is_mixed(smooth: Singles, rest: Bools, *, clear: Bools, blood: Bools, params: LesionParams) -> bool:
    """Tell whether something clearly darker than blood lies beside it."""
    if float(rest.sum()) < (1 - params.cavity_share_alone) * float(clear.sum()):
        return False
    return float(np.median(smooth[blood]) - np.median(smooth[rest])) >= params.leak_below_blood_hu


def smooth_hu(volume: Volume, lesion: Lesion, params: LesionParams) -> Singles:
    """Return HU round a lesion, averaged against noise."""
    hu = volume.hu[lesion.parts.slices_in(volume.geometry)].astype(np.float32)
    size = np.maximum(1, np.rint(params.smoothing_mm / np.array(volume.geometry.spacing_mm))).astype(int)
    return np.asarray(ndimage.uniform_filter(hu, size, mode="nearest"), np.float32)


def _is_blood(
    volume: Volume, anatomy: Anatomy, lesion: Lesion, found: tuple[Passage, Bright], *, params: LesionParams
) -> bool:
    """Tell whether what is as bright as blood is blood: as bright as the blood it opens to, and not alone.

    A rim closed but for one round hole proves nothing: it may lack a small patch over paste as bright as blood.
    """
    passage, bright = found
    low, high = params.cavity_ratio
    blood = (passage.chamber_hu, anatomy.contrast.blood_pool_hu or passage.chamber_hu)
    as_bright = low * min(blood) <= bright.hu <= high * max(blood)
    return as_bright and (bright.mixed or _has_paste(volume, lesion.envelope, bright.hu, params=params))


def _has_paste(volume: Volume, envelope: Envelope, bright_hu: float, *, params: LesionParams) -> bool:
    """Tell whether darker paste lies at the rim: in its openings towards blood or tissue, or behind it."""
    wall = wall_in_openings_mm2(envelope, bright_hu, params=params)
    like_blood = paste_like_blood_mm2(envelope, bright_hu, params=params)
    found_mm2 = (
        paste_in_openings_mm2(envelope, params),
        wall if wall > params.wall_over_paste * like_blood else 0.0,
        paste_behind_rim_mm2(volume, envelope, bright_hu, params=params),
    )
    return max(found_mm2) >= params.paste_least_mm2


def _is_hole(anatomy: Anatomy, lesion: Lesion, passage: Passage, bright: Bright, *, params: LesionParams) -> bool:
    """Tell whether the way out is an opening of the width of a neck in a rim that is complete otherwise.

    A patchy rim round a core of the brightness of blood opens widely, or shows such a core in other openings.
    """
    envelope = lesion.envelope
    if float(envelope.covered.mean()) < params.coverage_alone or passage.neck_mm > params.neck_alone_mm:
        return False
    if paste_like_blood_mm2(envelope, bright.hu, params=params) >= params.paste_least_mm2:
        return False
    gaps = find_gaps(anatomy, envelope, params)
    return any(gap.faces in CHAMBERS.values() and gap.width_mm <= params.neck_alone_mm for gap in gaps)


def _cavity_mask(lesion: Lesion, smooth: Singles, *, clear: Bools, blood: Bools, least_hu: float) -> Bools:
    """Cut the inside halfway between blood and paste, and give the margin next to the rim to the nearer of the two.

    What is brighter than blood is calcium within the rim's outline, not paste.
    """
    blood_hu = float(np.median(smooth[blood]))
    paste = clear & ~grown(blood, 3) & (smooth < blood_hu)
    cut = (blood_hu + float(np.median(smooth[paste]))) / 2 if paste.sum() >= _FEW_VOXELS else least_hu
    return with_margin(lesion, largest_part(clear & (smooth >= cut)), clear=clear)


def with_margin(lesion: Lesion, found: Bools, *, clear: Bools) -> Bools:
    """Add to a part of the inside, found clear of the rim, its share of the margin next to the rim."""
    spacing = lesion.parts.geometry.spacing_mm
    core = lesion.parts.mask(CORE)
    to_found = ndimage.distance_transform_edt(~found, sampling=spacing)
    rest = clear & ~found
    to_rest = ndimage.distance_transform_edt(~rest, sampling=spacing) if rest.any() else np.inf
    return np.asarray(found | (core & ~clear & (to_found <= to_rest)))


def largest_part(mask: Bools) -> Bools:
    """Return the largest connected part of a mask."""
    labels, count = ndimage.label(mask)
    if count <= 1:
        return mask
    return np.asarray(labels == 1 + np.bincount(labels.ravel())[1:].argmax())


def _maybe_blood(*, thick: bool) -> Reason:
    why = "slices this thick do not show whether" if thick else "there is a way by which"
    return Reason(MAYBE_BLOOD, f"No HU are given for a core as bright as blood where {why} blood may have come in.")


def _with(lesion: Lesion, reason: Reason) -> Lesion:
    return replace(lesion, reasons=(*lesion.reasons, reason))
