"""Distances to the annulus as a closed curve."""

import numpy as np
from scipy.spatial import cKDTree

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.geometry import Floats

RING_STEP_MM = 0.5
"""Between points of the densified curve: distances are then exact to 0.02 mm beyond 1 mm."""

NEAR_MM = 30.0
"""Up to here distances are exact; further away they are those to the ring in the same half-plane, a little larger."""


def dense_ring(curve_mm: Floats) -> Floats:
    """Put points every half millimetre on the closed polygon through (n, 3) points."""
    ends = np.roll(curve_mm, -1, axis=0)
    lengths = np.linalg.norm(ends - curve_mm, axis=1)
    pieces = [
        a + (b - a) * np.arange(0, 1, RING_STEP_MM / max(length, RING_STEP_MM))[:, None]
        for a, b, length in zip(curve_mm, ends, lengths, strict=True)
    ]
    return np.concatenate(pieces)


def distance_to_ring(positions_mm: Floats, ring_mm: Floats, *, annulus: MitralAnnulus) -> Floats:
    """Return the distance in mm of positions, (n, 3), to the nearest point of a densified ring."""
    frame = annulus.to_frame(positions_mm)
    radius, depth = ring_radius_at(annulus.to_frame(ring_mm), np.degrees(np.arctan2(frame[:, 1], frame[:, 0])))
    distance = np.hypot(np.hypot(frame[:, 0], frame[:, 1]) - radius, frame[:, 2] - depth)
    near = np.flatnonzero(distance <= NEAR_MM)
    distance[near], _ = cKDTree(ring_mm).query(positions_mm[near], workers=2)
    return np.asarray(distance)


def ring_radius_at(ring_frame_mm: Floats, angle_deg: Floats) -> tuple[Floats, Floats]:
    """Return the ring's distance from the axis, and its apical depth, at angles, (n,), from its points in the frame."""
    known = np.degrees(np.arctan2(ring_frame_mm[:, 1], ring_frame_mm[:, 0]))
    order = np.argsort(known)
    radius = np.hypot(ring_frame_mm[:, 0], ring_frame_mm[:, 1])
    values = (np.interp(angle_deg, known[order], v[order], period=360) for v in (radius, ring_frame_mm[:, 2]))
    first, second = (np.asarray(v, float) for v in values)
    return first, second
