"""How Hounsfield units are spread within the parts of a mass."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy import BLOOD_POOL_LV
from ccma_seg.lesion import CAVITY, CORE, RIM
from ccma_seg.pipeline import Analysis, Mass
from ccma_seg.report.pictures import svg_path

WIDTH, HEIGHT = 600, 220
"""Of the chart, in its own units."""

_BIN_HU = 20
_LOWEST_HU = -200
_TICK_HU = 200
_FEW_VOXELS = 30
"""Fewer voxels make no histogram."""
_BLOOD_VOXELS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One part's histogram, as high as the chart."""

    part: str
    path: str
    """SVG path on `WIDTH` by `HEIGHT`; the most frequent HU touch the top."""
    median_hu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Histograms of the parts of a mass, over the same HU."""

    curves: tuple[Curve, ...]
    ticks: tuple[tuple[float, int], ...]
    """Place and HU."""


def make_histogram(analysis: Analysis, mass: Mass) -> Histogram:
    """Return how HU are spread within rim, core, cavity and the blood of the left ventricle."""
    parts = mass.lesion.parts
    hu = analysis.volume.hu[parts.slices_in(analysis.volume.geometry)]
    values = {name: hu[parts.mask(label)] for name, label in (("rim", RIM), ("core", CORE), ("cavity", CAVITY))}
    values["blood"] = _blood_hu(analysis)
    values = {name: found for name, found in values.items() if found.size >= _FEW_VOXELS}
    highest = max((int(np.percentile(found, 99)) for found in values.values()), default=_TICK_HU)
    bins = np.arange(_LOWEST_HU, highest + 2 * _BIN_HU, _BIN_HU)
    ticks = range(_LOWEST_HU, int(bins[-1]), _TICK_HU)
    span = float(bins[-1] - _LOWEST_HU)
    return Histogram(
        curves=tuple(_curve(name, found, bins) for name, found in values.items()),
        ticks=tuple((round(WIDTH * (tick - _LOWEST_HU) / span, 1), tick) for tick in ticks),
    )


def _blood_hu(analysis: Analysis) -> npt.NDArray[np.int16]:
    pools = analysis.anatomy.blood_pools
    if pools is None:
        return np.empty(0, np.int16)
    hu = analysis.volume.hu[pools.slices_in(analysis.volume.geometry)]
    blood = np.concatenate([own[plane == BLOOD_POOL_LV] for own, plane in zip(hu, pools.labels, strict=True)])
    return blood[:: max(1, blood.size // _BLOOD_VOXELS)]


def _curve(part: str, hu: npt.NDArray[np.int16], bins: npt.NDArray[np.int_]) -> Curve:
    counts, _ = np.histogram(np.clip(hu, bins[0], bins[-1]), bins)
    height = 1 - counts / counts.max()
    corners = np.repeat((bins - bins[0]) / (bins[-1] - bins[0]), 2)[1:-1]
    path = svg_path(np.c_[WIDTH * corners, HEIGHT * np.repeat(height, 2)])
    return Curve(part=part, path=path, median_hu=float(np.median(hu)))
