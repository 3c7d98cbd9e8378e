"""Verdicts on random phantoms seen close up, the true anatomy being given: who is called what, and how ruptures fare.

Run: python -m benchmarks.verdicts --random 1000 --seed 70000 --keep FOLDER > benchmarks/verdicts.md

Exams that are made, and what was said of them, are kept in the folder: a run that was cut short goes on where it was.
After a change of the analysis take `rows.jsonl` away; the exams stay.

Which verdicts an exam allows, and whether it is assessable, follows from its truth alone (benchmarks/expected.py).
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.closeup import Seen, exam, look, recipes
from benchmarks.expected import expected_verdicts, is_assessable
from ccma_seg.classification import Verdict
from ccma_seg.phantom import Recipe

_SURE_SLICE_MM, _SURE_NECK_MM = 0.7, 3.0
"""A rupture that must never pass as intact."""
_ROWS = "rows.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One exam: what is true, and what was said."""

    name: str
    seed: int
    truth: dict[str, Any]
    verdict: str
    neck_mm: float | None
    """The widest that was found."""

    @property
    def right(self) -> bool:
        """Tell whether the verdict is one that the exam allows."""
        return self.verdict in expected_verdicts(self.truth)


def run(kind: str, number: int, *, seed: int, keep: Path | None) -> Iterator[Row]:
    """Make exams of a kind and look at them; what is kept is neither made nor looked at again."""
    done = _kept(keep)
    for place, (own, recipe) in enumerate(islice(recipes(kind, seed=seed), number), 1):
        row = done.get(recipe.name) or _row(recipe, seed=own, keep=keep)
        mark = "" if row.right else f" WRONG {describe(row)}"
        print(f"{place}/{number} {recipe.name}: {row.verdict}{mark}", file=sys.stderr, flush=True)
        yield row


def _row(recipe: Recipe, *, seed: int, keep: Path | None) -> Row:
    made = exam(recipe, seed=seed, keep=keep)
    seen = look(made)
    row = Row(name=recipe.name, seed=seed, truth=made.truth, verdict=seen.verdict, neck_mm=_found_neck_mm(seen))
    if keep is not None:
        with (keep / _ROWS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row)) + "\n")
    return row


