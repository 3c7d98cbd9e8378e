"""Above which HU a voxel is calcium: by tube voltage without contrast, by the local blood pool with it.

Noise does not enter: `visibility` tells what stands out of it.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy.findings import BLOOD_POOL_LA, BLOOD_POOL_LV, Anatomy, ContrastState
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.reasons import Reason
from ccma_seg.spread import MAD_TO_SD
from ccma_seg.volume import LabelMap, Volume

VOLTAGES_KV = (70.0, 80.0, 90.0, 100.0, 110.0, 120.0, 130.0, 135.0, 140.0)
"""70, 80, 100, 135: Graeni 2018 (10.1093/ehjci/jey019); 120: Agatston 1990; others interpolated in the logarithm."""

THRESHOLDS_HU = (207.0, 177.0, 160.0, 145.0, 137.0, 130.0, 122.0, 119.0, 116.0)
"""As dense as 130 HU at 120 kVp, at `VOLTAGES_KV`."""

PLAIN_BLOOD_HU = 42.0
"""Blood without contrast (Acad Radiol 2016): what exceeds it in calcified tissue follows the tube voltage."""

_REFERENCE_KV = 120.0

MIN_BLOOD_VOXELS = 50
"""Fewer do not give a median and its spread to 10 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blood:
    """The left heart's blood next to the annulus."""

    hu: float
    sd_hu: float
    where: str
    from_hu: float | None = None
    """Half way up from muscle: brighter than this is blood in either chamber; None where muscle was not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The calcium threshold, with the rule that gave it."""

    hu: float
    rule: str
    blood: Blood | None = None
    """Next to the annulus, whether the rule needs it or not."""
    reasons: tuple[Reason, ...] = ()


def threshold_at(tube_voltage_kv: float) -> float:
    """Return the HU that correspond to 130 HU at 120 kVp; held constant outside 70-140 kVp."""
    return float(np.interp(tube_voltage_kv, VOLTAGES_KV, THRESHOLDS_HU))


def at_reference(hu: float, tube_voltage_kv: float) -> float:
    """Turn the HU of calcified tissue into those at 120 kVp."""
    return PLAIN_BLOOD_HU + (hu - PLAIN_BLOOD_HU) * threshold_at(_REFERENCE_KV) / threshold_at(tube_voltage_kv)


def calcium_gain_of(volume: Volume, params: CalciumParams = CalciumParams()) -> float:
    """Return the HU of calcium at the tube voltage of a CT over those at 120 kVp."""
    voltage = volume.acquisition.tube_voltage_kv or params.assumed_tube_voltage_kv
    return threshold_at(voltage) / threshold_at(_REFERENCE_KV)


def local_blood(volume: Volume, anatomy: Anatomy, params: CalciumParams) -> Blood | None:
    """Return the brighter of LV and LA blood near the annulus; the whole pool's figures where there are no pools.

    Noise is the same in both: where one scatters more, its label holds other things than blood.
    """
    pools = [b for b in _pools_near(volume, anatomy, params) if b is not None]
    contrast = anatomy.contrast
    muscle_hu, step_hu = contrast.muscle_hu, contrast.enhancement_hu
    half_hu = None if muscle_hu is None or step_hu is None else muscle_hu + step_hu / 2
    if pools:
        return replace(max(pools, key=lambda b: b.hu), sd_hu=min(b.sd_hu for b in pools), from_hu=half_hu)
    if contrast.blood_pool_hu is None:
        return None
    sd = params.assumed_noise_hu if contrast.blood_pool_sd_hu is None else contrast.blood_pool_sd_hu
    return Blood(hu=contrast.blood_pool_hu, sd_hu=sd, where="left heart", from_hu=half_hu)


def find_threshold(volume: Volume, anatomy: Anatomy, params: CalciumParams) -> Threshold:
    """Choose the calcium threshold (T1, T2), and say how."""
    blood = local_blood(volume, anatomy, params)
    return replace(_threshold(volume, anatomy, params, blood=blood), blood=blood)


