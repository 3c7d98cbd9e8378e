"""Random exams seen close up: the annulus and its masses only, on the true anatomy, at a fraction of the cost.

Or seen as a whole, as a user's exam is.
"""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lesion import true_anatomy
from ccma_seg import analyze
from ccma_seg.anatomy import Anatomy
from ccma_seg.calcium import find_calcium, measure_burden
from ccma_seg.classification import Finding, Verdict, classify, judge_exam, most_serious
from ccma_seg.geometry import as_point
from ccma_seg.lesion import Measurements, measure, segment
from ccma_seg.phantom import LesionKind, LesionSpec, Phantom, Recipe, make_phantom, random_recipe, rough_recipe
from ccma_seg.phantom.masses import lesion_frame
from ccma_seg.phantom.ring import make_annulus
from ccma_seg.phantom.variation import vary
from ccma_seg.volume import Volume

_RING_MM = (54.0, 54.0, 44.0)
"""Half of it lies on either side of the annulus centre: the whole ring with a thick band."""
_MARGIN_MM = 9.0
"""Round a mass: chambers are sought up to 4 mm outside the rim."""
_COMPACT = {LesionKind.MASS, LesionKind.STONE}
_BUMPS_SD = 2.0
"""Bumps of a surface are cut there."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exam:
    """An exam and what is true of it."""

    volume: Volume
    anatomy: Anatomy | None
    """The true one; None if it is to be found."""
    truth: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was made of an exam."""

    verdict: Verdict
    masses: tuple[tuple[Measurements, Finding], ...]


def recipes(kind: str, *, seed: int, smooth: bool = False) -> Iterator[tuple[int, Recipe]]:
    """Draw random recipes of one kind, by rising seed; any kind if it is empty."""
    if not smooth:
        return ((s, rough_recipe(s, kind)) for s in count(seed))
    drawn = ((s, random_recipe(s)) for s in count(seed))
    return ((s, r) for s, r in drawn if r.name.startswith(f"random_{kind}"))


def exam(recipe: Recipe, *, seed: int, keep: Path | None = None) -> Exam:
    """Make an exam close up, or take the one that is kept."""
    path = keep / f"{recipe.name}.pickle" if keep is not None else None
    if path is not None and path.is_file():
        kept: Exam = pickle.loads(path.read_bytes())
        return kept
    phantom = make_phantom(close_up(recipe, seed=seed), seed=seed)
    made = Exam(volume=phantom.volume, anatomy=true_anatomy(phantom), truth=_truth(phantom, recipe))
    if path is not None:
        path.write_bytes(pickle.dumps(made))
    return made


def whole_exam(recipe: Recipe, *, seed: int) -> Exam:
    """Make an exam as it was drawn."""
    phantom = make_phantom(recipe, seed=seed)
    return Exam(volume=phantom.volume, anatomy=None, truth=_truth(phantom, recipe))


def look(exam: Exam) -> Seen:
    """Analyse an exam; where the anatomy is given, go through the steps that follow it."""
    if exam.anatomy is None:
        analysis = analyze(exam.volume)
        return Seen(verdict=analysis.verdict, masses=tuple((m.measurements, m.finding) for m in analysis.masses))
    calcium = find_calcium(exam.volume, exam.anatomy)
    lesions = segment(exam.volume, exam.anatomy, calcium)
    measured = [measure(exam.volume, exam.anatomy, lesion) for lesion in lesions]
    masses = tuple((m, classify(m, exam.anatomy, exam.volume)) for m in measured)
    plain = judge_exam(exam.anatomy, calcium, measure_burden(exam.volume, exam.anatomy, calcium)).verdict
    return Seen(verdict=most_serious([f.verdict for _, f in masses] + [plain]) or plain, masses=masses)


def _truth(phantom: Phantom, recipe: Recipe) -> dict[str, Any]:
    return {**phantom.truth, "motion_mm": recipe.scanner.motion_mm}


def close_up(recipe: Recipe, *, seed: int) -> Recipe:
    """Narrow the field of view to the annulus, or to the masses if there are any."""
    annulus = make_annulus(vary(recipe.anatomy, seed=seed).annulus, (0.0, 0.0, 0.0))
    low, high = -np.array(_RING_MM) / 2, np.array(_RING_MM) / 2
    masses = [s for s in recipe.lesions if s.kind in _COMPACT]
    if masses:
        middles = np.array([lesion_frame(s, annulus)[0] for s in masses])
        reach = np.array([[_reach_mm(s)] for s in masses])
        own = (middles - reach).min(axis=0) - _MARGIN_MM, (middles + reach).max(axis=0) + _MARGIN_MM
        alone = len(masses) == len(recipe.lesions)
        low, high = own if alone else (np.minimum(low, own[0]), np.maximum(high, own[1]))
    band = max((_beyond_ring_mm(s) for s in recipe.lesions if s.kind is LesionKind.BAND), default=0.0)
    low, high = low - band, high + band
    spec = recipe.scanner
    pixel = spec.field_of_view_mm / spec.matrix
    matrix = int(np.ceil((high - low)[:2].max() / pixel))
    scanner = replace(
        spec,
        matrix=matrix,
        field_of_view_mm=matrix * pixel,
        slices=int(np.ceil((high - low)[2] / spec.slice_spacing_mm)),
        center_offset_mm=as_point((low + high) / 2),
    )
    return replace(recipe, scanner=scanner)


def _reach_mm(spec: LesionSpec) -> float:
    """Bound how far a mass or stone reaches from its centre."""
    bumps = _BUMPS_SD * spec.rough.surface.bumps_mm
    return spec.long_axis_mm / 2 + spec.lobe_mm * (spec.lobes > 0) + spec.leak.diameter_mm + bumps


def _beyond_ring_mm(spec: LesionSpec) -> float:
    """Tell how much farther a band of nodules reaches than the smooth one."""
    return spec.thickness_mm / 2 + spec.rough.band.reach_mm / 2 if spec.rough.band.nodules else 0.0
