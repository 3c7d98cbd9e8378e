"""What is said of calcium that may be annular or not."""

from collections.abc import Sequence

from ccma_seg.calcium.chance import ANTERIOR_DEG
from ccma_seg.calcium.features import Features

INSIDE_MM = -4.0
"""Further inside the ring than this lies a leaflet or the ventricle's wall rather than the groove (proposal)."""


def doubt_of(undecided: Sequence[Features], *, enhanced: bool, slice_mm: float) -> str:
    """Say in one sentence how much calcium is undecided, where it lies, and what would tell; empty for none."""
    if not undecided:
        return ""
    volume_mm3 = sum(f.volume_mm3 for f in undecided)
    largest = max(undecided, key=lambda f: f.volume_mm3)
    exam = f"{'CT with contrast' if enhanced else 'plain CT'} in slices of {slice_mm:.3g} mm"
    return (
        f"{volume_mm3:.0f} mm3 of calcium {_place(largest)}, cannot be told on a {exam}; "
        f"{'a gated phase in thin slices' if enhanced else 'a gated CT with contrast in thin slices'} would tell."
    )


def _place(f: Features) -> str:
    if abs(f.angle_deg) > ANTERIOR_DEG:
        return "at the aorto-mitral curtain: annulus or aortic root"
    if f.outward_mm < INSIDE_MM:
        return "inside the mitral ring: annulus, leaflet or papillary muscle"
    side = "left" if f.angle_deg > 0 else "posterior"
    return f"in the {side} atrio-ventricular groove: annulus or circumflex artery"
