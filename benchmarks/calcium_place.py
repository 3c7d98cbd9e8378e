"""Fit the chance that a calcification is annular, to calcifications of real CTs and to calcium put into them.

Run as ``python -m benchmarks.calcium_place DATA [--more FOLDER] [--rows FILE] [--write]``: DATA is laid out as for
`benchmarks.real`. Calcifications that readers judged teach as they are; the annulus that they are measured from is the
one found, and others moved about the marked one as far as finding it errs. Bands, foci, solid calcium and shells are
put on the marked ring, tubes into the groove beside it, foci into the ventricle. Each CT is judged by a fit without it;
CTs of FOLDER without landmarks are judged only. `--write` keeps the coefficients of the fit to all of DATA.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.logistic_fit import chances, fit
from benchmarks.real.deposits import band, focus, put, solid, tube
from benchmarks.real.exams import RealExam, annulus_of, find_exams, read_exam
from ccma_seg.anatomy import Anatomy, ContrastState, MitralAnnulus, locate
from ccma_seg.anatomy.ring import RingParams, annulus_at
from ccma_seg.calcium import CalciumParams
from ccma_seg.calcium.chance import evidence_of
from ccma_seg.calcium.detection import Candidates, find_calcified, region_of
from ccma_seg.calcium.features import Features
from ccma_seg.calcium.sorting import is_bright_blood, place_of
from ccma_seg.calcium.threshold import find_threshold
from ccma_seg.errors import CcmaError
from ccma_seg.geometry import Floats
from ccma_seg.logistic import logistic_models
from ccma_seg.phantom import LesionSpec, RimSpec, insert
from ccma_seg.phantom.bodies import Body
from ccma_seg.phantom.image_quality import image_quality
from ccma_seg.volume import Volume

KEPT_IN = Path("ccma_seg/calcium/chance.json")

MOVED_MM = {ContrastState.NONE: 2.6, ContrastState.ENHANCED: 1.9, ContrastState.UNCERTAIN: 2.6}
TURNED_DEG = {ContrastState.NONE: 7.0, ContrastState.ENHANCED: 5.0, ContrastState.UNCERTAIN: 6.0}
"""How far a found annulus is off along each axis, and turned about each: standard deviations against the marks."""
MOVED_TAIL = 5
"""Degrees of freedom of Student's distribution: few annuli are far off."""

REAL_MOVES, PUT_MOVES = 4, 2
"""Moved annuli for real calcium, and for calcium put in, beside the one found."""
PUT_INTO_EACH = 20
NEAR_MM = 22.0
"""Further away nothing is asked."""
AT_MARK_MM = 6.0
MOST_DEPOSIT = 0.3
"""Share of a component that must lie in a deposit to be it."""

ANNULAR, DOUBTFUL, ELSEWHERE = 1.0, 0.5, 0.0
MARKED = {"annular": ANNULAR, "undecided": DOUBTFUL}
"""What is marked otherwise, or not at all, is not annular."""
ON_RING = frozenset({"band", "focus", "solid", "shell"})

SIGNS = {"log_volume": 1.0, "thinness": 1.0, "excess": 1.0}
"""Evidence for the annulus; all other speaks against it, or not at all: a fit to few CTs must not say otherwise."""
STIFFNESS = 0.02
"""Of the weights, in units of their spread (ridge)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One component, as seen from one annulus."""

    ct: str
    deposit: str
    """What was put in, or the kind that a reader gave; empty for what nobody marked."""
    trial: str
    truth: float
    enhanced: bool
    evidence: dict[str, float]


def rows_of(exam: RealExam, *, seed: int) -> Iterator[Row]:
    """Yield what a CT teaches."""
    rng = np.random.Generator(np.random.Philox(key=(seed, sum(map(ord, exam.name)))))
    volume = read_exam(exam)
    try:
        anatomy = locate(volume)
    except CcmaError:
        return
    marked = annulus_of(exam)
    if anatomy.annulus is None:
        return
    for number, ring in enumerate(_rings(anatomy, marked or anatomy.annulus, rng, count=REAL_MOVES)):
        found = _found(volume, replace(anatomy, annulus=ring))
        for label, features in _asked(found):
            kind = _marked_kind(exam, found.components.positions_mm[found.components.label == label])
            yield _row(exam, features, ring, anatomy, deposit=kind, trial=f"real {number}")
    if marked is None:
        return
    for number in range(PUT_INTO_EACH):
        name, changed, body = _deposit(volume, marked, number, seed=seed * 1000 + number)
        for move, ring in enumerate(_rings(anatomy, marked, rng, count=PUT_MOVES)):
            found = _found(changed, replace(anatomy, annulus=ring))
            for label, features in _asked(found):
                places = found.components.positions_mm[found.components.label == label]
                if np.mean(body.classify(places) > 0) > MOST_DEPOSIT:
                    yield _row(exam, features, ring, anatomy, deposit=name, trial=f"{number} {move}")


