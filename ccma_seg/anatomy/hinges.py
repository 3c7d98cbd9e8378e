"""Where the muscle of the left ventricle begins: the hinges of the mitral leaflets, and so the depth of the annulus.

Unrolled round the heart's axis, the wall outside the blood is thick on the side of the ventricle and thin, with fat
outside, on that of the atrium. The step between the two is found in all directions at once, as a plane.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ccma_seg.anatomy.blood import Enhancement
from ccma_seg.anatomy.frame import HeartFrame
from ccma_seg.geometry import Bools, Floats

_HIDDEN = 0.5
"""Behind a calcified mass the wall may be thick or thin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HingeParams:
    """How the step of the wall is found."""

    reach_mm: tuple[float, float] = (-25.0, 30.0)
    """Along the axis, from the annulus of the template."""
    step_deg: float = 10.0
    radius_mm: float = 45.0
    """Rays end here."""
    wall_mm: int = 7
    """A wall at least this thick is muscle (LV wall 8-11 mm, atrial wall 2 mm)."""
    muscle: tuple[float, float] = (-0.45, 0.6)
    """Enhancement of muscle, between fat and blood."""
    side_deg: tuple[float, float] = (70.0, 290.0)
    """Directions that have a muscular hinge: from trigone to trigone, not those towards the aortic root (0)."""
    window_mm: int = 9
    """The step is judged over this length on either side."""

    shift_mm: float = 14.0
    tilt: float = 0.5
    """Planes tried: depth, and slope towards the two directions across."""
    shift_sd_mm: float = 6.0
    tilt_sd: float = 0.3
    prior_weight: float = 0.02
    most_hidden: float = 0.3
    """Directions of which a calcified mass hides more than this do not count."""
    least_directions: int = 8
    """With fewer that count there is no step."""
    ring_mm: float = 16.0
    """Radius of the annulus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The plane where the wall begins."""

    depth_mm: float
    """Along the axis, from the annulus of the template."""
    slopes: tuple[float, float]
    """Of depth along y and z."""
    contrast: float
    """Mean difference of muscle on both sides: 1 is a perfect step; above 0.45 the depth is good to 1-2 mm."""


def find_step(enhanced: Enhancement, frame: HeartFrame, *, params: HingeParams) -> Step:
    """Find the plane across the axis where the muscular wall begins."""
    angles = np.radians(np.arange(params.side_deg[0], params.side_deg[1] + 1, params.step_deg))
    along = np.arange(params.reach_mm[0], params.reach_mm[1] + 1)
    wall, hidden = _muscle(enhanced, frame, angles, along, params)
    shown = hidden[:, np.abs(along) < params.shift_mm].mean(axis=1) < params.most_hidden
    if shown.sum() < params.least_directions:
        return Step(depth_mm=0.0, slopes=(0.0, 0.0), contrast=0.0)
    angles = angles[shown]
    step = _step_filter(np.where(hidden, _HIDDEN, wall)[shown], params.window_mm)
    shifts = np.arange(-params.shift_mm, params.shift_mm + 0.1, 0.5)
    tilts = np.arange(-params.tilt, params.tilt + 0.01, 0.1)
    depth, slope_y, slope_z = (v.ravel() for v in np.meshgrid(shifts, tilts, tilts, indexing="ij"))
    across = slope_y[:, None] * np.cos(angles) + slope_z[:, None] * np.sin(angles)
    where = depth[:, None] + params.ring_mm * across - along[0]
    index = np.broadcast_to(np.arange(len(angles)), where.shape)
    gain = ndimage.map_coordinates(step, [index, where], order=1, mode="nearest").mean(axis=1)
    unlikely = (depth / params.shift_sd_mm) ** 2 + (slope_y**2 + slope_z**2) / params.tilt_sd**2
    best = int(np.argmax(gain - params.prior_weight * unlikely))
    slopes = float(slope_y[best]), float(slope_z[best])
    return Step(depth_mm=float(depth[best]), slopes=slopes, contrast=float(gain[best]))


def _muscle(
    enhanced: Enhancement, frame: HeartFrame, angles: Floats, along: Floats, params: HingeParams
) -> tuple[Floats, Bools]:
    """Return how thick the muscle outside the blood is, as a share of `wall_mm`, and where a mass hides it."""
    radii = np.arange(params.radius_mm)
    across = np.stack([np.zeros_like(angles), np.cos(angles), np.sin(angles)], axis=1)
    rays = across[:, None, None, :] * radii[:, None] + np.array([1.0, 0, 0]) * along[:, None, None]
    index = np.moveaxis(enhanced.geometry.to_index(frame.to_patient(rays)), -1, 0)
    seen = ndimage.map_coordinates(enhanced.values, index, order=1, mode="nearest")
    outside = seen < 0.5
    first = np.where(outside.any(axis=2), outside.argmax(axis=2), len(radii) - 1)
    wall = np.clip(first[..., None] + np.arange(1, params.wall_mm + 1), 0, len(radii) - 1)
    behind = np.take_along_axis(seen, wall, axis=2)
    muscle = (behind > params.muscle[0]) & (behind < params.muscle[1])
    thickness = np.cumprod(muscle, axis=2).mean(axis=2)
    nearest = np.clip(np.rint(index), 0, np.array(enhanced.dense.shape)[:, None, None, None] - 1).astype(int)
    hidden = enhanced.dense[tuple(nearest)] & (np.arange(len(radii)) <= first[..., None] + params.wall_mm)
    return np.asarray(thickness), np.asarray(hidden.any(axis=2))


def _step_filter(muscle: Floats, window: int) -> Floats:
    """Return how much more muscle lies ahead of each place than behind it."""
    padded = np.pad(muscle, ((0, 0), (window, window)), mode="edge")
    total = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1)
    count = muscle.shape[1]
    start = np.arange(count)
    ahead = total[:, start + 2 * window] - total[:, start + window]
    behind = total[:, start + window] - total[:, start]
    return np.asarray((ahead - behind) / window)
