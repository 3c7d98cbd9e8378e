"""The direction of the aortic root, where contrast shows it: across the aortic annulus."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.geometry import Floats, Point, as_point, unit
from ccma_seg.volume import Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class RootParams:
    """How the root is followed upwards from the aortic annulus."""

    ahead_mm: float = 14.0
    above_mm: float = 4.0
    """Where the aortic annulus is begun with, in front of the middle of the mitral one's anterior side, and towards the
    atrium; it moves to the middle of what is round."""
    folds_deg: tuple[float, ...] = (50.0, 35.0, 65.0)
    """Between the two planes, less than 180, begun with: the first that leads to a round root counts."""
    levels_mm: tuple[float, ...] = tuple(range(2, 13))
    """Sections above the aortic annulus that the axis goes through: below the sinotubular junction."""
    radius_mm: tuple[float, float] = (8.0, 22.0)
    """Of a root: 24-40 mm wide, and wider where it is diseased."""
    wall: float = 0.7
    """Enhancement below which a ray has met a wall: those beside the left atrium are thin, and blurred."""
    roundness_mm: float = 2.5
    """Standard deviation of the radius of a section that is round (proposal)."""
    straight_mm: float = 1.0
    """The middles of the sections lie this near to a line, or there is no axis (proposal)."""
    least_levels: int = 7
    passes: int = 4


_RAYS = 36
_STEP_MM = 0.5
_ANGLES = np.linspace(0, 2 * np.pi, _RAYS, endpoint=False)


def root_normal(
    volume: Volume, frame: MitralAnnulus, curve_mm: Floats, levels: tuple[float, float], *, params: RootParams
) -> Point | None:
    """Find the unit vector across the aortic annulus, LPS, downstream.

    Parameters
    ----------
    volume
        With contrast.
    frame
        The mitral annulus; only its directions count.
    curve_mm
        Its contour, (n, 3) LPS, from mid posterior on.
    levels
        HU of muscle and of blood.

    Returns
    -------
    Point | None
        None where no round root goes up straight from in front of the mitral annulus.
    """
    posterior, _, apical = frame.axes
    foot = curve_mm[len(curve_mm) // 2] - params.ahead_mm * posterior - params.above_mm * apical
    starts = (-np.sin(fold) * posterior - np.cos(fold) * apical for fold in np.radians(params.folds_deg))
    followed = (_follow(volume, foot, axis, levels, params=params) for axis in starts)
    return next((as_point(axis) for axis in followed if axis is not None), None)


def _follow(
    volume: Volume, foot: Floats, axis: Floats, levels: tuple[float, float], *, params: RootParams
) -> Floats | None:
    """Turn an axis until it goes through the middles of the sections across it; None where they are not round."""
    heights = np.array(params.levels_mm)
    middles = foot + np.outer(heights, axis)
    upwards = axis
    for _ in range(params.passes):
        found, middles, unround_mm = _sections(volume, middles, axis, levels, params=params)
        if found.sum() < params.least_levels:
            return None
        line = middles[found].mean(axis=0)
        axis = np.linalg.svd(middles[found] - line, full_matrices=False)[2][0]
        axis = axis if axis @ upwards > 0 else -axis
        away = middles[found] - line
        off_mm = np.linalg.norm(away - np.outer(away @ axis, axis), axis=1)
        middles = line + np.outer(heights - heights[found].mean(), axis)
    fits = np.median(unround_mm[found]) < params.roundness_mm and np.sqrt((off_mm**2).mean()) < params.straight_mm
    return axis if fits else None


def _sections(
    volume: Volume, middles: Floats, axis: Floats, levels: tuple[float, float], *, params: RootParams
) -> tuple[Floats, Floats, Floats]:
    """Return which sections across the axis are closed, the middle of each, LPS mm, and how unround it is, mm."""
    first = unit(np.cross(axis, [1.0, 0.0, 0.0] if abs(axis[0]) < 0.9 else [0.0, 1.0, 0.0]))
    across = np.outer(np.cos(_ANGLES), first) + np.outer(np.sin(_ANGLES), np.cross(axis, first))
    radii = np.arange(0.0, params.radius_mm[1] + 4.0, _STEP_MM)
    rays = middles[:, None, None] + across[:, None] * radii[:, None]
    part = volume.crop(volume.geometry.slices_around(rays.reshape(-1, 3), margin_mm=1.0))
    index = np.moveaxis(part.geometry.to_index(rays), -1, 0)
    hu = ndimage.map_coordinates(part.hu, index, order=1, mode="nearest", output=np.float32)
    muscle_hu, blood_hu = levels
    seen = ndimage.gaussian_filter(
        (hu - muscle_hu) / (blood_hu - muscle_hu), (0.5, 0.7, 1.0), mode=("nearest", "wrap", "nearest")
    )
    outside = seen < params.wall
    edge = np.where(outside.any(axis=2), radii[outside.argmax(axis=2)], np.nan)
    low, high = params.radius_mm
    edge = np.where((edge >= low / 2) & (edge <= high + 2), edge, np.nan)
    closed = np.isfinite(edge).mean(axis=1) > 0.7
    moved = np.array([_middle(e, across) if ok else np.zeros(3) for e, ok in zip(edge, closed, strict=True)]) + middles
    radius = np.nanmedian(np.where(closed[:, None], edge, low), axis=1)
    spread = np.nanstd(np.where(closed[:, None], edge, low), axis=1)
    return closed & (radius >= low) & (radius <= high), moved, spread


def _middle(edge_mm: Floats, across: Floats) -> Floats:
    """Return by how much a section's middle is off, from the circle of least squares through its edge."""
    known = np.isfinite(edge_mm)
    angles = _ANGLES[known]
    terms = np.stack([np.ones_like(angles), np.cos(angles), np.sin(angles)], axis=1)
    weight = np.ones(len(angles))
    for _ in range(5):
        fit = np.linalg.lstsq(terms * weight[:, None], edge_mm[known] * weight, rcond=None)[0]
        weight = np.sqrt(np.minimum(1.0, 1.0 / np.maximum(np.abs(edge_mm[known] - terms @ fit), 1e-6)))
    return np.asarray(fit[1] * across[0] + fit[2] * np.cross(_normal(across), across[0]))


def _normal(across: Floats) -> Floats:
    return np.asarray(unit(np.cross(across[0], across[_RAYS // 4])))