def _rings(anatomy: Anatomy, about: MitralAnnulus, rng: np.random.Generator, *, count: int) -> Iterator[MitralAnnulus]:
    """Yield the annulus found, and average ones moved and turned about another."""
    assert anatomy.annulus is not None
    yield anatomy.annulus
    state = anatomy.contrast.state
    scale = MOVED_MM[state] / np.sqrt(MOVED_TAIL / (MOVED_TAIL - 2))
    for _ in range(count):
        turn = Rotation.from_rotvec(np.radians(rng.normal(0, TURNED_DEG[state], 3))).as_matrix()
        yield annulus_at(
            np.array(about.center_mm) + scale * rng.standard_t(MOVED_TAIL, 3),
            turn @ about.normal,
            turn @ about.posterior,
            params=RingParams(),
            method="given",
            uncertainty_mm=anatomy.annulus.uncertainty_mm,
        )


def _found(volume: Volume, anatomy: Anatomy) -> Candidates:
    params = CalciumParams()
    threshold = find_threshold(volume, anatomy, params)
    assert anatomy.annulus is not None
    region = region_of(volume, replace(anatomy, heart_box_mm=None), params)
    return find_calcified(region, anatomy, anatomy.annulus, threshold, place_of(volume, anatomy, threshold, params))


def _asked(found: Candidates) -> Iterator[tuple[int, Features]]:
    """Yield what no rule has decided before the chance is asked, by label."""
    place = found.place
    for label, features in enumerate(found.features, start=1):
        decided = features.root_share >= 0.5 or features.pool >= 0.15 or features.metal_share > 0 or features.cut
        if features.nearest_mm < NEAR_MM and not decided and not is_bright_blood(features, place):
            yield label, features


def _marked_kind(exam: RealExam, places_mm: Floats) -> str:
    away = [
        (np.linalg.norm(places_mm - np.array(mark["lps"]), axis=1).min(), mark["kind"]) for mark in exam.calcifications
    ]
    nearest, kind = min(away, default=(np.inf, ""))
    return kind if nearest < AT_MARK_MM else ""


def _deposit(volume: Volume, marked: MitralAnnulus, number: int, *, seed: int) -> tuple[str, Volume, Body]:
    """Put one deposit into a CT; return its name, the CT, and what is to be found."""
    rng = np.random.Generator(np.random.Philox(key=(seed, 3)))
    names = ("band", "tube", "focus", "tube", "band", "solid", "shell", "tube", "ventricle", "band")
    name, quality = names[number % len(names)], image_quality(volume, marked)
    arc, thick = float(rng.uniform(25, 180)), float(rng.uniform(2, 6))
    if name == "shell":
        spec = LesionSpec(
            angle_deg=float(rng.uniform(-70, 70)),
            outward_mm=float(rng.uniform(0, 5)),
            long_axis_mm=2 * float(rng.uniform(9, 16)),
            short_axis_mm=2 * float(rng.uniform(7, 11)),
            rim=RimSpec(thickness_mm=float(rng.uniform(1.5, 3)), coverage_pct=float(rng.uniform(50, 100))),
        )
        phantom = insert(volume, marked, spec, seed=seed, quality=quality)
        parts = phantom.parts()

        def rim(positions_mm: Floats) -> np.ndarray:
            index = np.rint(parts.geometry.to_index(positions_mm)).astype(int)
            return (parts.labels[tuple(np.clip(index, 0, np.array(parts.labels.shape) - 1).T)] > 0).astype(np.uint8)

        return name, phantom.volume, Body(low_mm=np.zeros(3), high_mm=np.zeros(3), classify=rim, materials=())
    if name == "band":
        body = band(marked, thickness_mm=thick, arc_deg=arc, seed=seed)
    elif name == "solid":
        body = solid(marked, thickness_mm=2 + 2 * thick, arc_deg=max(arc, 60.0), seed=seed)
    elif name == "tube":
        body = tube(marked, outward_mm=float(rng.uniform(5, 12)), seed=seed)
    else:
        around = marked if name == "focus" else _within(marked, rng)
        body = focus(volume, around, volume_mm3=float(10 ** rng.uniform(0.8, 2)), seed=seed)
        body = replace(body, materials=(replace(body.materials[0], hu=body.materials[0].hu + 400 * rng.random()),))
    return name, put(body, volume, quality, seed=seed), body


