"""Accuracy on phantoms of known truth: errors, verdicts, coverage of the stated uncertainties.

Run: python -m benchmarks.accuracy --out benchmarks/results --random 500 --grid --jobs 2
     python -m benchmarks.accuracy --out benchmarks/results --inserted FOLDER --landmarks FILE

Resumable: each case is a line of OUT/cases.jsonl, and lines of the same version are kept.
The tables are in OUT/accuracy.md, the errors in OUT/accuracy.png.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.cases import Case, grid_cases, inserted_cases, make_case, random_cases, recipe_cases
from benchmarks.comparison import compare
from benchmarks.plots import draw_errors
from benchmarks.tables import write_report
from ccma_seg._version import __version__

os.environ.setdefault("OMP_NUM_THREADS", "1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to run, and where to write."""

    out: Path
    cases: tuple[Case, ...]
    jobs: int = 1
    given_annulus: bool = False
    """Hand the true annulus to the analysis: shows what the lesion steps do on their own."""


def run_case(case: Case, *, given_annulus: bool = False) -> dict[str, Any]:
    """Make one phantom, analyse it, and compare; an error is a result too."""
    from ccma_seg import analyze  # noqa: PLC0415 - in the worker

    start = time.perf_counter()
    phantom = make_case(case)
    made = time.perf_counter() - start
    row: dict[str, Any] = {"id": case.id, "group": case.group, "version": __version__, "factors": case.factors}
    try:
        record = analyze(phantom.volume, annulus=phantom.annulus if given_annulus else None).record()
    except Exception as error:  # noqa: BLE001 - the bench goes on and reports it
        return {**row, "error": f"{type(error).__name__}: {error}"[:300], "expected": [], "seconds": [made, None]}
    seconds = [round(made, 1), round(time.perf_counter() - start - made, 1)]
    return {**row, **compare(phantom.truth, record), "seconds": seconds}


def run(options: Options) -> list[dict[str, Any]]:
    """Run what has not been run yet, and return the rows of all cases."""
    options.out.mkdir(parents=True, exist_ok=True)
    log = options.out / "cases.jsonl"
    wanted = {case.id: case for case in options.cases}
    done = {row["id"]: row for row in _read(log) if row["version"] == __version__}
    missing = [case for key, case in wanted.items() if key not in done]
    with ProcessPoolExecutor(options.jobs) as pool, log.open("a", encoding="utf-8") as file:
        waiting = [pool.submit(run_case, case, given_annulus=options.given_annulus) for case in missing]
        for number, future in enumerate(as_completed(waiting), 1):
            row = future.result()
            done[row["id"]] = row
            file.write(json.dumps(row) + "\n")
            file.flush()
            _progress(number, len(missing), row)
    return [done[key] for key in wanted]


def _read(path: Path) -> Iterator[dict[str, Any]]:
    if path.is_file():
        yield from (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line)


def _progress(number: int, total: int, row: dict[str, Any]) -> None:
    filled = "#" * (30 * number // max(total, 1))
    said = row.get("error") or f"{row['truth_verdict']} -> {row['verdict']}"
    sys.stderr.write(f"\r[{filled:<30}] {number}/{total} {row['id']}: {said}\n")


def _options() -> Options:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--random", type=int, default=0, metavar="N", help="phantoms drawn at random")
    parser.add_argument("--smooth", action="store_true", help="those with even lesions")
    parser.add_argument("--grid", action="store_true", help="one factor at a time")
    parser.add_argument("--recipes", action="store_true", help="the recipes of the package")
    parser.add_argument("--inserted", type=Path, metavar="FOLDER", help="real CTs to insert lesions into")
    parser.add_argument("--landmarks", type=Path, metavar="FILE", help="their annuli")
    parser.add_argument("--given-annulus", action="store_true", help="hand over the true annulus")
    parser.add_argument("--jobs", type=int, default=max((os.cpu_count() or 2) - 1, 1))
    given = parser.parse_args()
    cases = [*(grid_cases() if given.grid else ()), *(recipe_cases() if given.recipes else ())]
    cases += random_cases(given.random, smooth=given.smooth)
    if given.inserted:
        cases += inserted_cases(given.inserted, given.landmarks)
    if given.given_annulus:
        cases = [replace(case, id=f"{case.id}+annulus", group=f"{case.group}, annulus given") for case in cases]
    return Options(out=given.out, cases=tuple(cases), jobs=given.jobs, given_annulus=given.given_annulus)


def main() -> None:
    options = _options()
    rows = run(options)
    write_report(rows, options.out / "accuracy.md")
    draw_errors(rows, options.out / "accuracy.png")
    print(options.out / "accuracy.md")


if __name__ == "__main__":
    main()
