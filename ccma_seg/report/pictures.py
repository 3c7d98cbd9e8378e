"""Views for the page: a grey picture, and the lines on it that stay sharp at any size."""

import base64
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from ccma_seg.geometry import Floats
from ccma_seg.lesion import sphere
from ccma_seg.pipeline import Analysis, Mass
from ccma_seg.report.figure import focus_mm, window_hu
from ccma_seg.report.labels import LABEL_COLORS, LABEL_NAMES
from ccma_seg.report.views import (
    SOFT_WINDOW_HU,
    WIDE_WINDOW_HU,
    Sight,
    annular_planes,
    close,
    look,
    plane_along,
)
from ccma_seg.volume import LabelMap

Window = tuple[float, float]

_PACKING = 4
"""Of slices of CT as small as the usual level 6, in half of its time."""

_NECK_BAR_MM = 1.5
"""Half the length of the bars on either side of the neck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A view as it is drawn: in mm from its centre, to the right and down."""

    title: str
    alt: str
    half_mm: float
    png: str
    """Base64."""
    lines: tuple[tuple[str, str], ...]
    """Colour and SVG path of each label's outline."""
    ring: str
    """SVG path of the annulus where it lies in the view."""
    dots: tuple[tuple[float, float], ...]
    """Where it crosses the view."""
    edges: tuple[str, str, str, str]
    marks: str = ""
    """SVG path of what is pointed out."""


def exam_pictures(analysis: Analysis, sights: list[Sight]) -> list[Picture]:
    """Return the views of the overview, in its window."""
    return [draw(sight, window_hu(analysis)) for sight in sights]


def close_pictures(analysis: Analysis, labels: LabelMap) -> list[Picture]:
    """Return close views of the main finding along the annulus, in a wide window and then in that of soft tissue."""
    if analysis.anatomy.annulus is None:
        return []
    planes = annular_planes(analysis.anatomy.annulus, focus_mm(analysis))
    sights = [look(analysis, labels, close(plane)) for plane in planes]
    return [draw(sight, window) for window in (WIDE_WINDOW_HU, SOFT_WINDOW_HU) for sight in sights]


def neck_picture(analysis: Analysis, labels: LabelMap, mass: Mass) -> Picture | None:
    """Return the view along the way out of a cavity, with its narrowest place between two bars; None without one."""
    passage, annulus = mass.lesion.passage, analysis.anatomy.annulus
    if passage is None or annulus is None:
        return None
    envelope = mass.lesion.envelope
    nearest = int((sphere.directions(envelope.covered.size) @ np.array(passage.direction)).argmax())
    at_mm = -float(envelope.inner_radius_mm[nearest] + envelope.outer_radius_mm[nearest]) / 2
    half, bar = passage.neck_mm / 2, _NECK_BAR_MM
    marks = f"M0,0V{at_mm - 8:.1f}" + "".join(f"M{x:.1f},{at_mm - bar:.1f}v{2 * bar:.1f}" for x in (-half, half))
    plane = plane_along(passage.direction, annulus, envelope.center_mm)
    return draw(look(analysis, labels, plane), WIDE_WINDOW_HU, marks=marks)


def draw(sight: Sight, window_hu: Window, *, marks: str = "") -> Picture:
    """Draw what is seen on a plane."""
    plane, ring = sight.plane, sight.ring
    seen = ", ".join(LABEL_NAMES[label] for label in sight.lines) or "nothing"
    return Picture(
        title=f"{plane.title}, W {window_hu[1] - window_hu[0]:.0f} L {np.mean(window_hu):.0f}",
        alt=f"CT {plane.title}, {plane.width_mm:.0f} mm wide; outlined: {seen}",
        half_mm=plane.width_mm / 2,
        png=png_base64(_gray(sight.hu, window_hu)),
        lines=tuple((LABEL_COLORS[label], "".join(map(svg_path, parts))) for label, parts in sight.lines.items()),
        ring="" if ring is None else svg_path(ring.line),
        dots=() if ring is None else tuple((round(float(x), 1), round(float(y), 1)) for x, y in ring.dots),
        edges=plane.edges,
        marks=marks,
    )


def svg_path(points: Floats) -> str:
    """Return points, shape (n, 2), as an SVG path."""
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points.tolist()) if len(points) else ""


def png_base64(pixels: npt.NDArray[np.uint8]) -> str:
    """Return a picture, (rows, columns) grey or (rows, columns, 3 or 4) in colour, as a PNG in base64."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=_PACKING)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _gray(hu: npt.NDArray[np.int16], window_hu: Window) -> npt.NDArray[np.uint8]:
    low, high = window_hu
    return np.asarray(np.clip((hu - low) * (255 / (high - low)), 0, 255), np.uint8)
