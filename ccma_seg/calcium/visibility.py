"""What stands out of the noise: how much brighter than blood each place is, seen at one resolution.

Noise is measured where it is, in blood, and in the units in which decisions are made: after averaging over the size of
the smallest focus that matters. So one limit serves all kernels, slices and doses.
"""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg.calcium.components import Components
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.pools import Index
from ccma_seg.geometry import Bools, Floats, Floats32, Geometry
from ccma_seg.spread import FWHM_TO_SD, MAD_TO_SD

LEAST_BLUR_MM = 1.0
"""Full width at half maximum that thin slices and small pixels have at least: 0.6-1.0 mm (clinical reference, 11)."""

SURROUNDINGS_MM = 9.0
"""Side of the box whose mean tells blood from muscle in noise: a chamber holds it, its noise is a tenth (proposal)."""

BLOOD_BAND_HU = 40.0
"""A box whose mean is this near to blood holds blood, or, without contrast, muscle (proposal)."""

CLEAR_BLOCKS = 3
"""Blocks this near to other tissue hold its edge (proposal)."""

ONE_SD_ABOVE = 0.8413
"""The excess is cut off at blood, so its noise is skewed: only the brighter side tells how bright noise gets."""

MOST_SKEW = 2.5
"""Noise is skewed by no more than this (1.0-2.0 seen); where it seems so, calcium takes up much of the blood."""

MIN_BLOCKS = 200
"""Fewer do not give a standard deviation to 10 %, neighbours being alike."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Visibility:
    """The view in which calcium is looked for, in blocks of voxels."""

    excess_hu: Floats32
    """Above blood, at the resolution of the view, less what noise alone gives; darker tissue counts as blood."""
    size: npt.NDArray[np.intp]
    """Voxels in a block along slices, rows and columns."""
    sd_hu: float
    """Of the noise in that view."""
    voxel_sd_hu: float
    """Of the noise of voxels."""
    sure_hu: float
    """From here on a place stands out."""
    edge_hu: float
    """What stands out reaches down to here."""

    def at(self, place: Index) -> Floats32:
        """Return the excess at voxels, given as slices, rows and columns."""
        return np.asarray(self.excess_hu[tuple(along // n for along, n in zip(place, self.size, strict=True))])

    def near(self, place: Index) -> Bools:
        """Tell which voxels may belong to what stands out."""
        return np.asarray(self.at(place) >= self.edge_hu)

    def seen(self, components: Components) -> Components:
        """Keep what stands out of the noise somewhere."""
        if components.count == 0:
            return components
        place = np.unravel_index(components.flat, components.geometry.shape)
        keep = components.max(self.at(place)) >= self.sure_hu
        return components.relabelled(np.where(keep[components.label - 1], components.label, 0))


def find_visibility(
    hu: npt.NDArray[np.int16], geometry: Geometry, *, blood_hu: float, params: CalciumParams
) -> Visibility:
    """Measure what stands out of the noise.

    Parameters
    ----------
    hu
        (slice, row, column), a crop round the heart.
    geometry
        Its grid.
    blood_hu
        The brightest that is no calcium: the left heart's blood.
    params
        Resolution and limits.
    """
    size = block_size(geometry, params)
    excess = block_means(hu, size, above=round(blood_hu))
    excess = ndimage.gaussian_filter(excess, blur_cells(geometry, size, params), mode="nearest", truncate=3.0)
    level = block_means(hu, size, above=round(blood_hu - 2 * BLOOD_BAND_HU), below=round(blood_hu + 2 * BLOOD_BAND_HU))
    cells = np.maximum(np.rint(SURROUNDINGS_MM / (size * geometry.spacing_mm)), 1).astype(int)
    mean = ndimage.uniform_filter(level, cells, mode="nearest") - 2 * BLOOD_BAND_HU
    blood = _clear(np.abs(mean) < BLOOD_BAND_HU)
    usual, brighter = (float(q) for q in np.quantile(excess[blood], (0.5, ONE_SD_ABOVE)))
    even = MAD_TO_SD * float(np.median(np.abs(excess[blood] - usual)))
    sd = min(brighter - usual, MOST_SKEW * even)
    return Visibility(
        excess_hu=excess - np.float32(usual),
        size=size,
        sd_hu=sd,
        voxel_sd_hu=_voxel_sd(hu, size, blood),
        sure_hu=max(params.sure_sd * sd, params.sure_hu),
        edge_hu=min(max(params.edge_sd * sd, params.edge_hu), params.sure_hu),
    )


def _clear(blood: Bools) -> Bools:
    """Leave out what lies near other tissue; keep all where that leaves too little."""
    for choice in (ndimage.binary_erosion(blood, iterations=CLEAR_BLOCKS, border_value=1), blood):
        if np.count_nonzero(choice) >= MIN_BLOCKS:
            return np.asarray(choice)
    return np.ones_like(blood)


def block_size(geometry: Geometry, params: CalciumParams) -> npt.NDArray[np.intp]:
    """Return how many voxels along each axis make a block, which is well below the resolution of the view."""
    return np.maximum(params.view_mm / 2.5 / np.array(geometry.spacing_mm) + 0.01, 1).astype(np.intp)


def blur_cells(geometry: Geometry, size: npt.NDArray[np.intp], params: CalciumParams) -> Floats:
    """Return the standard deviations, in blocks, that bring each axis to the resolution of the view; 0 if coarser."""
    block_mm = size * np.array(geometry.spacing_mm)
    own_mm = np.maximum(block_mm, LEAST_BLUR_MM)
    return np.asarray(np.sqrt(np.maximum(params.view_mm**2 - own_mm**2, 0)) * FWHM_TO_SD / block_mm)


def block_means(
    hu: npt.NDArray[np.int16], size: npt.NDArray[np.intp], *, above: int, below: int | None = None
) -> Floats32:
    """Average HU above a level, and below another, over blocks; the last ones repeat the border."""
    ends = (-np.array(hu.shape)) % size
    whole = np.pad(hu, [(0, int(n)) for n in ends], mode="edge") if ends.any() else hu
    total = np.zeros(np.array(whole.shape) // size, np.int32)
    top = np.iinfo(np.int16).max if below is None else below
    for first in product(*(range(n) for n in size)):
        part = whole[tuple(slice(at, None, int(n)) for at, n in zip(first, size, strict=True))]
        total += np.clip(part, above, top) - np.int16(above)
    return np.asarray(total / np.float32(size.prod()), np.float32)


def _voxel_sd(hu: npt.NDArray[np.int16], size: npt.NDArray[np.intp], blood: Bools) -> float:
    """Return the noise of voxels: of one in each block of blood, about the mean of those two blocks away."""
    one = hu[:: size[0], :: size[1], :: size[2]].astype(np.float32)
    apart = (one[:, 2:-2] - (one[:, :-4] + one[:, 4:]) / 2)[blood[:, 2:-2]]
    if apart.size < MIN_BLOCKS:
        return 0.0
    return MAD_TO_SD * float(np.median(np.abs(apart))) / math.sqrt(1.5)
