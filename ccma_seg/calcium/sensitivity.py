"""How much the annular volume depends on the threshold: the rules of the literature side by side."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg.anatomy.findings import Anatomy
from ccma_seg.calcium.findings import CalciumKind, CalciumMap
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.scores import hu_on_grid
from ccma_seg.calcium.threshold import local_blood
from ccma_seg.geometry import Bools
from ccma_seg.volume import Volume

FIXED_HU = (130.0, 450.0, 850.0)
"""Agatston 1990; with contrast below and above 300 HU of blood (n = 244, 2021)."""

ABOVE_BLOOD_HU = 100.0
"""JCCT, n = 104: best of several rules."""

ABOVE_BLOOD_SD = (4.0, 3.0)
"""pool + 4 SD, the rule used here; median + 3 SD, in use elsewhere."""

NEIGHBOURHOOD_MM = 2.0
"""A lower threshold may reach this far from what was found: further lies blood or a neighbour (proposal)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityRow:
    """One rule and the annular calcium it gives; None where the rule needs blood that was not measured."""

    rule: str
    threshold_hu: float | None
    annular_volume_mm3: float | None


def threshold_sensitivity(
    volume: Volume, anatomy: Anatomy, calcium: CalciumMap, params: CalciumParams = CalciumParams()
) -> tuple[SensitivityRow, ...]:
    """Give the annular volume under other thresholds, within `NEIGHBOURHOOD_MM` of the calcium found.

    Lower thresholds than blood fill that neighbourhood: the volume then says how wrong such a rule would be.
    """
    blood = local_blood(volume, anatomy, params)
    rules = [("used", calcium.threshold_hu), *((f"{hu:.0f} HU", hu) for hu in FIXED_HU)]
    named: list[tuple[str, float | None]] = [
        (f"blood + {ABOVE_BLOOD_HU:.0f} HU", None if blood is None else blood.hu + ABOVE_BLOOD_HU),
        *((f"blood + {k:.0f} SD", None if blood is None else blood.hu + k * blood.sd_hu) for k in ABOVE_BLOOD_SD),
    ]
    near = _near_annular(calcium)
    hu = hu_on_grid(volume, calcium)[near]
    return tuple(_row(rule, hu, limit, calcium.geometry.voxel_mm3) for rule, limit in [*rules, *named])


def _row(rule: str, hu: npt.NDArray[np.int16], threshold_hu: float | None, voxel_mm3: float) -> SensitivityRow:
    volume = None if threshold_hu is None else float(np.count_nonzero(hu >= threshold_hu)) * voxel_mm3
    return SensitivityRow(rule=rule, threshold_hu=threshold_hu, annular_volume_mm3=volume)


def _near_annular(calcium: CalciumMap) -> Bools:
    """Return annular calcium and what lies round it, less other calcium."""
    annular = calcium.of_kind(CalciumKind.ANNULAR)
    near = np.zeros(annular.shape, bool)
    if not annular.any():
        return near
    steps = np.maximum(np.rint(NEIGHBOURHOOD_MM / np.array(calcium.geometry.spacing_mm)), 1).astype(int)
    box = tuple(
        slice(max(int(a.min()) - s, 0), int(a.max()) + s + 1) for a, s in zip(np.nonzero(annular), steps, strict=True)
    )
    size = tuple(int(2 * s + 1) for s in steps)
    near[box] = ndimage.maximum_filter(annular[box], size=size)
    return np.asarray(near & (annular | (calcium.labels == 0)))
