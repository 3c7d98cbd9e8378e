"""Names for places round the mitral annulus, by angle: leaflet segments, commissures, trigones.

Angle 0 is mid posterior, +90 the anterolateral and -90 the posteromedial side, 180 mid anterior (the aortic curtain).
The posterior leaflet's attachment takes two thirds of the ring, trigone to trigone about 220-260 degrees (proposal;
taken as 240), so the trigones lie at +-120; each commissure lies between the lateral segment of either leaflet.
Angles only: where the leaflets part cannot be seen on most CTs. Carpentier's segments are taken as equal parts.
"""

from enum import StrEnum

import numpy as np

from ccma_seg.geometry import Bools, Floats

TRIGONE_DEG = 120.0
"""Fibrous trigones, either side of mid posterior: half of the posterior two thirds."""

TRIGONE_HALF_WIDTH_DEG = 10.0
"""A trigone is about 5 mm of a ring of 110 mm: 16-20 degrees (Naoum 2016 for the ring; the width is a proposal)."""

COMMISSURE_HALF_WIDTH_DEG = 8.0
"""A commissure is about 5 mm of the same ring (proposal)."""

COMMISSURE_DEG = 100.0
"""Commissures, either side of mid posterior: the intercommissural line passes a little anterior of the centre."""


class Sector(StrEnum):
    """Parts of the annulus; 1 is lateral, 3 is medial."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    A1 = "A1"
    A2 = "A2"
    A3 = "A3"
    ANTEROLATERAL_COMMISSURE = "anterolateral_commissure"
    POSTEROMEDIAL_COMMISSURE = "posteromedial_commissure"


def sector(angle_deg: float) -> str:
    """Name the segment at an angle round the annulus.

    Parameters
    ----------
    angle_deg
        0 mid posterior, positive towards anterolateral; any number of turns.

    Returns
    -------
    str
        P1, P2, P3, A1, A2, A3, anterolateral_commissure or posteromedial_commissure.

    Examples
    --------
    >>> sector(0.0), sector(60.0), sector(-60.0), sector(180.0)
    ('P2', 'P1', 'P3', 'A2')
    """
    angle = (angle_deg + 180.0) % 360.0 - 180.0
    lateral = angle > 0
    away = abs(angle)
    if abs(away - COMMISSURE_DEG) <= COMMISSURE_HALF_WIDTH_DEG:
        return Sector.ANTEROLATERAL_COMMISSURE if lateral else Sector.POSTEROMEDIAL_COMMISSURE
    if away < COMMISSURE_DEG:
        return Sector.P2 if away <= COMMISSURE_DEG / 3 else Sector.P1 if lateral else Sector.P3
    if 180.0 - away <= (180.0 - COMMISSURE_DEG) / 3:
        return Sector.A2
    return Sector.A1 if lateral else Sector.A3


def sectors(angles_deg: Floats) -> tuple[str, ...]:
    """Name each segment that occurs among angles, in the order of the ring from anterolateral to posteromedial."""
    present = {sector(float(angle)) for angle in np.ravel(angles_deg)}
    return tuple(name for name in RING_ORDER if name in present)


def at_trigone(angles_deg: Floats, *, lateral: bool) -> Bools:
    """Tell which angles lie at the anterolateral (lateral) or the posteromedial fibrous trigone."""
    at = TRIGONE_DEG if lateral else -TRIGONE_DEG
    away = (np.asarray(angles_deg, float) - at + 180.0) % 360.0 - 180.0
    return np.asarray(np.abs(away) <= TRIGONE_HALF_WIDTH_DEG)


def is_posterior(angle_deg: float) -> bool:
    """Tell whether an angle lies on the posterior two thirds of the ring, trigone to trigone."""
    return abs((angle_deg + 180.0) % 360.0 - 180.0) <= TRIGONE_DEG


RING_ORDER = (
    Sector.A2,
    Sector.A1,
    Sector.ANTEROLATERAL_COMMISSURE,
    Sector.P1,
    Sector.P2,
    Sector.P3,
    Sector.POSTEROMEDIAL_COMMISSURE,
    Sector.A3,
)
"""Once round, from mid anterior over the lateral side."""
