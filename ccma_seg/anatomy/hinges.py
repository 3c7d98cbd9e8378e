"""Where the muscle of the left ventricle begins: the hinges of the mitral leaflets, and so the depth of the annulus.

Unrolled round the heart's axis, the wall outside the blood is thick on the side of the ventricle and thin, with fat
outside, on that of the atrium. The step between the two is found in all directions at once, as a plane. Where the
atrium bulges, so that the groove lies in a fold and shows no fat, the blood has a waist there instead.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg.anatomy.blood import Enhancement
from ccma_seg.anatomy.frame import HeartFrame
from ccma_seg.geometry import Bools, Floats
from ccma_seg.tissue import CLEAR_CONTRAST_HU

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
    wall_mm: int = 6
    """A wall at least this thick is muscle (LV wall 8-11 mm, atrial wall 2 mm)."""
    muscle_below_hu: tuple[float, float] = (60.0, 30.0)
    """So much darker than the myocardium is no muscle, and surely muscle: between them lies the blur of groove fat."""
    blood: float = 0.6
    """Enhancement from which on it is blood again."""
    side_deg: tuple[float, float] = (70.0, 290.0)
    """Directions that have a muscular hinge: from trigone to trigone, not those towards the aortic root (0)."""
    window_mm: int = 6
    """The step is judged over this length on either side."""

    shift_mm: float = 16.0
    tilt: float = 0.5
    """Planes tried: depth, and slope towards the two directions across."""
    template_sd_mm: float = 2.5
    """Depth of the fitted templates, seen on left-out CTs: closed leaflets and the annulus look alike."""
    tilt_sd: float = 0.3
    evidence: float = 1.4
    """Log likelihood of a perfect step in one direction. On real CTs, with frames moved by up to 6 mm, the error of
    the depth has then the size of its standard error."""
    clear: float = 0.45
    """Mean step of a wall that shows clearly."""
    clear_power: float = 4.0
    """Less clear, the evidence falls with this power: walls blurred by motion, or without fat outside, mislead."""
    solid_mm: int = 5
    """The blood ends at what is at least this thick: closed leaflets are thinner, even blurred."""
    waist_mm: int = 8
    """The blood is narrower at its waist than this far ahead of it and behind it."""
    waist_depth_mm: float = 5.0
    """By so much where the waist is perfect: an atrium as narrow as its orifice has none."""
    clear_waist: float = 0.8
    """Mean waist that shows clearly; papillary muscles make one of up to 0.3 in some directions."""
    best_sd_mm: float = 1.2
    most_hidden: float = 0.3
    """Directions of which a calcified mass hides more than this do not count."""
    least_directions: int = 8
    """With fewer that count there is no step."""
    ring_mm: float = 16.0
    """Radius of the annulus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """Where along the axis the annulus lies, from the template's."""

    mm: float
    sd_mm: float

    def and_also(self, other: "Depth") -> "Depth":
        """Weigh two independent estimates."""
        mine, theirs = self.sd_mm**-2, other.sd_mm**-2
        return Depth(mm=(mine * self.mm + theirs * other.mm) / (mine + theirs), sd_mm=(mine + theirs) ** -0.5)


def find_depth(enhanced: Enhancement, frame: HeartFrame, *, params: HingeParams) -> Depth:
    """Find where the muscular wall begins, on a plane across the axis: what the wall and the template say together.

    Walls blurred by motion may show two steps: the depth then lies between them, and its error says so.
    """
    if enhanced.contrast_hu < CLEAR_CONTRAST_HU:
        return Depth(mm=0.0, sd_mm=params.template_sd_mm)
    angles = np.radians(np.arange(params.side_deg[0], params.side_deg[1] + 1, params.step_deg))
    along = np.arange(params.reach_mm[0], params.reach_mm[1] + 1)
    wall, radius_mm, hidden = _muscle(enhanced, frame, angles, along, params)
    shown = hidden[:, np.abs(along) < params.shift_mm].mean(axis=1) < params.most_hidden
    if shown.sum() < params.least_directions:
        return Depth(mm=0.0, sd_mm=params.template_sd_mm)
    step = _step_filter(np.where(hidden, _HIDDEN, wall)[shown], params.window_mm)
    waist = np.where(hidden, 0.0, _waist(radius_mm, params))[shown]
    shifts = np.arange(-params.shift_mm, params.shift_mm + 0.1, 0.5)
    likely = -((shifts / params.template_sd_mm) ** 2) / 2
    for sign, clear in ((step, params.clear), (waist, params.clear_waist)):
        gain = _gain(sign, angles[shown], shifts - along[0], params)
        clearness = max(0.0, float(gain.max())) / shown.sum() / clear
        likely += params.evidence * min(1.0, clearness**params.clear_power) * gain
    chance = np.exp(likely - likely.max())
    chance /= chance.sum()
    depth_mm = float(chance @ shifts)
    sd_mm = float(np.sqrt(chance @ (shifts - depth_mm) ** 2))
    return Depth(mm=depth_mm, sd_mm=max(params.best_sd_mm, sd_mm))


