"""What the rim encloses."""

from dataclasses import replace

import numpy as np
from scipy import ndimage

from ccma_seg.anatomy.findings import Anatomy, ContrastState
from ccma_seg.geometry import Bools, Geometry
from ccma_seg.lesion.bright import bright_inside
from ccma_seg.lesion.cavity import LIKE_BLOOD, MAYBE_BLOOD
from ccma_seg.lesion.findings import CAVITY, CORE, RIM, Core, Lesion
from ccma_seg.lesion.intensity import describe_hu
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.parts import depth_mm, inside
from ccma_seg.lesion.stations import blur_sigma_mm
from ccma_seg.lesion.texture import own_sd_hu, texture_of
from ccma_seg.morphology import near
from ccma_seg.reasons import Reason
from ccma_seg.spread import MAD_TO_SD
from ccma_seg.volume import Hu, Volume

_FEW_VOXELS = 8
_LEAST_MM, _LEAST_BESIDE_BLOOD_MM = 2.0, 3.0
_LARGE_CORE_MM3 = 500.0
"""In a larger core the rim's blur makes less than a thousandth, once the margin is off."""
_LARGEST_SHARE = 0.2
"""A core that owes more of its HU to the rim than this cannot be corrected."""
_HOMOGENEOUS_SDS = 2.0
_OUTLIER_SDS = 3.5
_DARKER_SDS = 2.0
_TEXTURE_HU = 20.0
"""Of paste: middle of 0-40 (assumed)."""
_MIXED_HU = 50.0
"""Standard deviation of blood beside paste (proposal)."""
_MIXED = "The HU of so small a core vary as those of blood beside paste would: no HU are given for it."
_ROUNDS = 10


def state_core(
    volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams
) -> tuple[Core, tuple[Reason, ...]]:
    """Measure the core; of one that may be blood, say nothing but what the inside as a whole is like.

    Beside what is as bright as blood a darker core is measured all the same: that is no blood.
    """
    core, reasons = measure_core(volume, anatomy, lesion, params=params)
    mixed = _is_mixed(core, anatomy, params)
    maybe_blood = MAYBE_BLOOD in {reason.code for reason in lesion.reasons}
    if not mixed and (not maybe_blood or _blood_or_like_it(volume, anatomy, lesion, params=params).any()):
        return core, reasons
    whole = Core(inside_hu=core.inside_hu, calcified_fraction=core.calcified_fraction)
    reasons = (*reasons, Reason("core_mixed", _MIXED)) if mixed else reasons
    return replace(whole, volume_mm3=core.volume_mm3, erosion_mm=core.erosion_mm), reasons


def _is_mixed(core: Core, anatomy: Anatomy, params: LesionParams) -> bool:
    """Tell whether a core that is too small to show its parts varies as blood beside paste does."""
    if anatomy.contrast.state != ContrastState.ENHANCED or core.own_sd_hu is None:
        return False
    return (core.volume_mm3 or 0.0) < params.small_core_mm3 and core.own_sd_hu > _MIXED_HU


def measure_core(
    volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams
) -> tuple[Core, tuple[Reason, ...]]:
    """Measure what the rim encloses and is no cavity, less a margin for partial volume."""
    erosion = erosion_mm(volume, params)
    volume_mm3 = float(lesion.parts.mask(CORE).sum() * lesion.parts.geometry.voxel_mm3)
    all_hu = volume.hu[lesion.parts.slices_in(volume.geometry)]
    dense = params.dense_fraction * float(np.percentile(all_hu[lesion.parts.mask(RIM)], 95))
    within = inside(lesion.parts.geometry, lesion.envelope, erosion_mm=erosion)
    whole = all_hu[within]
    apart = _blood_or_like_it(volume, anatomy, lesion, params=params)
    eroded = eroded_core(lesion, apart, erosion_mm=erosion)
    values = all_hu[eroded]
    if apart.any():
        values = _darker(values, anatomy.contrast.blood_pool_sd_hu)
    found = describe_hu(_without_outliers(values))
    least_mm = _LEAST_BESIDE_BLOOD_MM if apart.any() else _LEAST_MM
    if found is None or values.size < _fewest_voxels(lesion.parts.geometry, least_mm):
        beside = " and of the blood beside it" if apart.any() else ""
        text = f"The core is too small to be measured clear of its rim{beside} by {erosion:g} mm."
        bare = Core(volume_mm3=volume_mm3, erosion_mm=erosion)
        return _with_whole(bare, whole, dense), (Reason("core_too_small", text),)
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
        nodule_fraction=_nodule_fraction(lesion, all_hu[within & ~apart], found.median_hu),
        ratio_to_blood_pool=(found.mean_hu - spill) / blood if blood else None,
        erosion_mm=erosion,
    )
    told = core if noise is None else _with_texture(core, lesion, all_hu, eroded, noise_hu=noise)
    return replace(told, inside_hu=_with_whole(core, whole, dense).inside_hu), ()


