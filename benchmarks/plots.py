"""The errors of the accuracy bench as pictures."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from benchmarks.comparison import RELATIVE

mpl.use("Agg")
from matplotlib import pyplot as plt

_COLUMNS = ("mm", "HU", "% or degrees")
_COLOURS = {"random": "tab:blue", "grid": "tab:orange", "recipes": "tab:green", "inserted": "tab:red"}


def draw_errors(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw each error of each exam as a dot, by quantity and unit; the colour is the group."""
    values = _by_quantity(rows)
    figure, axes = plt.subplots(1, len(_COLUMNS), figsize=(18, 7))
    for axis, unit in zip(axes, _COLUMNS, strict=True):
        own = [key for key in sorted(values) if _unit(key) == unit]
        for height, key in enumerate(own):
            for group, errors in values[key].items():
                spread = height + np.linspace(-0.3, 0.3, len(errors))
                colour = _COLOURS.get(group.split(",")[0], "grey")
                axis.plot(errors, spread, ".", color=colour, alpha=0.6, markersize=4)
        axis.axvline(0, color="black", linewidth=0.8)
        axis.set_yticks(range(len(own)), own)
        axis.set_xlabel(f"found minus true, {unit}")
        axis.set_xscale("symlog", linthresh=1 if unit == "mm" else 10)
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)


def _by_quantity(rows: list[dict[str, Any]]) -> dict[str, dict[str, list[float]]]:
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for key, error in {**row.get("exam", {}), **row.get("errors", {})}.items():
            if error is not None:
                values[key][row["group"]].append(error)
    return values


def _unit(key: str) -> str:
    if key in RELATIVE or not key.endswith(("_mm", "_hu")):
        return _COLUMNS[2]
    return _COLUMNS[0] if key.endswith("_mm") else _COLUMNS[1]
