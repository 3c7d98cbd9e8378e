"""Fit the chance that what is as bright as blood inside a mass is blood, to masses of known truth.

Run: OMP_NUM_THREADS=1 python -m benchmarks.filling [--exams 400] [--seed 400000] [--jobs 2] [--keep FOLDER]
     [--rows FILE] [--write]

The masses are uneven and even ones, intact and ruptured, drawn from seeds of their own; of each exam all masses with
something as bright as blood inside teach. Intact and ruptured ones weigh the same, so the chance is that of an exam of
which nothing is known before. Each is judged by a fit without the exams of its seed. `--write` keeps the coefficients
of the fit to all.
"""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.closeup import exam
from benchmarks.expected import expected_verdicts
from benchmarks.logistic_fit import chances, fit
from ccma_seg.calcium import find_calcium
from ccma_seg.geometry import Floats
from ccma_seg.lesion import CAVITY, CORE, Lesion, LesionParams, segment
from ccma_seg.lesion.bright import bright_inside
from ccma_seg.lesion.filling import evidence_of
from ccma_seg.lesion.neck import find_passage
from ccma_seg.logistic import logistic_models
from ccma_seg.phantom import Recipe, random_recipe, rough_recipe

KEPT_IN = Path("ccma_seg/lesion/filling.json")

SHARES = {"intact": 0.28, "ruptured": 0.28, "like_blood": 0.15, "narrow": 0.04, "smooth": 0.25}
"""Of kinds of exams; the even ones are of all kinds that may have something bright inside."""
SMOOTH = ("random_ccma_dense", "random_ruptured")

