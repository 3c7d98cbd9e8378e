"""What the rim encloses."""

import numpy as np
from scipy import ndimage

from ccma_seg.anatomy.findings import Anatomy
from ccma_seg.geometry import Bools
from ccma_seg.lesion.cavity import bright_inside
from ccma_seg.lesion.findings import CAVITY, CORE, RIM, Core, Lesion
from ccma_seg.lesion.intensity import describe_hu
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.parts import depth_mm
from ccma_seg.lesion.stations import blur_sigma_mm
from ccma_seg.reasons import Reason
from ccma_seg.volume import Hu, Volume

_FEW_VOXELS = 8
_LARGE_CORE_MM3 = 500.0
"""In a larger core the rim's blur makes less than a thousandth, once the margin is off."""
_LARGEST_SHARE = 0.2
"""A core that owes more of its HU to the rim than this cannot be corrected."""
_HOMOGENEOUS_SDS = 2.0
_OUTLIER_SDS = 3.5
_MAD_TO_SD = 1.4826


def measure_core(
    volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams
) -> tuple[Core, tuple[Reason, ...]]:
    """Measure what the rim encloses and is no cavity, less a margin for partial volume."""
    erosion = erosion_mm(volume, params)
    volume_mm3 = float(lesion.parts.mask(CORE).sum() * lesion.parts.geometry.voxel_mm3)
    all_hu = volume.hu[lesion.parts.slices_in(volume.geometry)]
    apart = _blood_or_like_it(volume, anatomy, lesion, params=params)
    eroded = eroded_core(lesion, apart, erosion_mm=erosion)
    values = all_hu[eroded]
    found = describe_hu(_without_outliers(values))
    if found is None or values.size < _FEW_VOXELS:
        text = f"The core is too small to be measured clear of its rim by {erosion:g} mm."
        return Core(volume_mm3=volume_mm3, erosion_mm=erosion), (Reason("core_too_small", text),)
    dense = params.dense_fraction * float(np.percentile(all_hu[lesion.parts.mask(RIM)], 95))
    blood, noise = anatomy.contrast.blood_pool_hu, anatomy.contrast.blood_pool_sd_hu
    spill = _spill_hu(volume, lesion, eroded, found.mean_hu, params=params)
    core = Core(
        mean_hu=found.mean_hu - spill,
        median_hu=found.median_hu - spill,
        sd_hu=found.sd_hu,
        p10_hu=found.p10_hu,
        p90_hu=found.p90_hu,
        volume_mm3=volume_mm3,
        homogeneity=_homogeneity(values, found.median_hu, noise),
        calcified_fraction=float(np.mean(values >= dense)),
        ratio_to_blood_pool=(found.mean_hu - spill) / blood if blood else None,
        erosion_mm=erosion,
    )
    return core, ()


def _without_outliers(values: Hu) -> Hu:
    """Leave out what neither noise nor texture explains: bits of the rim on slices that cut it slantwise."""
    if values.size == 0:
        return values
    middle = np.median(values)
    spread = max(1.0, _MAD_TO_SD * float(np.median(np.abs(values - middle))))
    return values[np.abs(values - middle) <= _OUTLIER_SDS * spread]


def _spill_hu(volume: Volume, lesion: Lesion, eroded: Bools, mean_hu: float, *, params: LesionParams) -> float:
    """Return how much blur from the rim still adds to the mean of a small core.

    Blurred masks tell which share of the core's voxels comes from where (geometric transfer matrix, Rousset 1998).
    """
    geometry = lesion.parts.geometry
    if float(eroded.sum()) * geometry.voxel_mm3 > _LARGE_CORE_MM3:
        return 0.0
    axes = np.array(geometry.axes)
    sigma = blur_sigma_mm(volume, axes, params) / np.array(geometry.spacing_mm)
    rim = lesion.parts.mask(RIM).astype(np.float32)
    share = float(ndimage.gaussian_filter(rim, sigma)[eroded].mean())
    rim_hu = float(np.median(lesion.envelope.rim_hu[lesion.envelope.covered]))
    return min(share, _LARGEST_SHARE) / (1 - min(share, _LARGEST_SHARE)) * max(0.0, rim_hu - mean_hu)


def erosion_mm(volume: Volume, params: LesionParams) -> float:
    """Return how far from the rim a core is measured."""
    thin = volume.geometry.spacing_mm[0] <= params.thin_slice_mm
    return params.erosion_thin_mm if thin else params.erosion_thick_mm


def eroded_core(lesion: Lesion, apart: Bools, *, erosion_mm: float) -> Bools:
    """Return the core without what lies within a margin of the rim or of what is kept apart from it."""
    deep = lesion.parts.mask(CORE) & (depth_mm(lesion.parts.geometry, lesion.envelope) >= erosion_mm)
    if not apart.any():
        return np.asarray(deep)
    away = ndimage.distance_transform_edt(~apart, sampling=lesion.parts.geometry.spacing_mm)
    return np.asarray(deep & (away > erosion_mm))


def _blood_or_like_it(volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams) -> Bools:
    """Return the cavity; where none is certain, what is as bright as blood beside a darker core, which it is not."""
    cavity = lesion.parts.mask(CAVITY)
    if cavity.any():
        return cavity
    bright = bright_inside(volume, anatomy, lesion, params=params)
    if bright is None or not bright.mixed:
        return np.zeros(lesion.parts.labels.shape, bool)
    return bright.mask


def _homogeneity(values: Hu, median_hu: float, noise_hu: float | None) -> float | None:
    """Return the share of voxels no farther from the median than noise explains."""
    if noise_hu is None:
        return None
    return float(np.mean(np.abs(values - median_hu) <= _HOMOGENEOUS_SDS * noise_hu))