def _with_whole(core: Core, whole: Hu, dense_hu: float) -> Core:
    """Add what can be said of the inside as a whole, paste or blood."""
    if whole.size < _FEW_VOXELS:
        return core
    inside_hu = float(_without_outliers(whole).mean())
    return replace(core, inside_hu=inside_hu, calcified_fraction=float(np.mean(whole >= dense_hu)))


def _fewest_voxels(geometry: Geometry, least_mm: float) -> float:
    """Return how many voxels a core must have: those of a ball of some size, or as wide as the slices are apart."""
    wide = max(least_mm, geometry.spacing_mm[0])
    return max(_FEW_VOXELS, np.pi / 6 * wide**3 / geometry.voxel_mm3)


def _darker(values: Hu, noise_hu: float | None) -> Hu:
    """Leave out what blood beside a core brightens: keep what noise and texture explain about the darker voxels."""
    if values.size < _FEW_VOXELS:
        return values
    reach = _DARKER_SDS * float(np.hypot(noise_hu or 0.0, _TEXTURE_HU))
    middle = float(np.percentile(values, 20))
    for _ in range(_ROUNDS):
        near = np.abs(values - middle) <= reach
        middle = float(values[near].mean()) if near.any() else middle
    return np.asarray(values[np.abs(values - middle) <= reach])


def _without_outliers(values: Hu) -> Hu:
    """Leave out what neither noise nor texture explains: bits of the rim on slices that cut it slantwise."""
    if values.size == 0:
        return values
    middle = np.median(values)
    spread = max(1.0, MAD_TO_SD * float(np.median(np.abs(values - middle))))
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
    rim_hu = lesion.envelope.usual_rim_hu
    return min(share, _LARGEST_SHARE) / (1 - min(share, _LARGEST_SHARE)) * max(0.0, rim_hu - mean_hu)


def erosion_mm(volume: Volume, params: LesionParams) -> float:
    """Return how far from the rim a core is measured."""
    thin = volume.geometry.spacing_mm[0] <= params.thin_slice_mm
    return params.erosion_thin_mm if thin else params.erosion_thick_mm


def eroded_core(lesion: Lesion, apart: Bools, *, erosion_mm: float) -> Bools:
    """Return the core without what lies within a margin of the rim or of what is kept apart from it.

    A slice as thick as the margin may hold some of what is in the next one.
    """
    deep = lesion.parts.mask(CORE) & (depth_mm(lesion.parts.geometry, lesion.envelope) >= erosion_mm)
    if not apart.any():
        return np.asarray(deep)
    thick = lesion.parts.geometry.spacing_mm[0] >= erosion_mm
    beside = ndimage.maximum_filter1d(apart.astype(np.uint8), 3, axis=0) > 0 if thick else apart
    return np.asarray(deep & ~near(beside, erosion_mm, lesion.parts.geometry.spacing_mm))


def _blood_or_like_it(volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams) -> Bools:
    """Return the cavity; where that is undecided, what is as bright as blood beside a darker core, which it is not."""
    cavity = lesion.parts.mask(CAVITY)
    if cavity.any() or LIKE_BLOOD not in {reason.code for reason in lesion.reasons}:
        return cavity
    bright = bright_inside(volume, anatomy, lesion, params=params)
    if bright is None or bright.rest_hu is None or bright.hu - bright.rest_hu < params.leak_below_blood_hu:
        return cavity
    return bright.mask


def _nodule_fraction(lesion: Lesion, hu: Hu, core_hu: float) -> float:
    """Return the share of what lies inside, clear of the rim and no blood, denser than midway from core to rim."""
    rim_hu = lesion.envelope.usual_rim_hu
    return float(np.mean(hu >= (core_hu + rim_hu) / 2)) if hu.size else 0.0


def _with_texture(core: Core, lesion: Lesion, hu: Hu, eroded: Bools, *, noise_hu: float) -> Core:
    """Add what the paste is like, nodules left out."""
    rim_hu = lesion.envelope.usual_rim_hu
    paste = eroded & (hu < ((core.median_hu or 0.0) + rim_hu) / 2)
    if not paste.any():
        return core
    values, heights = hu[paste], -lesion.parts.geometry.to_patient(np.argwhere(paste))[:, 1]
    return replace(core, texture=texture_of(values, heights, noise_hu), own_sd_hu=own_sd_hu(values, noise_hu))


def _homogeneity(values: Hu, median_hu: float, noise_hu: float | None) -> float | None:
    """Return the share of voxels no farther from the median than noise explains."""
    if noise_hu is None:
        return None
    return float(np.mean(np.abs(values - median_hu) <= _HOMOGENEOUS_SDS * noise_hu))
