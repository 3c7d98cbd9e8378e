"""Annular calcification as pathology shows it: nodules of many sizes and densities, some with spikes."""

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.sectors import is_posterior
from ccma_seg.geometry import Floats, unit
from ccma_seg.phantom.bands import Beads, beside_ring
from ccma_seg.phantom.bodies import ANNULAR_CALCIUM, UNEVEN_SUBSAMPLES, Body, Codes, Material
from ccma_seg.phantom.contrast import calcium_hu, uneven_calcium_hu
from ccma_seg.phantom.fields import Field, random_field, smooth_field
from ccma_seg.phantom.spec import LesionSpec

_STREAM, _WARP, _GRAIN = 51, 52, 55
"""Streams of what is random; a warp takes three."""

_STEP_DEG = 0.5
_STRAND_WAVE_MM = 7.0
"""The strand swells and thins over so much."""
_THINNEST = 0.35
"""Of the strand's thickness."""
_SIZES = (0.35, 1.0)
"""Diameters of nodules, of the nominal thickness."""
_SCATTER = 0.25
"""How far nodules lie off the strand: standard deviation, of the nominal thickness."""

_NODULES_A_ROW = 5
"""One row leaves the ring for so many nodules on it."""
_ROW_SHRINKS, _ROW_STEP, _ROW_JITTER = 0.6, 0.8, 0.35
"""The last nodule of a row, of its first; steps and their spread, of a radius."""
_ROW_FIRST = (0.25, 0.5)
"""Radius of the first nodule of a row, of the nominal thickness."""

_SPIKES = (2, 5)
_SPIKE_RADII_MM = (0.9, 0.3)
_SPIKE_STEP_MM = 0.3
_SPIKE_LENGTHS = (0.4, 1.0)

_DENSITY_RANGE = (0.35, 1.8)


def nodular_beads(spec: LesionSpec, annulus: MitralAnnulus, *, seed: int) -> Beads:
    """Lay a thin strand along the ring, nodules on it, rows of nodules that leave it, and spikes."""
    rng = np.random.Generator(np.random.Philox(key=(seed, _STREAM)))
    strand, angles = _strand(spec, annulus, seed), _angles(spec, rng)
    middles = beside_ring(annulus, angles, outward_mm=spec.outward_mm, apical_mm=spec.apical_mm)
    middles = middles + rng.normal(0, _SCATTER * spec.thickness_mm, middles.shape)
    radii = spec.thickness_mm / 2 * rng.uniform(*_SIZES, len(middles))
    rows = [_row(spec, annulus, float(a), m, rng) for a, m in zip(angles, middles, strict=True)][::_NODULES_A_ROW]
    spiky = rng.uniform(0, 100, len(middles)) < spec.rough.band.spiky_pct
    spikes = [_spikes(spec, m, r, rng) for m, r in zip(middles[spiky], radii[spiky], strict=True)]
    parts = [strand, (middles, radii), *(rows if spec.rough.band.reach_mm > 0 else []), *spikes]
    sizes = np.concatenate([r for _, r in parts])
    density = 1 + spec.rough.rim.hu_sd_pct / 100 * rng.standard_normal(len(sizes))
    density[: len(strand[1])] = 1.0
    return Beads(centers_mm=np.vstack([c for c, _ in parts]), radii_mm=sizes, density=np.clip(density, *_DENSITY_RANGE))


def nodular_body(beads: Beads, spec: LesionSpec, tube_voltage_kv: float, *, seed: int) -> Body:
    """Turn nodules into a body whose surface is bumpy and whose calcium is uneven."""
    material = Material(name="calcium", hu=calcium_hu(spec.hu, tube_voltage_kv), label=ANNULAR_CALCIUM)
    warped, widest = _warp(spec, seed), float(beads.radii_mm.max())
    owner = _nearest_surface(beads)
    grain = random_field(length_mm=spec.rough.rim.grain_size_mm, seed=seed, stream=_GRAIN)

    def classify(positions_mm: Floats) -> Codes:
        return np.asarray(owner(warped(positions_mm)) >= 0, np.uint8)

    def texture(positions_mm: Floats, codes: Codes) -> Floats:
        added, calcium = np.zeros(len(positions_mm)), np.flatnonzero(codes)
        at = owner(warped(positions_mm[calcium]))
        own = np.ones(len(at)) if beads.density is None else beads.density[at]
        factor = own * (1 + spec.rough.rim.hu_sd_pct / 100 * grain(positions_mm[calcium]))
        added[calcium] = uneven_calcium_hu(material.hu, np.clip(factor, *_DENSITY_RANGE), tube_voltage_kv)
        return added

    reach = widest + 2 * spec.rough.surface.bumps_mm
    return Body(
        low_mm=beads.centers_mm.min(axis=0) - reach,
        high_mm=beads.centers_mm.max(axis=0) + reach,
        classify=classify,
        materials=(material,),
        texture=texture,
        subsamples=UNEVEN_SUBSAMPLES,
    )


