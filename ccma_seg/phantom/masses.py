"""The geometry of caseous calcification: shell, cavity, necks and leaked material."""

from dataclasses import dataclass, replace

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.geometry import Bools, Floats, unit
from ccma_seg.phantom.fields import Field, random_field
from ccma_seg.phantom.patches import Patches, make_patches, on_surface
from ccma_seg.phantom.spec import LesionSpec

_LV_TARGET_MM = (0.0, 0.0, 24.0)
_LA_TARGET_MM = (-3.0, 3.0, -22.0)
"""Blood that necks aim at, in the frame of the annulus."""

_QUANTILE_POINTS = 200_000
_FOOT_STEPS = 2
_MARGIN_MM = 2.0
"""Distances are exact this far beyond both faces of the rim."""
_TINY = 1e-12

_BUMPS, _THICKNESS, _BORDER = 31, 32, 33
"""Streams of the random fields."""
_CUT_SD = 2.0
"""Bumps, and the thickness of the rim, stay within so many standard deviations."""
_LEAST_THICKNESS = 0.4
"""Of the nominal thickness, where a rim is thinnest."""
_BORDER_SIZE_MM = 4.0
_SLOPE_STEP_MM = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mass:
    """The geometry of a mass, and the truth that follows from it."""

    spec: LesionSpec
    center_mm: Floats
    axes: Floats
    """Rows: along the ring, away from the valve, towards the apex."""
    radii_mm: Floats
    bend_radius_mm: float
    patches: Patches
    necks: tuple["Neck", ...]
    cavity_plane_mm: float
    """Where blood meets paste, along the mean direction of the necks."""
    leak: "Neck | None"
    bumps: Field | None = None
    """Outwards, in standard deviations; none on a smooth mass."""
    thickness: Field | None = None
    """Of the rim, in standard deviations; none if it is even."""
    border: Field | None = None
    """Of the border between blood and paste, in standard deviations; none if it is flat."""

    @property
    def bumps_mm(self) -> float:
        """How far the surface goes beyond the even one."""
        return _CUT_SD * self.spec.rough.surface.bumps_mm

    @property
    def reach_mm(self) -> float:
        """Bound how far from the centre a mass reaches."""
        lobes = abs(self.spec.lobe_mm) * (self.spec.lobes > 0)
        return float(self.radii_mm.max()) * 1.3 + lobes + self.bumps_mm

    @property
    def opening(self) -> Floats:
        """Mean direction of the necks."""
        return unit(np.sum([n.direction for n in self.necks], axis=0)) if self.necks else np.array((0.0, 0.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neck:
    """A passage through the rim."""

    direction: Floats
    """Unit vector from the centre of the mass, LPS."""
    radius_mm: float
    chamber: str
    surface_mm: float
    """From the centre of the mass to its surface."""
    reach_mm: float
    """How far beyond the surface blood follows."""


def place_mass(spec: LesionSpec, annulus: MitralAnnulus, *, seed: int, reach_mm: float = 6.0) -> Mass:
    """Place a mass at the annulus and settle its random patches."""
    center, axes = lesion_frame(spec, annulus)
    third = spec.third_axis_mm if spec.third_axis_mm is not None else spec.short_axis_mm
    radii = np.array((spec.long_axis_mm, spec.short_axis_mm, third)) / 2
    distance = float(np.linalg.norm(annulus.to_frame(center) * (1, 1, 0)))
    patches = make_patches(radii, spec.rim.coverage_pct, patch_mm=spec.rim.patch_mm, seed=seed)
    bare = Mass(
        spec=spec,
        center_mm=center,
        axes=axes,
        radii_mm=radii,
        bend_radius_mm=distance / spec.bend if spec.bend > 0 else np.inf,
        patches=patches,
        necks=(),
        cavity_plane_mm=np.inf,
        leak=None,
        **_fields(spec, seed),
    )
    necks = tuple(_neck(bare, annulus, c, spec.cavity.neck_mm, reach_mm) for c in spec.cavity.opens_to)
    leak = _neck(bare, annulus, spec.leak.toward, spec.leak.gap_mm, reach_mm) if spec.leak.diameter_mm > 0 else None
    with_necks = replace(bare, necks=necks if spec.cavity.fraction > 0 else (), leak=leak)
    return replace(with_necks, cavity_plane_mm=_cavity_plane(with_necks, seed))


def lesion_frame(spec: LesionSpec, annulus: MitralAnnulus) -> tuple[Floats, Floats]:
    """Return the centre of a lesion and its axes: along the ring, away from the valve, towards the apex."""
    count = len(annulus.curve_mm)
    ring = annulus.to_frame(annulus.curve_mm)
    at = int(np.argmin(np.abs((np.degrees(np.arctan2(ring[:, 1], ring[:, 0])) - spec.angle_deg + 180) % 360 - 180)))
    outward = unit(ring[at] * (1, 1, 0))
    along = np.cross((0.0, 0.0, 1.0), outward)
    center = ring[at % count] + outward * spec.outward_mm + np.array((0, 0, spec.apical_mm))
    return annulus.to_patient(center), np.array([along, outward, (0.0, 0.0, 1.0)]) @ annulus.axes


def depth_mm(mass: Mass, positions_mm: Floats) -> Floats:
    """Return the signed distance of positions (n, 3) LPS to the outer surface of a mass; inside below zero.

    True near the surface and through the rim; elsewhere only a bound, of the right sign.
    """
    local = straight(mass, (positions_mm - mass.center_mm) @ mass.axes.T)
    bound = (_length(local.T, mass.radii_mm) - 1) * float(mass.radii_mm.min())
    lobes = abs(mass.spec.lobe_mm) * (mass.spec.lobes > 0) + mass.bumps_mm
    near = (bound > -(thickest_mm(mass) + _MARGIN_MM + lobes)) & (bound < lobes + _MARGIN_MM)
    bound[near] = _ellipsoid_distance(local[near], mass.radii_mm) - _lobes(mass, local[near])
    if mass.bumps is not None:
        bound[near] -= mass.spec.rough.surface.bumps_mm * _cut(mass.bumps(on_surface(local[near], mass.radii_mm)))
    return np.asarray(bound)


def thickest_mm(mass: Mass) -> float:
    """Bound the thickness of the rim."""
    return mass.spec.rim.thickness_mm * (1 + _CUT_SD * mass.spec.rough.rim.thickness_sd_pct / 100)


def below_rim_mm(mass: Mass, relative_mm: Floats, depth: Floats) -> Floats:
    """Return how far positions (n, 3), from the centre of the mass, lie outside the inner border of the rim.

    True within the rim and next to it; elsewhere of the right sign.
    """
    below = np.asarray(depth + mass.spec.rim.thickness_mm)
    near = np.flatnonzero((depth < 0) & (depth > -thickest_mm(mass) - _MARGIN_MM)) if mass.thickness else ()
    if len(near):
        below[near] = depth[near] + thickness_mm(mass, relative_mm[near])
    return below


def thickness_mm(mass: Mass, relative_mm: Floats) -> Floats:
    """Return how thick the rim is outside positions (n, 3), from the centre of the mass."""
    even = np.full(len(relative_mm), mass.spec.rim.thickness_mm)
    if mass.thickness is None:
        return even
    at = on_surface(straight(mass, relative_mm @ mass.axes.T), mass.radii_mm)
    factor = 1 + mass.spec.rough.rim.thickness_sd_pct / 100 * _cut(mass.thickness(at))
    return np.asarray(even * np.maximum(factor, _LEAST_THICKNESS))


def beyond_border(mass: Mass, relative_mm: Floats) -> Bools:
    """Tell which positions (n, 3), from the centre of the mass, lie on the side that blood fills."""
    along = relative_mm @ mass.opening
    if mass.border is not None:
        along = along + mass.spec.rough.cavity.border_mm * _cut(mass.border(relative_mm))
    return np.asarray(along > mass.cavity_plane_mm)


def surface_slope(mass: Mass, positions_mm: Floats) -> Floats:
    """Return the slope of the depth of a mass at positions (n, 3) LPS near its surface: 1 where it is flat."""
    steps = np.eye(3) * _SLOPE_STEP_MM
    ends = [depth_mm(mass, positions_mm + step) - depth_mm(mass, positions_mm - step) for step in steps]
    return np.asarray(np.sqrt(np.square(ends).sum(axis=0)) / (2 * _SLOPE_STEP_MM))


def points_inside(mass: Mass, *, seed: int, number: int = _QUANTILE_POINTS) -> Floats:
    """Draw positions from the centre of a mass, in a cube round it, and keep those within its even rim."""
    rng = np.random.Generator(np.random.Philox(key=(seed, 7)))
    size = float(mass.radii_mm.max()) * 1.3
    points = mass.center_mm + rng.uniform(-size, size, (number, 3))
    inside = depth_mm(mass, points) < -mass.spec.rim.thickness_mm
    return np.asarray(points[inside] - mass.center_mm)


def _fields(spec: LesionSpec, seed: int) -> dict[str, Field | None]:
    """Draw the random fields that an uneven mass needs."""
    rough = spec.rough
    wanted = {
        "bumps": (rough.surface.bumps_mm, rough.surface.bump_size_mm, _BUMPS),
        "thickness": (rough.rim.thickness_sd_pct, rough.rim.grain_size_mm, _THICKNESS),
        "border": (rough.cavity.border_mm, _BORDER_SIZE_MM, _BORDER),
    }
    return {
        name: random_field(length_mm=size, seed=seed, stream=stream) if sd > 0 else None
        for name, (sd, size, stream) in wanted.items()
    }


def _cut(values: Floats) -> Floats:
    return np.asarray(np.clip(values, -_CUT_SD, _CUT_SD))


def in_tunnel(neck: Neck, relative: Floats) -> Bools:
    """Tell which positions, from the centre of the mass, lie in a neck and the stream beyond it."""
    along = relative @ neck.direction
    away2 = _dot(relative.T, relative.T) - along**2
    far = neck.surface_mm + neck.reach_mm
    return np.asarray((away2 < neck.radius_mm**2) & (along > 0) & (along < far))


def in_leak(mass: Mass, gap: Neck, relative: Floats) -> Bools:
    """Tell what lies in the leaked blob: a ball at the gap, or a long drop that turns towards the apex."""
    leak = mass.spec.leak
    half = leak.diameter_mm / 2
    length = max(leak.length_mm, leak.diameter_mm) / 2
    axis = gap.direction if leak.length_mm <= leak.diameter_mm else unit(gap.direction + 2 * mass.axes[2])
    middle = gap.direction * (gap.surface_mm - 0.15 * half) + axis * (length if length > half else 0.85 * half)
    offset = relative - middle
    along = offset @ axis
    away2 = _dot(offset.T, offset.T) - along**2
    return np.asarray((along / length) ** 2 + away2 / half**2 < 1)


def straight(mass: Mass, local: Floats) -> Floats:
    """Undo the bend along the ring."""
    if not np.isfinite(mass.bend_radius_mm):
        return local
    radius = mass.bend_radius_mm
    u, v = local[:, 0], local[:, 1] + radius
    return np.stack([radius * np.arctan2(u, v), np.sqrt(u * u + v * v) - radius, local[:, 2]], axis=-1)


def _ellipsoid_distance(local: Floats, radii: Floats) -> Floats:
    """Return the signed distance to an ellipsoid: the foot of the perpendicular, sought in a few steps."""
    position = np.ascontiguousarray(local.T)
    squares = (radii**2)[:, None]
    foot = _onto(position, radii)
    for _ in range(_FOOT_STEPS):
        normal = foot / squares
        away = position - foot
        share = _dot(away, normal) / (_dot(normal, normal) + _TINY)
        foot = _onto(position - share * normal, radii)
    away = position - foot
    return np.asarray(np.sign(_length(position, radii) - 1) * np.sqrt(_dot(away, away)))


def _onto(points: Floats, radii: Floats) -> Floats:
    """Move points (3, n) onto an ellipsoid along its gradient."""
    q = _length(points, radii) + _TINY
    gradient = points / (radii**2)[:, None]
    moved = points - (q - 1) * q / (_dot(gradient, gradient) + _TINY) * gradient
    return np.asarray(moved / (_length(moved, radii) + _TINY))


def _length(points: Floats, radii: Floats) -> Floats:
    """Return how far points (3, n) lie out, 1 on the surface of an ellipsoid."""
    a, b, c = (points[i] / radii[i] for i in range(3))
    return np.asarray(np.sqrt(a * a + b * b + c * c))


def _dot(first: Floats, second: Floats) -> Floats:
    return np.asarray(first[0] * second[0] + first[1] * second[1] + first[2] * second[2])


def _lobes(mass: Mass, local: Floats) -> Floats:
    if mass.spec.lobes == 0:
        return np.zeros(len(local))
    scaled = local / mass.radii_mm
    length = _length(local.T, mass.radii_mm) + _TINY
    round_ = np.arctan2(scaled[:, 1], scaled[:, 0])
    flat = 1 - (scaled[:, 2] / length) ** 2
    return np.asarray(mass.spec.lobe_mm * np.cos(mass.spec.lobes * round_) * flat * np.minimum(length, 1))


def _neck(mass: Mass, annulus: MitralAnnulus, chamber: str, width_mm: float, reach_mm: float) -> Neck:
    targets = {"left_ventricle": _LV_TARGET_MM, "left_atrium": _LA_TARGET_MM}
    if chamber in targets:
        direction = unit(annulus.to_patient(targets[chamber]) - mass.center_mm)
    else:
        direction = unit(0.5 * mass.axes[1] + mass.axes[2])
    along = np.linspace(0, 2 * float(mass.radii_mm.max()) + 5, 2000)
    outside = depth_mm(mass, mass.center_mm + along[:, None] * direction) >= 0
    surface = float(along[int(np.argmax(outside))])
    return Neck(direction=direction, radius_mm=width_mm / 2, chamber=chamber, surface_mm=surface, reach_mm=reach_mm)


def _cavity_plane(mass: Mass, seed: int) -> float:
    """Find where to cut the inside so that the wanted share of it is filled with blood."""
    if not mass.necks:
        return np.inf
    size = float(mass.radii_mm.max()) * 1.3
    along = points_inside(mass, seed=seed) @ mass.opening
    return float(np.quantile(along, 1 - mass.spec.cavity.fraction)) - (mass.spec.cavity.fraction >= 1) * size * 2
