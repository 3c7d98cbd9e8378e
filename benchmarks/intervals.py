"""Fit what uneven masses add to the stated intervals, so that their score is best.

Run: python -m benchmarks.verdicts --random 200 --seed 2000 --rows ROWS; python -m benchmarks.intervals ROWS

ROWS are of `benchmarks.verdicts`. Prints, for each figure of `UNEVEN` in `ccma_seg/lesion/uncertainty.py`, the factor
that is there, the one that these rows would have, and how many of them each holds.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.interval_score import interval_score
from ccma_seg.lesion.uncertainty import UNEVEN, uneven

_TRIED = np.arange(0.0, 4.0, 0.05)
"""Factors, in units of the one that is there."""


def fit(rows: list[dict[str, Any]], path: str) -> tuple[float, float, float]:
    """Return the best factor, and the shares of the errors that the factor of today and this one hold."""
    known = [row for row in rows if path in row["off"] and path in row["stated"]]
    error = np.abs([row["off"][path] for row in known])
    own = UNEVEN[path] * np.array([uneven(path, **row["shape"]) for row in known])
    without = np.array([row["stated"][path] for row in known]) - own
    best = min(_TRIED, key=lambda times: _score(error, without + times * own))
    held = (float(np.mean(error <= without + factor * own)) for factor in (1.0, best))
    return best * UNEVEN[path], *held


def _score(error: np.ndarray, stated: np.ndarray) -> float:
    return interval_score(error, stated, factor=1.0, within=0.95)


def main() -> None:
    """Write a table to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    rows = [json.loads(line) for line in parser.parse_args().rows.read_text("utf-8").splitlines()]
    print("| figure | factor | best | held | by the best |\n|---|---|---|---|---|")
    for path, factor in UNEVEN.items():
        best, now, then = fit(rows, path)
        print(f"| `{path}` | {factor:g} | {best:.3g} | {100 * now:.0f} % | {100 * then:.0f} % |")


if __name__ == "__main__":
    main()
