"""HU within a mask, after the Image Biomarker Standardisation Initiative (IBSI)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """How HU are distributed, with IBSI's names in brackets."""

    mean_hu: float
    """stat_mean"""
    sd_hu: float
    """Square root of stat_var, of the voxels themselves (not an estimate for more)."""
    skewness: float
    """stat_skew; 0 if all are alike"""
    kurtosis: float
    """stat_kurt, in excess of the normal distribution's; 0 if all are alike"""
    median_hu: float
    """stat_median"""
    min_hu: float
    """stat_min"""
    p10_hu: float
    """stat_p10"""
    p90_hu: float
    """stat_p90"""
    max_hu: float
    """stat_max"""
    interquartile_hu: float
    """stat_iqr"""
    mean_absolute_deviation_hu: float
    """stat_mad"""


def describe_hu(values: npt.NDArray[np.generic]) -> Intensity | None:
    """Describe HU values; None if there are none."""
    if values.size == 0:
        return None
    hu = np.asarray(values, float).ravel()
    apart = hu - hu.mean()
    variance = float(np.mean(apart**2))
    spread = np.sqrt(variance) if variance > 0 else 1.0
    p10, p25, median, p75, p90 = (float(v) for v in np.percentile(hu, (10, 25, 50, 75, 90)))
    return Intensity(
        mean_hu=float(hu.mean()),
        sd_hu=float(np.sqrt(variance)),
        skewness=float(np.mean((apart / spread) ** 3)),
        kurtosis=float(np.mean((apart / spread) ** 4)) - 3.0 if variance > 0 else 0.0,
        median_hu=median,
        min_hu=float(hu.min()),
        p10_hu=p10,
        p90_hu=p90,
        max_hu=float(hu.max()),
        interquartile_hu=p75 - p25,
        mean_absolute_deviation_hu=float(np.mean(np.abs(apart))),
    )
