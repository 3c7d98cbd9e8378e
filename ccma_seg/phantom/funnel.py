"""Chambers that narrow to the ring: convex sections that change from one end of a body to the other."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.geometry import Floats
from ccma_seg.phantom.shapes import Array, Solid

_SIDES = 72
"""Of the polygon that stands for a section: within 0.1 % of its area."""
_SMALL_MM2 = 25.0
"""Of the squared distance from the axis: within it the saddle flattens out."""
_FULL_WALL_MM = 6.0
"""From the hinge to where the ventricle's wall is as thick as elsewhere (proposal)."""
_OVERLAP_MM = 0.5
"""Bodies that meet overlap by this much at either end, so that no seam shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """An ellipse across the axis of the annulus."""

    center: tuple[float, float]
    """Posterior and anterolateral, mm."""
    radii: tuple[float, float]


def funnel(
    annulus: MitralAnnulus, section: Section, *, length_mm: float, wall_mm: tuple[float, float] = (0.0, 0.0)
) -> Solid:
    """Make a body from the ring, saddle and all, to a section across the axis.

    Parameters
    ----------
    annulus
        Whose curve is one end.
    section
        The other end.
    length_mm
        Where that lies along the axis: positive towards the apex.
    wall_mm
        By how much the body is wider than the ring, and than all that lies 6 mm from it or farther.
    """
    ring = annulus.to_frame(annulus.curve_mm)
    turned = np.linspace(0, 2 * np.pi, _SIDES, endpoint=False)
    across = np.stack([np.cos(turned), np.sin(turned)], axis=1)
    near = (across @ ring[:, :2].T).max(axis=1)
    far = across @ section.center + np.linalg.norm(across * section.radii, axis=1)
    swing_mm = float(-annulus.to_frame(annulus.curve_mm[0])[2])
    away = 1.0 if length_mm > 0 else -1.0
    rows, origin = annulus.axes, np.asarray(annulus.center_mm)

    def level(x: Array, y: Array, z: Array) -> Array:
        first, second, third = _frame(rows, origin, (x, y, z))
        square = first * first + second * second
        saddle = -swing_mm * (first * first - second * second) / (square + _SMALL_MM2)
        share = (third - saddle) / (length_mm - saddle)
        u, thick = _eased(share), _eased(away * (third - saddle) / _FULL_WALL_MM)
        reach = np.full(np.broadcast_shapes(first.shape, second.shape, third.shape), -np.inf)
        for (a, b), c, d in zip(across, near, far, strict=True):
            reach = np.maximum(reach, float(a) * first + float(b) * second - (float(c) + float(d - c) * u))
        reach = reach - (wall_mm[0] + (wall_mm[1] - wall_mm[0]) * thick)
        ends = np.maximum(-share, share - 1) * abs(length_mm) - _OVERLAP_MM
        return np.asarray(np.maximum(reach, ends))

    wide = max(near.max(), far.max()) + max(wall_mm) + _OVERLAP_MM
    low, high = sorted((-away * (abs(swing_mm) + _OVERLAP_MM), length_mm + away * _OVERLAP_MM))
    corners = annulus.to_patient([(p, q, r) for p in (-wide, wide) for q in (-wide, wide) for r in (low, high)])
    return Solid(level=level, low_mm=corners.min(axis=0), high_mm=corners.max(axis=0), slack=1.5)


def _eased(share: Array) -> Array:
    """Rise smoothly from 0 at 0 to 1 at 1."""
    inside = np.minimum(np.maximum(share, 0), 1)
    return np.asarray(inside * inside * (3 - 2 * inside))


def _frame(rows: Floats, origin: Floats, position: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
    dx, dy, dz = (part - float(at) for part, at in zip(position, origin, strict=True))
    first, second, third = (float(a) * dx + float(b) * dy + float(c) * dz for a, b, c in rows)
    return first, second, third


def ellipsoid_section(center: npt.ArrayLike, radii: npt.ArrayLike, at_mm: float) -> Section:
    """Cut an ellipsoid in the annular frame, centre and radii in mm, across the axis."""
    (p, q, r), (a, b, c) = np.asarray(center, float), np.asarray(radii, float)
    share = float(np.sqrt(1 - ((at_mm - r) / c) ** 2))
    return Section(center=(float(p), float(q)), radii=(float(a) * share, float(b) * share))
