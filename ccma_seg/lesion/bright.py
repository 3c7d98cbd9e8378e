"""The part of an inside that is as bright as enhanced blood: blood, or paste that looks like it."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ccma_seg.anatomy.findings import Anatomy, ContrastState
from ccma_seg.geometry import Bools
from ccma_seg.lesion.findings import CORE, Lesion
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.parts import depth_mm
from ccma_seg.lesion.rays import Singles
from ccma_seg.morphology import grown, near
from ccma_seg.volume import Volume

_FEW_VOXELS = 20
"""Fewer voxels of paste say nothing of its HU."""
_NODULE = 1.4
"""HU over blood from which on something within a core is a calcified nodule; jets of contrast are up to 1.2."""
_DEEP_MM = 2.0
"""Below the rim: nothing of the rim, blurred and averaged, reaches so far."""
_HALO_MM = 1.5
"""How far blur makes what lies round a nodule as bright as blood."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bright:
    """The part of an inside that is as bright as enhanced blood."""

    mask: Bools
    """On the grid of the lesion's parts: cut halfway to what lies beside it, and up to the rim."""
    clear: Bools
    """The inside, clear of the rim's blur."""
    smooth_hu: Singles
    """On the same grid, noise averaged out."""
    hu: float
    """Median of the part."""
    rest_hu: float | None
    """Median of what else the inside holds; None if there is too little."""
    volume_mm3: float
    """Of the part, clear of the rim."""

    @property
    def share(self) -> float:
        """Return how much of the inside it is, both clear of the rim."""
        return float((self.mask & self.clear).sum() / self.clear.sum())

    @property
    def cut_hu(self) -> float | None:
        """Return what lies midway between the part and the rest; None if there is no rest."""
        return None if self.rest_hu is None else (self.hu + self.rest_hu) / 2


def bright_inside(volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams) -> Bright | None:
    """Return the part of the inside that is as bright as blood; None if there is none as large as a cavity.

    What lies round calcified nodules, brightened by them alone, is no such part.
    """
    blood_hu = anatomy.contrast.blood_pool_hu
    if anatomy.contrast.state == ContrastState.NONE or blood_hu is None:
        return None
    geometry = lesion.parts.geometry
    smooth = smooth_hu(volume, lesion, params)
    depth = depth_mm(geometry, lesion.envelope)
    clear = lesion.parts.mask(CORE) & (depth >= params.erosion_thin_mm)
    low, high = (blood_hu * f for f in params.blood_like)
    halo = near(clear & (depth >= _DEEP_MM) & (smooth > _NODULE * blood_hu), _HALO_MM, geometry.spacing_mm)
    blood = largest_part(clear & ~halo & (smooth >= low) & (smooth <= high))
    volume_mm3 = float(blood.sum()) * geometry.voxel_mm3
    if not blood.any() or volume_mm3 < min(
        params.blood_min_mm3, params.blood_min_share * float(clear.sum()) * geometry.voxel_mm3
    ):
        return None
    hu = float(np.median(smooth[blood]))
    paste = clear & ~grown(blood, 3) & (smooth < hu)
    rest_hu = float(np.median(smooth[paste])) if paste.sum() >= _FEW_VOXELS else None
    cut_hu = low if rest_hu is None else (hu + rest_hu) / 2
    mask = with_margin(lesion, largest_part(clear & ~(halo & ~blood) & (smooth >= cut_hu)), clear=clear)
    return Bright(mask=mask, clear=clear, smooth_hu=smooth, hu=hu, rest_hu=rest_hu, volume_mm3=volume_mm3)


def smooth_hu(volume: Volume, lesion: Lesion, params: LesionParams) -> Singles:
    """Return HU round a lesion, averaged against noise."""
    hu = volume.hu[lesion.parts.slices_in(volume.geometry)].astype(np.float32)
    size = np.maximum(1, np.rint(params.smoothing_mm / np.array(volume.geometry.spacing_mm))).astype(int)
    return np.asarray(ndimage.uniform_filter(hu, size, mode="nearest"), np.float32)


def with_margin(lesion: Lesion, found: Bools, *, clear: Bools) -> Bools:
    """Add to a part of the inside, found clear of the rim, its share of the margin next to the rim."""
    spacing = lesion.parts.geometry.spacing_mm
    core = lesion.parts.mask(CORE)
    to_found = ndimage.distance_transform_edt(~found, sampling=spacing)
    rest = clear & ~found
    to_rest = ndimage.distance_transform_edt(~rest, sampling=spacing) if rest.any() else np.inf
    return np.asarray(found | (core & ~clear & (to_found <= to_rest)))


def largest_part(mask: Bools) -> Bools:
    """Return the largest connected part of a mask."""
    labels, count = ndimage.label(mask)
    if count <= 1:
        return mask
    return np.asarray(labels == 1 + np.bincount(labels.ravel())[1:].argmax())
