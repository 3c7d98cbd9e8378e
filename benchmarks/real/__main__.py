"""What real exams show: false alarms and misses, noise, and calcium of known place put into real CTs.

Run: python -m benchmarks.real DATA [--more FOLDER ...] [--only hearts,noise] --rows real.jsonl --jobs 2

DATA holds `calcium.json` (what a reader saw, and the verdicts that he would accept), `landmarks.json`, `ct/` and
`geometry/`. Each further folder holds `calcium.json`, its CTs, and, if it has them, `landmarks.json` and `index.json`
(where each CT lies, and its `sort`: those of sort `none` show no heart). Writes `benchmarks/real.md`.

With --rows each result is a line of a file, and a run that was cut short goes on where it was. After a change of the
analysis take the file away.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.real.exams import Exams, find_exams
from benchmarks.real.report import report
from benchmarks.real.sources import read_sources
from benchmarks.real.trials import PARTS, Row, plan, run

_HERE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to run, and where to write."""

    data: Path
    more: tuple[Path, ...] = ()
    only: tuple[str, ...] = PARTS
    cts: tuple[str, ...] = ()
    """Only these; all if empty."""
    rows: Path | None = None
    out: Path = _HERE / "real.md"
    seed: int = 1
    jobs: int = 1


def run_all(options: Options, exams: Exams) -> list[Row]:
    """Do what is not done yet, and return the rows of all trials."""
    trials = [trial for part in options.only for trial in plan(part, exams, seed=options.seed)]
    chosen = [trial for trial in trials if not options.cts or trial.exam.name in options.cts]
    done = _kept(options.rows)
    missing = [trial for trial in chosen if trial.id not in done]
    with ProcessPoolExecutor(options.jobs) as pool:
        for number, row in enumerate(pool.map(run, missing), 1):
            done[row["id"]] = row
            _note(row, options.rows)
            _tell(number, len(missing), row)
    return [done[trial.id] for trial in chosen]


def _kept(path: Path | None) -> dict[str, Row]:
    if path is None or not path.is_file():
        return {}
    return {row["id"]: row for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}


def _note(row: Row, path: Path | None) -> None:
    if path is not None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def _tell(number: int, total: int, row: Row) -> None:
    said = row.get("skipped") or row.get("error") or row.get("verdict")
    print(f"{number}/{total} {row['id']}: {said}", file=sys.stderr, flush=True)


def _options(arguments: list[str] | None = None) -> Options:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--more", type=Path, nargs="*", default=[], metavar="FOLDER", help="further CTs")
    parser.add_argument("--only", default=",".join(PARTS), metavar="PARTS", help=f"of {','.join(PARTS)}")
    parser.add_argument("--cts", default="", metavar="NAMES", help="only these CTs")
    parser.add_argument("--rows", type=Path, metavar="FILE", help="note results there, and take what is there as done")
    parser.add_argument("--out", type=Path, default=_HERE / "real.md", metavar="FILE")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    given = parser.parse_args(arguments)
    only = tuple(given.only.split(","))
    if unknown := set(only) - set(PARTS):
        parser.error(f"--only takes {', '.join(PARTS)}; got {', '.join(sorted(unknown))}")
    cts = tuple(name for name in given.cts.split(",") if name)
    return Options(**{**vars(given), "more": tuple(given.more), "only": only, "cts": cts})


def main() -> None:
    """Run the parts asked for and write the report."""
    options = _options()
    exams = find_exams([options.data, *options.more])
    rows = run_all(options, exams)
    options.out.write_text(report(rows, exams, read_sources(), seed=options.seed), encoding="utf-8")
    print(options.out)


if __name__ == "__main__":
    main()
