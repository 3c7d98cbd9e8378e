"""Ordinary annular calcification, and the calcium, vessels, soft masses and metal that are taken for it."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.geometry import Floats, unit
from ccma_seg.phantom.bodies import ANNULAR_CALCIUM, Body, Codes, Material
from ccma_seg.phantom.contrast import PLAIN_BLOOD_HU, Brightness, calcium_hu
from ccma_seg.phantom.fields import smooth_field
from ccma_seg.phantom.masses import lesion_frame
from ccma_seg.phantom.spec import LesionKind, LesionSpec

_STEP_DEG = 0.5
_THINNEST = 0.45
"""Of the nominal thickness, where the band is thinnest."""

_METAL_HU = 2500.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beads:
    """Balls along a line, so close that they are a tube."""

    centers_mm: Floats
    radii_mm: Floats
    density: Floats | None = None
    """Of what calcium adds to the HU of each, relative; none if all are alike."""


def band_beads(spec: LesionSpec, annulus: MitralAnnulus, *, seed: int) -> Beads:
    """Lay a band along the ring: thickness varies smoothly, nodules sit on it, a spur may leave it."""
    angles = np.arange(-spec.arc_deg / 2, spec.arc_deg / 2 + _STEP_DEG / 2, _STEP_DEG) + spec.angle_deg
    centers = beside_ring(annulus, angles, outward_mm=spec.outward_mm, apical_mm=spec.apical_mm)
    noise = smooth_field(wavelength_mm=12.0, seed=seed)(centers - np.asarray(annulus.center_mm))
    radii = spec.thickness_mm / 2 * np.clip(1 + spec.irregular * noise, _THINNEST, 2 - _THINNEST)
    rng = np.random.Generator(np.random.Philox(key=(seed, 5)))
    chosen = rng.integers(0, len(centers), spec.blobs)
    blobs = centers[chosen] + rng.normal(0, 0.2 * spec.thickness_mm, (spec.blobs, 3))
    sizes = spec.thickness_mm * rng.uniform(0.5, 0.8, spec.blobs)
    spur, thin = _spur(spec, annulus)
    return Beads(centers_mm=np.vstack([centers, blobs, spur]), radii_mm=np.concatenate([radii, sizes, thin]))


def beside_ring(annulus: MitralAnnulus, angles_deg: Floats, *, outward_mm: float, apical_mm: float) -> Floats:
    """Return positions (n, 3) LPS beside the ring at some angles."""
    ring = annulus.to_frame(annulus.curve_mm)
    known = np.degrees(np.arctan2(ring[:, 1], ring[:, 0])) % 360
    order = np.argsort(known)
    at = np.stack([np.interp(angles_deg % 360, known[order], ring[order, i], period=360) for i in range(3)], axis=-1)
    flat = at * (1, 1, 0)
    outward = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    return annulus.to_patient(at + outward * outward_mm + np.array((0, 0, apical_mm)))


def band_body(beads: Beads, spec: LesionSpec, tube_voltage_kv: float) -> Body:
    """Turn a band into a body."""
    tree = cKDTree(beads.centers_mm)
    widest = float(beads.radii_mm.max())

    def classify(positions_mm: Floats) -> Codes:
        codes = np.zeros(len(positions_mm), np.uint8)
        distance, nearest = tree.query(positions_mm, k=min(8, len(beads.radii_mm)), distance_upper_bound=widest)
        radii = np.append(beads.radii_mm, 0.0)[nearest]
        codes[(distance < radii).reshape(len(positions_mm), -1).any(axis=1)] = 1
        return codes

    reach = beads.radii_mm[:, None]
    material = Material(name="calcium", hu=calcium_hu(spec.hu, tube_voltage_kv), label=ANNULAR_CALCIUM)
    return Body(
        low_mm=(beads.centers_mm - reach).min(axis=0),
        high_mm=(beads.centers_mm + reach).max(axis=0),
        classify=classify,
        materials=(material,),
    )


def other_body(spec: LesionSpec, annulus: MitralAnnulus, hu: Brightness, tube_voltage_kv: float) -> Body:
    """Turn a ball, a tube or a sheet into a body: a wall when it has one, and what is inside."""
    inner = _inner_hu(spec, hu, tube_voltage_kv)
    wall = inner if spec.wall_hu is None else calcium_hu(spec.wall_hu, tube_voltage_kv)
    materials = (Material(name="wall", hu=wall, label=0), Material(name="inside", hu=inner, label=0))
    make = {LesionKind.BALL: _ball, LesionKind.TUBE: _tube, LesionKind.ROD: _rod, LesionKind.SHEET: _sheet}[spec.kind]
    return make(spec, annulus, materials)


def _inner_hu(spec: LesionSpec, hu: Brightness, tube_voltage_kv: float) -> float:
    if spec.hu >= _METAL_HU:
        return spec.hu
    return calcium_hu(spec.hu, tube_voltage_kv) + spec.enhances * (hu.aorta - PLAIN_BLOOD_HU)


def _ball(spec: LesionSpec, annulus: MitralAnnulus, materials: tuple[Material, ...]) -> Body:
    center, axes = lesion_frame(spec, annulus)
    third = spec.third_axis_mm if spec.third_axis_mm is not None else spec.short_axis_mm
    radii = np.array((spec.long_axis_mm, spec.short_axis_mm, third)) / 2
    wall = spec.wall_mm if spec.wall_hu is not None else 0.0

    def classify(positions_mm: Floats) -> Codes:
        local = (positions_mm - center) @ axes.T
        codes = (((local / radii) ** 2).sum(axis=1) < 1).astype(np.uint8)
        codes[((local / np.maximum(radii - wall, 1e-6)) ** 2).sum(axis=1) < 1] = 2
        return np.asarray(codes)

    return Body(low_mm=center - radii.max(), high_mm=center + radii.max(), classify=classify, materials=materials)


def _tube(spec: LesionSpec, annulus: MitralAnnulus, materials: tuple[Material, ...]) -> Body:
    path = annulus.to_patient(spec.path_mm) if spec.path_mm else _along_ring(spec, annulus)
    radius, wall = spec.thickness_mm / 2, spec.wall_mm if spec.wall_hu is not None else 0.0

    def classify(positions_mm: Floats) -> Codes:
        away = np.min([_to_segment(positions_mm, a, b) for a, b in pairwise(path)], axis=0)
        codes = (away < radius).astype(np.uint8)
        codes[away < radius - wall] = 2
        return np.asarray(codes, np.uint8)

    return Body(
        low_mm=path.min(axis=0) - radius, high_mm=path.max(axis=0) + radius, classify=classify, materials=materials
    )


def _rod(spec: LesionSpec, annulus: MitralAnnulus, materials: tuple[Material, ...]) -> Body:
    start, end = annulus.to_patient(spec.path_mm)
    length = float(np.linalg.norm(end - start))
    axis, radius = (end - start) / length, spec.thickness_mm / 2

    def classify(positions_mm: Floats) -> Codes:
        relative = positions_mm - start
        along = relative @ axis
        away = np.linalg.norm(relative - along[:, None] * axis, axis=1)
        return np.where((away < radius) & (along > 0) & (along < length), 2, 0).astype(np.uint8)

    low, high = np.minimum(start, end) - radius, np.maximum(start, end) + radius
    return Body(low_mm=low, high_mm=high, classify=classify, materials=materials)


def _along_ring(spec: LesionSpec, annulus: MitralAnnulus) -> Floats:
    angles = np.arange(-spec.arc_deg / 2, spec.arc_deg / 2 + 1, 4.0) + spec.angle_deg
    return beside_ring(annulus, angles, outward_mm=spec.outward_mm, apical_mm=spec.apical_mm)


def _sheet(spec: LesionSpec, annulus: MitralAnnulus, materials: tuple[Material, ...]) -> Body:
    """Make a cap of a spherical shell: the long axis is its width, the short axis its radius of curvature."""
    middle, axes = lesion_frame(spec, annulus)
    curvature = spec.short_axis_mm
    center = middle - axes[1] * curvature
    least = float(np.cos(min(spec.long_axis_mm / curvature / 2, np.pi)))

    def classify(positions_mm: Floats) -> Codes:
        relative = positions_mm - center
        away = np.sqrt((relative**2).sum(axis=1)) + 1e-9
        near = np.abs(away - curvature) < spec.thickness_mm / 2
        return np.where(near & (relative @ axes[1] > least * away), 2, 0).astype(np.uint8)

    reach = spec.long_axis_mm / 2 + spec.thickness_mm + curvature * (1 - least)
    return Body(low_mm=middle - reach, high_mm=middle + reach, classify=classify, materials=materials)


def _to_segment(positions: Floats, start: Floats, end: Floats) -> Floats:
    along = end - start
    relative = positions - start
    share = np.clip(relative @ along / max(float(along @ along), 1e-9), 0, 1)
    away = relative - share[:, None] * along
    return np.asarray(np.sqrt((away**2).sum(axis=1)))


def _spur(spec: LesionSpec, annulus: MitralAnnulus) -> tuple[Floats, Floats]:
    """Calcium that leaves the band for the myocardium, thinning out."""
    if spec.extension_mm <= 0:
        return np.zeros((0, 3)), np.zeros(0)
    start, axes = lesion_frame(spec, annulus)
    steps = np.arange(0, spec.extension_mm, 0.4)
    direction = unit(0.5 * axes[1] + axes[2])
    return start + steps[:, None] * direction, spec.thickness_mm / 2 * (1 - 0.6 * steps / spec.extension_mm)
