"""Solids as signed distances: below zero inside, in millimetres.

Only sums, products, divisions and square roots touch voxels, so that every machine gets the same bits.
Coordinates are three arrays that broadcast: an open grid costs no more memory than its faces.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from ccma_seg.geometry import Floats

Array = npt.NDArray[np.floating]
Level = Callable[[Array, Array, Array], Array]

_TUBE_SLACK = 1.2
"""The distance to a tube is exact but for its taper."""

_NEAR_MM = 4.0
"""Distances matter to about this far from a surface."""

_TINY = 1e-9
"""Keeps divisions at a centre finite."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solid:
    """A body in space."""

    level: Level
    """Signed distance in mm of positions (x, y, z) LPS: true to first order near the surface."""

    low_mm: Floats
    high_mm: Floats
    """A box round the body, LPS."""

    slack: float = 1.5
    """By how much the level may exceed the true distance, some mm from the surface."""

    parts: tuple["Solid", ...] = ()
    """What it is the union of, if it is one: parts may be painted one by one."""


def ellipsoid(center: npt.ArrayLike, radii: npt.ArrayLike, axes: npt.ArrayLike | None = None) -> Solid:
    """Make an ellipsoid from its centre, its radii in mm and its axes (rows, orthonormal; LPS by default)."""
    c, r = np.asarray(center, float), np.asarray(radii, float)
    rows = np.eye(3) if axes is None else np.asarray(axes, float)
    reach = np.sqrt(((rows * r[:, None]) ** 2).sum(axis=0))

    def level(x: Array, y: Array, z: Array) -> Array:
        first, second, third = _local(rows / r[:, None], c, (x, y, z))
        q = np.sqrt(first * first + second * second + third * third)
        a, b, d = first / r[0], second / r[1], third / r[2]
        slope = np.sqrt(a * a + b * b + d * d)
        return np.asarray(q * (q - 1) / (slope + _TINY) - (q < _TINY) * min(r))

    return Solid(level=level, low_mm=c - reach, high_mm=c + reach, slack=_slack(r))


def tube(path: npt.ArrayLike, radii: npt.ArrayLike) -> Solid:
    """Make a round tube along a polyline (n, 3), with one radius in mm or one a point; its ends are balls."""
    points = np.asarray(path, float)
    widths = np.broadcast_to(np.asarray(radii, float), len(points))

    def level(x: Array, y: Array, z: Array) -> Array:
        pieces = zip(points[:-1], points[1:], widths[:-1], widths[1:], strict=True)
        return reduce(np.minimum, (_segment(piece, (x, y, z)) for piece in pieces))

    reach = widths[:, None]
    return Solid(
        level=level, low_mm=(points - reach).min(axis=0), high_mm=(points + reach).max(axis=0), slack=_TUBE_SLACK
    )


def half_space(point: npt.ArrayLike, outward: npt.ArrayLike) -> Solid:
    """Make everything behind a plane."""
    p, n = np.asarray(point, float), np.asarray(outward, float)

    def level(x: Array, y: Array, z: Array) -> Array:
        return np.asarray(n[0] * (x - p[0]) + n[1] * (y - p[1]) + n[2] * (z - p[2]))

    everywhere = np.full(3, np.inf)
    return Solid(level=level, low_mm=-everywhere, high_mm=everywhere, slack=1.0)


def elliptic_column(center: npt.ArrayLike, radii: npt.ArrayLike) -> Solid:
    """Make an endless upright cylinder of elliptic section; centre (x, y), radii in mm."""
    (cx, cy), (a, b) = np.asarray(center, float), np.asarray(radii, float)

    def level(x: Array, y: Array, z: Array) -> Array:
        u, v = (x - cx) / a, (y - cy) / b
        q = np.sqrt(u * u + v * v)
        slope = np.sqrt((u / a) ** 2 + (v / b) ** 2)
        return np.asarray(q * (q - 1) / (slope + _TINY) - (q < _TINY) * min(a, b) + 0 * z)

    low, high = np.array([cx - a, cy - b, -np.inf]), np.array([cx + a, cy + b, np.inf])
    return Solid(level=level, low_mm=low, high_mm=high, slack=_slack(np.array((a, b))))


def union(*solids: Solid) -> Solid:
    """Join bodies."""
    return Solid(
        level=lambda x, y, z: reduce(np.minimum, (s.level(x, y, z) for s in solids)),
        low_mm=np.min([s.low_mm for s in solids], axis=0),
        high_mm=np.max([s.high_mm for s in solids], axis=0),
        slack=max(s.slack for s in solids),
        parts=tuple(part for s in solids for part in (s.parts or (s,))),
    )


def common(*solids: Solid) -> Solid:
    """Keep what all bodies share."""
    return Solid(
        level=lambda x, y, z: reduce(np.maximum, (s.level(x, y, z) for s in solids)),
        low_mm=np.max([s.low_mm for s in solids], axis=0),
        high_mm=np.min([s.high_mm for s in solids], axis=0),
        slack=max(s.slack for s in solids),
    )


def without(solid: Solid, hole: Solid) -> Solid:
    """Cut one body out of another."""
    return Solid(
        level=lambda x, y, z: np.maximum(solid.level(x, y, z), -hole.level(x, y, z)),
        low_mm=solid.low_mm,
        high_mm=solid.high_mm,
        slack=max(solid.slack, hole.slack),
    )


def grown(solid: Solid, by_mm: float) -> Solid:
    """Thicken a body by some mm on all sides, or thin it."""
    return Solid(
        level=lambda x, y, z: solid.level(x, y, z) - by_mm,
        low_mm=solid.low_mm - by_mm * max(solid.slack, 1.0) * (by_mm > 0),
        high_mm=solid.high_mm + by_mm * max(solid.slack, 1.0) * (by_mm > 0),
        slack=solid.slack,
        parts=tuple(grown(part, by_mm) for part in solid.parts),
    )


def _slack(radii: Floats) -> float:
    """Bound the error of the first-order distance to an ellipsoid, some mm from its surface."""
    return float(min(radii.max() / radii.min(), 1 + _NEAR_MM * radii.max() / radii.min() ** 2))


def _local(rows: Floats, center: Floats, position: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
    """Express positions along three axes; small factors keep the dtype of the positions."""
    dx, dy, dz = (p - float(c) for p, c in zip(position, center, strict=True))
    first, second, third = (float(a) * dx + float(b) * dy + float(c) * dz for a, b, c in rows)
    return first, second, third


def _segment(piece: tuple[Floats, Floats, float, float], position: tuple[Array, Array, Array]) -> Array:
    start, end, first, last = piece
    along = end - start
    length2 = float((along * along).sum())
    dx, dy, dz = (p - float(s) for p, s in zip(position, start, strict=True))
    share = (dx * float(along[0]) + dy * float(along[1]) + dz * float(along[2])) / max(length2, _TINY)
    share = np.minimum(np.maximum(share, 0), 1)
    ex, ey, ez = dx - share * float(along[0]), dy - share * float(along[1]), dz - share * float(along[2])
    return np.asarray(np.sqrt(ex * ex + ey * ey + ez * ez) - (float(first) + share * float(last - first)))
