"""The chance that a calcification belongs to the annulus, from what a reader looks at.

A logistic model of place, surroundings, size and brightness; its coefficients, in `chance.json`, are fitted to
calcifications of real CTs and to calcium put into them by `benchmarks/calcium_place.py`, which judges each CT by a fit
without it.
"""

import numpy as np

from ccma_seg.calcium.features import Features
from ccma_seg.logistic import logistic_models

RING_SHAPE_MM = 2.0
"""Standard deviation of the ring's own course about the average one, beside that of its centre (proposal)."""

ARTERY_MM = (5.0, 9.0)
"""Widest calcified coronary segment, and with motion on thick slices; fat round what is wider, or no blood beside it,
says nothing, for masses bulge into the groove's."""

MOST_CHAIN_MM = 30.0
"""A chain that leads further is no more a coronary artery's."""

ROOT_MM = 18.0
"""Radius of the aortic root: sinuses of 32-38 mm."""

MOST_BLOOD = 0.4
"""Share of blood round what a chamber touches on one side; more says nothing, for it lies within the chamber."""

MOST_EXCESS = (3.0, 1.0)
"""Without and with contrast: brighter is not surer; edges of blood reach 0.7, and partial volume has any."""

ANTERIOR_DEG = 110.0
"""From here on the aortic root and the curtain lie beside the ring."""


def annular_chance(features: Features, *, uncertainty_mm: float, enhanced: bool) -> float:
    """Return the chance that a calcification is annular.

    Parameters
    ----------
    features
        Of the calcification.
    uncertainty_mm
        Standard error of the annulus' centre.
    enhanced
        Whether the blood is.
    """
    model = logistic_models("ccma_seg.calcium", "chance.json")["enhanced" if enhanced else "plain"]
    return model(evidence_of(features, uncertainty_mm=uncertainty_mm, enhanced=enhanced))


def evidence_of(f: Features, *, uncertainty_mm: float, enhanced: bool) -> dict[str, float]:
    """Return what the model weighs, by name; lengths from the ring in units of what the ring is known to."""
    unit_mm = float(np.hypot(uncertainty_mm, RING_SHAPE_MM))
    slender = float(np.interp(f.thinness_mm, ARTERY_MM, (1.0, 0.0)))
    return {
        "distance": f.nearest_mm / unit_mm,
        "thick_distance": f.nearest_mm / unit_mm * (1 - slender),
        "centre_distance": max(f.centroid_ring_mm - f.gyration_mm, 0.0) / unit_mm,
        "outward": max(f.outward_mm - f.thinness_mm / 2, 0.0) / unit_mm,
        "apical": max(f.apical_mm, 0.0) / unit_mm,
        "basal": max(-f.apical_mm, 0.0) / unit_mm,
        "fat": f.fat * slender,
        "wide_fat": f.wide_fat * slender,
        "inner_fat": f.inner_fat * slender,
        "lung": max(f.lung, f.wide_lung),
        "no_blood": max(MOST_BLOOD - f.blood, 0.0) * slender * enhanced,
        "no_inner_blood": (1 - f.inner_blood) * slender * enhanced,
        "log_volume": float(np.log10(f.volume_mm3)),
        "thinness": min(f.thinness_mm, ARTERY_MM[1]),
        "excess": min(max(f.peak_excess, 0.0), MOST_EXCESS[enhanced]),
        "chain": min(f.chain_mm, MOST_CHAIN_MM),
        "root": max(ROOT_MM - f.root_mm, 0.0),
        "anterior": float(abs(f.angle_deg) > ANTERIOR_DEG),
    }
