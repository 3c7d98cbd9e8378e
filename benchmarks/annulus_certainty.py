"""Fit how well the annulus is known to what the exam shows, on CTs left out of the templates.

Run as ``python -m benchmarks.annulus_certainty DATA [GATED]``, as `benchmarks.annulus`. Prints the parts of
`ccma_seg.anatomy.certainty` that have the best interval score, and the scores that they reach on each CT when fitted
without it, beside those of the best constant fitted in the same way. Nothing is written: defaults are round figures.
"""

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.annulus import AS_PLAIN, GATED, IGNORED, PLAIN, Templates, judge, left_out_templates, our_templates
from benchmarks.heart_template import find_ct, read_landmarks
from benchmarks.interval_score import excess, interval_score, share_within
from ccma_seg.anatomy.certainty import CertaintyParams
from ccma_seg.anatomy.heart import find_heart
from ccma_seg.anatomy.location import LocateParams, locate_with
from ccma_seg.series import read_series

ONLY_DEPTH = CertaintyParams(blood_mm=0.0, blood_moved=0.0, blood_apart=0.0, blood_depth=1.0)
FLOORS_MM = np.arange(1.0, 4.01, 0.25)
SLOPES = {"moved": np.arange(0, 0.61, 0.1), "apart": np.arange(0, 1.01, 0.3), "depth": np.arange(0, 1.01, 0.25)}


@dataclass(frozen=True)
class Sample:
    """One exam as the fit sees it."""

    name: str
    plain: bool
    error_mm: float
    now_mm: float
    parts: dict[str, float]
    """In mm."""


def samples(name: str, marks: dict, path: Path, templates: Templates) -> Iterator[Sample]:
    """Locate a CT, and once more as if it had no contrast."""
    volume = read_series(path)
    for params, state in ((LocateParams(), None), (AS_PLAIN, IGNORED)):
        row = judge(name, marks, locate_with(templates, volume, params), 0.0)
        heart = find_heart(volume, templates, params=params.heart)
        parts = {"moved": heart.moved_mm, "apart": heart.apart_mm}
        plain = state == IGNORED or row.state == PLAIN
        if not plain:
            bare = replace(params, certainty=ONLY_DEPTH, heart=replace(params.heart, low_contrast_uncertainty_mm=0.0))
            depth = locate_with(templates, volume, bare).annulus
            assert depth is not None
            parts["depth"] = depth.uncertainty_mm
        yield Sample(name, plain, row.centre_mm, row.stated_mm, parts)
        if row.state == PLAIN:
            break


def stated(chosen: list[Sample], floor_mm: float, slopes: dict[str, float]) -> np.ndarray:
    """Return the standard errors in mm that some parts give."""
    return np.array(
        [np.linalg.norm([floor_mm, *(slope * s.parts[part] for part, slope in slopes.items())]) for s in chosen]
    )


def fit(chosen: list[Sample], names: tuple[str, ...]) -> tuple[float, dict[str, float]]:
    """Return the floor and the slopes with the best interval score."""
    errors = np.array([s.error_mm for s in chosen])
    tried = (
        (floor, dict(zip(names, slopes, strict=True)))
        for floor, *slopes in itertools.product(FLOORS_MM, *(SLOPES[name] for name in names))
    )
    return min(tried, key=lambda found: interval_score(errors, stated(chosen, *found)))


def left_out(chosen: list[Sample], names: tuple[str, ...]) -> np.ndarray:
    """Return what is stated of each sample when fitted without its CT."""
    found = {name: fit([s for s in chosen if s.name != name], names) for name in {s.name for s in chosen}}
    return np.concatenate([stated([s], *found[s.name]) for s in chosen])


def _line(label: str, errors: np.ndarray, values: np.ndarray) -> str:
    return (
        f"{label:28s} within twice {100 * share_within(errors, values):3.0f} %  mean {values.mean():.1f} mm"
        f"  excess {excess(errors, values):.2f}  score {interval_score(errors, values):.2f}"
    )


def report(label: str, chosen: list[Sample]) -> str:
    """Describe the fit of one class of exams."""
    names = tuple(chosen[0].parts)
    errors = np.array([s.error_mm for s in chosen])
    floor, slopes = fit(chosen, names)
    best = ", ".join(f"{part} {slope:.2f}" for part, slope in slopes.items())
    lines = [
        f"{label} ({len(chosen)}): floor {floor:.2f} mm, {best}",
        _line("  the package", errors, np.array([s.now_mm for s in chosen])),
        _line("  fitted", errors, stated(chosen, floor, slopes)),
        _line("  fitted without the CT", errors, left_out(chosen, names)),
        _line("  a constant without the CT", errors, left_out(chosen, ())),
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("gated", type=Path, nargs="?")
    given = parser.parse_args()
    landmarks = read_landmarks(given.data)
    paths = {name: find_ct([given.data], marks.get("path") or f"ct/{name}") for name, marks in landmarks.items()}
    paths[GATED] = given.gated
    templates = left_out_templates([given.data])
    found = [
        sample
        for name, path in paths.items()
        if path is not None
        for sample in samples(name, landmarks[name], path, templates.get(name, our_templates()))
    ]
    print(report("without contrast, or ignored", [s for s in found if s.plain]))
    print(report("with contrast", [s for s in found if not s.plain]))


if __name__ == "__main__":
    main()
