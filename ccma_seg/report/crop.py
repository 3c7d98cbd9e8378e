"""What the viewer in the page shows: a small piece of the exam round what was found."""

import base64
import gzip
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg.geometry import Floats, Geometry
from ccma_seg.lesion.surface import envelope_points
from ccma_seg.nifti.writing import nifti_bytes
from ccma_seg.pipeline import Analysis
from ccma_seg.volume import LabelMap

_MARGIN_MM = 12.0
_MOST_VOXELS = 1_100_000
"""Of noisy CT about 1.7 MB, packed and in base64 2.3 MB."""
_PACKING = 3
"""Of noisy CT as small as the usual level 6, in two thirds of its time."""


def pack_crop(analysis: Analysis, labels: LabelMap) -> dict[str, str]:
    """Return CT and labels round annulus and masses as gzipped NIfTI in base64, on cubes no finer than the exam."""
    geometry = analysis.volume.geometry
    slices = geometry.slices_around(_shown_mm(analysis), margin_mm=_MARGIN_MM)
    whole = geometry.crop(slices)
    step_mm = max(min(whole.spacing_mm), float(np.cbrt(np.prod(whole.shape) * whole.voxel_mm3 / _MOST_VOXELS)))
    grid = _with_spacing(whole, step_mm)
    hu = _resampled(analysis.volume.hu[slices], whole, grid, linear=True)
    seen = _resampled(labels.on(whole), whole, grid, linear=False)
    return {"volume": _packed(hu, grid), "labels": _packed(seen, grid)}


def _shown_mm(analysis: Analysis) -> Floats:
    anatomy, corners = analysis.anatomy, analysis.volume.geometry.corners_mm()
    place = np.array(anatomy.heart_box_mm or corners) if anatomy.annulus is None else anatomy.annulus.curve_mm
    return np.concatenate([place, *(envelope_points(mass.lesion.envelope) for mass in analysis.masses)])


def _with_spacing(geometry: Geometry, step_mm: float) -> Geometry:
    slices, rows, columns = (
        int((n - 1) * s / step_mm) + 1 for n, s in zip(geometry.shape, geometry.spacing_mm, strict=True)
    )
    return replace(geometry, shape=(slices, rows, columns), spacing_mm=(step_mm,) * 3)


def _resampled(
    values: npt.NDArray[np.generic], old: Geometry, new: Geometry, *, linear: bool
) -> npt.NDArray[np.generic]:
    scale = np.array(new.spacing_mm) / np.array(old.spacing_mm)
    return np.asarray(
        ndimage.affine_transform(values, scale, output_shape=new.shape, order=int(linear), mode="nearest")
    )


def _packed(values: npt.NDArray[np.generic], geometry: Geometry) -> str:
    return base64.b64encode(gzip.compress(nifti_bytes(values, geometry), _PACKING, mtime=0)).decode("ascii")
