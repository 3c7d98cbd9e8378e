"""Caseous calcification as a body: shell, core, cavity, necks and leaked material."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.geometry import Floats, unit
from ccma_seg.phantom.bodies import CAVITY, CORE, LEAK, RIM, Body, Codes, Material
from ccma_seg.phantom.contrast import Brightness, calcium_hu
from ccma_seg.phantom.patches import Patches, make_patches, smooth_field
from ccma_seg.phantom.spec import LesionSpec

_RIM, _CORE, _CAVITY, _LEAK, _STREAM = 1, 2, 3, 4, 5
"""Numbers of the materials; the stream is blood of the neck outside the mass."""

_LV_TARGET_MM = (0.0, 0.0, 24.0)
_LA_TARGET_MM = (-3.0, 3.0, -22.0)
"""Blood that necks aim at, in the frame of the annulus."""

_QUANTILE_POINTS = 200_000
_FOOT_STEPS = 2
_MARGIN_MM = 2.0
"""Distances are exact this far beyond both faces of the rim."""
_TINY = 1e-12


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
    local = _straight(mass, (positions_mm - mass.center_mm) @ mass.axes.T)
    bound = (_length(local.T, mass.radii_mm) - 1) * float(mass.radii_mm.min())
    lobes = abs(mass.spec.lobe_mm) * (mass.spec.lobes > 0)
    near = (bound > -(mass.spec.rim.thickness_mm + _MARGIN_MM + lobes)) & (bound < lobes + _MARGIN_MM)
    bound[near] = _ellipsoid_distance(local[near], mass.radii_mm) - _lobes(mass, local[near])
    return np.asarray(bound)


def mass_body(mass: Mass, hu: Brightness, tube_voltage_kv: float, *, seed: int) -> Body:
    """Turn a mass into a body with its materials."""
    spec = mass.spec

    def classify(positions_mm: Floats) -> Codes:
        return _classify(mass, positions_mm)

    chamber = getattr(hu, spec.cavity.opens_to[0]) if spec.cavity.opens_to else hu.left_ventricle
    materials = (
        Material(name="rim", hu=calcium_hu(spec.rim.hu, tube_voltage_kv), label=RIM),
        Material(name="core", hu=calcium_hu(spec.core.hu, tube_voltage_kv), label=CORE),
        Material(name="cavity", hu=chamber * spec.cavity.blood_ratio, label=CAVITY),
        Material(name="leak", hu=calcium_hu(spec.leak.hu, tube_voltage_kv), label=LEAK),
        Material(name="stream", hu=chamber, label=0),
    )
    reach = float(mass.radii_mm.max()) * 1.3 + abs(spec.lobe_mm) * (spec.lobes > 0)
    far = max([0.0, *(n.surface_mm + n.reach_mm for n in mass.necks)])
    far = max(far, mass.leak.surface_mm + max(spec.leak.diameter_mm, spec.leak.length_mm) + 2 if mass.leak else 0.0)
    size = max(reach, far) + 2
    texture = _texture(mass, seed) if spec.core.texture_sd_hu > 0 else None
    return Body(
        low_mm=mass.center_mm - size,
        high_mm=mass.center_mm + size,
        classify=classify,
        materials=materials,
        texture=texture,
    )


def _classify(mass: Mass, positions_mm: Floats) -> Codes:
    spec, codes = mass.spec, np.zeros(len(positions_mm), np.uint8)
    relative = positions_mm - mass.center_mm
    depth = depth_mm(mass, positions_mm)
    if mass.leak is not None:
        codes[_in_leak(mass, mass.leak, relative)] = _LEAK
    inside = depth < 0
    codes[inside] = _CORE
    if mass.necks:
        lumen = depth < -spec.rim.thickness_mm
        codes[lumen & (relative @ mass.opening > mass.cavity_plane_mm)] = _CAVITY
    shell = inside & (depth >= -spec.rim.thickness_mm)
    covered = np.zeros_like(inside)
    covered[shell] = mass.patches.covered(_straight(mass, relative[shell] @ mass.axes.T))
    codes[covered] = _RIM
    for neck in mass.necks:
        tunnel = _in_tunnel(neck, relative)
        codes[tunnel & inside] = np.where(codes[tunnel & inside] == _RIM, _CAVITY, codes[tunnel & inside])
        codes[tunnel & inside & (depth >= -spec.rim.thickness_mm - 1)] = _CAVITY
        codes[tunnel & ~inside] = _STREAM
    if mass.leak is not None:
        codes[_in_tunnel(mass.leak, relative) & inside & (depth >= -spec.rim.thickness_mm)] = _CORE
    return codes


def _in_tunnel(neck: Neck, relative: Floats) -> npt.NDArray[np.bool_]:
    along = relative @ neck.direction
    away2 = _dot(relative.T, relative.T) - along**2
    far = neck.surface_mm + neck.reach_mm
    return np.asarray((away2 < neck.radius_mm**2) & (along > 0) & (along < far))


def _in_leak(mass: Mass, gap: Neck, relative: Floats) -> npt.NDArray[np.bool_]:
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


def _straight(mass: Mass, local: Floats) -> Floats:
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
    rng = np.random.Generator(np.random.Philox(key=(seed, 7)))
    size = float(mass.radii_mm.max()) * 1.3
    points = mass.center_mm + rng.uniform(-size, size, (_QUANTILE_POINTS, 3))
    inside = depth_mm(mass, points) < -mass.spec.rim.thickness_mm
    along = (points[inside] - mass.center_mm) @ mass.opening
    return float(np.quantile(along, 1 - mass.spec.cavity.fraction)) - (mass.spec.cavity.fraction >= 1) * size * 2


def _texture(mass: Mass, seed: int) -> Callable[[Floats, Codes], Floats]:
    spec = mass.spec.core
    noise = smooth_field(wavelength_mm=spec.texture_mm, seed=seed)

    def texture(positions_mm: Floats, codes: Codes) -> Floats:
        added = np.zeros(len(positions_mm))
        core = codes == _CORE
        added[core] = spec.texture_sd_hu * noise(positions_mm[core] - mass.center_mm)
        return added

    return texture
