"""Agatston score, mass: defined for CTs without contrast."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg.calcium.findings import CalciumMap
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.threshold import THRESHOLDS_HU, VOLTAGES_KV
from ccma_seg.errors import GeometryError
from ccma_seg.geometry import Bools, Geometry
from ccma_seg.volume import Volume

WEIGHT_HU = (130.0, 200.0, 300.0, 400.0)
"""At 120 kVp a lesion's peak on a slice weighs 1, 2, 3, 4 from here on (Agatston 1990)."""

WEIGHT_TABLE_KV = (70.0, 80.0, 100.0, 120.0, 135.0)
WEIGHT_TABLE_HU = (
    (207.0, 318.0, 477.0, 636.0),
    (177.0, 271.0, 408.0, 544.0),
    (145.0, 222.0, 334.0, 446.0),
    WEIGHT_HU,
    (119.0, 183.0, 274.0, 364.0),
)
"""The same densities at other tube voltages (Graeni 2018, 10.1093/ehjci/jey019)."""

AGATSTON_SLICE_MM = 3.0
"""Agatston's slices; other spacings are weighted to it (variant B, UMC Utrecht)."""

_NEIGHBOURS_8 = np.ones((3, 3), bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class MassFactor:
    """From mean HU times volume to hydroxyapatite: 200 mg/cm3 over (HU of 200 mg/cm3 less HU of water)."""

    mg_per_cm3_per_hu: float
    calibrated: bool
    """Whether a phantom was scanned along; otherwise the mean of published scanners."""


MASS_FACTOR_KV = (80.0, 120.0)
MASS_FACTORS = (0.55, 0.765)
"""Middle of 0.51-0.59 at 80 and 0.70-0.83 at 120 kVp, four scanners (Fujioka 2012); +-8 % between scanners."""


def mass_factor(tube_voltage_kv: float, params: CalciumParams = CalciumParams()) -> MassFactor:
    """Return the given factor, or the usual one at a tube voltage (a power law through 80 and 120 kVp)."""
    if params.mass_factor is not None:
        return MassFactor(mg_per_cm3_per_hu=params.mass_factor, calibrated=True)
    logs = np.log(MASS_FACTOR_KV), np.log(MASS_FACTORS)
    slope = (logs[1][1] - logs[1][0]) / (logs[0][1] - logs[0][0])
    value = np.exp(logs[1][0] + slope * (np.log(tube_voltage_kv) - logs[0][0]))
    return MassFactor(mg_per_cm3_per_hu=float(value), calibrated=False)


def weight_limits(tube_voltage_kv: float) -> tuple[float, ...]:
    """Return the HU from which a lesion weighs 1, 2, 3 and 4; other voltages keep the ratios of 120 kVp."""
    if tube_voltage_kv in WEIGHT_TABLE_KV:
        return WEIGHT_TABLE_HU[WEIGHT_TABLE_KV.index(tube_voltage_kv)]
    scale = float(np.interp(tube_voltage_kv, VOLTAGES_KV, THRESHOLDS_HU)) / WEIGHT_HU[0]
    return tuple(limit * scale for limit in WEIGHT_HU)


def agatston(volume: Volume, calcium: CalciumMap, label: int, params: CalciumParams = CalciumParams()) -> float:
    """Score one calcification after Agatston (1990).

    Parameters
    ----------
    volume
        Non-contrast CT, (slice, row, column) HU; slices of 2.5-3 mm, others are weighted to 3 mm.
    calcium
        On a crop of the grid of `volume`.
    label
        Which calcification, 1..len(calcium.calcifications).
    params
        Assumed tube voltage, least area.

    Returns
    -------
    float
        Sum over slices of area (mm2) times density weight (1-4), times slice spacing over 3 mm.

    Raises
    ------
    GeometryError
        If the two are on different grids.
    """
    return agatston_of(
        hu_on_grid(volume, calcium), calcium.labels == label, calcium.geometry, _kv(volume, params), params
    )


def agatston_of(
    hu: npt.NDArray[np.int16], mask: Bools, geometry: Geometry, tube_voltage_kv: float, params: CalciumParams
) -> float:
    """Score a mask, (slice, row, column), as `agatston` does."""
    limits = weight_limits(tube_voltage_kv)
    pixel_mm2 = geometry.spacing_mm[1] * geometry.spacing_mm[2]
    dense = mask & (hu >= limits[0])
    slices = np.flatnonzero(dense.any(axis=(1, 2)))
    total = sum(_slice_score(hu[k], dense[k], pixel_mm2, limits, params) for k in slices)
    return float(total * geometry.spacing_mm[0] / AGATSTON_SLICE_MM)


def _slice_score(
    hu: npt.NDArray[np.int16], mask: Bools, pixel_mm2: float, limits: tuple[float, ...], params: CalciumParams
) -> float:
    labels, count = ndimage.label(mask, _NEIGHBOURS_8)
    area = np.bincount(labels.ravel(), minlength=count + 1)[1:] * pixel_mm2
    peak = ndimage.maximum(hu, labels, np.arange(1, count + 1))
    weight = np.searchsorted(limits, peak, side="right")
    return float((area * weight)[area >= params.min_area_mm2].sum())


def mass_mg_of(hu: npt.NDArray[np.int16], mask: Bools, geometry: Geometry, factor: MassFactor) -> float:
    """Return the mass of hydroxyapatite in a mask: factor x mean HU x volume."""
    return float(hu[mask].sum(dtype=np.int64)) * geometry.voxel_mm3 * factor.mg_per_cm3_per_hu / 1000


def hu_on_grid(volume: Volume, calcium: CalciumMap) -> npt.NDArray[np.int16]:
    """Return the HU under a calcium map.

    Raises
    ------
    GeometryError
        If the map is not on a crop of the grid of the volume.
    """
    start = np.rint(volume.geometry.to_index(calcium.geometry.origin_mm)).astype(int)
    first, second, third = (slice(int(a), int(a) + n) for a, n in zip(start, calcium.geometry.shape, strict=True))
    inside = (start >= 0).all() and (start + calcium.geometry.shape <= volume.geometry.shape).all()
    if not inside or volume.geometry.crop((first, second, third)).difference(calcium.geometry):
        raise GeometryError("calcium must lie on a crop of the grid of the volume")
    return volume.hu[first, second, third]


def _kv(volume: Volume, params: CalciumParams) -> float:
    return volume.acquisition.tube_voltage_kv or params.assumed_tube_voltage_kv
