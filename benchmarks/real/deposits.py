"""Calcium of known place put into a CT, as sharp and as noisy as that CT, and what the analysis made of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ccma_seg.anatomy import MitralAnnulus
from ccma_seg.calcium import CalciumMap
from ccma_seg.geometry import Floats
from ccma_seg.phantom import LesionKind, LesionSpec
from ccma_seg.phantom.bands import Beads, band_beads, band_body, beside_ring
from ccma_seg.phantom.bodies import ANNULAR_CALCIUM, Body, Codes, Material
from ccma_seg.phantom.image_quality import ImageQuality, blood_hu
from ccma_seg.phantom.insertion import _put
from ccma_seg.phantom.lesions import Built
from ccma_seg.phantom.patches import smooth_field
from ccma_seg.pipeline import Analysis
from ccma_seg.volume import Volume

_TEXTURE_SD_HU, _TEXTURE_MM = 150.0, 1.5
"""Of calcium in real annuli: standard deviation, and the length over which it is alike (proposal)."""
_WAVES_PER_LENGTH = 4
"""A wave is alike over a quarter of its length."""

_TUBE_MM, _TUBE_HU, _TUBE_SPAN_HU = 2.6, 650.0, 250.0
"""A calcified circumflex artery: width, and HU 400-900 along it."""
_TUBE_LENGTH_MM = (15.0, 30.0)
_TUBE_ANGLES_DEG = (-20.0, 100.0)
"""Where the circumflex artery runs in the groove: from anterolateral to mid posterior."""
_TUBE_GAP = -0.8
"""Where a field of SD 1 along the tube is lower, it is not calcified: a fifth of it."""
_ALONG_MM = 8.0
"""How fast beads, gaps and HU vary along a tube."""

_BAND_HU = (500.0, 1000.0)
_BAND_ANGLES_DEG = (-40.0, 40.0)
"""Middles of bands: MAC is posterior."""
_RAGGED_MM = 6.0
"""Of a band's end: thin, and with gaps."""
_SOLID_HU = (1000.0, 1100.0)
_SOLID_OUTWARD_MM = 2.0
"""Thick bands grow outwards from the ring."""

_FOCUS_ANGLES_DEG = (-110.0, 110.0)
_FOCUS_HU = 300.0
"""Above its surroundings."""
_FOCUS_NEAR_MM = 1.0
"""A component so near to a focus is its own."""
_FOCUS_SURROUNDINGS_MM = 2.0

_SAMPLE_MM = 0.6
"""Between the points at which a deposit is looked up."""

Texture = Callable[[Floats, Codes], Floats]


