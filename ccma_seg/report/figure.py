"""The overview: the finding in six views, in a window that shows rim and core apart."""

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from ccma_seg.anatomy import ContrastState
from ccma_seg.calcium import CalciumKind, CalciumMap
from ccma_seg.geometry import Point, as_point
from ccma_seg.pipeline import Analysis
from ccma_seg.report.labels import LABEL_COLORS, LABEL_NAMES, RING_COLOR
from ccma_seg.report.views import (
    SOFT_WINDOW_HU,
    WIDE_WINDOW_HU,
    Plane,
    RingView,
    Sight,
    annular_planes,
    orthogonal_planes,
)

_INK, _PAPER = "#e8e8e8", "#101214"
_EDGES = (
    (-0.97, 0, "left", "center"),
    (0.97, 0, "right", "center"),
    (0, -0.97, "center", "top"),
    (0, 0.97, "center", "bottom"),
)
"""Where the words of a plane's edges stand, in halves of its width."""
_TITLE_IN, _SENTENCE_IN, _PICTURES_IN, _KEY_IN = 0.2, 0.6, 1.05, 0.5
"""Where words end and pictures begin below the top of the figure, and how much is left for the key, in inches."""
_FAST_PNG = 2
"""Level of compression: a fifth of the time of the usual one, a tenth larger."""


def write_overview(analysis: Analysis, sights: list[Sight], path: Path) -> None:
    """Draw what is seen on the planes of `views_of`, with thin overlays, as a PNG."""
    rows = -(-len(sights) // 3)
    figure = Figure(figsize=(12, 4.2 * rows + 1.2), dpi=110, facecolor=_PAPER)
    FigureCanvasAgg(figure)
    shown: set[int] = set()
    for place, sight in enumerate(sights, start=1):
        _draw(figure.add_subplot(rows, 3, place), analysis, sight)
        shown |= set(sight.lines)
    _write_words(figure, analysis, sorted(shown))
    figure.savefig(path, metadata={"Software": None}, pil_kwargs={"compress_level": _FAST_PNG})


def views_of(analysis: Analysis) -> list[Plane]:
    """Return the views of the exam's main finding: orthogonal ones, and those of the annulus if it was found."""
    center_mm, annulus = focus_mm(analysis), analysis.anatomy.annulus
    return orthogonal_planes(center_mm) + ([] if annulus is None else annular_planes(annulus, center_mm))


def focus_mm(analysis: Analysis) -> Point:
    """Return what to look at: the largest mass, else annular or undecided calcium, else annulus, heart or volume."""
    if analysis.masses:
        return analysis.masses[0].measurements.centroid_mm
    if analysis.calcium is not None and (middle_mm := _calcium_mm(analysis.calcium)) is not None:
        return middle_mm
    anatomy = analysis.anatomy
    if anatomy.annulus is not None:
        return anatomy.annulus.center_mm
    corners = analysis.volume.geometry.corners_mm() if anatomy.heart_box_mm is None else anatomy.heart_box_mm
    return as_point(np.mean(corners, axis=0))


def _calcium_mm(calcium: CalciumMap) -> Point | None:
    """Return the voxel nearest to the middle of the largest annular, or else undecided, calcification: bands bend."""
    kinds = (CalciumKind.ANNULAR, CalciumKind.UNDECIDED)
    largest = next((c for kind in kinds for c in calcium.calcifications if c.kind == kind), None)
    if largest is None:
        return None
    places_mm = calcium.geometry.to_patient(calcium.voxels([largest.label]))
    return as_point(places_mm[np.linalg.norm(places_mm - largest.centroid_mm, axis=1).argmin()])


def _draw(axes: Axes, analysis: Analysis, sight: Sight) -> None:
    plane, half = sight.plane, sight.plane.width_mm / 2
    low_hu, high_hu = window_hu(analysis)
    axes.imshow(sight.hu, cmap="gray", vmin=low_hu, vmax=high_hu, extent=(-half, half, half, -half))
    for label, parts in sight.lines.items():
        axes.add_collection(LineCollection(parts, colors=LABEL_COLORS[label], linewidths=0.8))
    _draw_annulus(axes, sight.ring)
    _draw_heart_box(axes, analysis, plane)
    axes.plot([half - 22, half - 12], [half - 5, half - 5], color=_INK, linewidth=2)
    axes.text(half - 17, half - 7, "10 mm", color=_INK, fontsize=7, ha="center")
    for (x, y, across, upright), words in zip(_EDGES, plane.edges, strict=True):
        axes.text(x * half, y * half, words, color=_INK, fontsize=7, ha=across, va=upright)
    axes.set(xlim=(-half, half), ylim=(half, -half), xticks=[], yticks=[])
    axes.set_title(plane.title, color=_INK, fontsize=10)


def window_hu(analysis: Analysis) -> tuple[float, float]:
    """Return the window in which the exam is shown."""
    plain = analysis.anatomy.contrast.state == ContrastState.NONE and not analysis.masses
    return SOFT_WINDOW_HU if plain else WIDE_WINDOW_HU


def _draw_annulus(axes: Axes, ring: RingView | None) -> None:
    """Draw the ring where it meets the plane as dots, and as a line where it lies in it."""
    if ring is None:
        return
    axes.plot(*ring.line.T, color=RING_COLOR, linewidth=0.9)
    axes.plot(*ring.dots.T, ".", color=RING_COLOR, markersize=6)


def _draw_heart_box(axes: Axes, analysis: Analysis, plane: Plane) -> None:
    if analysis.anatomy.heart_box_mm is None or not np.isclose(np.abs(plane.normal).max(), 1):
        return
    corners = plane.to_plane(analysis.anatomy.heart_box_mm)[:, :2]
    low, high = corners.min(axis=0), corners.max(axis=0)
    axes.add_patch(Rectangle(low, *(high - low), fill=False, edgecolor=_INK, linewidth=0.5, linestyle=":"))


def _write_words(figure: Figure, analysis: Analysis, shown: list[int]) -> None:
    contrast = analysis.anatomy.contrast
    blood = "" if contrast.blood_pool_hu is None else f", blood {contrast.blood_pool_hu:.0f} HU"
    title = f"{analysis.verdict}   ({analysis.status}; contrast {contrast.state}{blood})"
    height_in = figure.get_figheight()
    figure.suptitle(title, y=1 - _TITLE_IN / height_in, color=_INK, fontsize=13)
    sentence = textwrap.shorten(analysis.explanation, 170)
    figure.text(0.5, 1 - _SENTENCE_IN / height_in, sentence, color=_INK, fontsize=9, ha="center")
    colors = {LABEL_NAMES[label]: LABEL_COLORS[label] for label in shown}
    if analysis.anatomy.annulus is not None:
        colors["mitral annulus"] = RING_COLOR
    keys = [Line2D([], [], color=color, label=name) for name, color in colors.items()]
    figure.legend(handles=keys, loc="lower center", ncols=8, frameon=False, labelcolor=_INK, fontsize=9)
    bottom, top = _KEY_IN / height_in, 1 - _PICTURES_IN / height_in
    figure.subplots_adjust(left=0.01, right=0.99, bottom=bottom, top=top, wspace=0.02, hspace=0.12)