def _within(marked: MitralAnnulus, rng: np.random.Generator) -> MitralAnnulus:
    """Return a smaller ring in the ventricle: papillary muscles and chordae calcify there."""
    frame = marked.to_frame(marked.curve_mm) * (*2 * (rng.uniform(0.3, 0.8),), 1.0) + (0, 0, rng.uniform(12, 32))
    return replace(marked, curve_mm=marked.to_patient(frame))


def _row(exam: RealExam, f: Features, ring: MitralAnnulus, anatomy: Anatomy, *, deposit: str, trial: str) -> Row:
    enhanced = anatomy.contrast.state != ContrastState.NONE
    return Row(
        ct=exam.name,
        deposit=deposit,
        trial=trial,
        truth=ANNULAR if deposit in ON_RING else MARKED.get(deposit, ELSEWHERE),
        enhanced=enhanced,
        evidence=evidence_of(f, uncertainty_mm=ring.uncertainty_mm, enhanced=enhanced),
    )


def fit_rows(rows: list[Row]) -> dict[str, Any]:
    """Fit bias and weights; within each CT what is annular weighs as much as what is not."""
    count: dict[tuple[str, float], int] = defaultdict(int)
    for row in rows:
        count[row.ct, row.truth] += 1
    weight = np.array([1 / count[r.ct, r.truth] for r in rows])
    signs = dict.fromkeys(rows[0].evidence, -1.0) | SIGNS
    truth = np.array([r.truth for r in rows])
    return fit([r.evidence for r in rows], truth, weight, signs=signs, stiffness=STIFFNESS)


def left_out(rows: list[Row]) -> Floats:
    """Judge each CT by a fit without it."""
    chance = np.zeros(len(rows))
    for ct in {r.ct for r in rows}:
        own = np.array([r.ct == ct for r in rows])
        model = fit_rows([r for r, mine in zip(rows, own, strict=True) if not mine])
        chance[own] = chances(model, [r.evidence for r, mine in zip(rows, own, strict=True) if mine])
    return chance


def table(rows: list[Row], chance: Floats) -> str:
    """Write, for each sort of deposit, how many exams are annular, undecided, or neither, by their largest chance."""
    params = CalciumParams()
    best: dict[tuple[str, str, str], float] = defaultdict(float)
    for row, value in zip(rows, chance, strict=True):
        key = row.deposit or "not marked", row.ct, row.trial
        best[key] = max(best[key], float(value))
    lines = ["| what | exams | not | undecided | annular |", "|---|---|---|---|---|"]
    for name in sorted({key[0] for key in best}):
        values = np.array([v for key, v in best.items() if key[0] == name])
        yes, no = values >= params.annular_from, values < params.annular_below
        lines.append(
            f"| {name} | {len(values)} | {no.mean():.2f} | {1 - yes.mean() - no.mean():.2f} | {yes.mean():.2f} |"
        )
    return "\n".join(lines)


def gather(exams: list[RealExam], kept: Path | None, *, seed: int) -> list[Row]:
    """Measure each CT once, or take what was kept of it."""
    rows = [Row(**json.loads(line)) for line in kept.read_text("utf-8").splitlines()] if kept and kept.exists() else []
    done = {row.ct for row in rows}
    for exam in exams:
        if exam.name in done:
            continue
        new = list(rows_of(exam, seed=seed))
        print(f"{exam.name}: {len(new)}", file=sys.stderr, flush=True)
        rows += new
        if kept:
            with kept.open("a", encoding="utf-8") as stream:
                stream.writelines(json.dumps(asdict(row)) + "\n" for row in new)
    wanted = {exam.name for exam in exams}
    return [row for row in rows if row.ct in wanted]


def main() -> None:
    """Write tables to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--more", type=Path, action="append", default=[])
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    hearts = find_exams([asked.data, *asked.more]).hearts
    own = {e.name for e in hearts if e.marks is not None} | {e.name for e in find_exams([asked.data]).hearts}
    rows = gather([e for e in hearts if e.name in own], asked.rows, seed=asked.seed)
    models = {}
    for name, enhanced in (("plain", False), ("enhanced", True)):
        of_kind = [row for row in rows if row.enhanced == enhanced]
        models[name] = fit_rows(of_kind)
        print(f"## {name}: each CT left out\n\n{table(of_kind, left_out(of_kind))}\n")
    others = [e for e in hearts if e.name not in own]
    if others:
        rest = gather(others, asked.rows, seed=asked.seed)
        values = [float(chances(models["enhanced" if r.enhanced else "plain"], [r.evidence])[0]) for r in rest]
        print(f"## CTs that were not fitted to\n\n{table(rest, np.array(values))}\n")
    if asked.write:
        KEPT_IN.write_text(json.dumps(models, indent=1) + "\n", encoding="utf-8")
        logistic_models.cache_clear()


if __name__ == "__main__":
    main()