def _threshold(volume: Volume, anatomy: Anatomy, params: CalciumParams, *, blood: Blood | None) -> Threshold:
    if params.threshold_hu is not None:
        return Threshold(hu=params.threshold_hu, rule=f"{params.threshold_hu:.0f} HU, as given")
    plain = _without_contrast(volume, params)
    if anatomy.contrast.state == ContrastState.NONE:
        return plain
    enhanced = _with_contrast(blood, plain, params)
    if anatomy.contrast.state == ContrastState.ENHANCED:
        return enhanced
    higher = max(plain, enhanced, key=lambda t: t.hu)
    reason = Reason(
        "contrast_uncertain",
        f"Whether the blood is enhanced is uncertain; of the thresholds with ({enhanced.hu:.0f} HU) and without "
        f"({plain.hu:.0f} HU) contrast the higher is used.",
        degrades=True,
    )
    return Threshold(
        hu=higher.hu, rule=f"contrast uncertain, the higher: {higher.rule}", reasons=(*higher.reasons, reason)
    )


def _without_contrast(volume: Volume, params: CalciumParams) -> Threshold:
    voltage, reasons = _voltage(volume, params)
    by_voltage = threshold_at(voltage)
    return Threshold(
        hu=by_voltage, rule=f"{by_voltage:.0f} HU at {voltage:.0f} kVp (as 130 HU at 120 kVp)", reasons=reasons
    )


def _with_contrast(blood: Blood | None, plain: Threshold, params: CalciumParams) -> Threshold:
    if blood is None:
        reason = Reason(
            "blood_pool_unknown",
            "The blood pool was not measured; the threshold without contrast is used.",
            degrades=True,
        )
        return Threshold(hu=plain.hu, rule=plain.rule, reasons=(*plain.reasons, reason))
    by_offset = blood.hu + params.above_blood_hu
    rule = (
        f"higher of blood ({blood.where}) {blood.hu:.0f} + {params.above_blood_hu:g} = {by_offset:.0f} HU, "
        f"and {plain.rule}"
    )
    return Threshold(hu=max(by_offset, plain.hu), rule=rule, reasons=plain.reasons)


def _voltage(volume: Volume, params: CalciumParams) -> tuple[float, tuple[Reason, ...]]:
    voltage = volume.acquisition.tube_voltage_kv
    if voltage is not None and voltage > 0:
        return voltage, ()
    text = f"The headers do not give the tube voltage; {params.assumed_tube_voltage_kv:.0f} kVp is assumed."
    return params.assumed_tube_voltage_kv, (Reason("tube_voltage_assumed", text),)


def _pools_near(volume: Volume, anatomy: Anatomy, params: CalciumParams) -> list[Blood | None]:
    pools = anatomy.blood_pools
    if pools is None or anatomy.annulus is None:
        return []
    near = pools.geometry.slices_around(anatomy.annulus.curve_mm, margin_mm=params.blood_margin_mm)
    crop = LabelMap(labels=pools.labels[near], geometry=pools.geometry.crop(near))
    hu = volume.hu[crop.slices_in(volume.geometry)]
    chambers = (("left ventricle", BLOOD_POOL_LV), ("left atrium", BLOOD_POOL_LA))
    return [_blood(hu[crop.mask(label)], name) for name, label in chambers]


def _blood(hu: npt.NDArray[np.int16], where: str) -> Blood | None:
    """Measure blood by how often each HU occurs: a tenth of the time of sorting the voxels."""
    if hu.size < MIN_BLOOD_VOXELS:
        return None
    low = int(hu.min())
    counts = np.bincount(hu.astype(np.intp) - low)
    levels = np.arange(len(counts)) + low
    middle = _median(levels, counts)
    away = np.abs(levels - middle)
    order = np.argsort(away, kind="stable")
    return Blood(hu=middle, sd_hu=MAD_TO_SD * _median(away[order], counts[order]), where=where)


def _median(values: npt.NDArray[Any], counts: npt.NDArray[np.intp]) -> float:
    """Return the median of values, in rising order, that occur so often."""
    last = np.cumsum(counts)
    middle = np.searchsorted(last, [(last[-1] - 1) // 2, last[-1] // 2], side="right")
    return float(values[middle].mean())
