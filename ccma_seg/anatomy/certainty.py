"""How well the centre of an annulus is known, from what the exam itself shows."""

from dataclasses import dataclass

import numpy as np

from ccma_seg.anatomy.heart import Heart


@dataclass(frozen=True, slots=True, kw_only=True)
class CertaintyParams:
    """What the error grows with: parts of one standard error, added in squares.

    Fitted to CTs left out of the templates by `benchmarks/annulus_certainty.py`.
    """

    plain_mm: float = 2.6
    """Without contrast, of a heart that lay where it was found at first."""
    plain_moved: float = 0.5
    """For each mm by which the closer look moved it: what fits well near the annulus but not as a whole is unusual."""
    plain_apart: float = 0.9
    """For each mm between one template and the mean of all."""

    blood_mm: float = 1.7
    """The same with contrast."""
    blood_moved: float = 0.1
    blood_apart: float = 0.3
    blood_depth: float = 0.4
    """For each mm of the standard error of the hinges' depth: it is stated for the axis alone and for one template."""


def by_templates(heart: Heart, params: CertaintyParams) -> float:
    """Return the standard error of the centre in mm, as templates without blood find it."""
    parts = params.plain_mm, params.plain_moved * heart.moved_mm, params.plain_apart * heart.apart_mm
    return float(np.linalg.norm(parts))


def by_blood(heart: Heart, depth_sd_mm: float, params: CertaintyParams) -> float:
    """Return the standard error of the centre in mm, found by blood, of a depth known to a standard error in mm."""
    parts = (
        params.blood_mm,
        params.blood_moved * heart.moved_mm,
        params.blood_apart * heart.apart_mm,
        params.blood_depth * depth_sd_mm,
    )
    return max(float(np.linalg.norm(parts)), heart.least_uncertainty_mm)