def tube(annulus: MitralAnnulus, *, outward_mm: float, seed: int) -> Body:
    """Lay a calcified artery along the groove outside the ring: beads, gaps, uneven HU."""
    rng = _rng(seed)
    length, middle = rng.uniform(*_TUBE_LENGTH_MM), rng.uniform(*_TUBE_ANGLES_DEG)
    angles = np.arange(-90.0, 90.0, 0.5) + middle
    path = beside_ring(annulus, angles, outward_mm=outward_mm, apical_mm=0.0)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    along -= np.interp(middle, angles, along)
    path = path[np.abs(along) <= length / 2]
    field = smooth_field(wavelength_mm=_ALONG_MM, seed=seed)
    kept = smooth_field(wavelength_mm=_ALONG_MM, seed=seed + 1)(path) > _TUBE_GAP
    kept[len(kept) // 2] = True
    radii = _TUBE_MM / 2 * np.clip(1 + 0.25 * field(path), 0.6, 1.4)

    def texture(positions_mm: Floats, _: Codes) -> Floats:
        return np.clip(_TUBE_SPAN_HU / 2 * field(positions_mm), -_TUBE_SPAN_HU, _TUBE_SPAN_HU)

    return _body(Beads(centers_mm=path[kept], radii_mm=radii[kept]), hu=_TUBE_HU, texture=texture)


def band(annulus: MitralAnnulus, *, thickness_mm: float, arc_deg: float, seed: int) -> Body:
    """Lay MAC along the ring: uneven, textured, with ragged ends."""
    rng = _rng(seed)
    middle = rng.uniform(*_BAND_ANGLES_DEG)
    spec = LesionSpec(
        kind=LesionKind.BAND,
        angle_deg=middle,
        arc_deg=arc_deg,
        thickness_mm=thickness_mm,
        outward_mm=0.0,
        irregular=0.25,
        blobs=round(arc_deg / 40),
    )
    beads = _ragged(band_beads(spec, annulus, seed=seed), annulus, middle_deg=middle, arc_deg=arc_deg, seed=seed)
    return _body(beads, hu=rng.uniform(*_BAND_HU), texture=_grain(seed))


def solid(annulus: MitralAnnulus, *, thickness_mm: float, arc_deg: float, seed: int) -> Body:
    """Lay a thick band without an inside along the ring."""
    rng = _rng(seed)
    spec = LesionSpec(
        kind=LesionKind.BAND,
        angle_deg=rng.uniform(*_BAND_ANGLES_DEG),
        arc_deg=arc_deg,
        thickness_mm=thickness_mm,
        outward_mm=_SOLID_OUTWARD_MM,
        irregular=0.1,
    )
    return _body(band_beads(spec, annulus, seed=seed), hu=rng.uniform(*_SOLID_HU), texture=_grain(seed))


def focus(volume: Volume, annulus: MitralAnnulus, *, volume_mm3: float, seed: int) -> Body:
    """Put a ball on the ring, brighter than what lies round it."""
    angle = _rng(seed).uniform(*_FOCUS_ANGLES_DEG)
    center = beside_ring(annulus, np.array([angle]), outward_mm=0.0, apical_mm=0.0)[0]
    radius = float(np.cbrt(3 * volume_mm3 / (4 * np.pi)))
    around = tuple(annulus.to_frame(center))
    hu = blood_hu(volume, annulus, around, radius_mm=radius + _FOCUS_SURROUNDINGS_MM) + _FOCUS_HU
    return ball(center, radius, hu=hu)


def ball(center_mm: Floats, radius_mm: float, *, hu: float) -> Body:
    """Make a ball."""

    def classify(positions_mm: Floats) -> Codes:
        return (np.linalg.norm(positions_mm - center_mm, axis=1) < radius_mm).astype(np.uint8)

    calcium = Material(name="calcium", hu=hu, label=ANNULAR_CALCIUM)
    return Body(low_mm=center_mm - radius_mm, high_mm=center_mm + radius_mm, classify=classify, materials=(calcium,))


def near(focus: Body) -> Body:
    """Return a focus and what lies so near that it counts as the same."""
    center = (focus.low_mm + focus.high_mm) / 2
    return ball(center, float(focus.high_mm[0] - center[0]) + _FOCUS_NEAR_MM, hu=0.0)


def put(body: Body, volume: Volume, quality: ImageQuality, *, seed: int) -> Volume:
    """Return a copy of a CT with a deposit in it."""
    hu = volume.hu.copy()
    _put(Built(spec=LesionSpec(), body=body), hu, volume.geometry, quality, seed=seed)
    return replace(volume, hu=hu)


def shares(analysis: Analysis, body: Body) -> dict[str, float]:
    """Return which part of a deposit was given to which kind of calcium, or to a mass; `none` is what was not seen."""
    if analysis.calcium is None:
        return {"none": 1.0}
    points = _points_in(body)
    kinds = kinds_at(analysis.calcium, points)
    for mass in analysis.masses:
        parts = mass.lesion.parts
        index = np.rint(parts.geometry.to_index(points)).astype(int)
        inside = ((index >= 0) & (index < parts.geometry.shape)).all(axis=1)
        covered = np.zeros(len(points), bool)
        covered[inside] = parts.labels[tuple(index[inside].T)] > 0
        kinds[covered] = f"mass: {mass.finding.verdict}"
    return {str(kind): count / len(points) for kind, count in Counter(kinds.tolist()).most_common()}


def kinds_at(calcium: CalciumMap, positions_mm: Floats) -> np.ndarray:
    """Return the kind of calcium at each position, `none` where there is none."""
    names = np.array(["none", *(["none"] * int(calcium.labels.max()))], dtype=object)
    for one in calcium.calcifications:
        names[one.label] = str(one.kind)
    index = np.rint(calcium.geometry.to_index(positions_mm)).astype(int)
    inside = ((index >= 0) & (index < calcium.geometry.shape)).all(axis=1)
    labels = np.zeros(len(index), int)
    labels[inside] = calcium.labels[tuple(index[inside].T)]
    return names[labels]


def _points_in(body: Body) -> Floats:
    axes = [np.arange(low, high + _SAMPLE_MM, _SAMPLE_MM) for low, high in zip(body.low_mm, body.high_mm, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = points[body.classify(points) > 0]
    return inside if len(inside) else ((body.low_mm + body.high_mm) / 2)[None]


def _ragged(beads: Beads, annulus: MitralAnnulus, *, middle_deg: float, arc_deg: float, seed: int) -> Beads:
    """Thin the ends of a band, and leave gaps there; the rest stays."""
    centers = beads.centers_mm
    off_deg = np.abs((annulus.angle_deg(centers) - middle_deg + 180) % 360 - 180)
    flat_mm = np.linalg.norm(annulus.to_frame(centers)[:, :2], axis=1)
    from_end_mm = np.radians(arc_deg / 2 - off_deg) * flat_mm
    at_end = from_end_mm < min(_RAGGED_MM, np.radians(arc_deg / 8) * flat_mm.mean())
    kept = ~at_end | (smooth_field(wavelength_mm=_ALONG_MM, seed=seed + 1)(centers) > 0)
    radii = np.where(at_end, 0.6, 1.0) * beads.radii_mm
    return Beads(centers_mm=centers[kept], radii_mm=radii[kept])


def _grain(seed: int) -> Texture:
    field = smooth_field(wavelength_mm=_WAVES_PER_LENGTH * _TEXTURE_MM, seed=seed + 2)

    def texture(positions_mm: Floats, _: Codes) -> Floats:
        return _TEXTURE_SD_HU * field(positions_mm)

    return texture


def _body(beads: Beads, *, hu: float, texture: Texture) -> Body:
    """Make a body of beads whose HU are those of the CT, whatever its tube voltage."""
    body = band_body(beads, LesionSpec(kind=LesionKind.BAND), tube_voltage_kv=120.0)
    return replace(body, materials=(replace(body.materials[0], hu=float(hu)),), texture=texture)


def _rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=(seed, 29)))
