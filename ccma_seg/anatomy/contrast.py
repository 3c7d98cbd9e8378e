"""How bright the blood of the left heart is, measured in the images."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg.anatomy.coarse import crop_to
from ccma_seg.anatomy.findings import Contrast, ContrastState
from ccma_seg.errors import GeometryError
from ccma_seg.geometry import Floats, Point
from ccma_seg.spread import MAD_TO_SD
from ccma_seg.tissue import ABOVE_BLOOD_HU
from ccma_seg.volume import Volume

MIN_CELLS = 300
"""Of soft tissue: 8 ml; of fewer the darkest tenth is chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastParams:
    """What counts as enhanced blood, and how muscle follows it."""

    plain_up_to_hu: float = 40.0
    """Blood this much above the muscle of the same exam, or less, is not enhanced: 36 real CTs without contrast have
    14 to 31 HU, most of it fat in the muscle's cells. Chosen, see decision 009."""

    enhanced_from_hu: float = 50.0
    """From here on it is: late contrast of 140-155 HU is 64-83 HU above muscle, CTA 100 HU and more. Chosen, see
    decision 009."""

    wall_mm: ClassVar[float] = 45.0
    """Radius round the middle of the ventricle within which its muscle lies."""

    wall_cell_mm: ClassVar[float] = 3.0
    """Of the grid on which muscle is measured."""

    wall_share: ClassVar[float] = 0.1
    """The darkest share of the soft tissue there is muscle, between chambers and fat (proposal); what is brighter than
    `muscle_ceiling_hu` is blood all the same."""

    soft_hu: ClassVar[tuple[float, float]] = (-20.0, 1500.0)
    """Soft tissue, with blood and calcium; a cell counts if its neighbours are soft too."""

    probe_mm: ClassVar[float] = 8.0
    """Radius of the sphere of blood that is measured in each chamber."""

    muscle_floor_hu: ClassVar[float] = 60.0
    muscle_share: ClassVar[float] = 0.3
    muscle_ceiling_hu: ClassVar[float] = 105.0
    """Myocardium takes up a share of the blood's contrast: 80-105 HU on CTA, about 60 in venous phases."""

    calcium_floor_hu: ClassVar[float] = 200.0
    """Calcium is at least this bright."""

    def calcium_hu(self, blood_hu: float) -> float:
        """Return the HU above which a cell is calcium, metal or undiluted contrast."""
        return max(self.calcium_floor_hu, blood_hu + ABOVE_BLOOD_HU)

    def state_of(self, blood_hu: float, muscle_hu: float | None) -> ContrastState:
        """Name the state of enhancement of blood beside muscle of the same exam."""
        if muscle_hu is None or self.plain_up_to_hu < blood_hu - muscle_hu < self.enhanced_from_hu:
            return ContrastState.UNCERTAIN
        return ContrastState.NONE if blood_hu - muscle_hu <= self.plain_up_to_hu else ContrastState.ENHANCED

    def muscle_hu(self, blood_hu: float) -> float:
        """Estimate the myocardium's HU from that of the blood."""
        return min(self.muscle_ceiling_hu, self.muscle_floor_hu + self.muscle_share * blood_hu)


def measure_contrast(volume: Volume, centers_mm: Floats, *, params: ContrastParams) -> Contrast:
    """Measure blood round the centres of chambers, shape (n, 3), and muscle round the first, the left ventricle's.

    Calcium and metal do not count.
    """
    spheres = [sphere_hu(volume, tuple(center), radius_mm=params.probe_mm) for center in centers_mm]
    filled = [s for s in spheres if s.size]
    if not filled:
        return Contrast(state=ContrastState.UNCERTAIN, blood_pool_hu=None, blood_pool_sd_hu=None)
    blood_hu = float(np.mean([np.median(s) for s in filled]))
    muscle_hu = darkest_muscle(volume, centers_mm[0], params=params)
    return Contrast(
        state=params.state_of(blood_hu, muscle_hu),
        blood_pool_hu=blood_hu,
        blood_pool_sd_hu=float(np.mean([robust_sd(s) for s in filled])),
        muscle_hu=muscle_hu,
    )


def darkest_muscle(volume: Volume, center_mm: Floats, *, params: ContrastParams) -> float | None:
    """Return the HU of the darkest soft tissue round a place, averaged over cells; None where there is too little."""
    try:
        grid = crop_to(volume, center_mm, half_mm=params.wall_mm, cell_mm=params.wall_cell_mm)
    except GeometryError:
        return None
    low_hu, high_hu = params.soft_hu
    soft = ndimage.binary_erosion((grid.hu > low_hu) & (grid.hu < high_hu))
    steps = zip(np.ogrid[tuple(slice(n) for n in soft.shape)], grid.geometry.to_index(center_mm), strict=True)
    away_mm = params.wall_cell_mm * np.sqrt(sum((n - at) ** 2 for n, at in steps))
    soft &= away_mm < params.wall_mm
    if np.count_nonzero(soft) < MIN_CELLS:
        return None
    darkest_hu = np.quantile(ndimage.uniform_filter(grid.hu, 3)[soft], params.wall_share)
    return min(float(darkest_hu), params.muscle_ceiling_hu)


def sphere_hu(volume: Volume, center_mm: Point, *, radius_mm: float) -> npt.NDArray[np.int16]:
    """Return the HU of the voxels within a radius of a point; none where it lies outside the volume."""
    if not volume.geometry.contains(center_mm):
        return np.empty(0, np.int16)
    part = volume.crop(volume.geometry.slices_around(center_mm, margin_mm=radius_mm))
    steps = zip(np.ogrid[tuple(slice(n) for n in part.hu.shape)], part.geometry.to_index(center_mm), strict=True)
    away_mm = [(n - at) * step for (n, at), step in zip(steps, part.geometry.spacing_mm, strict=True)]
    return np.asarray(part.hu[sum(along**2 for along in away_mm) <= radius_mm**2])


def robust_sd(values: npt.NDArray[np.int16]) -> float:
    """Estimate a standard deviation from the median absolute deviation."""
    return float(MAD_TO_SD * np.median(np.abs(values - np.median(values))))
