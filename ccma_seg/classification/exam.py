"""The verdict on an exam without a mass that decides it, and the sentence for it."""

from dataclasses import dataclass

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.findings import Anatomy
from ccma_seg.calcium.burden import CalciumBurden
from ccma_seg.calcium.findings import CalciumKind, CalciumMap
from ccma_seg.classification.findings import Verdict
from ccma_seg.geometry import Point

METAL_REACH_MM = 20.0
"""Metal nearer to the annulus or its middle than this is a prosthesis, ring or clip there, and its streaks cover it
(proposal)."""

MOST_CALCIUM_MM3 = 25_000.0
"""No annulus holds more: 5,679 +- 5,670 mm3 in severe MAC (SUMMIT-MAC), about 25 ml at most."""

WORST_LIMIT_MM3 = 100.0
"""An exam that would not show a focus of this volume does not exclude calcification (proposal)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overall:
    """What is said of an exam as a whole."""

    verdict: Verdict
    explanation: str


def judge_exam(anatomy: Anatomy, calcium: CalciumMap, burden: CalciumBurden) -> Overall:
    """Judge what is calcified apart from masses: MAC if some of it is decided to be annular, none if nothing may be.

    Where calcium is undecided, metal hides it, part of the heart is missing, or noise would hide it, the images do not
    decide.
    """
    doubt = _doubt(anatomy, calcium, burden)
    if doubt:
        return Overall(verdict=Verdict.INDETERMINATE, explanation=doubt)
    if burden.annular_volume_mm3:
        return Overall(verdict=Verdict.MAC, explanation=_mac(burden))
    limit_mm3 = calcium.detection_limit_mm3
    shown = "" if limit_mm3 is None else f"; a compact focus of {limit_mm3:.0f} mm3 or more would show"
    text = f"No calcium above {calcium.threshold_hu:.0f} HU belongs to the mitral annulus{shown}."
    return Overall(verdict=Verdict.NO_CALCIFICATION, explanation=text)


def _doubt(anatomy: Anatomy, calcium: CalciumMap, burden: CalciumBurden) -> str:
    """Say why the images do not decide; empty where they do."""
    volume_mm3, limit_mm3 = burden.annular_volume_mm3 or 0.0, calcium.detection_limit_mm3 or 0.0
    why = ""
    if _metal_at(anatomy.annulus, calcium):
        why = "there is metal at the mitral annulus"
    elif volume_mm3 > MOST_CALCIUM_MM3:
        why = f"{volume_mm3 / 1000:.0f} ml of calcium are more than any annulus holds"
    elif volume_mm3 > 0:
        return ""
    elif calcium.doubt:
        return calcium.doubt
    elif anatomy.cut_off:
        why = "part of the heart lies outside the volume, and no calcium was found in the rest"
    elif limit_mm3 > WORST_LIMIT_MM3:
        why = f"no calcium was found, but a focus smaller than {limit_mm3:.0f} mm3 would not show"
    return f"The images do not decide: {why}." if why else ""


def _mac(burden: CalciumBurden) -> str:
    arc = "" if burden.arc_deg is None else f" over {burden.arc_deg:.0f} degrees of the ring"
    more = burden.undecided_volume_mm3 or 0.0
    beside = f"; {more:.0f} mm3 beside it may belong to it or not" if more else ""
    return f"Ordinary calcification of the mitral annulus{arc}, {burden.annular_volume_mm3:.0f} mm3{beside}."


def _metal_at(annulus: MitralAnnulus | None, calcium: CalciumMap) -> bool:
    metal = [c.centroid_mm for c in calcium.calcifications if c.kind == CalciumKind.METAL]
    return annulus is not None and any(_is_at(annulus, position_mm) for position_mm in metal)


def _is_at(annulus: MitralAnnulus, position_mm: Point) -> bool:
    valve_mm = np.vstack([annulus.curve_mm, annulus.center_mm])
    return bool(np.linalg.norm(valve_mm - position_mm, axis=1).min() <= METAL_REACH_MM)
