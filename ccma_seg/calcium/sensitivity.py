"""How much the annular volume depends on the threshold: the rules of the literature side by side."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg.calcium.findings import CalciumKind, CalciumMap
from ccma_seg.calcium.scores import hu_on_grid
from ccma_seg.tissue import ABOVE_BLOOD_HU
from ccma_seg.volume import Volume

FIXED_HU = (130.0, 450.0, 850.0)
"""Agatston 1990; with contrast below and above 300 HU of blood (n = 244, 2021)."""

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


def threshold_sensitivity(volume: Volume, calcium: CalciumMap) -> tuple[SensitivityRow, ...]:
    """Give the annular volume under other thresholds, within `NEIGHBOURHOOD_MM` of the calcium found.

    Lower thresholds than blood fill that neighbourhood: the volume then says how wrong such a rule would be.
    """
    blood = calcium.blood
    rules = [("used", calcium.threshold_hu), *((f"{hu:.0f} HU", hu) for hu in FIXED_HU)]
    named: list[tuple[str, float | None]] = [
        (f"blood + {ABOVE_BLOOD_HU:.0f} HU", None if blood is None else blood.hu + ABOVE_BLOOD_HU),
        *((f"blood + {k:.0f} SD", None if blood is None else blood.hu + k * blood.sd_hu) for k in ABOVE_BLOOD_SD),
    ]
    hu = _near_annular(hu_on_grid(volume, calcium), calcium)
    return tuple(_row(rule, hu, limit, calcium.geometry.voxel_mm3) for rule, limit in [*rules, *named])


def _row(rule: str, hu: npt.NDArray[np.int16], threshold_hu: float | None, voxel_mm3: float) -> SensitivityRow:
    volume = None if threshold_hu is None else float(np.count_nonzero(hu >= threshold_hu)) * voxel_mm3
    return SensitivityRow(rule=rule, threshold_hu=threshold_hu, annular_volume_mm3=volume)


def _near_annular(hu: npt.NDArray[np.int16], calcium: CalciumMap) -> npt.NDArray[np.int16]:
    """Return the HU of annular calcium and of what lies round it, less other calcium; (n,)."""
    index = calcium.voxels_of_kind(CalciumKind.ANNULAR)
    if not len(index):
        return np.zeros(0, np.int16)
    steps = np.maximum(np.rint(NEIGHBOURHOOD_MM / np.array(calcium.geometry.spacing_mm)), 1).astype(int)
    low, high = np.maximum(index.min(axis=0) - steps, 0), np.minimum(index.max(axis=0) + steps + 1, hu.shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    mask = np.zeros(high - low, bool)
    mask[tuple((index - low).T)] = True
    near = ndimage.maximum_filter(mask, size=tuple(2 * steps + 1))
    return np.asarray(hu[box][near & (mask | (calcium.labels[box] == 0))])
