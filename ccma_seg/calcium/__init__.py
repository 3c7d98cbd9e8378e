"""From the anatomy to everything that is calcified, sorted by place."""

from ccma_seg.calcium.burden import CalciumBurden, measure_burden
from ccma_seg.calcium.detection import find_calcium
from ccma_seg.calcium.findings import Calcification, CalciumKind, CalciumMap
from ccma_seg.calcium.guerrero import Guerrero
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.scores import agatston
from ccma_seg.calcium.sensitivity import SensitivityRow, threshold_sensitivity

__all__ = [
    "Calcification",
    "CalciumBurden",
    "CalciumKind",
    "CalciumMap",
    "CalciumParams",
    "Guerrero",
    "SensitivityRow",
    "agatston",
    "find_calcium",
    "measure_burden",
    "threshold_sensitivity",
]
