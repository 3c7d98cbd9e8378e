"""Lesions of known truth in real CTs, analysed as whole exams: the verdict beside what one phase allows.

Run: python -m benchmarks.inserted FOLDER LANDMARKS > benchmarks/inserted.md

The annulus is found, not given. Real anatomy, sharpness and noise; the blood and the wall round a lesion are not moved
by it.
"""

import sys
from pathlib import Path
from typing import Any

from benchmarks.accuracy import run_case
from benchmarks.cases import inserted_cases

_HEAD = ("CT", "lesion", "one phase allows", "said", "found", "annulus off mm", "long, short axis off mm")


def table(rows: list[dict[str, Any]]) -> str:
    """Write every exam, and how many came out as one phase allows."""
    masses = [r for r in rows if r.get("found") is not None and r["truth_verdict"] != "mac"]
    lines = [
        f"- verdict as one phase allows: {sum(_allowed(r) for r in rows)} of {len(rows)}",
        f"- masses found: {sum(bool(r['found']) for r in masses)} of {len(masses)}\n",
        _line(list(_HEAD)),
        "|---" * len(_HEAD) + "|",
        *(_line(_exam(r)) for r in rows),
    ]
    return "\n".join(lines) + "\n"


def _allowed(row: dict[str, Any]) -> bool:
    return "error" not in row and row["verdict"] in row["expected"]


def _exam(row: dict[str, Any]) -> list[str]:
    ct = row["factors"]["ct"]
    lesion = row["id"].removeprefix(f"inserted-{ct}-")
    if "error" in row:
        return [ct, lesion, "", f"error: {row['error']}", "", "", ""]
    mark = "" if _allowed(row) else " **(not allowed)**"
    off = [row["errors"].get(axis) for axis in ("long_axis_mm", "short_axis_mm")]
    axes = ", ".join(f"{e:+.1f}" for e in off if e is not None)
    annulus = row["exam"].get("annulus.center_mm")
    return [
        ct,
        lesion,
        "/".join(row["expected"]),
        row["verdict"] + mark,
        {True: "yes", False: "no", None: ""}[row["found"] if row["truth_verdict"] != "mac" else None],
        "not found" if annulus is None else f"{annulus:.1f}",
        axes,
    ]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Write the table to standard output."""
    rows = []
    for case in inserted_cases(Path(sys.argv[1]), Path(sys.argv[2])):
        rows.append(run_case(case))
        said = rows[-1].get("error") or f"{rows[-1]['expected']} -> {rows[-1]['verdict']}"
        print(f"{case.id}: {said}", file=sys.stderr, flush=True)
    print(f"# Lesions in real CTs\n\n{table(rows)}")


if __name__ == "__main__":
    main()
