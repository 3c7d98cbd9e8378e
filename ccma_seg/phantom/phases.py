"""The heart through the cardiac cycle."""

from dataclasses import replace

import numpy as np

from ccma_seg.geometry import Floats
from ccma_seg.phantom.spec import AnatomySpec

REST_PERCENT = 75.0
"""Where the heart has the size that the recipe says."""

_SYSTOLE_PERCENT = 38.0
_SYSTOLE_WIDTH_PERCENT = 16.0
_SHRINKS = 0.16
"""Of the radius of the left ventricle, at end-systole (volume 114 to about 60 mL, Acad Radiol 2014)."""
_FILLS = 0.09
"""Of the radius of the left atrium."""
_DESCENDS_MM = 6.0
"""Annulus towards the apex (3.6 mm/m2, Alkadhi 2009)."""


def contraction(phase_percent: float) -> float:
    """Return how far the ventricle has contracted: 0 at rest, 1 at end-systole."""
    away = (phase_percent % 100 - _SYSTOLE_PERCENT) / _SYSTOLE_WIDTH_PERCENT
    return float(np.exp(-0.5 * away**2))


def at_phase(spec: AnatomySpec, center_mm: Floats, phase_percent: float | None) -> tuple[AnatomySpec, Floats]:
    """Return the anatomy and the centre of its annulus in one phase."""
    if phase_percent is None:
        return spec, center_mm
    share = contraction(phase_percent)
    moved = replace(
        spec,
        lv_radius_mm=spec.lv_radius_mm * (1 - _SHRINKS * share),
        lv_length_mm=spec.lv_length_mm - _DESCENDS_MM * share,
        wall_mm=spec.wall_mm * (1 + 0.3 * share),
        la_scale=spec.la_scale * (1 + _FILLS * share),
    )
    return moved, center_mm + _DESCENDS_MM * share * np.asarray(spec.annulus.direction_to_apex)