def _kept(keep: Path | None) -> dict[str, Row]:
    path = keep / _ROWS if keep is not None else None
    if path is None or not path.is_file():
        return {}
    rows = [Row(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row.name: row for row in rows}


def report(rows: list[Row]) -> str:
    """Write the tables."""
    sure = [r for r in rows if is_assessable(r.truth)]
    intact = [r for r in rows if r.truth["verdict"] == "ccma"]
    clear = [r for r in rows if _must_be_open(r.truth)]
    lines = [
        f"- verdict as the exam allows: {_share(rows)}",
        f"- of the assessable ones: {_share(sure)}",
        f"- intact masses called `ruptured_ccma`: {_said(intact, Verdict.RUPTURED_CCMA)} of {len(intact)}",
        f"- {_clear_ruptures()} called `ccma`: {_said(clear, Verdict.CCMA)} of {len(clear)}",
        f"- {necks(rows)}",
        "\nAssessable exams:\n",
        confusion(sure),
        "The others:\n",
        confusion([r for r in rows if r not in sure]),
        "Not as allowed:\n",
        "\n".join(f"- {describe(r)}" for r in rows if not r.right) or "- none",
    ]
    return "\n".join(lines) + "\n"


def necks(rows: list[Row]) -> str:
    """Tell how necks of 2 mm and more on slices up to 1 mm fare, those blurred by motion too."""
    wide = [r for r in rows if (_neck_mm(r.truth) or 0) >= 2 and r.truth["series"]["slice_thickness_mm"] <= 1]
    pairs = [(r.neck_mm, _neck_mm(r.truth)) for r in wide]
    off = np.array([abs(got - true) for got, true in pairs if got is not None and true is not None])
    error = f", mean absolute error {off.mean():.2f} mm" if off.size else ""
    return f"necks of 2 mm and more on slices up to 1 mm: {off.size} of {len(wide)} found{error}"


def confusion(rows: list[Row]) -> str:
    """Count verdicts by what was allowed."""
    counts = Counter((" / ".join(sorted(expected_verdicts(r.truth))), r.verdict) for r in rows)
    said = [v for v in Verdict if any(v == got for _, got in counts)]
    lines = [f"| allowed | {' | '.join(said)} |", "|---" * (len(said) + 1) + "|"]
    lines += [f"| {a} | {' | '.join(str(counts[a, v] or '') for v in said)} |" for a in sorted({a for a, _ in counts})]
    return "\n".join(lines) + "\n"


def describe(row: Row) -> str:
    """Say what is special of an exam, in a line."""
    truth = row.truth
    parts = [f"seed {row.seed} ({truth['recipe']}): {row.verdict}, allowed {'/'.join(expected_verdicts(truth))}"]
    parts.append(
        f"slices {truth['series']['slice_thickness_mm']:g} mm, noise {truth['contrast']['blood_pool_sd_hu']:g} HU"
    )
    parts.append(f"blood {truth['contrast']['blood_pool_hu']:.0f} HU, motion {truth.get('motion_mm') or 0:g} mm")
    for mass in (t for t in truth["lesions"] if t["kind"] == "mass"):
        core = mass["core"]["mean_hu"]
        parts.append(
            f"{mass['long_axis_mm']:.0f} x {mass['short_axis_mm']:.0f} mm, rim {mass['rim']['coverage_pct']:.0f} %, "
            f"core {core if core is None else round(core)} HU, neck {mass['cavity']['neck_mm']} mm, "
            f"filled {mass['cavity']['fraction']:g}, leak {mass['leak']['volume_mm3']} mm3"
        )
    return "; ".join(parts)


def _clear_ruptures() -> str:
    return f"ruptures with a neck >= {_SURE_NECK_MM:g} mm on slices <= {_SURE_SLICE_MM:g} mm"


def _share(rows: list[Row]) -> str:
    right = sum(r.right for r in rows)
    return f"{right} of {len(rows)}" + (f" ({100 * right / len(rows):.1f} %)" if rows else "")


def _said(rows: list[Row], verdict: Verdict) -> int:
    return sum(r.verdict == verdict for r in rows)


def _must_be_open(truth: dict[str, Any]) -> bool:
    thin = truth["series"]["slice_thickness_mm"] <= _SURE_SLICE_MM and truth["contrast"]["state"] == "enhanced"
    return thin and (_neck_mm(truth) or 0) >= _SURE_NECK_MM


def _neck_mm(truth: dict[str, Any]) -> float | None:
    if truth["contrast"]["state"] != "enhanced":
        return None
    return max((t["cavity"]["neck_mm"] or 0 for t in truth["lesions"] if t["kind"] == "mass"), default=None)


def _found_neck_mm(seen: Seen) -> float | None:
    found = [m.cavity.neck_mm for m, _ in seen.masses if m.cavity.neck_mm is not None]
    return max(found, default=None)


def main() -> None:
    """Write the report to standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=300, metavar="N")
    parser.add_argument("--kind", default="", help="normal, mac, ccma_soft, ccma_dense, ruptured, leak or other")
    parser.add_argument("--seed", type=int, default=70_000)
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep exams and rows there, so that they are made once"
    )
    given = parser.parse_args()
    if given.keep is not None:
        given.keep.mkdir(parents=True, exist_ok=True)
    rows = list(run(given.kind, given.random, seed=given.seed, keep=given.keep))
    print(f"# Verdicts on {len(rows)} random phantoms, seeds from {given.seed}\n\nThe true anatomy is given.\n")
    print(report(rows))


if __name__ == "__main__":
    main()
