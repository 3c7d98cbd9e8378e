"""The calcified shell of a mass."""

import numpy as np

from ccma_seg.anatomy.findings import Anatomy
from ccma_seg.lesion.findings import RIM, Lesion, Rim
from ccma_seg.lesion.gaps import coverage_pct, find_gaps
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.surface import envelope_points, vertex_areas
from ccma_seg.volume import Volume

_NEARLY_LARGEST = 98
_THICKER = 1.5
"""Of the median thickness: what exceeds it may be a band beside the rim."""


def measure_rim(volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams) -> Rim:
    """Measure the rim: thickness square to its surface and volume from the fitted walls, HU from the voxels."""
    envelope = lesion.envelope
    covered = envelope.covered
    thickness = envelope.thickness_mm[covered]
    areas = vertex_areas(envelope_points(envelope), covered.size)[covered]
    shrink = (envelope.inner_radius_mm / envelope.outer_radius_mm)[covered]
    hu = volume.hu[lesion.parts.slices_in(volume.geometry)][lesion.parts.mask(RIM)]
    p75, p95 = (float(v) for v in np.percentile(hu, (75, 95))) if hu.size else (None, None)
    return Rim(
        coverage_pct=coverage_pct(envelope),
        thickness_mm=float(np.median(thickness)),
        thickness_max_mm=float(np.percentile(thickness, _NEARLY_LARGEST)),
        excess_mm=float(np.maximum(0.0, thickness - _THICKER * np.median(thickness)).mean()),
        mean_hu=float(np.average(envelope.rim_hu[covered], weights=areas)),
        peak_hu=float(hu.max()) if hu.size else None,
        p75_hu=p75,
        p95_hu=p95,
        volume_mm3=float((areas * thickness * (1 + shrink + shrink**2) / 3).sum()),
        gaps=find_gaps(anatomy, envelope, params),
    )
