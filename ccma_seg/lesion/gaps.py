"""Openings of the rim."""

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ccma_seg.anatomy.findings import BLOOD_POOL_LA, BLOOD_POOL_LV, Anatomy
from ccma_seg.geometry import Bools, Floats, as_point, unit
from ccma_seg.lesion import sphere
from ccma_seg.lesion.findings import Envelope, Gap
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.surface import envelope_points, vertex_areas
from ccma_seg.tissue import FAT_BELOW_HU

CHAMBERS = {BLOOD_POOL_LV: "left_ventricle", BLOOD_POOL_LA: "left_atrium"}

_LOOK_OUT_MM = (1.5, 8.0)


def find_gaps(anatomy: Anatomy, envelope: Envelope, params: LesionParams) -> tuple[Gap, ...]:
    """Return the openings of a rim, widest first.

    The width of an opening is the diameter of the largest disc on the surface that has no rim in it.
    """
    open_ = ~envelope.covered
    if not open_.any():
        return ()
    points = envelope_points(envelope)
    clearance = distance_to_rim_mm(points, open_)
    graph = sphere.neighbours(open_.size)[open_][:, open_]
    count, group = connected_components(graph, directed=False)
    members = [np.flatnonzero(open_)[group == k] for k in range(count)]
    gaps = [_describe(anatomy, envelope, (points, clearance), m) for m in members]
    wide = [g for g in gaps if g.width_mm >= params.neck_possible_mm]
    return tuple(sorted(wide, key=lambda g: -g.width_mm))


def coverage_pct(envelope: Envelope) -> float:
    """Return the share of the outer surface that has a rim, in percent."""
    areas = vertex_areas(envelope_points(envelope), envelope.covered.size)
    return float(100 * areas[envelope.covered].sum() / areas.sum())


def distance_to_rim_mm(points: Floats, open_: Bools) -> Floats:
    """Return how far each point of a surface, (n, 3), is from the rim; infinite if there is none."""
    if open_.all():
        return np.full(open_.size, np.inf)
    distance, _ = cKDTree(points[~open_]).query(points)
    return np.asarray(distance)


def _describe(anatomy: Anatomy, envelope: Envelope, surface: tuple[Floats, Floats], members: sphere.Indices) -> Gap:
    points, clearance = surface
    spacing = float(np.sqrt(4 * np.pi / envelope.covered.size)) * float(np.mean(envelope.outer_radius_mm[members]))
    width = 2 * float(clearance[members].max()) - spacing
    limit = float(np.linalg.norm(np.ptp(points, axis=0)))
    middle = points[members].mean(axis=0) - envelope.center_mm
    direction = unit(middle) if np.linalg.norm(middle) > 0 else unit(points[members[0]] - envelope.center_mm)
    return Gap(width_mm=min(width, limit), direction=as_point(direction), faces=_faces(anatomy, envelope, members))


def _faces(anatomy: Anatomy, envelope: Envelope, members: sphere.Indices) -> str:
    """Tell what lies outside an opening: a chamber, if its blood pool is met on the way out, else by HU."""
    outward = sphere.directions(envelope.covered.size)[members]
    chamber = chamber_outside(anatomy, envelope_points(envelope)[members], outward)
    return chamber or _tissue(anatomy, float(np.median(envelope.outside_hu[members])))


def _tissue(anatomy: Anatomy, hu: float) -> str:
    blood = anatomy.contrast.blood_pool_hu
    soft = anatomy.myocardium_hu
    if hu < FAT_BELOW_HU:
        return "fat"
    if soft is not None and (blood is None or hu < (soft + blood) / 2 or blood < soft):
        return "myocardium"
    return "unknown"


def chamber_outside(anatomy: Anatomy, points: Floats, outward: Floats) -> str | None:
    """Return the chamber that most lines outwards from points meet first; None if most meet none."""
    if anatomy.blood_pools is None:
        return None
    pools = anatomy.blood_pools
    steps = np.arange(*_LOOK_OUT_MM, 0.5)
    index = np.rint(pools.geometry.to_index(points[:, None, :] + steps[:, None] * outward[:, None, :])).astype(int)
    valid = np.asarray(((index >= 0) & (index < pools.labels.shape)).all(axis=-1))
    index = np.where(valid[..., None], index, 0)
    labels = np.where(valid, pools.labels[index[..., 0], index[..., 1], index[..., 2]], 0)
    first = labels[np.arange(len(labels)), (labels > 0).argmax(axis=1)]
    votes = {name: int((first == label).sum()) for label, name in CHAMBERS.items()}
    best = max(votes, key=lambda name: votes[name])
    return best if votes[best] * 2 >= len(points) and votes[best] > 0 else None
