"""The rows of the accuracy bench as Markdown."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.comparison import RELATIVE
from ccma_seg._version import __version__

_VERDICTS = (
    "no_calcification",
    "mac",
    "other",
    "indeterminate",
    "ccma",
    "ccma_rupture_not_assessable",
    "ccma_possible_rupture",
    "ruptured_ccma",
)


def write_report(rows: list[dict[str, Any]], path: Path) -> None:
    """Write all tables, one section a group of cases."""
    groups = defaultdict(list)
    for row in rows:
        groups[row["group"]].append(row)
    parts = [f"# Accuracy on phantoms\n\nccma-seg {__version__}; errors are found minus true.\n"]
    parts += [section(name, own) for name, own in groups.items()]
    path.write_text("\n".join(parts), encoding="utf-8")


def section(name: str, rows: list[dict[str, Any]]) -> str:
    """Write the tables of one group."""
    failed = [r for r in rows if "error" in r]
    good = [r for r in rows if "error" not in r]
    right = sum(r["verdict"] in r["expected"] for r in good)
    masses = [r for r in good if r["found"] is not None and "ccma" in r["truth_verdict"]]
    lines = [
        f"## {name}: {len(rows)} exams\n",
        f"- verdict as one exam allows: {right} of {len(good)}",
        f"- masses found: {sum(bool(r['found']) for r in masses)} of {len(masses)}",
        f"- errors raised: {len(failed)}" + "".join(f"\n  - `{r['id']}`: {r['error']}" for r in failed[:10]),
        f"- seconds an exam, median: {_median_seconds(good)}\n",
        "### Verdicts (rows: what is allowed; columns: what was said)\n",
        confusion(good),
        "### Errors\n",
        errors([{**r["exam"], **r["errors"]} for r in good]),
        "### Stated uncertainties (95 %) that hold the truth\n",
        coverage([r["covered"] for r in good]),
        "### Not as allowed\n",
        misses(good),
    ]
    return "\n".join(lines)


def confusion(rows: list[dict[str, Any]]) -> str:
    """Count verdicts by what was allowed."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        counts[" / ".join(row["expected"])][row["verdict"]] += 1
    table = [[key, *(str(counts[key][v] or "") for v in _VERDICTS)] for key in sorted(counts)]
    return _table(["allowed", *_VERDICTS], table)


def errors(rows: list[dict[str, Any]]) -> str:
    """Give number, missing, bias, standard deviation, median and worst of each error."""
    values: dict[str, list[float | None]] = defaultdict(list)
    for row in rows:
        for key, value in row.items():
            values[key].append(value)
    return _table(
        ["quantity", "n", "not measured", "bias", "SD", "median abs.", "worst"],
        [[_named(key), *_summary(values[key])] for key in sorted(values)],
    )


def coverage(rows: list[dict[str, bool]]) -> str:
    """Give how often each stated uncertainty holds the truth."""
    hits: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        for key, hit in row.items():
            hits[key].append(hit)
    body = [[key, str(len(h)), f"{100 * np.mean(h):.0f} %"] for key, h in sorted(hits.items())]
    return _table(["quantity", "n", "holds"], body)


def misses(rows: list[dict[str, Any]]) -> str:
    """List exams whose verdict is not among those allowed."""
    wrong = [r for r in rows if r["verdict"] not in r["expected"]]
    body = [
        [r["id"], " / ".join(r["expected"]), r["verdict"], f"{r['exam'].get('annulus.center_mm', np.nan):.1f}"]
        for r in wrong
    ]
    return _table(["exam", "allowed", "said", "annulus error mm"], body)


def _summary(values: list[float | None]) -> list[str]:
    known = np.array([v for v in values if v is not None], float)
    if known.size == 0:
        return ["0", str(len(values)), "", "", "", ""]
    worst = known[np.argmax(np.abs(known))]
    figures = (known.mean(), known.std(), np.median(np.abs(known)), worst)
    return [str(known.size), str(len(values) - known.size), *(f"{v:.2f}" for v in figures)]


def _named(key: str) -> str:
    return f"{key.removesuffix('_mm3')} (%)" if key in RELATIVE else key


def _median_seconds(rows: list[dict[str, Any]]) -> str:
    taken = [r["seconds"] for r in rows]
    if not taken:
        return "-"
    made, seen = (np.median([t[i] for t in taken]) for i in (0, 1))
    return f"{made:.1f} to make, {seen:.1f} to analyse"


def _table(head: list[str], body: list[list[str]]) -> str:
    if not body:
        return "none\n"
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
