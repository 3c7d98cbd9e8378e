"""The picture of a comparison: the same planes side by side, with what was found."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ccma_seg.comparison.findings import Comparison
from ccma_seg.comparison.panels import Panel, lesion_panels, phase_panels
from ccma_seg.report import LABEL_COLORS
from ccma_seg.report.views import outlines

_MOST_LESIONS = 3
_PANEL_INCHES, _HEAD_INCHES = 3.4, 0.5
_INK, _PAPER = "#e8e8e8", "#101214"


def write_figure(comparison: Comparison, path: Path) -> None:
    """Draw the aligned phases, and up to three lesions in both exams, as a PNG."""
    rows = _rows(comparison)
    height = (_PANEL_INCHES + 0.3) * len(rows) + _HEAD_INCHES
    figure = Figure(figsize=(4 * _PANEL_INCHES, height), dpi=110, facecolor=_PAPER)
    FigureCanvasAgg(figure)
    for row, panels in enumerate(rows):
        for column, panel in enumerate(panels, start=1):
            _draw(figure.add_subplot(len(rows), 4, 4 * row + column), panel)
    figure.suptitle(_title(comparison), color=_INK, fontsize=12)
    figure.subplots_adjust(
        left=0.01, right=0.99, bottom=0.02, top=1 - (_HEAD_INCHES + 0.1) / height, wspace=0.03, hspace=0.1
    )
    figure.savefig(path, metadata={"Software": None})


def _rows(comparison: Comparison) -> list[list[Panel]]:
    rows = [lesion_panels(comparison, lesion) for lesion in comparison.lesions[:_MOST_LESIONS]]
    phases = [] if comparison.both_phases is None else phase_panels(comparison.both_phases)
    return ([phases] if phases else []) + (rows or [lesion_panels(comparison, None)])


def _title(comparison: Comparison) -> str:
    changes = ", ".join(f"lesion {x['id']} {x['change'].replace('_', ' ')}" for x in comparison.lesions) or "no lesion"
    if comparison.both_phases is not None:
        return f"two phases: {comparison.both_phases.verdict}"
    days = "" if comparison.interval_days is None else f", {comparison.interval_days} days"
    return f"{comparison.kind.replace('_', '-')}{days}: {changes}"


def _draw(axes: Axes, panel: Panel) -> None:
    plane, half = panel.plane, panel.plane.width_mm / 2
    low, high = panel.window_hu
    axes.set_facecolor("#000000")
    if panel.image is None:
        axes.text(0, 0, "a finished result keeps no images", color=_INK, fontsize=7, ha="center")
    else:
        axes.imshow(panel.image, cmap=panel.colors, vmin=low, vmax=high, extent=(-half, half, half, -half))
    for label, lines in ({} if panel.labels is None else outlines(panel.labels, plane)).items():
        for line in lines:
            axes.plot(line[:, 0], line[:, 1], color=LABEL_COLORS[label], linewidth=0.9)
    for text, height in zip(plane.edges[2:], (4 - half, half - 2), strict=True):
        axes.text(0, height, text, color=_INK, fontsize=7, ha="center")
    axes.plot([half - 14, half - 4], [half - 7, half - 7], color=_INK, linewidth=2)
    axes.text(half - 9, half - 8.5, "10 mm", color=_INK, fontsize=7, ha="center")
    axes.set(xlim=(-half, half), ylim=(half, -half), xticks=[], yticks=[])
    axes.set_title(plane.title, color=_INK, fontsize=9)
