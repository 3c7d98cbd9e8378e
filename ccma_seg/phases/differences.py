"""What two phases tell of a mass that one does not: what takes up contrast, and what is filled with blood."""

from dataclasses import replace

import numpy as np

from ccma_seg import grids
from ccma_seg.anatomy import ContrastState
from ccma_seg.calcium.threshold import PLAIN_BLOOD_HU
from ccma_seg.geometry import Bools
from ccma_seg.lesion import CAVITY, CORE, LEAK, Core, Lesion, LesionParams, Measurements, measure
from ccma_seg.lesion.bright import largest_part, with_margin
from ccma_seg.lesion.cavity import BRIGHT_PASTE, LIKE_BLOOD, MAYBE_BLOOD, NEEDS_CONTRAST
from ccma_seg.lesion.findings import OtherPhase
from ccma_seg.lesion.inside import measure_core
from ccma_seg.lesion.neck import find_passage
from ccma_seg.lesion.parts import crop_around
from ccma_seg.lesion.uncertainty import core_width_hu
from ccma_seg.morphology import shrunk
from ccma_seg.phases.pairing import (
    Pair,
    Shares,
    at_voltage,
    blood_shares,
    margin_mm,
    rim_seen,
    voltage_gain,
)
from ccma_seg.reasons import Reason
from ccma_seg.volume import LabelMap

_SOLVED = (NEEDS_CONTRAST, LIKE_BLOOD, BRIGHT_PASTE, MAYBE_BLOOD)
"""Reasons that a second phase does away with."""
_HALF = 0.5
"""Between blood and paste."""


def measure_in_both(lesion: Lesion, pair: Pair, *, params: LesionParams) -> tuple[Lesion, Measurements]:
    """Measure one mass in two phases that both show it.

    Parameters
    ----------
    lesion
        From `segment`, in the first phase.
    pair
        Both phases, the second brought onto the mass.
    params
        How a mass is measured.

    Returns
    -------
    tuple of Lesion, Measurements
        The lesion with cavity and leak as both phases have them; its figures, with those that two phases give.
    """
    shares = blood_shares(lesion, pair, params)
    revised = lesion if shares is None else _revised(lesion, pair, shares, params=params)
    revised = leak_checked(revised, pair)
    own = measure(pair.first, pair.anatomies[0], revised, params)
    return revised, _with_differences(own, revised, pair, shares=shares, params=params)


def _revised(lesion: Lesion, pair: Pair, shares: Shares, *, params: LesionParams) -> Lesion:
    """Call cavity what follows the blood, and core what does not."""
    known = lesion.parts.mask(CAVITY) & shares.clear
    solved = replace(lesion, reasons=tuple(r for r in lesion.reasons if r.code not in _SOLVED))
    if known.any() and float(np.mean(shares.values[known])) >= pair.params.unfilled_share:
        return solved
    blood = largest_part(shares.clear & (shares.values >= pair.params.filled_share))
    if float(blood.sum()) * lesion.parts.geometry.voxel_mm3 >= params.cavity_min_mm3:
        found = largest_part(shares.clear & (shares.values >= _HALF))
        return _with_cavity(solved, pair, with_margin(lesion, found, clear=shares.clear), params=params)
    return _without_cavity(solved) if known.any() else solved


def _with_cavity(lesion: Lesion, pair: Pair, found: Bools, *, params: LesionParams) -> Lesion:
    """Label a cavity, and look for its way out where slices are thin enough."""
    labels = lesion.parts.labels.copy()
    labels[labels == CAVITY] = CORE
    labels[found] = CAVITY
    thin = pair.first.geometry.spacing_mm[0] <= params.neck_slice_mm
    enhanced = pair.anatomies[0].contrast.state == ContrastState.ENHANCED
    passage = find_passage(pair.first, pair.anatomies[0], lesion, params=params) if thin and enhanced else None
    return replace(lesion, parts=replace(lesion.parts, labels=labels), passage=passage)


def _without_cavity(lesion: Lesion) -> Lesion:
    labels = lesion.parts.labels.copy()
    labels[labels == CAVITY] = CORE
    text = (
        f"What looked like blood inside lesion {lesion.id} does not follow the blood of the second phase: it is paste."
    )
    reasons = (*lesion.reasons, Reason("cavity_refuted", text))
    return replace(lesion, parts=replace(lesion.parts, labels=labels), passage=None, reasons=reasons)


def leak_checked(lesion: Lesion, pair: Pair) -> Lesion:
    """Take back a leak that enhances: that is tissue, not paste (criterion `leak`)."""
    enhancement = leak_enhancement_hu(lesion, pair)
    if enhancement is None or enhancement <= pair.params.enhances_above_hu:
        return lesion
    labels = lesion.parts.labels.copy()
    labels[labels == LEAK] = 0
    text = f"What looked like leaked material at lesion {lesion.id} enhances by {enhancement:.0f} HU: it is tissue."
    reasons = (*lesion.reasons, Reason("leak_refuted", text))
    return replace(lesion, parts=replace(lesion.parts, labels=labels), reasons=reasons)


