"""A mass that is known, outlined anew in another image of it."""

import numpy as np

from ccma_seg.lesion.candidates import Candidate
from ccma_seg.lesion.envelope import find_envelope
from ccma_seg.lesion.findings import CAVITY, CORE, Envelope, Lesion
from ccma_seg.lesion.middle import find_middle
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.segmentation import holds, volume_mm3
from ccma_seg.volume import Volume

_SAME = 1.5
"""Outlines of the same mass differ in volume by no more than this factor: repeatability is far better (proposal)."""


def outline_again(volume: Volume, lesion: Lesion, *, wall_hu: float, params: LesionParams) -> Envelope | None:
    """Follow the rim of a known mass in another image.

    Parameters
    ----------
    volume
        Shows the mass where `lesion` has it.
    lesion
        Its core and cavity say where to begin.
    wall_hu
        What counts as wall in `volume`.
    params
        How a rim is followed.

    Returns
    -------
    Envelope or None
        None where no rim is found, or that of something else.
    """
    parts = lesion.parts
    inside = parts.mask(CORE) | parts.mask(CAVITY)
    if not inside.any():
        return None
    points = parts.geometry.to_patient(np.argwhere(inside))
    begun = Candidate(points_mm=points, wall_hu=wall_hu, score=float(inside.sum() * parts.geometry.voxel_mm3))
    middle = find_middle(volume, begun, params)
    found = None if middle is None else find_envelope(volume, middle, params)
    return found if found is not None and _same(found, lesion.envelope) else None


def _same(found: Envelope, known: Envelope) -> bool:
    ratio = volume_mm3(found) / volume_mm3(known)
    return holds(known, np.array(found.center_mm)) and 1 / _SAME <= ratio <= _SAME
