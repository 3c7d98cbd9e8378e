"""From the anatomy to everything that is calcified, sorted by place."""

from ccma_seg.calcium.detection import find_calcium
from ccma_seg.calcium.findings import Calcification, CalciumKind, CalciumMap
from ccma_seg.calcium.parameters import CalciumParams

__all__ = ["Calcification", "CalciumKind", "CalciumMap", "CalciumParams", "find_calcium"]
