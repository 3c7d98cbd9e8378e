"""How well a series suits the search for mitral calcification."""

import re

import numpy as np

from ccma_seg.geometry import Geometry
from ccma_seg.series.images import Image
from ccma_seg.series.kinds import is_derived
from ccma_seg.series.params import ReadParams
from ccma_seg.series.texts import speaks_of_heart

_THIN_MM = 1.5
"""Slices up to this thickness show a rim of 1-2 mm (SCCT 2016: at most 1 mm for coronary CTA)."""

_SIEMENS = re.compile(r"^(?:[BHUIDTQ][a-z]?)(\d{2})")
_CANON = re.compile(r"^FC(\d{2})")
_SHARP_SIEMENS, _SHARP_CANON = 50, 30
_SHARP = re.compile(r"LUNG|BONE|EDGE|SHARP|ULTRA|^(?:D|E|L|YA|YB|YC|YD|YE|EB|EC)$", re.IGNORECASE)

_NEAREST_AXIAL = 0.9
"""Cosine between the slice normal and the body axis from which slices count as axial."""


def rank(image: Image, geometry: Geometry | None, params: ReadParams) -> tuple[float, ...]:
    """Return how well a series suits, the larger the better, compared from left to right.

    Whole hearts before parts, originals before derived images, axial before other planes, gated before not, thin before
    thick slices, soft before sharp kernels, then the phase nearest to the preferred one, and the finer grid.
    """
    spacing = geometry.spacing_mm[0] if geometry else np.inf
    height = geometry.extent_mm[0] if geometry else 0.0
    phase = image.phase_percent
    away = params.preferred_phase_percent if phase is None else abs(phase - params.preferred_phase_percent)
    return (
        float(height >= params.heart_height_mm),
        float(not is_derived(image)),
        float(geometry is not None and abs(geometry.axes[0][2]) > _NEAREST_AXIAL),
        float(is_gated(image)),
        float(spacing <= _THIN_MM and (image.slice_thickness_mm or spacing) <= _THIN_MM),
        float(not is_sharp(image.kernel)),
        -away,
        -round(float(spacing), 2) if geometry else -np.inf,
        geometry.shape[0] if geometry else 0.0,
    )


def describe(image: Image, geometry: Geometry | None) -> str:
    """Say in a few words what speaks for a series and what against."""
    words = [
        "derived" if is_derived(image) else "original",
        _phase(image),
        f"{image.slice_thickness_mm:g} mm thick" if image.slice_thickness_mm else "thickness unknown",
        f"{'sharp' if is_sharp(image.kernel) else 'soft'} kernel {image.kernel}" if image.kernel else "kernel unknown",
    ]
    if geometry is not None:
        words.insert(1, f"{geometry.extent_mm[0]:.0f} mm high")
    return ", ".join(words)


def is_gated(image: Image) -> bool:
    """Tell whether headers or the description speak of a cardiac scan."""
    timed = image.phase_percent is not None or bool(image.trigger_time_ms)
    return timed or speaks_of_heart(image.description)


def is_sharp(kernel: str) -> bool:
    """Tell kernels for lung and bone, by the vendors' names, from those for soft tissue."""
    if found := _SIEMENS.match(kernel):
        return int(found[1]) >= _SHARP_SIEMENS
    if found := _CANON.match(kernel):
        return int(found[1]) >= _SHARP_CANON
    return _SHARP.search(kernel) is not None


def _phase(image: Image) -> str:
    if image.phase_percent is not None:
        return f"phase {image.phase_percent:g} %"
    return "cardiac" if is_gated(image) else "not gated"
