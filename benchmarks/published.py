"""Every published case among the recipes, and every mimic: the verdict given beside the one published, and sizes.

Run: python -m benchmarks.published --mimics > benchmarks/published.md

The exams are seen close up, their true anatomy being given; --whole analyses whole exams, their annulus being found.
"""

import argparse
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.closeup import Exam, exam, look
from benchmarks.expected import expected_verdicts
from ccma_seg import analyze
from ccma_seg.phantom import LesionKind, Recipe, make_phantom, read_recipe, recipe_names

_NEVER = ("ccma", "ccma_rupture_not_assessable", "ccma_possible_rupture", "ruptured_ccma")
"""What no mimic may be called."""
_PASSED_OVER = "no_calcification"
"""What may not be said, without a word, of a soft mass beside calcium."""
_SOLID_OR_MASS = {LesionKind.MASS, LesionKind.STONE}
_AXES = ("long_axis_mm", "short_axis_mm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case: what is true, what was said, and the axes of its largest mass, if it was found."""

    recipe: Recipe
    truth: dict[str, Any]
    verdict: str
    axes_mm: tuple[float, float] | None
    neck_mm: float | None


def published() -> list[Recipe]:
    """Return the recipes of published masses, and of stones as large."""
    known = [read_recipe(name) for name in recipe_names()]
    return [r for r in known if r.source.startswith("sizes") and any(s.kind in _SOLID_OR_MASS for s in r.lesions)]


def mimics() -> list[Recipe]:
    """Return the recipes of what is no caseous calcification."""
    return [read_recipe(name) for name in recipe_names() if name.startswith("mimic_")]


def seen_close_up(recipe: Recipe, *, seed: int) -> Row:
    """Look at the mass of a recipe with the true anatomy."""
    made: Exam = exam(recipe, seed=seed)
    found = look(made)
    true = _largest(made.truth)
    near = sorted((m for m, _ in found.masses), key=lambda m: _apart(m.centroid_mm, true))
    axes = (near[0].long_axis_mm or 0.0, near[0].short_axis_mm or 0.0) if near else None
    neck = near[0].cavity.neck_mm or near[0].leak.gap_mm if near else None
    return Row(recipe=recipe, truth=made.truth, verdict=found.verdict, axes_mm=axes, neck_mm=neck)


def seen_as_a_whole(recipe: Recipe, *, seed: int) -> Row:
    """Analyse the whole exam of a recipe."""
    phantom = make_phantom(recipe, seed=seed)
    record = analyze(phantom.volume).record()
    true = _largest(phantom.truth)
    near = sorted(record["lesions"], key=lambda found: _apart(found["centroid_mm"], true))
    axes = (near[0]["long_axis_mm"], near[0]["short_axis_mm"]) if near else None
    neck = near[0]["cavity"]["neck_mm"] or near[0]["leak"]["gap_mm"] if near else None
    return Row(recipe=recipe, truth=phantom.truth, verdict=record["verdict"], axes_mm=axes, neck_mm=neck)


def _largest(truth: dict[str, Any]) -> dict[str, Any] | None:
    masses = [t for t in truth["lesions"] if t["kind"] in {"mass", "stone"}]
    return max(masses, key=lambda t: t["volume_mm3"], default=None)


def _apart(centroid_mm: Any, true: dict[str, Any] | None) -> float:
    return 0.0 if true is None else float(np.linalg.norm(np.subtract(centroid_mm, true["centroid_mm"])))


def case_table(rows: list[Row]) -> str:
    """Write the published cases, and how many came out as published."""
    right = sum(r.verdict in expected_verdicts(r.truth) for r in rows)
    masses = [r for r in rows if (_largest(r.truth) or {}).get("kind") == "mass"]
    close = [_worst_mm(r) for r in masses if r.axes_mm is not None]
    head = ["case", "published", "one phase allows", "said", "true axes mm", "found axes mm", "neck or gap mm"]
    lines = [
        f"- verdict as one phase allows: {right} of {len(rows)}",
        f"- axes within 1 mm: {sum(e <= 1 for e in close)} of {len(masses)} masses\n",
        _line(head),
        "|---" * len(head) + "|",
        *(_line(_case(r)) for r in rows),
    ]
    return "\n".join(lines) + "\n"


def mimic_table(rows: list[Row]) -> str:
    """Write what mimics were called."""
    wrong = sum(r.verdict in _NEVER for r in rows)
    lines = [f"- called caseous calcification of any kind: {wrong} of {len(rows)}\n", "| mimic | said |", "|---|---|"]
    return (
        "\n".join([*lines, *(_line([r.recipe.name.removeprefix("mimic_"), r.verdict + _silence(r)]) for r in rows)])
        + "\n"
    )


def _silence(row: Row) -> str:
    """Mark what was passed over although it must be spoken of."""
    silent = row.truth["verdict"] == "indeterminate" and row.verdict == _PASSED_OVER
    return " **(must not be passed over)**" if silent else ""


def _case(row: Row) -> list[str]:
    true = _largest(row.truth) or {}
    neck = max((g["width_mm"] for g in true.get("rim", {}).get("gaps", ())), default=None)
    found = "not found" if row.axes_mm is None else " x ".join(f"{a:.1f}" for a in row.axes_mm)
    necks = "" if neck is None else f"{neck:g}; found {'none' if row.neck_mm is None else f'{row.neck_mm:.1f}'}"
    allowed = "/".join(sorted(expected_verdicts(row.truth)))
    mark = "" if row.verdict in expected_verdicts(row.truth) else " **(not allowed)**"
    sizes = " x ".join(f"{true[a]:.1f}" for a in _AXES)
    return [row.recipe.name, row.truth["verdict"], allowed, row.verdict + mark, sizes, found, necks]


def _worst_mm(row: Row) -> float:
    true = _largest(row.truth) or {}
    return max(abs(found - true[axis]) for found, axis in zip(row.axes_mm or (), _AXES, strict=True))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Write the tables to standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--whole", action="store_true", help="analyse whole exams")
    parser.add_argument("--mimics", action="store_true", help="mimics too, always as whole exams")
    given = parser.parse_args()
    see = seen_as_a_whole if given.whole else seen_close_up
    rows = []
    for recipe in published():
        rows.append(see(recipe, seed=given.seed))
        print(f"{recipe.name}: {rows[-1].verdict} {rows[-1].axes_mm}", file=sys.stderr, flush=True)
    print(f"# Published cases\n\n{case_table(rows)}")
    if given.mimics:
        print(f"# Mimics\n\n{mimic_table([seen_as_a_whole(r, seed=given.seed) for r in mimics()])}")


if __name__ == "__main__":
    main()
