"""The smallest calcification that an exam would show at this annulus."""

import math

import numpy as np

from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.visibility import LEAST_BLUR_MM, Visibility, blur_cells
from ccma_seg.geometry import Floats, Geometry
from ccma_seg.spread import FWHM_TO_SD

FOCUS_HU = 300.0
"""A compact focus this much above its surroundings is asked for."""

FOUND_SDS = 1.28
"""Nine of ten draws of the noise lie above its mean less so many standard deviations."""

OFF_CENTRE = 0.35
"""A focus lies so many voxels off the middle of one, or less, along each axis in seven of ten draws (uniform)."""

DARKER_SHARE = 0.27
"""How far the surroundings of a focus at the annulus lie below blood, of the way to muscle or fat: blood on one side,
tissue on the other (set on foci put into 11 CTs)."""

FAT_BELOW_HU = 110.0
"""Without contrast: fat of the groove below blood and muscle, half a way of partial volume (-70 of 40 HU)."""

LEAST_MM3, MOST_MM3 = 0.5, 2000.0
"""Between which the limit is looked for."""

STEPS = 24
"""Halvings of that interval, as a logarithm: to 1 part in a million."""


def detection_limit_mm3(
    geometry: Geometry, visibility: Visibility, *, above_hu: float, step_hu: float, params: CalciumParams
) -> float:
    """Return the volume of a compact focus that would be found in nine of ten exams like this one.

    A ball, taken as the normal distribution with its second moments, is blurred as the exam is and laid off the middle
    of its voxel; it is found if it stands out of the noise of the view and has voxels enough above the threshold.

    Parameters
    ----------
    geometry
        Grid of the exam.
    visibility
        Its noise, and what stands out of it.
    above_hu
        How much the calcium threshold lies above blood.
    step_hu
        How much muscle, or without contrast fat, lies below it.
    params
        Resolution of the view, and how many voxels count.

    Returns
    -------
    float
        `MOST_MM3` where none would be found.
    """
    below_hu = DARKER_SHARE * step_hu
    low, high = math.log(LEAST_MM3), math.log(MOST_MM3)
    for _ in range(STEPS):
        middle = (low + high) / 2
        found = _found(math.exp(middle), geometry, visibility, above_hu=above_hu, below_hu=below_hu, params=params)
        low, high = (low, middle) if found else (middle, high)
    return math.exp(high)


def _found(
    volume_mm3: float,
    geometry: Geometry,
    visibility: Visibility,
    *,
    above_hu: float,
    below_hu: float,
    params: CalciumParams,
) -> bool:
    step_hu = FOCUS_HU + below_hu
    spacing_mm = np.array(geometry.spacing_mm)
    block_mm = visibility.size * spacing_mm
    ball_mm = np.cbrt(3 * volume_mm3 / (4 * np.pi)) / np.sqrt(5)
    scanner_mm = LEAST_BLUR_MM * FWHM_TO_SD * (spacing_mm < params.view_mm)
    voxel_sd = np.sqrt(ball_mm**2 + scanner_mm**2 + spacing_mm**2 / 12)
    view_blur = blur_cells(geometry, visibility.size, params) * block_mm
    view_sd = np.sqrt(ball_mm**2 + scanner_mm**2 + block_mm**2 / 12 + view_blur**2)
    seen = _peak(step_hu, volume_mm3, view_sd, OFF_CENTRE * block_mm)
    peak = _peak(step_hu, volume_mm3, voxel_sd, OFF_CENTRE * spacing_mm)
    clear = seen - below_hu >= visibility.sure_hu + FOUND_SDS * visibility.sd_hu
    return clear and _voxels(peak, above_hu + below_hu, voxel_sd, spacing_mm) >= params.min_voxels


def _peak(step_hu: float, volume_mm3: float, sd_mm: Floats, off_mm: Floats) -> float:
    """Return the HU of a blurred focus at the voxel nearest to its middle."""
    share = min(volume_mm3 / (math.pow(2 * math.pi, 1.5) * float(sd_mm.prod())), 1.0)
    return step_hu * share * math.exp(-0.5 * float(((off_mm / sd_mm) ** 2).sum()))


def _voxels(peak_hu: float, above_hu: float, sd_mm: Floats, spacing_mm: Floats) -> float:
    """Return how many voxels of a blurred focus lie above a level."""
    if peak_hu <= above_hu:
        return 0.0
    radii_mm = sd_mm * math.sqrt(2 * math.log(peak_hu / above_hu))
    return float(4 / 3 * np.pi * np.prod(np.maximum(radii_mm, spacing_mm / 2)) / np.prod(spacing_mm))
