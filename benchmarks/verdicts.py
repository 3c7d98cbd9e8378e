"""Verdicts on random phantoms: who is called what, and how ruptures fare.

Run: OMP_NUM_THREADS=1 python -m benchmarks.verdicts --random 1400 --seed 70000 --jobs 2 > benchmarks/verdicts_rough.md
     OMP_NUM_THREADS=1 python -m benchmarks.verdicts --smooth --random 1000 --jobs 2 > benchmarks/verdicts.md

Lesions are uneven, as pathology shows them, and drawn in strata: `STRATA` says how many of each kind in a full run of
1400, fewer in proportion. With --smooth they are even, and drawn as they come. The exams are seen close up, their true
anatomy being given; --whole analyses whole exams, their annulus being found.

With --rows each result is a line of a file: a run that was cut short goes on where it was, and files of several
machines, put into one, give the report of all. After a change of the analysis take the file away. With --keep the exams
are kept too (about 2 MB each), so that the next run need not make them.

Which verdicts an exam allows, and whether it is assessable, follows from its truth alone (benchmarks/expected.py).
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.closeup import Seen, exam, look, recipes, whole_exam
from benchmarks.expected import expected_verdicts, is_assessable
from ccma_seg.classification import Verdict
from ccma_seg.errors import CcmaError
from ccma_seg.phantom import ROUGH_KINDS, Recipe, rough_recipe

STRATA = {"intact": 500, "solid": 300, "ruptured": 300, "like_blood": 200, "narrow": 50, "leak": 50}
"""Exams of each kind in a full run: errors of a third of a percent show."""

_SURE_SLICE_MM, _SURE_NECK_MM = 1.0, 3.0
"""A rupture that must never pass as intact."""
_UNLIKE_HU, _UNLIKE_SD = 60.0, 3.0
"""A core that differs from blood by more, and by more of its own standard deviations, can be told from it."""

_SIZES = {
    "max_diameter_mm": ("largest diameter", "mm"),
    "volume_mm3": ("volume", "%"),
    "rim.coverage_pct": ("coverage", "points"),
    "rim.thickness_mm": ("rim thickness", "mm"),
}
_MASS_VERDICTS = {"ccma", "ccma_rupture_not_assessable", "ccma_possible_rupture", "ruptured_ccma"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Which exams, how they are looked at, and what is kept of them."""

    number: int
    seed: int
    kind: str = ""
    """The exams' kind; all if empty."""
    smooth: bool = False
    """Even lesions."""
    whole: bool = False
    """Analyse whole exams."""
    jobs: int = 1
    """How many processes share them."""
    rows: Path | None = None
    """Lines of JSON: what was said of each."""
    keep: Path | None = None
    """Folder of exams seen close up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One exam: what is true, and what was said."""

    name: str
    seed: int
    truth: dict[str, Any]
    verdict: str
    """Or why the exam was refused."""
    neck_mm: float | None
    """The widest that was found."""
    off: dict[str, float] = field(default_factory=dict)
    """Sizes of the largest mass, found minus true; volume in per cent."""
    stated: dict[str, float] = field(default_factory=dict)
    """Half the width of the 95 % interval that was stated with each, in the same units."""
    shape: dict[str, float] = field(default_factory=dict)
    """What uneven masses' errors grow with."""
    seconds: float = 0.0
    """To make and to look at it."""

    @property
    def right(self) -> bool:
        """Tell whether the verdict is one that the exam allows."""
        return self.verdict in expected_verdicts(self.truth)


def run(options: Options) -> Iterator[Row]:
    """Make exams and look at them, by rising seed; those whose rows are kept are not looked at again."""
    exams = drawn(options)
    done = _kept(options.rows)
    missing = [(own, recipe) for own, recipe in exams if recipe.name not in done]
    with ProcessPoolExecutor(options.jobs) as pool:
        new = pool.map(partial(_row, options=options), missing)
        for place, (_, recipe) in enumerate(exams, 1):
            row = done.get(recipe.name) or _noted(next(new), options.rows)
            mark = "" if row.right else f" WRONG {describe(row)}"
            print(f"{place}/{len(exams)} {recipe.name}: {row.verdict}{mark}", file=sys.stderr, flush=True)
            yield row


def drawn(options: Options) -> list[tuple[int, Recipe]]:
    """Draw the exams: of one kind, or by strata that a run which was cut short has in proportion."""
    if options.kind or options.smooth:
        every = recipes(options.kind, seed=options.seed, smooth=options.smooth)
        return list(islice(every, options.number))
    total = sum(STRATA.values())
    counts = {kind: round(options.number * share / total) for kind, share in STRATA.items()}
    ranked = sorted(((i + 1) / n, kind, options.seed + i) for kind, n in counts.items() for i in range(n))
    return [(seed, rough_recipe(seed, kind)) for _, kind, seed in ranked]


