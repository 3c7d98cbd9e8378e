"""A lesion put into a real CT, as sharp and as noisy as that CT."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.errors import GeometryError
from ccma_seg.geometry import Floats, Geometry
from ccma_seg.phantom.bodies import Body, Codes, fill
from ccma_seg.phantom.contrast import PLAIN_BLOOD_HU, REFERENCE_KV, Brightness
from ccma_seg.phantom.generation import Phantom
from ccma_seg.phantom.image_quality import ImageQuality, blood_hu, image_quality, noise_like
from ccma_seg.phantom.labelling import label_bodies
from ccma_seg.phantom.lesions import Built, build_lesion
from ccma_seg.phantom.rendering import Grid, Hu32
from ccma_seg.phantom.scanner import HU_RANGE, SliceProfile, blur_plane, gather, slice_profile
from ccma_seg.phantom.spec import LesionSpec, Recipe, ScannerSpec
from ccma_seg.phantom.truth import insertion_truth
from ccma_seg.volume import Hu, Volume

_BORDER_MM = 6.0
"""Round the lesion, so that blur does not meet the edge of the crop."""

_LV_MM, _LA_MM, _BLOOD_RADIUS_MM = (0.0, 0.0, 24.0), (-3.0, 3.0, -20.0), 5.0
"""Where blood is measured, in the frame of the annulus."""

_ENHANCED_HU = 120.0
"""Blood above this is enhanced."""


def insert(
    volume: Volume,
    annulus: MitralAnnulus,
    lesions: LesionSpec | Sequence[LesionSpec],
    *,
    seed: int = 1,
    quality: ImageQuality | None = None,
) -> Phantom:
    """Put lesions into a CT.

    Parameters
    ----------
    volume
        A real CT.
    annulus
        Where its mitral annulus lies.
    lesions
        In the frame of the annulus.
    seed
        Of the patches and the noise.
    quality
        Sharpness and noise of the CT; measured when not given.

    Returns
    -------
    Phantom
        The CT with the lesions; the truth of the lesions; labels of their parts only.

    Raises
    ------
    GeometryError
        If a lesion does not lie within the volume.
    """
    specs = (lesions,) if isinstance(lesions, LesionSpec) else tuple(lesions)
    kv = volume.acquisition.tube_voltage_kv or REFERENCE_KV
    hu = measured_brightness(volume, annulus)
    seen = quality or image_quality(volume, annulus)
    built = [build_lesion(s, annulus, hu, kv, seed=seed * 1000 + i) for i, s in enumerate(specs)]
    voxels = volume.hu.copy()
    for number, one in enumerate(built):
        _put(one, voxels, volume.geometry, seen, seed=seed + number)
    acquisition = replace(volume.acquisition, series_uid="", sop_instance_uids=(), frame_numbers=())
    return Phantom(
        volume=replace(volume, hu=voxels, acquisition=acquisition, identity=None),
        truth=_truth(built, annulus, hu, seen, volume),
        annulus=annulus,
        recipe=Recipe(name="inserted", lesions=specs),
        seed=seed,
        label=lambda: label_bodies([b.body for b in built], volume.geometry),
    )


def measured_brightness(volume: Volume, annulus: MitralAnnulus) -> Brightness:
    """Measure the blood of the left heart; the rest follows it."""
    lv = blood_hu(volume, annulus, _LV_MM, radius_mm=_BLOOD_RADIUS_MM)
    la = blood_hu(volume, annulus, _LA_MM, radius_mm=_BLOOD_RADIUS_MM)
    muscle = 60 + 0.15 * max(lv - PLAIN_BLOOD_HU, 0)
    return Brightness(
        left_ventricle=lv,
        left_atrium=la,
        aorta=lv,
        right_ventricle=lv,
        right_atrium=lv,
        pulmonary_artery=lv,
        veins=lv,
        myocardium=muscle,
        liver=muscle,
        organ=muscle,
    )


def _put(built: Built, voxels: Hu, geometry: Geometry, quality: ImageQuality, *, seed: int) -> None:
    """Blend one lesion into the voxels, in place."""
    body = built.body
    box = geometry.slices_around(_corners(body), margin_mm=_BORDER_MM)
    crop = geometry.crop(box)
    if not crop.contains(0.5 * (body.low_mm + body.high_mm)):
        raise GeometryError("the lesion must lie within the volume")
    share, hu = _as_scanned(body, crop, quality)
    before = voxels[box].astype(np.float32)
    noise = noise_like(quality, crop.shape, seed=seed) * np.sqrt(np.maximum(1 - (1 - share) ** 2, 0))
    voxels[box] = np.rint(np.clip(before * (1 - share) + hu + noise, min(HU_RANGE[0], before.min()), HU_RANGE[1]))


def _as_scanned(body: Body, crop: Geometry, quality: ImageQuality) -> tuple[Hu32, Hu32]:
    """Return the share of each voxel that a body fills, and HU times share, after profile and blur."""
    spacing = crop.spacing_mm
    profile = slice_profile(
        ScannerSpec(slice_spacing_mm=spacing[0], slice_thickness_mm=max(quality.slice_thickness_mm, spacing[0]))
    )
    grid = _local_grid(crop, profile)
    filling = fill(_in_local(body, crop), grid)
    if filling is None:
        raise GeometryError("the lesion must lie within the volume")
    both = []
    for part in (filling.share, filling.hu):
        planes = np.zeros(grid.shape, np.float32)
        planes[filling.box] = part
        both.append(blur_plane(gather(planes, profile, crop.shape[0]), quality.psf_fwhm_mm, spacing[1]))
    return both[0], both[1]


def _local_grid(crop: Geometry, profile: SliceProfile) -> Grid:
    """Return planes of the object over a crop, in mm along its own axes."""
    planes = profile.first_mm + np.arange(profile.plane_count(crop.shape[0])) * profile.step_mm
    rows, columns = (np.arange(n) * step for n, step in zip(crop.shape[1:], crop.spacing_mm[1:], strict=True))
    steps = (profile.step_mm, crop.spacing_mm[1], crop.spacing_mm[2])
    return Grid(x=columns[None, None], y=rows[None, :, None], z=planes[:, None, None], voxel_mm=steps)


def _in_local(body: Body, crop: Geometry) -> Body:
    """Express a body in mm along the axes of a crop: (column, row, slice)."""
    axes, origin = np.array(crop.axes)[::-1], np.array(crop.origin_mm)
    corners = (_corners(body) - origin) @ axes.T
    texture = body.texture

    def classify(local_mm: Floats) -> Codes:
        return body.classify(local_mm @ axes + origin)

    def textured(local_mm: Floats, codes: Codes) -> Floats:
        return texture(local_mm @ axes + origin, codes) if texture else np.zeros(len(local_mm))

    return replace(
        body,
        low_mm=corners.min(axis=0),
        high_mm=corners.max(axis=0),
        classify=classify,
        texture=textured if texture else None,
    )


def _corners(body: Body) -> Floats:
    ends = np.array([body.low_mm, body.high_mm])
    return np.array([[ends[i, 0], ends[j, 1], ends[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])


def _truth(
    built: Sequence[Built], annulus: MitralAnnulus, hu: Brightness, quality: ImageQuality, volume: Volume
) -> dict[str, Any]:
    blood = 0.5 * (hu.left_ventricle + hu.left_atrium)
    truth = insertion_truth(built, annulus, volume, noise_sd_hu=quality.noise_sd_hu, blood_hu=blood)
    return {
        **truth,
        "contrast": {
            "state": "enhanced" if blood > _ENHANCED_HU else "none",
            "blood_pool_hu": round(blood, 1),
            "blood_pool_sd_hu": round(quality.noise_sd_hu, 1),
            "left_ventricle_hu": round(hu.left_ventricle, 1),
            "left_atrium_hu": round(hu.left_atrium, 1),
        },
        "image": {
            "psf_fwhm_mm": round(quality.psf_fwhm_mm, 3),
            "slice_thickness_mm": quality.slice_thickness_mm,
        },
    }
