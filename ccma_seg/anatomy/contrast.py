"""How bright the blood of the left heart is, measured in the images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy.findings import Contrast, ContrastState
from ccma_seg.geometry import Floats, Point
from ccma_seg.volume import Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastParams:
    """What counts as enhanced blood, and how muscle follows it."""

    plain_below_hu: float = 90.0
    """Blood without contrast is 42 +- 6 HU (clinical reference, rule G1)."""

    enhanced_above_hu: float = 180.0
    """CTA gives 200 HU and more (rule G1)."""

    probe_mm: float = 8.0
    """Radius of the sphere of blood that is measured in each chamber."""

    muscle_floor_hu: float = 60.0
    muscle_share: float = 0.3
    muscle_ceiling_hu: float = 105.0
    """Myocardium takes up a share of the blood's contrast: 80-105 HU on CTA, about 60 in venous phases."""

    calcium_above_hu: float = 100.0
    """Calcium is this much brighter than blood (rule T2)."""

    calcium_floor_hu: float = 200.0
    """And at least this bright."""

    def calcium_hu(self, blood_hu: float) -> float:
        """Return the HU above which a cell is calcium, metal or undiluted contrast."""
        return max(self.calcium_floor_hu, blood_hu + self.calcium_above_hu)

    def state_of(self, blood_hu: float) -> ContrastState:
        """Name the state of enhancement."""
        if blood_hu < self.plain_below_hu:
            return ContrastState.NONE
        return ContrastState.ENHANCED if blood_hu > self.enhanced_above_hu else ContrastState.UNCERTAIN

    def muscle_hu(self, blood_hu: float) -> float:
        """Estimate the myocardium's HU from that of the blood."""
        return min(self.muscle_ceiling_hu, self.muscle_floor_hu + self.muscle_share * blood_hu)


def measure_contrast(volume: Volume, centers_mm: Floats, *, params: ContrastParams) -> Contrast:
    """Measure blood round the centres of chambers, shape (n, 3); calcium and metal do not count."""
    spheres = [sphere_hu(volume, tuple(center), radius_mm=params.probe_mm) for center in centers_mm]
    filled = [s for s in spheres if s.size]
    if not filled:
        return Contrast(state=ContrastState.UNCERTAIN, blood_pool_hu=None, blood_pool_sd_hu=None)
    blood_hu = float(np.mean([np.median(s) for s in filled]))
    return Contrast(
        state=params.state_of(blood_hu),
        blood_pool_hu=blood_hu,
        blood_pool_sd_hu=float(np.mean([robust_sd(s) for s in filled])),
    )


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
    return float(1.4826 * np.median(np.abs(values - np.median(values))))
