"""The overview: the finding in six views, in a window that shows rim and core apart."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ccma_seg.anatomy import ContrastState
from ccma_seg.geometry import Point, as_point
from ccma_seg.pipeline import Analysis
from ccma_seg.report.labels import LABEL_COLORS, LABEL_NAMES
from ccma_seg.report.views import Plane, annular_planes, orthogonal_planes, sample
from ccma_seg.volume import LabelMap

_WIDE_WINDOW_HU = (-400.0, 1400.0)
"""W 1800 L 500: in a soft-tissue window core and rim look alike."""

_SOFT_WINDOW_HU = (-160.0, 340.0)
"""W 500 L 90: without contrast and without a mass, only fat shows where the chambers part."""

_NEAR_PLANE_MM = 1.5
_INK, _PAPER, _RING = "#e8e8e8", "#101214", "#39ff88"


def write_overview(analysis: Analysis, labels: LabelMap, path: Path) -> None:
    """Draw the exam's main finding, or its annulus if there is none, with thin overlays, as a PNG."""
    center_mm = focus_mm(analysis)
    planes = orthogonal_planes(center_mm)
    if analysis.anatomy.annulus is not None:
        planes += annular_planes(analysis.anatomy.annulus, center_mm)
    rows = -(-len(planes) // 3)
    figure = Figure(figsize=(12, 4.2 * rows + 1.2), dpi=110, facecolor=_PAPER)
    FigureCanvasAgg(figure)
    for place, plane in enumerate(planes, start=1):
        _draw(figure.add_subplot(rows, 3, place), analysis, labels, plane)
    _write_words(figure, analysis, labels)
    figure.savefig(path, metadata={"Software": None})


def focus_mm(analysis: Analysis) -> Point:
    """Return what to look at: the largest mass, else the annulus, else the heart, else the middle of the volume."""
    if analysis.masses:
        return analysis.masses[0].measurements.centroid_mm
    anatomy = analysis.anatomy
    if anatomy.annulus is not None:
        return anatomy.annulus.center_mm
    corners = analysis.volume.geometry.corners_mm() if anatomy.heart_box_mm is None else anatomy.heart_box_mm
    return as_point(np.mean(corners, axis=0))


def _draw(axes: Axes, analysis: Analysis, labels: LabelMap, plane: Plane) -> None:
    half = plane.width_mm / 2
    extent = (-half, half, half, -half)
    image = sample(analysis.volume.hu, analysis.volume.geometry, plane, linear=True)
    low_hu, high_hu = _window_hu(analysis)
    axes.imshow(image, cmap="gray", vmin=low_hu, vmax=high_hu, extent=extent)
    seen = sample(labels.labels, labels.geometry, plane, linear=False)
    for label in np.unique(seen[seen > 0]):
        axes.contour(
            seen == label, levels=[0.5], colors=LABEL_COLORS[int(label)], linewidths=0.8, extent=extent, origin="upper"
        )
    _draw_annulus(axes, analysis, plane)
    _draw_heart_box(axes, analysis, plane)
    axes.plot([half - 22, half - 12], [half - 5, half - 5], color=_INK, linewidth=2)
    axes.text(half - 17, half - 7, "10 mm", color=_INK, fontsize=7, ha="center")
    axes.set(xlim=(-half, half), ylim=(half, -half), xticks=[], yticks=[])
    axes.set_title(plane.title, color=_INK, fontsize=10)


def _window_hu(analysis: Analysis) -> tuple[float, float]:
    plain = analysis.anatomy.contrast.state == ContrastState.NONE and not analysis.masses
    return _SOFT_WINDOW_HU if plain else _WIDE_WINDOW_HU


def _draw_annulus(axes: Axes, analysis: Analysis, plane: Plane) -> None:
    """Draw the ring where it meets the plane as dots, and as a line where it lies in it."""
    if analysis.anatomy.annulus is None:
        return
    curve = plane.to_plane(analysis.anatomy.annulus.curve_mm)
    closed = np.vstack([curve, curve[:1]])
    if "en face" in plane.title:
        axes.plot(closed[:, 0], closed[:, 1], color=_RING, linewidth=0.9)
    near = curve[np.abs(curve[:, 2]) < _NEAR_PLANE_MM]
    axes.plot(near[:, 0], near[:, 1], ".", color=_RING, markersize=4)


def _draw_heart_box(axes: Axes, analysis: Analysis, plane: Plane) -> None:
    if analysis.anatomy.heart_box_mm is None or not np.isclose(np.abs(plane.normal).max(), 1):
        return
    corners = plane.to_plane(analysis.anatomy.heart_box_mm)[:, :2]
    low, high = corners.min(axis=0), corners.max(axis=0)
    axes.add_patch(Rectangle(low, *(high - low), fill=False, edgecolor=_INK, linewidth=0.5, linestyle=":"))


def _write_words(figure: Figure, analysis: Analysis, labels: LabelMap) -> None:
    contrast = analysis.anatomy.contrast
    blood = "" if contrast.blood_pool_hu is None else f", blood {contrast.blood_pool_hu:.0f} HU"
    figure.suptitle(
        f"{analysis.verdict}   ({analysis.status}; contrast {contrast.state}{blood})", color=_INK, fontsize=13
    )
    figure.text(0.5, 0.935, textwrap.shorten(analysis.explanation, 170), color=_INK, fontsize=9, ha="center")
    present = [label for label in LABEL_NAMES if (labels.labels == label).any()]
    for place, label in enumerate(present):
        figure.text(0.06 + 0.13 * place, 0.02, f"■ {LABEL_NAMES[label]}", color=LABEL_COLORS[label], fontsize=9)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.05, top=0.89, wspace=0.02, hspace=0.12)
