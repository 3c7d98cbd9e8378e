"""What is asked of each component before it is given a kind."""

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.findings import Anatomy
from ccma_seg.calcium.components import Components
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.ring import distance_to_ring, ring_radius_at
from ccma_seg.calcium.surroundings import Surroundings
from ccma_seg.geometry import Floats, Point, as_point

LINK_MM = 5.0
"""Calcifications with gaps up to this belong to one artery: plaques of one vessel, motion between slices (proposal)."""

FAT_HU = -100.0
"""Fat, for the step from it to blood."""

NOISE_SDS = 2.0
"""So much of the brightest voxel of a few is noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What brightness is held against."""

    blood_hu: float
    noise_hu: float
    """Standard deviation of voxels."""

    def excess(self, hu: Floats) -> Floats:
        """Return HU, less noise, above blood in units of the step from fat to blood, by which edges overshoot."""
        return (hu - NOISE_SDS * self.noise_hu - self.blood_hu) / (self.blood_hu - FAT_HU)


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """One component: size, place and surroundings. Lengths in mm."""

    volume_mm3: float
    peak_hu: float
    metal_share: float
    slices: int
    width_mm: float
    """Of a bar with the same second moments, the middle one of its three sides."""
    thinness_mm: float
    """... and the smallest."""
    gyration_mm: float
    nearest_mm: float
    """Nearest voxel to the annulus curve."""
    centroid_ring_mm: float
    centroid_mm: Point
    frame_mm: Point
    """Centroid, posterior, anterolateral and apical of the annulus centre."""
    outward_mm: float
    """How much further from the annulus axis than the ring itself, on average."""
    root_mm: float
    """Centroid to the centre of the aortic root."""
    above_root_mm: float
    """... and how much of it towards the head."""
    root_share: float
    """Share of its volume in the aortic root, clear of the ring."""
    outside_heart_mm: float
    """Centroid to the heart box; 0 inside."""
    cut: bool
    """Goes on beyond the region looked at."""
    apical_mm: float
    """How much further towards the apex than the ring itself, on average."""
    chain_mm: float
    """How far from the ring its chain of neighbours leads: 0 for one that has none, and none further away."""
    peak_excess: float
    """Of its brightest voxel, less noise, above blood, in units of the step from fat to blood."""
    inner_fat: float
    """Share of fat on the side of the valve."""
    inner_blood: float
    """... and of blood."""
    fat: float
    wide_fat: float
    """Share of fat beyond a coronary artery's wall."""
    lung: float
    wide_lung: float
    blood: float
    pool: float
    lowest_hu: float
    annular_chance: float = 0.0
    """That it belongs to the annulus."""

    @property
    def depth_mm(self) -> float:
        """How far apical of the annulus centre the centroid lies."""
        return self.frame_mm[2]

    @property
    def angle_deg(self) -> float:
        """Where round the annulus the centroid lies."""
        return float(np.degrees(np.arctan2(self.frame_mm[1], self.frame_mm[0])))

    @property
    def axis_mm(self) -> float:
        """Distance of the centroid from the axis of the annulus."""
        return float(np.hypot(self.frame_mm[0], self.frame_mm[1]))


def root_center(anatomy: Anatomy, annulus: MitralAnnulus, params: CalciumParams) -> Floats:
    """Return where the aortic root is, or where it usually lies from the annulus."""
    if anatomy.aortic_root_mm is not None:
        return np.array(anatomy.aortic_root_mm)
    return annulus.to_patient((-params.root_offset_mm, 0.0, 0.0))


def in_root(
    components: Components, *, anatomy: Anatomy, annulus: MitralAnnulus, params: CalciumParams
) -> npt.NDArray[np.bool_]:
    """Tell which voxels lie in the aortic root, anterior of the ring and clear of it."""
    away = components.positions_mm - root_center(anatomy, annulus, params)
    inside = np.einsum("ij,ij->i", away, away) <= params.root_radius_mm**2
    inside &= components.ring_mm > params.root_clear_of_ring_mm
    inside[inside] = annulus.to_frame(components.positions_mm[inside])[:, 0] < 0
    return np.asarray(inside)