def leak_enhancement_hu(lesion: Lesion, pair: Pair) -> float | None:
    """Return how much brighter leaked material is with contrast; None without a leak or a phase without contrast."""
    leak, change = lesion.parts.mask(LEAK), pair.blood_change_hu
    if not leak.any() or change is None or not _one_is_plain(pair):
        return None
    inner = shrunk(leak)
    own = pair.first.hu[lesion.parts.slices_in(pair.first.geometry)].astype(np.float32)
    difference = own - at_voltage(pair.seen_hu, pair)
    return float(np.sign(change) * difference[inner if inner.any() else leak].mean())


def _one_is_plain(pair: Pair) -> bool:
    return ContrastState.NONE in {anatomy.contrast.state for anatomy in pair.anatomies}


def _with_differences(
    own: Measurements, lesion: Lesion, pair: Pair, *, shares: Shares | None, params: LesionParams
) -> Measurements:
    cores = cores_in_both(lesion, pair, params)
    core, widths = _core_differences(own, cores, pair)
    return replace(
        own,
        core=core,
        cavity=replace(own.cavity, blood_share=_cavity_share(lesion, shares)),
        leak=replace(own.leak, enhancement_hu=leak_enhancement_hu(lesion, pair)),
        other_phase=OtherPhase(
            residual_mm=pair.alignment.residual_mm,
            residual_hu=pair.alignment.residual_hu,
            rim_seen_pct=100 * rim_seen(lesion, pair),
            core_hu=cores[1].mean_hu,
            blood_change_hu=pair.blood_change_hu,
        ),
        uncertainty={**own.uncertainty, **widths},
        reasons=(*own.reasons, *_lost(core, pair)),
    )


def _cavity_share(lesion: Lesion, shares: Shares | None) -> float | None:
    if shares is None:
        return None
    cavity = lesion.parts.mask(CAVITY) & shares.clear
    return float(shares.values[cavity].mean()) if cavity.any() else None


def cores_in_both(lesion: Lesion, pair: Pair, params: LesionParams) -> tuple[Core, Core]:
    """Measure the core in both phases, each on its own voxels, with the wider of the two margins."""
    margin = margin_mm(pair, params)
    same = replace(params, erosion_thin_mm=margin, erosion_thick_mm=margin)
    grid = pair.second.geometry.crop(crop_around(pair.second.geometry, lesion.envelope))
    labels = grids.resample_labels(lesion.parts.labels, lesion.parts.geometry, onto=grid)
    there = replace(lesion, parts=LabelMap(labels=labels, geometry=grid))
    first, _ = measure_core(pair.first, pair.anatomies[0], lesion, params=same)
    second, _ = measure_core(pair.second, pair.anatomies[1], there, params=same)
    return first, replace(second, mean_hu=None if second.mean_hu is None else at_voltage(second.mean_hu, pair))


def _core_differences(own: Measurements, cores: tuple[Core, Core], pair: Pair) -> tuple[Core, dict[str, float]]:
    """Subtract the cores, and say how sure that is."""
    one, other = (core.mean_hu for core in cores)
    if one is None or other is None:
        return own.core, {}
    change = pair.blood_change_hu
    width = _width_hu(cores, pair)
    shares = {} if change is None else {"core.blood_share": width / abs(change)}
    core = replace(own.core, blood_share=None if change is None else (one - other) / change)
    if change is None or not _one_is_plain(pair):
        return core, shares
    return replace(core, enhancement_hu=np.sign(change) * (one - other)), {**shares, "core.enhancement_hu": width}


def _width_hu(cores: tuple[Core, Core], pair: Pair) -> float:
    """Return half the 95 % interval of the difference of two cores: their own errors, and that of the tube voltages."""
    own = [core_width_hu(core) for core in cores]
    other = cores[1].mean_hu or PLAIN_BLOOD_HU
    by_voltage = abs(other - PLAIN_BLOOD_HU) * 0.5 * abs(voltage_gain(pair) - 1)
    return float(np.sqrt(sum(hu**2 for hu in own)) + by_voltage)


def _lost(core: Core, pair: Pair) -> tuple[Reason, ...]:
    """Say what these two phases cannot tell."""
    lost = []
    if pair.blood_change_hu is None:
        text = "Blood is as bright in the second phase: what enhances cannot be told from these two."
        lost.append(Reason("phases_alike", text))
    elif core.enhancement_hu is None and core.blood_share is not None:
        text = "Neither phase is without contrast: the core is compared with blood only, its enhancement is not known."
        lost.append(Reason("no_plain_phase", text))
    one, other = (v.acquisition.tube_voltage_kv for v in (pair.first, pair.second))
    if one and other and one != other:
        text = (
            f"The phases were scanned at {one:g} and {other:g} kV: HU of the second were scaled as if half of what "
            "exceeds blood were calcium, which makes enhancement less sure."
        )
        lost.append(Reason("tube_voltages_differ", text))
    return tuple(lost)
