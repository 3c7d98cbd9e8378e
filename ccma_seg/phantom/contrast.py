"""How bright blood, organs and calcium are, by contrast phase and tube voltage."""

from dataclasses import dataclass

import numpy as np

from ccma_seg.geometry import Floats
from ccma_seg.phantom.spec import ContrastSpec

PLAIN_BLOOD_HU = 42.0
"""Unenhanced blood (Acad Radiol 2016: 42.2 +- 5.6)."""

DENSEST_CALCIUM_HU = 1900.0
"""At 120 kV: no calcium of the heart is denser than cortical bone."""

REFERENCE_KV = 120.0

CALCIUM_KV = (70.0, 80.0, 100.0, 120.0, 135.0)
CALCIUM_GAIN = (207 / 130, 177 / 130, 145 / 130, 1.0, 119 / 130)
"""Ratio of the calcium threshold to that at 120 kV (Graeni 2018), which follows the HU of calcium."""

IODINE_RATIO_80_TO_120 = 1.61
"""Aorta 625 HU at 80 kV against 388 at 120 kV (Oda 2011)."""

_ENHANCEMENT_HU = {
    #           lv     la     aorta  rv     ra     pa     veins  muscle liver  organ
    "none": (0, 0, 0, 0, 0, 0, 0, 3, 0, 0),
    "arterial": (318, 340, 330, 200, 230, 260, 70, 55, 15, 30),
    "late": (110, 110, 110, 105, 105, 105, 105, 60, 55, 60),
}
"""HU above unenhanced, in the order of `Brightness`: left heart 360, right heart less (Oda 2011; Halpern 2009)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brightness:
    """HU of everything that contrast can change, at the tube voltage of the exam."""

    left_ventricle: float
    left_atrium: float
    aorta: float
    right_ventricle: float
    right_atrium: float
    pulmonary_artery: float
    veins: float
    myocardium: float
    liver: float
    organ: float


def brightness(spec: ContrastSpec, tube_voltage_kv: float) -> Brightness:
    """Work out the HU of blood and organs.

    Iodine's HU follow the tube voltage; the unenhanced part does not.
    """
    plain = np.array([*[PLAIN_BLOOD_HU] * 7, 45.0, 58.0, 45.0])
    added = np.array(_ENHANCEMENT_HU[spec.state], float)
    if spec.lv_hu is not None and added[0] > 0:
        added[:7] *= (spec.lv_hu - PLAIN_BLOOD_HU) / added[0]
    if spec.la_offset_hu is not None:
        added[1] = added[0] + spec.la_offset_hu
    values = plain + added * iodine_gain(tube_voltage_kv)
    return Brightness(**dict(zip(Brightness.__dataclass_fields__, map(float, values), strict=True)))


def iodine_gain(tube_voltage_kv: float) -> float:
    """Return the HU of iodine relative to those at 120 kV."""
    return float(IODINE_RATIO_80_TO_120 ** ((REFERENCE_KV - tube_voltage_kv) / 40.0))


def calcium_hu(hu: float, tube_voltage_kv: float) -> float:
    """Turn the HU of calcified tissue at 120 kV into those at another tube voltage.

    What exceeds unenhanced blood is calcium and follows the tube voltage.
    """
    logs = np.interp(np.log(tube_voltage_kv), np.log(CALCIUM_KV), np.log(CALCIUM_GAIN))
    if tube_voltage_kv > CALCIUM_KV[-1]:
        slope = np.log(CALCIUM_GAIN[-1]) / np.log(CALCIUM_KV[-1] / REFERENCE_KV)
        logs = slope * np.log(tube_voltage_kv / REFERENCE_KV)
    return float(PLAIN_BLOOD_HU + (hu - PLAIN_BLOOD_HU) * np.exp(logs))


def uneven_calcium_hu(hu: float, factor: Floats, tube_voltage_kv: float) -> Floats:
    """Return what calcium of some HU has more or less where it holds another share of mineral, up to the densest."""
    densest = max(calcium_hu(DENSEST_CALCIUM_HU, tube_voltage_kv), hu)
    return np.asarray(np.minimum((hu - PLAIN_BLOOD_HU) * (factor - 1), densest - hu))