def _row(one: tuple[int, Recipe], *, options: Options) -> Row:
    (seed, recipe), start = one, time.perf_counter()
    made = whole_exam(recipe, seed=seed) if options.whole else exam(recipe, seed=seed, keep=options.keep)
    try:
        seen = look(made)
    except CcmaError as error:
        return Row(name=recipe.name, seed=seed, truth=made.truth, verdict=type(error).__name__, neck_mm=None)
    return Row(
        name=recipe.name,
        seed=seed,
        truth=made.truth,
        verdict=seen.verdict,
        neck_mm=_found_neck_mm(seen),
        **_sizes_of(made.truth, seen),
        seconds=round(time.perf_counter() - start, 1),
    )


def _sizes_of(truth: dict[str, Any], seen: Seen) -> dict[str, dict[str, float]]:
    """Return how sizes of the largest true mass and of what was found nearest to it differ, and what was stated."""
    masses = [t for t in truth["lesions"] if t["kind"] == "mass"]
    if not masses or not seen.masses:
        return {}
    true = max(masses, key=lambda t: t["volume_mm3"])
    near = min((m for m, _ in seen.masses), key=lambda m: _apart(m.centroid_mm, true["centroid_mm"]))
    if _apart(near.centroid_mm, true["centroid_mm"]) > true["short_axis_mm"] / 2:
        return {}
    pairs = {path: (attrgetter(path)(near), _at(true, path)) for path in _SIZES}
    off = {path: found - wanted for path, (found, wanted) in pairs.items() if None not in {found, wanted}}
    stated = {path: near.uncertainty[path] for path in off if path in near.uncertainty}
    per_cent = dict.fromkeys(_SIZES, 1.0) | {"volume_mm3": 100 / true["volume_mm3"]}
    rounded = (
        {path: round(float(value) * per_cent[path], 3) for path, value in part.items()} for part in (off, stated)
    )
    shape = {"solidity": near.solidity, "long_mm": near.long_axis_mm, "short_mm": near.third_axis_mm}
    return {**dict(zip(("off", "stated"), rounded, strict=True)), "shape": shape}


def _apart(first: Any, second: Any) -> float:
    return float(np.linalg.norm(np.subtract(first, second)))


def _at(lesion: dict[str, Any], path: str) -> Any:
    value: Any = lesion
    for part in path.split("."):
        value = value.get(part)
    return value


def _noted(row: Row, path: Path | None) -> Row:
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row)) + "\n")
    return row


