"""The shell of a mass, unrolled: thickness and gaps on two equal-area maps, one from either side."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from scipy.spatial import cKDTree

from ccma_seg.anatomy import MitralAnnulus
from ccma_seg.geometry import Floats, Point
from ccma_seg.lesion import Envelope, sphere
from ccma_seg.pipeline import Mass
from ccma_seg.report.pictures import png_base64

_PIXELS = 160
_COLORS = "cividis"
"""Rises evenly in lightness, and looks the same with red-green blindness (Nunez 2018)."""
_HATCH_PIXELS, _HATCH_GRAY = 4, (40, 225)
_USUAL_THICK_MM = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place on a map, in radii from its centre to the right and down."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfMap:
    """One half of the shell, seen from outside, with equal areas (Lambert's azimuthal projection)."""

    title: str
    png: str
    """Base64; thickness in colour, gaps hatched."""
    edges: tuple[str, str, str, str]
    """What lies to the left, right, top and bottom."""
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RimMap:
    """Both halves and their scale."""

    halves: tuple[HalfMap, HalfMap]
    scale_png: str
    """Base64: the colours from 0 to `scale_mm`."""
    scale_mm: float


def make_rim_map(mass: Mass, annulus: MitralAnnulus) -> RimMap:
    """Unroll the shell of a mass by the directions from its centre, in the frame of the annulus."""
    envelope, rim = mass.lesion.envelope, mass.measurements.rim
    scale_mm = float(np.ceil(max(rim.thickness_max_mm or 0.0, _USUAL_THICK_MM)))
    posterior, lateral, apical = annulus.axes
    gaps = [(gap.direction, f"{gap.width_mm:.1f} mm") for gap in rim.gaps or ()]
    atrial = np.array([-lateral, posterior, -apical])
    ventricular = np.array([lateral, posterior, apical])
    halves = (
        _half(envelope, atrial, gaps, title="from the atrium", edges=("lateral", "medial"), scale_mm=scale_mm),
        _half(envelope, ventricular, gaps, title="from the ventricle", edges=("medial", "lateral"), scale_mm=scale_mm),
    )
    ramp = np.tile(np.linspace(0, 1, 128), (8, 1))
    return RimMap(halves=halves, scale_png=png_base64(_colored(ramp)), scale_mm=scale_mm)


def _half(
    envelope: Envelope,
    frame: Floats,
    gaps: list[tuple[Point, str]],
    *,
    title: str,
    edges: tuple[str, str],
    scale_mm: float,
) -> HalfMap:
    """Draw the half that faces the last row of `frame`; its first rows point right and down."""
    directions, inside = _disc()
    _, nearest = cKDTree(sphere.directions(envelope.covered.size)).query(directions @ frame)
    colors = _colored(np.nan_to_num(envelope.thickness_mm[nearest]) / scale_mm)
    colors[~envelope.covered[nearest]] = _hatched()[inside][~envelope.covered[nearest]]
    pixels = np.zeros((_PIXELS, _PIXELS, 4), np.uint8)
    pixels[inside] = colors
    placed = [(frame @ np.array(direction), text) for direction, text in gaps]
    marks = [_mark(place, text) for place, text in placed if place[2] >= 0]
    return HalfMap(title=title, png=png_base64(pixels), edges=(*edges, "anterior", "posterior"), marks=tuple(marks))


def _disc() -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Return the directions, shape (n, 3), that the pixels of a map within its circle stand for."""
    steps = (np.arange(_PIXELS) + 0.5) * (2 / _PIXELS) - 1
    down, right = np.meshgrid(steps, steps, indexing="ij")
    square = right**2 + down**2
    inside = square <= 1
    shrink = np.sqrt(2 - square[inside])
    return np.stack([right[inside] * shrink, down[inside] * shrink, 1 - square[inside]], axis=1), inside


def _mark(place: Floats, text: str) -> Mark:
    x, y = place[:2] / np.sqrt(1 + place[2])
    return Mark(x=round(float(x), 2), y=round(float(y), 2), text=text)


def _colored(share: Floats) -> npt.NDArray[np.uint8]:
    return np.asarray(colormaps[_COLORS](np.clip(share, 0, 1), bytes=True), np.uint8)


def _hatched() -> npt.NDArray[np.uint8]:
    rows, columns = np.indices((_PIXELS, _PIXELS))
    dark, light = _HATCH_GRAY
    gray = np.where((rows + columns) // _HATCH_PIXELS % 2, light, dark)
    return np.stack([gray, gray, gray, np.full_like(gray, 255)], axis=-1).astype(np.uint8)