SIGNS = {
    **dict.fromkeys(("shut", "clearly_shut", "walled_off", "lined", "share", "way"), 1.0),
    **dict.fromkeys(("between", "rest", "unlike_chamber", "border"), -1.0),
}
STIFFNESS = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One mass with something as bright as blood inside."""

    name: str
    seed: int
    blood: bool
    allowed: list[str]
    """Verdicts, of the exam."""
    evidence: dict[str, float]


def drawn(number: int, seed: int) -> list[tuple[int, Recipe]]:
    """Draw recipes of each kind by rising seed."""
    recipes: list[tuple[int, Recipe]] = []
    for kind, share in SHARES.items():
        smooth = ((s, random_recipe(s)) for s in count(seed))
        even = ((s, r) for s, r in smooth if r.name.startswith(SMOOTH) and r.contrast.state != "none")
        rough = ((s, rough_recipe(s, kind)) for s in count(seed)) if kind != "smooth" else even
        recipes += islice(rough, round(number * share))
    return recipes


def rows_of(one: tuple[int, Recipe], *, keep: Path | None) -> list[Row]:
    """Make an exam close up, and return what it teaches."""
    (seed, recipe), params = one, LesionParams()
    made = exam(recipe, seed=seed, keep=keep)
    masses = [t for t in made.truth["lesions"] if t["kind"] == "mass"]
    if not masses or made.anatomy is None:
        return []
    rows = []
    for lesion in segment(made.volume, made.anatomy, find_calcium(made.volume, made.anatomy)):
        bare = _without_cavity(lesion)
        bright = bright_inside(made.volume, made.anatomy, bare, params=params)
        if bright is None:
            continue
        thin = made.volume.geometry.spacing_mm[0] <= params.neck_slice_mm
        passage = find_passage(made.volume, made.anatomy, bare, params=params) if thin else None
        evidence = evidence_of(made.volume, made.anatomy, bare, bright, passage, params=params)
        apart = [float(np.linalg.norm(np.subtract(t["centroid_mm"], bare.envelope.center_mm))) for t in masses]
        blood = bool(masses[int(np.argmin(apart))]["cavity"]["present"])
        allowed = sorted(expected_verdicts(made.truth))
        rows.append(Row(name=recipe.name, seed=seed, blood=blood, allowed=allowed, evidence=evidence))
    return rows


def _without_cavity(lesion: Lesion) -> Lesion:
    labels = np.where(lesion.parts.labels == CAVITY, CORE, lesion.parts.labels).astype(np.uint8)
    return replace(lesion, parts=replace(lesion.parts, labels=labels))


def gather(recipes: list[tuple[int, Recipe]], *, jobs: int, keep: Path | None, kept: Path | None) -> list[Row]:
    """Look at each exam once, or take what was kept of it."""
    lines = [json.loads(line) for line in kept.read_text("utf-8").splitlines()] if kept and kept.exists() else []
    done = {line["exam"] for line in lines}
    missing = [(seed, recipe) for seed, recipe in recipes if recipe.name not in done]
    with ProcessPoolExecutor(jobs) as pool:
        for (_, recipe), rows in zip(missing, pool.map(partial(rows_of, keep=keep), missing), strict=True):
            print(f"{recipe.name}: {len(rows)}", file=sys.stderr, flush=True)
            lines.append({"exam": recipe.name, "rows": [asdict(row) for row in rows]})
            if kept:
                with kept.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(lines[-1]) + "\n")
    wanted = {recipe.name for _, recipe in recipes}
    return [Row(**row) for line in lines if line["exam"] in wanted for row in line["rows"]]


def fit_rows(rows: list[Row]) -> dict[str, Any]:
    """Fit to masses; with and without blood weigh the same."""
    truth = np.array([row.blood for row in rows], float)
    weight = np.where(truth > 0, 1 / truth.sum(), 1 / (1 - truth).sum())
    model: dict[str, Any] = fit([r.evidence for r in rows], truth, weight, signs=SIGNS, stiffness=STIFFNESS)
    return model


def left_out(rows: list[Row], *, folds: int = 20) -> Floats:
    """Judge each mass by a fit without the exams of its share of the seeds."""
    chance, fold = np.zeros(len(rows)), np.array([row.seed % folds for row in rows])
    for own in np.unique(fold):
        model = fit_rows([r for r, f in zip(rows, fold, strict=True) if f != own])
        chance[fold == own] = chances(model, [r.evidence for r, f in zip(rows, fold, strict=True) if f == own])
    return chance


def table(rows: list[Row], chance: Floats) -> str:
    """Write how the chances of kinds of masses are spread."""
    kinds = {
        "ruptured, sure": [r.allowed == ["ruptured_ccma"] and r.blood for r in rows],
        "ruptured, hard to tell": [r.allowed != ["ruptured_ccma"] and r.blood for r in rows],
        "intact": [not r.blood for r in rows],
    }
    limits = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
    lines = [f"| what | masses | {' | '.join(f'>= {limit:g}' for limit in limits)} |", "|---" * (2 + len(limits)) + "|"]
    for name, which in kinds.items():
        of_kind = chance[np.array(which, bool)]
        shares = " | ".join(f"{np.mean(of_kind >= limit):.3f}" if of_kind.size else "-" for limit in limits)
        lines.append(f"| {name} | {of_kind.size} | {shares} |")
    return "\n".join(lines)


def main() -> None:
    """Write a table to standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exams", type=int, default=400)
    parser.add_argument("--seed", type=int, default=400000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    rows = gather(list(drawn(asked.exams, asked.seed)), jobs=asked.jobs, keep=asked.keep, kept=asked.rows)
    print(f"Each judged by a fit without it:\n\n{table(rows, left_out(rows))}\n")
    model = fit_rows(rows)
    print("Weights, per standard deviation of the evidence:\n")
    for name, weight in model["weights"].items():
        print(f"- {name}: {weight * float(np.std([r.evidence[name] for r in rows])):+.2f}")
    if asked.write:
        KEPT_IN.write_text(json.dumps({"blood": model}, indent=1) + "\n", encoding="utf-8")
        logistic_models.cache_clear()


if __name__ == "__main__":
    main()