def find_features(
    components: Components,
    around: Surroundings,
    wider: Surroundings,
    *,
    anatomy: Anatomy,
    annulus: MitralAnnulus,
    ring_mm: Floats,
    level: Level,
    params: CalciumParams,
) -> list[Features]:
    """Measure all components at once; entry 0 belongs to label 1."""
    positions, places = components.positions_mm, np.unravel_index(components.flat, components.geometry.shape)
    frame = annulus.to_frame(positions)
    centroid = components.mean(positions)
    root = root_center(anatomy, annulus, params)
    angle = np.degrees(np.arctan2(frame[:, 1], frame[:, 0]))
    ring_radius, ring_depth = ring_radius_at(annulus.to_frame(ring_mm), angle)
    spread = _spread_mm2(components, positions, centroid)
    ends = [(place == 0) | (place == n - 1) for place, n in zip(places, components.geometry.shape, strict=True)]
    table = {
        "volume_mm3": components.volume_mm3,
        "peak_hu": components.max(components.hu),
        "metal_share": components.mean(components.hu >= params.metal_hu),
        "slices": components.max(places[0]) - components.min(places[0]) + 1,
        "width_mm": np.sqrt(12 * spread[:, 1]),
        "thinness_mm": np.sqrt(12 * spread[:, 2]),
        "gyration_mm": np.sqrt(spread.sum(axis=1)),
        "nearest_mm": components.min(components.ring_mm),
        "centroid_ring_mm": distance_to_ring(centroid, ring_mm, annulus=annulus),
        "outward_mm": components.mean(np.hypot(frame[:, 0], frame[:, 1]) - ring_radius),
        "apical_mm": components.mean(frame[:, 2] - ring_depth),
        "chain_mm": _chain_mm(components, ring_mm, annulus),
        "peak_excess": level.excess(components.max(components.hu)),
        "inner_fat": wider.inner_fat,
        "inner_blood": wider.inner_blood,
        "root_mm": np.linalg.norm(centroid - root, axis=1),
        "above_root_mm": centroid[:, 2] - root[2],
        "root_share": components.mean(in_root(components, anatomy=anatomy, annulus=annulus, params=params)),
        "outside_heart_mm": _outside(centroid, anatomy.heart_box_mm),
        "cut": components.max(np.logical_or.reduce(ends)),
        "fat": around.fat,
        "wide_fat": wider.fat,
        "lung": around.lung,
        "wide_lung": wider.lung,
        "blood": around.blood,
        "pool": around.pool,
        "lowest_hu": around.lowest_hu,
    }
    rows = zip(*(values.tolist() for values in table.values()), strict=True)
    points = zip(centroid, annulus.to_frame(centroid), strict=True)
    return [
        Features(**dict(zip(table, row, strict=True)), centroid_mm=as_point(c), frame_mm=as_point(f))
        for row, (c, f) in zip(rows, points, strict=True)
    ]


def _chain_mm(components: Components, ring_mm: Floats, annulus: MitralAnnulus) -> Floats:
    """Return how far from the ring the centroids of each component's chain of neighbours lie at most."""
    if components.count == 0:
        return np.zeros(0)
    spans = np.stack([[components.min(along), components.max(along)] for along in components.positions_mm.T], axis=-1)
    low, high = spans
    gaps = np.maximum(low[:, None] - high[None], low[None] - high[:, None]).clip(0)
    linked = coo_array(np.linalg.norm(gaps, axis=-1) <= LINK_MM)
    _, chain = connected_components(linked, directed=False)
    away = distance_to_ring(components.mean(components.positions_mm), ring_mm, annulus=annulus)
    farthest = np.full(chain.max() + 1, -np.inf)
    np.maximum.at(farthest, chain, away)
    return np.asarray(farthest[chain] - away)


def _spread_mm2(components: Components, positions: Floats, centroid: Floats) -> Floats:
    """Return the principal second moments of each component, (count, 3), largest first, voxels taken as bricks."""
    away = (positions - centroid[components.label - 1]).T
    pairs = np.empty((components.count, 3, 3))
    for i, j in combinations_with_replacement(range(3), 2):
        pairs[:, i, j] = pairs[:, j, i] = components.mean(away[i] * away[j])
    steps = np.array(components.geometry.axes) * np.array(components.geometry.spacing_mm)[:, None]
    return np.asarray(np.linalg.eigvalsh(pairs + steps.T @ steps / 12)[:, ::-1])


def _outside(positions: Floats, box_mm: tuple[Point, Point] | None) -> Floats:
    if box_mm is None:
        return np.zeros(len(positions))
    low, high = np.array(box_mm)
    return np.asarray(np.linalg.norm(positions - np.clip(positions, low, high), axis=1))
