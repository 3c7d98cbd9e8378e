"""Blood inside a mass, or paste that is as bright: three answers, the third being that one phase does not tell."""

from dataclasses import replace

from ccma_seg.anatomy.findings import Anatomy, ContrastState
from ccma_seg.lesion.bright import bright_inside
from ccma_seg.lesion.filling import blood_chance
from ccma_seg.lesion.findings import CAVITY, Lesion
from ccma_seg.lesion.neck import find_passage
from ccma_seg.lesion.params import LesionParams
from ccma_seg.reasons import Reason
from ccma_seg.volume import LabelMap, Volume

NEEDS_CONTRAST, LIKE_BLOOD, BRIGHT_PASTE = "cavity_needs_contrast", "core_like_blood", "core_bright_paste"
"""Codes of reasons: why nothing is said of a cavity, and why what is bright is none."""

MAYBE_BLOOD = "core_maybe_blood"
"""Code of the reason that an undecided inside may be open to a chamber."""


def find_cavity(volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams) -> Lesion:
    """Label the part of the inside that is filled with contrast-enhanced blood, if it can be told from the core.

    Blood it is where the evidence is strong and there is a way to a chamber; paste where the evidence is weak and there
    is other paste beside it. Between, and where all of the inside is as bright as blood, it stays core, with a reason.
    """
    if anatomy.contrast.state == ContrastState.NONE or anatomy.contrast.blood_pool_hu is None:
        return _with(lesion, Reason(NEEDS_CONTRAST, "Without contrast a cavity cannot be told from the core."))
    bright = bright_inside(volume, anatomy, lesion, params=params)
    if bright is None:
        return replace(lesion, blood_chance=0.0)
    thin = volume.geometry.spacing_mm[0] <= params.neck_slice_mm
    passage = find_passage(volume, anatomy, lesion, params=params) if thin else None
    chance = blood_chance(volume, anatomy, lesion, bright, passage, params=params)
    found = replace(lesion, blood_chance=chance)
    if chance >= params.blood_from and passage is not None:
        labels = lesion.parts.labels.copy()
        labels[bright.mask] = CAVITY
        return replace(found, parts=LabelMap(labels=labels, geometry=lesion.parts.geometry), passage=passage)
    if chance < params.blood_below and bright.share < params.bright_share_max:
        text = f"{bright.volume_mm3:.0f} mm3 inside are as bright as blood, but not closed off and bounded as blood is."
        return _with(found, Reason(BRIGHT_PASTE, text))
    text = "Part of the inside is as bright as blood; whether it is blood or paste cannot be told in this phase alone."
    unsure = _with(replace(found, passage=passage), Reason(LIKE_BLOOD, text, degrades=True))
    return unsure if thin and passage is None else _with(unsure, _maybe_blood(thick=not thin))


def _maybe_blood(*, thick: bool) -> Reason:
    why = "slices this thick do not show whether" if thick else "there is a way by which"
    return Reason(MAYBE_BLOOD, f"No HU are given for a core as bright as blood where {why} blood may have come in.")


def _with(lesion: Lesion, reason: Reason) -> Lesion:
    return replace(lesion, reasons=(*lesion.reasons, reason))