def _strand(spec: LesionSpec, annulus: MitralAnnulus, seed: int) -> tuple[Floats, Floats]:
    angles = np.arange(-spec.arc_deg / 2, spec.arc_deg / 2 + _STEP_DEG / 2, _STEP_DEG) + spec.angle_deg
    centers = beside_ring(annulus, angles, outward_mm=spec.outward_mm, apical_mm=spec.apical_mm)
    noise = smooth_field(wavelength_mm=_STRAND_WAVE_MM, seed=seed)(centers - np.asarray(annulus.center_mm))
    thin = spec.rough.band.strand_pct / 100 * spec.thickness_mm / 2
    return centers, thin * np.clip(1 + spec.irregular * noise, _THINNEST, 2 - _THINNEST)


def _angles(spec: LesionSpec, rng: np.random.Generator) -> Floats:
    """Spread nodules along the arc, each somewhere in its own share of it."""
    count = spec.rough.band.nodules
    share = (np.arange(count) + rng.uniform(0, 1, count)) / max(count, 1)
    return np.asarray((share - 0.5) * spec.arc_deg + spec.angle_deg)


def _row(
    spec: LesionSpec, annulus: MitralAnnulus, angle_deg: float, start_mm: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Let smaller and smaller nodules leave the ring: into the wall, the leaflet or the aortic curtain."""
    ring = annulus.to_frame(beside_ring(annulus, np.array([angle_deg]), outward_mm=0.0, apical_mm=0.0))[0]
    outward, apical = unit(ring * (1, 1, 0)), np.array((0.0, 0.0, 1.0))
    wall, leaflet, curtain = outward + 1.5 * apical, apical - 1.5 * outward, outward
    ways = (wall, leaflet) if is_posterior(angle_deg) else (leaflet, curtain)
    direction = annulus.to_patient(unit(ways[int(rng.integers(2))])) - np.asarray(annulus.center_mm)
    length = float(rng.uniform(0.4, 1.0)) * spec.rough.band.reach_mm
    first = float(rng.uniform(*_ROW_FIRST)) * spec.thickness_mm
    steps = np.arange(0, length, _ROW_STEP * first)
    radii = first * (1 - (1 - _ROW_SHRINKS) * steps / max(length, 1e-9)) * rng.uniform(0.7, 1.1, len(steps))
    return start_mm + steps[:, None] * direction + rng.normal(0, _ROW_JITTER * first, (len(steps), 3)), radii


def _spikes(spec: LesionSpec, middle_mm: Floats, radius_mm: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    count = int(rng.integers(*_SPIKES))
    lengths = radius_mm + spec.rough.band.spike_mm * rng.uniform(*_SPIKE_LENGTHS, count)
    ways = [unit(v) for v in rng.normal(size=(count, 3))]
    steps = [np.arange(0.5 * radius_mm, length, _SPIKE_STEP_MM) for length in lengths]
    thick, thin = _SPIKE_RADII_MM
    radii = [thick + (thin - thick) * s / length for s, length in zip(steps, lengths, strict=True)]
    return np.vstack([middle_mm + s[:, None] * w for s, w in zip(steps, ways, strict=True)]), np.concatenate(radii)


def _nearest_surface(beads: Beads) -> Callable[[Floats], np.ndarray]:
    """Return which bead holds a position, -1 where none does.

    Among balls of unequal radii the one whose surface reaches farthest over a position is the nearest in four
    dimensions, a smaller ball lying farther along the fourth: its distance is below the largest radius inside a ball.
    """
    widest = float(beads.radii_mm.max())
    lifted = np.sqrt(np.maximum(widest**2 - beads.radii_mm**2, 0))
    tree = cKDTree(np.column_stack([beads.centers_mm, lifted]))

    def owner(positions_mm: Floats) -> np.ndarray:
        flat = np.column_stack([positions_mm, np.zeros(len(positions_mm))])
        distance, nearest = tree.query(flat, distance_upper_bound=widest)
        return np.where(np.isfinite(distance), nearest, -1)

    return owner


def _warp(spec: LesionSpec, seed: int) -> Field:
    """Shift positions at random, which makes surfaces bumpy."""
    rough = spec.rough.surface
    if rough.bumps_mm <= 0:
        return lambda positions_mm: positions_mm
    shifts = [random_field(length_mm=rough.bump_size_mm, seed=seed, stream=_WARP + i) for i in range(3)]

    def warped(positions_mm: Floats) -> Floats:
        off = np.stack([np.clip(shift(positions_mm), -2, 2) for shift in shifts], axis=-1)
        return np.asarray(positions_mm + rough.bumps_mm * off / np.sqrt(3))

    return warped
