"""From annular calcium to masses, their parts and their measures."""

from ccma_seg.lesion.findings import (
    ANNULAR_CALCIUM,
    CAVITY,
    CORE,
    LEAK,
    RIM,
    Cavity,
    Core,
    Envelope,
    Gap,
    Leak,
    Lesion,
    Measurements,
    Passage,
    Rim,
)
from ccma_seg.lesion.measurement import measure
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.segmentation import segment

__all__ = [
    "ANNULAR_CALCIUM",
    "CAVITY",
    "CORE",
    "LEAK",
    "RIM",
    "Cavity",
    "Core",
    "Envelope",
    "Gap",
    "Leak",
    "Lesion",
    "LesionParams",
    "Measurements",
    "Passage",
    "Rim",
    "measure",
    "segment",
]
