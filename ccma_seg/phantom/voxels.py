"""What is true of uneven lesions, counted on fine voxels of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_erosion, distance_transform_edt, gaussian_filter, label
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.sectors import RING_ORDER, sector
from ccma_seg.geometry import Bools, Floats
from ccma_seg.phantom.bodies import Body
from ccma_seg.spread import FWHM_TO_SD

_STEP_MM, _COARSE_MM = 0.4, 1.0

_SEEN_FWHM_MM = 1.2
"""What is finer than this no exam shows: the core's HU are averaged over it before blood's are sought."""
_LEAST_PART_MM = 2.0
"""Parts thinner than this, such as the layer between calcium and paste, are partial volume."""
LIKE_BLOOD = {"surely": (0.87, 1.13), "perhaps": (0.73, 1.27)}
"""HU over those of blood: a cavity has 0.8 to 1.2, give or take what one exam measures."""

_EROSION_MM = 1.0
"""Between a core and what encloses it, as the record leaves out."""

_CHORD_DEG, _CHORD_MM = 5.0, 0.5
"""Radial lines through calcium are counted in steps of so much (criterion T3)."""

_NOISE_DRAWS = 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Voxels:
    """A body on a fine grid along LPS."""

    codes: npt.NDArray[np.uint8]
    """(x, y, z)"""
    hu: Floats
    """Of the object: before blur and noise."""
    low_mm: Floats
    step_mm: float = _STEP_MM

    def positions_mm(self, mask: Bools) -> Floats:
        """Return where the voxels of a mask lie, (n, 3) LPS."""
        return np.asarray(np.argwhere(mask) * self.step_mm + self.low_mm)

    def volume_mm3(self, mask: Bools) -> float:
        """Return the volume of a mask."""
        return float(mask.sum() * self.step_mm**3)

    def volumes_mm3(self, materials: int) -> tuple[float, ...]:
        """Return the volume of each material."""
        counts = np.bincount(self.codes.ravel(), minlength=materials + 1)[1:]
        return tuple(float(n) * self.step_mm**3 for n in counts)


def voxels(body: Body) -> Voxels:
    """Put a body on a fine grid that just holds it."""
    low, high = _extent(body)
    lines = [np.arange(a, b, _STEP_MM) for a, b in zip(low, high, strict=True)]
    at = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 3)
    codes, hu = body.classify(at), np.zeros(len(at))
    filled = np.flatnonzero(codes)
    hu[filled] = body.hu_at(at[filled], codes[filled])
    shape = tuple(len(line) for line in lines)
    return Voxels(codes=codes.reshape(shape), hu=hu.reshape(shape), low_mm=low)


def _extent(body: Body) -> tuple[Floats, Floats]:
    """Find on a coarse grid where a body really lies."""
    lines = [np.arange(a, b + _COARSE_MM, _COARSE_MM) for a, b in zip(body.low_mm, body.high_mm, strict=True)]
    at = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 3)
    own = at[body.classify(at) > 0]
    if not len(own):
        return body.low_mm, body.high_mm
    return own.min(axis=0) - 2 * _COARSE_MM, own.max(axis=0) + 2 * _COARSE_MM


def axes_mm(seen: Voxels, mask: Bools) -> Floats:
    """Return the axes of the ellipsoid with the same second moments, longest first."""
    moments = np.cov(seen.positions_mm(mask).T) + np.eye(3) * seen.step_mm**2 / 12
    return np.asarray(2 * np.sqrt(5 * np.linalg.eigvalsh(moments))[::-1])


def max_diameter_mm(seen: Voxels, mask: Bools) -> float:
    """Return the largest distance between two voxels of a mask: some of its many voxels lie at its very surface."""
    points = seen.positions_mm(mask & ~binary_erosion(mask))
    return float(pdist(points[ConvexHull(points).vertices]).max())


def outer_faces(mask: Bools) -> Iterator[Bools]:
    """Yield for each of six directions the voxels of a mask that have none of it beyond."""
    for axis in range(3):
        for shift in (1, -1):
            yield mask & ~np.roll(mask, shift, axis=axis)


def coverage_pct(rim: Bools, inside: Bools) -> float:
    """Return the calcified share of the outer surface, counted in faces of voxels."""
    faces = [(int((face & rim).sum()), int(face.sum())) for face in outer_faces(rim | inside)]
    covered, total = np.sum(faces, axis=0)
    return float(100 * covered / max(total, 1))


def core_truth(seen: Voxels, core: Bools, *, inside: Bools, noise_sd_hu: float, blood_hu: float) -> dict[str, Any]:
    """Tell what is true of an uneven core; its spread has the noise in it.

    `like_blood` gives the largest connected part whose HU a cavity could have, in mm3: 0 where there is none.
    """
    deep = distance_transform_edt(core, sampling=seen.step_mm) > _EROSION_MM
    hu = seen.hu[deep if deep.any() else core]
    if not hu.size:
        return {}
    rng = np.random.Generator(np.random.Philox(key=(hu.size, 61)))
    noisy = np.tile(hu, _NOISE_DRAWS) + noise_sd_hu * rng.standard_normal(_NOISE_DRAWS * hu.size)
    low, high = np.percentile(noisy, (10, 90))
    parts = {name: _largest_mm3(seen, core, low=a * blood_hu, high=b * blood_hu) for name, (a, b) in LIKE_BLOOD.items()}
    return {
        "mean_hu": round(float(hu.mean()), 1),
        "sd_hu": round(float(np.hypot(hu.std(), noise_sd_hu)), 2),
        "p10_hu": round(float(low), 1),
        "p90_hu": round(float(high), 1),
        "object_sd_hu": round(float(hu.std()), 2),
        "like_blood": {name: round(volume, 1) for name, volume in parts.items()},
        "inside_mm3": round(seen.volume_mm3(inside), 1),
    }


def _largest_mm3(seen: Voxels, core: Bools, *, low: float, high: float) -> float:
    """Return the volume of the largest connected part of a core, nowhere thin, between two HU."""
    width = _SEEN_FWHM_MM * FWHM_TO_SD / seen.step_mm
    weight = gaussian_filter(core.astype(float), width)
    hu = gaussian_filter(np.where(core, seen.hu, 0.0), width) / np.maximum(weight, 1e-6)
    like = core & (hu >= low) & (hu <= high)
    half = _LEAST_PART_MM / 2
    middle = distance_transform_edt(like, sampling=seen.step_mm) >= half
    opened = like & (distance_transform_edt(~middle, sampling=seen.step_mm) < half) if middle.any() else middle
    parts, count = label(opened)
    return seen.volume_mm3(parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])) if count else 0.0


def sector_truth(seen: Voxels, calcium: Bools, annulus: MitralAnnulus) -> list[dict[str, Any]]:
    """Tell how much calcium lies in each sector of the ring that has any.

    The thickness is the longest radial line through calcium at any one depth, in steps of 5 degrees and 0.5 mm;
    depths are from the ring, towards the apex above zero.
    """
    at = seen.positions_mm(calcium)
    frame = annulus.to_frame(at)
    angle, away = np.degrees(np.arctan2(frame[:, 1], frame[:, 0])), np.hypot(frame[:, 0], frame[:, 1])
    ring = annulus.to_frame(annulus.curve_mm)
    at_ring = np.degrees(np.arctan2(ring[:, 1], ring[:, 0]))
    order = np.argsort(at_ring)
    depth = frame[:, 2] - np.interp(angle, at_ring[order], ring[order, 2], period=360)
    names = np.array([sector(float(a)) for a in np.arange(-180, 180) + 0.5])
    own = names[np.clip(np.floor(angle + 180).astype(int), 0, 359)]
    return [
        {
            "sector": str(name),
            "volume_mm3": round(float((own == name).sum() * seen.step_mm**3), 1),
            "thickness_mm": longest_chord_mm(angle[own == name], away[own == name], depth[own == name]),
            "depth_mm": [round(float(v), 1) for v in np.percentile(depth[own == name], (0.5, 99.5))],
        }
        for name in RING_ORDER
        if (own == name).any()
    ]


def longest_chord_mm(angle_deg: Floats, away_mm: Floats, depth_mm: Floats) -> float:
    """Return the longest radial line through calcium at any one angle and depth."""
    lines = np.stack([np.floor(angle_deg / _CHORD_DEG), np.floor(depth_mm / _CHORD_MM), np.floor(away_mm / _CHORD_MM)])
    cells = np.unique(lines.astype(int), axis=1)
    _, counts = np.unique(cells[:2], axis=1, return_counts=True)
    return float(counts.max() * _CHORD_MM)


def arc_deg(seen: Voxels, calcium: Bools, annulus: MitralAnnulus) -> float:
    """Return how many degrees round the annulus hold calcium."""
    frame = annulus.to_frame(seen.positions_mm(calcium))
    bins = np.floor(2 * np.degrees(np.arctan2(frame[:, 1], frame[:, 0]))).astype(int)
    return float(len(np.unique(bins)) / 2)


def thickest_mm(sectors: Sequence[dict[str, Any]]) -> float:
    """Return the largest thickness of any sector."""
    return max((float(s["thickness_mm"]) for s in sectors), default=0.0)
