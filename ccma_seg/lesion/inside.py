"""What the rim encloses."""

import numpy as np
from scipy import ndimage

from ccma_seg.anatomy.findings import Anatomy
from ccma_seg.geometry import Bools
from ccma_seg.lesion.findings import CAVITY, CORE, RIM, Core, Lesion
from ccma_seg.lesion.intensity import describe_hu
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.parts import depth_mm
from ccma_seg.reasons import Reason
from ccma_seg.volume import Volume

_FEW_VOXELS = 8
_HOMOGENEOUS_SDS = 2.0


def measure_core(
    volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams
) -> tuple[Core, tuple[Reason, ...]]:
    """Measure what the rim encloses and is no cavity, less a margin for partial volume."""
    erosion = erosion_mm(volume, params)
    volume_mm3 = float(lesion.parts.mask(CORE).sum() * lesion.parts.geometry.voxel_mm3)
    all_hu = volume.hu[lesion.parts.slices_in(volume.geometry)]
    values = all_hu[eroded_core(lesion, erosion_mm=erosion)]
    found = describe_hu(values)
    if found is None or values.size < _FEW_VOXELS:
        text = f"The core is too small to be measured clear of its rim by {erosion:g} mm."
        return Core(volume_mm3=volume_mm3, erosion_mm=erosion), (Reason("core_too_small", text),)
    dense = params.dense_fraction * float(np.percentile(all_hu[lesion.parts.mask(RIM)], 95))
    blood, noise = anatomy.contrast.blood_pool_hu, anatomy.contrast.blood_pool_sd_hu
    core = Core(
        mean_hu=found.mean_hu,
        median_hu=found.median_hu,
        sd_hu=found.sd_hu,
        p10_hu=found.p10_hu,
        p90_hu=found.p90_hu,
        volume_mm3=volume_mm3,
        homogeneity=_homogeneity(values, found.median_hu, noise),
        calcified_fraction=float(np.mean(values >= dense)),
        ratio_to_blood_pool=found.mean_hu / blood if blood else None,
        erosion_mm=erosion,
    )
    return core, ()


def erosion_mm(volume: Volume, params: LesionParams) -> float:
    """Return how far from the rim a core is measured."""
    thin = volume.geometry.spacing_mm[0] <= params.thin_slice_mm
    return params.erosion_thin_mm if thin else params.erosion_thick_mm


def eroded_core(lesion: Lesion, *, erosion_mm: float) -> Bools:
    """Return the core without what lies within a margin of rim or cavity."""
    deep = lesion.parts.mask(CORE) & (depth_mm(lesion.parts.geometry, lesion.envelope) >= erosion_mm)
    cavity = lesion.parts.mask(CAVITY)
    if not cavity.any():
        return np.asarray(deep)
    away = ndimage.distance_transform_edt(~cavity, sampling=lesion.parts.geometry.spacing_mm)
    return np.asarray(deep & (away > erosion_mm))


def _homogeneity(
    values: np.ndarray[tuple[int, ...], np.dtype[np.int16]], median_hu: float, noise_hu: float | None
) -> float | None:
    """Return the share of voxels no farther from the median than noise explains."""
    if noise_hu is None:
        return None
    return float(np.mean(np.abs(values - median_hu) <= _HOMOGENEOUS_SDS * noise_hu))