def _gain(step: Floats, angles: Floats, places: Floats, params: HingeParams) -> Floats:
    """Return the step summed over all directions, for each place that the best tilted plane crosses the axis at."""
    tilts = np.arange(-params.tilt, params.tilt + 0.01, 0.1)
    slope_y, slope_z = (v.ravel() for v in np.meshgrid(tilts, tilts, indexing="ij"))
    across = params.ring_mm * (slope_y[:, None] * np.cos(angles) + slope_z[:, None] * np.sin(angles))
    where = places[:, None, None] + across
    index = np.broadcast_to(np.arange(len(angles)), where.shape)
    gain = ndimage.map_coordinates(step, [index, where], order=1, mode="nearest").sum(axis=-1)
    unlikely = (slope_y**2 + slope_z**2) / params.tilt_sd**2 / 2
    return np.asarray((gain - unlikely).max(axis=1))


def _muscle(
    enhanced: Enhancement, frame: HeartFrame, angles: Floats, along: Floats, params: HingeParams
) -> tuple[Floats, Floats, Bools]:
    """Return, (angle, along), how thick the muscle outside the blood is, the blood's radius, and what a mass hides.

    The thickness is a share of `wall_mm`.
    """
    radii = np.arange(params.radius_mm)
    across = np.stack([np.zeros_like(angles), np.cos(angles), np.sin(angles)], axis=1)
    rays = across[:, None, None, :] * radii[:, None] + np.array([1.0, 0, 0]) * along[:, None, None]
    index = np.moveaxis(enhanced.geometry.to_index(frame.to_patient(rays)), -1, 0)
    seen = ndimage.map_coordinates(enhanced.values, index, order=1, mode="nearest")
    first = _solid_from(seen < 0.5, params)
    wall = np.clip(first[..., None] + np.arange(1, params.wall_mm + 1), 0, len(radii) - 1)
    behind = np.take_along_axis(seen, wall, axis=2)
    none, sure = (-hu / enhanced.contrast_hu for hu in params.muscle_below_hu)
    muscle = np.where(behind < params.blood, np.clip((behind - none) / (sure - none), 0, 1), 0)
    thickness = np.minimum.accumulate(muscle, axis=2).mean(axis=2)
    nearest = np.clip(np.rint(index), 0, np.array(enhanced.dense.shape)[:, None, None, None] - 1).astype(int)
    hidden = enhanced.dense[tuple(nearest)] & (np.arange(len(radii)) <= first[..., None] + params.wall_mm)
    return np.asarray(thickness), first.astype(float), np.asarray(hidden.any(axis=2))


def _solid_from(outside: Bools, params: HingeParams) -> npt.NDArray[np.intp]:
    """Return the radius in mm at which the blood ends for good, (angle, along)."""
    reach = outside.shape[2] - params.solid_mm
    solid = np.logical_and.reduce([outside[..., i : i + reach] for i in range(params.solid_mm)])
    return np.asarray(np.where(solid.any(axis=2), solid.argmax(axis=2), reach))


def _waist(radius_mm: Floats, params: HingeParams) -> Floats:
    """Return how much narrower the blood is than both ahead and behind, as a share of `waist_depth_mm`."""
    smoothed = ndimage.median_filter(radius_mm, size=3, mode="nearest")
    reach = params.waist_mm
    narrower = np.zeros_like(smoothed)
    middle = smoothed[:, reach:-reach]
    narrower[:, reach:-reach] = np.minimum(smoothed[:, : -2 * reach], smoothed[:, 2 * reach :]) - middle
    return np.asarray(np.clip(narrower / params.waist_depth_mm, 0, 1))


def _step_filter(muscle: Floats, window: int) -> Floats:
    """Return how much more muscle lies ahead of each place than behind it."""
    padded = np.pad(muscle, ((0, 0), (window, window)), mode="edge")
    total = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1)
    count = muscle.shape[1]
    start = np.arange(count)
    ahead = total[:, start + 2 * window] - total[:, start + window]
    behind = total[:, start + window] - total[:, start]
    return np.asarray((ahead - behind) / window)
