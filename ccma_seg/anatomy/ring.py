"""The shape of the annulus: a D in its plane and a saddle out of it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.geometry import Floats, as_point, unit

_DENSE = 720
"""Points along a curve from which its regular ones are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RingParams:
    """The average annulus, used where the images do not show this one's."""

    septal_lateral_mm: float = 31.4
    """CT of 47 mixed patients: 31.4 +- 4.5 mm (Erasmus repository 101897)."""

    intercommissural_mm: float = 39.3
    """CT of 47 mixed patients: 39.3 +- 4.6 mm (Erasmus repository 101897)."""

    height_mm: float = 6.0
    """Of the saddle: 5.6-6.9 mm in controls (PMC7368231)."""

    posterior_share: ClassVar[float] = 0.55
    """Of the septal-lateral diameter that lies behind the centre: the D's round side is posterior."""

    anterior_flatness: ClassVar[float] = 0.6
    """Power of the cosine on the straight, anterior side: 1 is an ellipse, 0 a straight line."""

    points: ClassVar[int] = 72
    """One every 5 degrees."""


def saddle(params: RingParams, *, septal_lateral_mm: float, intercommissural_mm: float) -> Floats:
    """Return a D-shaped saddle in the annular frame (posterior, anterolateral, apical), shape (n, 3).

    The commissures lie nearest to the apex, mid anterior and mid posterior nearest to the atrium.
    """
    angle = np.linspace(0, 2 * np.pi, params.points, endpoint=False)
    cosine = np.cos(angle)
    behind = params.posterior_share * septal_lateral_mm * cosine
    ahead = (params.posterior_share - 1) * septal_lateral_mm * np.abs(cosine) ** params.anterior_flatness
    side = intercommissural_mm / 2 * np.sin(angle)
    return np.stack([np.where(cosine > 0, behind, ahead), side, -params.height_mm / 2 * np.cos(2 * angle)], axis=1)


def annulus_at(
    center_mm: Floats,
    normal: Floats,
    posterior: Floats,
    *,
    params: RingParams,
    method: str,
    uncertainty_mm: float,
    septal_lateral_mm: float | None = None,
    intercommissural_mm: float | None = None,
    size_method: str | None = None,
) -> MitralAnnulus:
    """Lay a ring of the measured size, or of the average one, at a place in the patient."""
    apical = unit(normal)
    behind = unit(posterior - np.dot(posterior, apical) * apical)
    frame = np.array([behind, np.cross(apical, behind), apical])
    ring = saddle(
        params,
        septal_lateral_mm=septal_lateral_mm or params.septal_lateral_mm,
        intercommissural_mm=intercommissural_mm or params.intercommissural_mm,
    )
    return MitralAnnulus(
        center_mm=as_point(center_mm),
        normal=as_point(apical),
        posterior=as_point(behind),
        curve_mm=ring @ frame + center_mm,
        method=method,
        uncertainty_mm=uncertainty_mm,
        septal_lateral_mm=septal_lateral_mm,
        intercommissural_mm=intercommissural_mm,
        size_method=size_method,
    )


def around(
    points_mm: Floats, normal: Floats, posterior: Floats, *, method: str, uncertainty_mm: float
) -> MitralAnnulus:
    """Lay a closed curve through at least five points of an annulus, in the order of their angle, and measure it."""
    apical = unit(normal)
    behind = unit(posterior - np.dot(posterior, apical) * apical)
    frame = np.array([behind, np.cross(apical, behind), apical])
    local = (points_mm - points_mm.mean(axis=0)) @ frame.T
    dense = _spline(local)
    center = dense.mean(axis=0)
    ring = _by_angle(dense - center) + center
    origin = points_mm.mean(axis=0) + center @ frame
    low, high = ring.min(axis=0), ring.max(axis=0)
    return MitralAnnulus(
        center_mm=as_point(origin),
        normal=as_point(apical),
        posterior=as_point(behind),
        curve_mm=(ring - center) @ frame + origin,
        method=method,
        uncertainty_mm=uncertainty_mm,
        septal_lateral_mm=float(high[0] - low[0]),
        intercommissural_mm=float(high[1] - low[1]),
        size_method=method,
    )


def curve_through(local_mm: Floats) -> Floats:
    """Lay a closed curve through points in the annular frame, (n, 3), n > 2, in the order of their angle.

    Returns
    -------
    Floats
        (72, 3) mm in that frame, one every 5 degrees from mid posterior.
    """
    return _by_angle(_spline(local_mm))


def _spline(local_mm: Floats) -> Floats:
    from scipy.interpolate import CubicSpline  # noqa: PLC0415  takes a quarter of a second to load

    local = local_mm[np.argsort(np.arctan2(local_mm[:, 1], local_mm[:, 0]))]
    closed = np.vstack([local, local[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    keep = np.concatenate([[True], np.diff(along) > 0])
    spline = CubicSpline(along[keep], closed[keep], bc_type="periodic")
    return np.asarray(spline(np.linspace(0, along[-1], _DENSE, endpoint=False)))


def _by_angle(dense: Floats) -> Floats:
    angles = np.arctan2(dense[:, 1], dense[:, 0]) % (2 * np.pi)
    order = np.argsort(angles)
    grid = np.linspace(0, 2 * np.pi, RingParams().points, endpoint=False)
    return np.stack([np.interp(grid, angles[order], dense[order, i], period=2 * np.pi) for i in range(3)], axis=1)
