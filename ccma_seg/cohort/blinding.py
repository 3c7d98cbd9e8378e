"""Pictures for readers who shall not know the result: plain slices through the annulus, without a mark or a word."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ccma_seg.geometry import Point, as_point
from ccma_seg.pipeline import Analysis
from ccma_seg.report.views import WIDE_WINDOW_HU, Plane, orthogonal_planes, sample

READING_VIEWS = "reading.png"

_AXIAL_STEPS_MM = tuple(float(step) for step in np.arange(-22.5, 25.0, 5.0))
"""Ten slices: an annulus, and a mass of 45 mm at it."""

_SIDE_STEPS_MM = (-10.0, 0.0, 10.0)
_COLUMNS = 4


def write_reading_views(analysis: Analysis, path: Path) -> None:
    """Write sixteen views as one PNG: ten axial, three coronal, three sagittal, 120 mm wide, all in one window.

    They lie about the annulus, or else the heart, and never about what was found.
    """
    from matplotlib import image  # noqa: PLC0415  slow to load

    volume = analysis.volume
    views = [sample(volume.hu, volume.geometry, plane, linear=True) for plane in reading_planes(_middle_mm(analysis))]
    rows = [np.hstack(views[start : start + _COLUMNS]) for start in range(0, len(views), _COLUMNS)]
    low_hu, high_hu = WIDE_WINDOW_HU
    image.imsave(path, np.vstack(rows), cmap="gray", vmin=low_hu, vmax=high_hu)


def reading_planes(center_mm: Point) -> list[Plane]:
    """Return the planes that readers see, from the feet up, from the front back, from the right to the left."""
    axial, coronal, sagittal = orthogonal_planes(center_mm)
    steps = [(axial, (0.0, 0.0, step)) for step in _AXIAL_STEPS_MM]
    steps += [(coronal, (0.0, step, 0.0)) for step in _SIDE_STEPS_MM]
    steps += [(sagittal, (step, 0.0, 0.0)) for step in _SIDE_STEPS_MM]
    return [replace(plane, center_mm=as_point(np.add(center_mm, step))) for plane, step in steps]


def _middle_mm(analysis: Analysis) -> Point:
    if analysis.anatomy.annulus is not None:
        return analysis.anatomy.annulus.center_mm
    corners = (
        analysis.volume.geometry.corners_mm()
        if analysis.anatomy.heart_box_mm is None
        else analysis.anatomy.heart_box_mm
    )
    return as_point(np.mean(corners, axis=0))