def _kept(path: Path | None) -> dict[str, Row]:
    if path is None or not path.is_file():
        return {}
    rows = [Row(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row.name: row for row in rows}


def report(rows: list[Row]) -> str:
    """Write the tables."""
    sure = [r for r in rows if is_assessable(r.truth)]
    lines = [
        f"- verdict as the exam allows: {_share(rows)}",
        f"- of the assessable ones: {_share(sure)}",
        f"- {necks(rows)}",
        f"- seconds to make and look at an exam, median: {np.median([r.seconds for r in rows] or [0]):.1f}",
        "\nDangerous errors:\n",
        *dangers(rows),
        "\nSizes of masses, found minus true:\n",
        sizes(rows),
        "\nAssessable exams:\n",
        confusion(sure),
        "The others:\n",
        confusion([r for r in rows if r not in sure]),
        "Not as allowed:\n",
        "\n".join(f"- {describe(r)}" for r in rows if not r.right) or "- none",
    ]
    return "\n".join(lines) + "\n"


def dangers(rows: list[Row]) -> list[str]:
    """Count the errors that would harm, or that the cure of others must not cause, and name them."""
    intact = [r for r in rows if r.truth["verdict"] == "ccma"]
    solid = [r for r in rows if r.truth["verdict"] == "mac"]
    clear = [r for r in rows if _must_be_open(r.truth)]
    unlike = [r for r in intact if _is_unlike_blood(r.truth)]
    return [
        _count("intact or solid called `ruptured_ccma`", [*intact, *solid], {Verdict.RUPTURED_CCMA}),
        _count("intact called `ccma_possible_rupture`", intact, {Verdict.CCMA_POSSIBLE_RUPTURE}),
        _count(
            f"intact, core and blood apart by more than {_UNLIKE_HU:g} HU and {_UNLIKE_SD:g} SD, called "
            "`ccma_rupture_not_assessable`",
            unlike,
            {Verdict.CCMA_RUPTURE_NOT_ASSESSABLE},
        ),
        _count("intact called `mac` or `no_calcification`", intact, {Verdict.MAC, Verdict.NO_CALCIFICATION}),
        _count(f"{_clear_ruptures()} called `ccma` or `mac`", clear, {Verdict.CCMA, Verdict.MAC}),
        _count(f"{_clear_ruptures()} not called `ruptured_ccma`", clear, set(Verdict) - {Verdict.RUPTURED_CCMA}),
        _count("solid called a mass of any kind", solid, {Verdict(v) for v in _MASS_VERDICTS}),
    ]


def _count(what: str, rows: list[Row], wrong: set[Verdict]) -> str:
    hits = [r.name for r in rows if r.verdict in wrong]
    return f"- {what}: {len(hits)} of {len(rows)}" + (f" ({', '.join(hits)})" if hits else "")


def sizes(rows: list[Row]) -> str:
    """Give bias, median and 95th percentile of the errors of sizes, and how many lie within what is stated."""
    lines = [
        "| quantity | n | bias | median abs. | 95 % below | within the stated interval |",
        "|---|---|---|---|---|---|",
    ]
    for path, (name, unit) in _SIZES.items():
        off = np.array([r.off[path] for r in rows if path in r.off])
        if off.size:
            figures = (off.mean(), np.median(abs(off)), np.percentile(abs(off), 95))
            inside = [abs(r.off[path]) <= r.stated[path] for r in rows if path in r.off and path in r.stated]
            within = f"{np.mean(inside):.1%}" if inside else "-"
            shown = " | ".join(f"{v:.2f}" for v in figures)
            lines.append(f"| {name}, {unit} | {off.size} | {shown} | {within} |")
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
    order = list(Verdict)
    said = sorted({got for _, got in counts}, key=lambda v: (order.index(Verdict(v)) if v in order else len(order), v))
    lines = [f"| allowed | {' | '.join(said)} |", "|---" * (len(said) + 1) + "|"]
    lines += [f"| {a} | {' | '.join(str(counts[a, v] or '') for v in said)} |" for a in sorted({a for a, _ in counts})]
    return "\n".join(lines) + "\n"


def describe(row: Row) -> str:
    """Say what is special of an exam, in a line."""
    truth = row.truth
    allowed = "/".join(sorted(expected_verdicts(truth)))
    parts = [f"seed {row.seed} ({truth['recipe']}): {row.verdict}, allowed {allowed}"]
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


def _must_be_open(truth: dict[str, Any]) -> bool:
    thin = truth["series"]["slice_thickness_mm"] <= _SURE_SLICE_MM
    only = expected_verdicts(truth) == {Verdict.RUPTURED_CCMA}
    return thin and only and (_neck_mm(truth) or 0) >= _SURE_NECK_MM


def _is_unlike_blood(truth: dict[str, Any]) -> bool:
    blood = truth["contrast"]["blood_pool_hu"]
    cores = [t["core"] for t in truth["lesions"] if t["kind"] == "mass" and t["core"]["mean_hu"] is not None]
    return truth["contrast"]["state"] == "enhanced" and all(
        abs(c["mean_hu"] - blood) > max(_UNLIKE_HU, _UNLIKE_SD * c["sd_hu"]) for c in cores
    )


def _neck_mm(truth: dict[str, Any]) -> float | None:
    if truth["contrast"]["state"] != "enhanced":
        return None
    return max((t["cavity"]["neck_mm"] or 0 for t in truth["lesions"] if t["kind"] == "mass"), default=None)


def _found_neck_mm(seen: Seen) -> float | None:
    found = [m.cavity.neck_mm for m, _ in seen.masses if m.cavity.neck_mm is not None]
    return max(found, default=None)


def _options() -> Options:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, default=300, metavar="N", dest="number")
    parser.add_argument("--smooth", action="store_true", help="even lesions, as they come")
    parser.add_argument("--kind", default="", help=f"one of {', '.join(ROUGH_KINDS)}; other names with --smooth")
    parser.add_argument("--seed", type=int, default=70_000)
    parser.add_argument("--whole", action="store_true", help="analyse whole exams")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--rows", type=Path, metavar="FILE", help="note results there, and take what is there as done")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep exams there, so that they are made once")
    return Options(**vars(parser.parse_args()))


def main() -> None:
    """Write the report to standard output."""
    options = _options()
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
    rows = list(run(options))
    seen = "The annulus is found." if options.whole else "The true anatomy is given."
    kind = "smooth" if options.smooth else "rough"
    print(f"# Verdicts on {len(rows)} random {kind} phantoms, seeds from {options.seed}\n\n{seen}\n")
    print(report(rows))


if __name__ == "__main__":
    main()
