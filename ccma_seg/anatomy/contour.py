"""The whole contour of the annulus, and its sizes, each by the definition that its name states.

Definitions change the size: the same annuli measured 13.0 cm2 as a saddle and 11.2 cm2 as a D (Blanke, as quoted in
later series). So no area is called just an area here.
"""

from dataclasses import dataclass

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.sectors import TRIGONE_DEG
from ccma_seg.geometry import Floats, Point, as_point, unit

_STEP_DEG = 1.0
"""Between the points of a curve that sizes are measured on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContourSizes:
    """Sizes of a contour; None where it, or what the size is measured against, does not show.

    The plane is that of least squares through the curve. The saddle is the whole curve; the D is the curve cut at the
    trigone line, which is straight from trigone to trigone, in the plane (Blanke 2014). The trigones are taken at 120
    degrees to either side of mid posterior. What each size is: `quantities.toml`.
    """

    saddle_area_mm2: float | None = None
    saddle_perimeter_mm: float | None = None
    saddle_perimeter_3d_mm: float | None = None
    saddle_septal_lateral_mm: float | None = None
    d_shape_area_mm2: float | None = None
    d_shape_perimeter_mm: float | None = None
    d_shape_septal_lateral_mm: float | None = None
    intercommissural_mm: float | None = None
    intertrigonal_mm: float | None = None
    height_mm: float | None = None
    normal: Point | None = None
    tilt_deg: float | None = None
    aortic_angle_deg: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contour:
    """The saddle as it was seen or drawn."""

    points_mm: Floats
    """(72, 3) LPS: closed, one every 5 degrees from mid posterior over the anterolateral side."""
    uncertainty_mm: float
    """Standard error of one point, across the curve."""
    sizes: ContourSizes


def measure_contour(
    annulus: MitralAnnulus, curve_mm: Floats, *, apex_mm: Point | None = None, aortic_normal: Floats | None = None
) -> ContourSizes:
    """Measure a closed curve.

    Parameters
    ----------
    annulus
        Gives angle 0 and the side of the ventricle.
    curve_mm
        (n, 3) LPS, in the order of the angle round the annulus.
    apex_mm
        LV apex, LPS; without it there is no tilt.
    aortic_normal
        Unit vector across the aortic annulus, LPS, downstream; without it there is no angle to it.
    """
    origin, axes = _plane(annulus, curve_mm)
    ring = _every_degree((curve_mm - origin) @ axes.T)
    flat, count = ring[:, :2], len(ring)
    reach = round(TRIGONE_DEG / _STEP_DEG)
    d_shape = np.concatenate([flat[count - reach :], flat[: reach + 1]])
    first, second = ring[count - reach], ring[reach]
    across = np.array([first[1] - second[1], second[0] - first[0]]) / np.linalg.norm((second - first)[:2])
    behind = (d_shape - first[:2]) @ across
    return ContourSizes(
        saddle_area_mm2=_area(flat),
        saddle_perimeter_mm=_perimeter(flat),
        saddle_perimeter_3d_mm=_perimeter(ring),
        saddle_septal_lateral_mm=float(np.linalg.norm(flat[0] - flat[count // 2])),
        d_shape_area_mm2=_area(d_shape),
        d_shape_perimeter_mm=_perimeter(d_shape),
        d_shape_septal_lateral_mm=float(np.abs(behind).max()),
        intercommissural_mm=float(np.ptp(flat[:, 1])),
        intertrigonal_mm=float(np.linalg.norm(second - first)),
        height_mm=float(np.ptp(ring[:, 2])),
        normal=as_point(axes[2]),
        tilt_deg=None if apex_mm is None else angle_deg(axes[2], np.array(apex_mm) - origin),
        aortic_angle_deg=None if aortic_normal is None else 180.0 - angle_deg(-axes[2], aortic_normal),
    )


def angle_deg(first: Floats, second: Floats) -> float:
    """Return the angle between two directions."""
    return float(np.degrees(np.arccos(np.clip(unit(first) @ unit(second), -1, 1))))


def _plane(annulus: MitralAnnulus, curve_mm: Floats) -> tuple[Floats, Floats]:
    """Return the middle of a curve, and its axes: posterior, anterolateral, and apical across its plane."""
    closed = np.vstack([curve_mm, curve_mm[:1]])
    length = np.linalg.norm(np.diff(closed, axis=0), axis=1)
    middle = (closed[:-1] + closed[1:]) / 2
    origin = length @ middle / length.sum()
    normal = np.linalg.svd((middle - origin) * np.sqrt(length)[:, None], full_matrices=False)[2][2]
    normal = normal if normal @ annulus.normal >= 0 else -normal
    posterior = unit(annulus.posterior - (normal @ annulus.posterior) * normal)
    return origin, np.array([posterior, np.cross(normal, posterior), normal])


def _every_degree(local: Floats) -> Floats:
    angles = np.degrees(np.arctan2(local[:, 1], local[:, 0]))
    grid = np.arange(0.0, 360.0, _STEP_DEG)
    radius = np.interp(grid, angles, np.hypot(local[:, 0], local[:, 1]), period=360.0)
    height = np.interp(grid, angles, local[:, 2], period=360.0)
    turned = np.radians(grid)
    return np.stack([radius * np.cos(turned), radius * np.sin(turned), height], axis=1)


def _area(flat: Floats) -> float:
    """Return the area inside a closed polygon (Gauss)."""
    x, y = flat.T
    return float(np.abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def _perimeter(points: Floats) -> float:
    return float(np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1).sum())
