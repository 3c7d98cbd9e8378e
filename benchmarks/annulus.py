"""Hold the located heart against landmarks marked by hand, each CT left out of the template that finds it.

Run as ``python -m benchmarks.annulus DATA [GATED] [--more MORE]``: DATA and MORE are those of
`benchmarks.heart_template`, GATED is the folder of the gated CTA. Writes `benchmarks/annulus.md`. CTs that are not at
hand are skipped; one that the template of the package is made of is found with a template of the others at hand.
"""

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.heart_template import CLOSE, MARKED, UNMARKED, build, find_ct, read_case, read_landmarks
from benchmarks.interval_score import FACTOR, excess, interval_score, needed_mm, share_within
from ccma_seg.anatomy.contrast import ContrastParams
from ccma_seg.anatomy.findings import Anatomy, ContrastState
from ccma_seg.anatomy.heart import HeartParams
from ccma_seg.anatomy.location import LocateParams, locate_with
from ccma_seg.anatomy.template import HeartTemplate, close_template, heart_template
from ccma_seg.series import read_series

GATED = "agecanonix"
ENHANCED, LOW, PLAIN, IGNORED = "contrast", "low contrast", "plain", "ignored"
LOW_BELOW_HU = 70.0
"""Blood less than this above muscle."""
AS_PLAIN = LocateParams(heart=HeartParams(contrast=ContrastParams(plain_up_to_hu=2000.0)))
"""Takes any blood for blood without contrast."""
HEAD = """# The annulus against landmarks

Each CT is left out of the template that finds it. Landmarks were placed by hand and are themselves uncertain by 2-5 mm
(4-7 mm without contrast); those of `benchmarks/landmarks.json` were placed by correcting what the tool had found, those
marked * are the mean of two readers who did not see each other's. Low contrast is blood less than 70 HU above muscle.
CTs with contrast are located once more as if their blood were not told from muscle ("ignored"): more cases for what is
done without contrast. Sizes are those of the ring as drawn less those between the landmarks, in brackets where they
only go with the heart's size; s is CPU time. Written by `python -m benchmarks.annulus`.
"""

SUMMARY_HEAD = """
Median / worst of centre and direction, mean / worst of the absolute errors of the diameters. Excess is the stated
uncertainty over what would hold 85 % of the errors within twice; the interval score (mm, less is better) stands beside
that of the one constant per class that has the best score on these very CTs.

"""

COLUMNS = (
    *("CT", "contrast", "blood HU", "centre mm", "of it axial", "stated +-", "in twice", "direction deg"),
    *("posterior deg", "septal-lateral mm", "intercommissural mm", "box", "s"),
)
SUMMARY_COLUMNS = (
    *("", "centre mm", "direction deg", "septal-lateral mm", "intercommissural mm", "measured"),
    *("in twice", "stated mm", "excess", "score", "of a constant", "box"),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """How far one CT is off."""

    name: str
    state: str
    blood_hu: float
    centre_mm: float
    axial_mm: float
    stated_mm: float
    direction_deg: float
    posterior_deg: float
    septal_lateral_mm: float
    """Nan without landmarks."""
    intercommissural_mm: float
    sized: bool
    """Whether the diameters were measured."""
    faces_mm: np.ndarray
    seconds: float

    def __str__(self) -> str:
        inside = "yes" if self.centre_mm <= FACTOR * self.stated_mm else "no"
        sizes = " | ".join(self._size(error_mm) for error_mm in (self.septal_lateral_mm, self.intercommissural_mm))
        return (
            f"| {self.name} | {self.state} | {self.blood_hu:.0f} | {self.centre_mm:.1f} | {self.axial_mm:+.1f} |"
            f" {self.stated_mm:.1f} | {inside} | {self.direction_deg:.1f} | {self.posterior_deg:.0f} | {sizes} |"
            f" {np.median(self.faces_mm):.1f} / {self.faces_mm.max():.0f} | {self.seconds:.2f} |"
        )

    def _size(self, error_mm: float) -> str:
        if np.isnan(error_mm):
            return "-"
        return f"{error_mm:+.1f}" if self.sized else f"({error_mm:+.1f})"


def judge(name: str, marks: dict, anatomy: Anatomy, seconds: float) -> Row:
    annulus = anatomy.annulus
    assert annulus is not None
    assert anatomy.heart_box_mm is not None
    places = {key: np.array(value["lps"]) for key, value in marks["landmarks"].items()}
    centre = places["annulus_center"]
    off = np.array(annulus.center_mm) - centre
    behind = annulus.to_frame(places["annulus_posterior"] - centre + annulus.center_mm)
    drawn = np.ptp(annulus.to_frame(annulus.curve_mm), axis=0)
    return Row(
        name=name + ("*" if marks.get("two_readers") else ""),
        state=contrast_class(anatomy),
        blood_hu=anatomy.contrast.blood_pool_hu or np.nan,
        centre_mm=float(np.linalg.norm(off)),
        axial_mm=float(off @ annulus.normal),
        stated_mm=annulus.uncertainty_mm,
        direction_deg=_angle_deg(places["lv_apex"] - centre, np.array(annulus.normal)),
        posterior_deg=float(np.degrees(np.arctan2(behind[1], behind[0]))),
        septal_lateral_mm=float(drawn[0] - _apart_mm(places, "annulus_anterior", "annulus_posterior")),
        intercommissural_mm=float(drawn[1] - _apart_mm(places, "annulus_anterolateral", "annulus_posteromedial")),
        sized=annulus.size_method == "diameters",
        faces_mm=np.abs(np.array(anatomy.heart_box_mm) - marks["heart_bbox_lps"]).ravel(),
        seconds=seconds,
    )


def contrast_class(anatomy: Anatomy) -> str:
    """Return how well blood shows, as the tables of this project part it."""
    blood_hu, muscle_hu = anatomy.contrast.blood_pool_hu, anatomy.myocardium_hu
    if anatomy.contrast.state == ContrastState.NONE or blood_hu is None or muscle_hu is None:
        return PLAIN
    return LOW if blood_hu - muscle_hu < LOW_BELOW_HU else ENHANCED


def _apart_mm(places: dict[str, np.ndarray], first: str, second: str) -> float:
    return float(np.linalg.norm(places[first] - places[second])) if {first, second} <= places.keys() else np.nan


def _angle_deg(first: np.ndarray, second: np.ndarray) -> float:
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


Templates = tuple[HeartTemplate, ...]


def our_templates() -> Templates:
    """Return those of the package."""
    return heart_template(), close_template()


def left_out_templates(roots: list[Path]) -> dict[str, Templates]:
    """Return what finds each CT that a template of the package is made of, in place of these.

    The second template is built anew of the other CTs. So is the first, without the ways in which hearts differ, where
    the CT is part of it.
    """
    read = {name: read_case(roots, name) for name in (*CLOSE, *UNMARKED)}
    cases = {name: case for name, case in read.items() if case is not None}
    return {
        left: _without(left, build([case for name, case in cases.items() if name != left], like=heart_template()))
        for left in CLOSE
        if left in cases
    }


def _without(left: str, close: HeartTemplate) -> Templates:
    return replace(close, modes=None) if left in MARKED else heart_template(), close


def _summary(rows: list[Row]) -> str:
    groups = {name: [row for row in rows if row.state == name] for name in (ENHANCED, LOW, PLAIN, IGNORED)}
    groups["all but ignored"] = [row for row in rows if row.state != IGNORED]
    best = {name: needed_mm(_errors(group)) for name, group in groups.items() if group}
    lines = [_line(name, group, best) for name, group in groups.items() if group]
    return SUMMARY_HEAD + _table(SUMMARY_COLUMNS, lines)


def _line(name: str, rows: list[Row], best: dict[str, float]) -> str:
    errors, stated = _errors(rows), np.array([row.stated_mm for row in rows])
    constant = np.array([best[row.state] for row in rows])
    sizes = (_sizes([getattr(r, k) for r in rows]) for k in ("septal_lateral_mm", "intercommissural_mm"))
    cells = (
        *(f"{name} ({len(rows)})", _spread(errors), _spread([row.direction_deg for row in rows]), *sizes),
        f"{sum(row.sized for row in rows)}",
        *(f"{100 * share_within(errors, stated):.0f} %", f"{stated.mean():.1f}", f"{excess(errors, stated):.2f}"),
        *(f"{interval_score(errors, values):.1f}" for values in (stated, constant)),
        f"{np.median([np.median(row.faces_mm) for row in rows]):.1f}",
    )
    return _cells(cells)


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(columns: tuple[str, ...], rows: Iterable[str]) -> str:
    return "\n".join([_cells(columns), "|---" * len(columns) + "|", *rows])


def _errors(rows: list[Row]) -> np.ndarray:
    return np.array([row.centre_mm for row in rows])


def _spread(values: np.ndarray | list[float]) -> str:
    return f"{np.median(values):.1f} / {np.max(values):.1f}"


def _sizes(errors_mm: list[float]) -> str:
    known = [abs(error) for error in errors_mm if not np.isnan(error)]
    return f"{np.mean(known):.1f} / {max(known):.1f}" if known else "-"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("gated", type=Path, nargs="?")
    parser.add_argument("--more", type=Path)
    return parser.parse_args()


def _measure(name: str, marks: dict, path: Path, templates: Templates) -> list[Row]:
    """Locate a CT, and once more as if it had no contrast."""
    volume = read_series(path)
    rows = []
    for params, state in ((LocateParams(), None), (AS_PLAIN, IGNORED)):
        start = time.process_time()
        anatomy = locate_with(templates, volume, params)
        row = judge(name, marks, anatomy, time.process_time() - start)
        rows.append(row if state is None else replace(row, state=state))
        if row.state == PLAIN:
            break
    return rows


def main() -> None:
    given = _arguments()
    roots = [root for root in (given.data, given.more) if root]
    landmarks = read_landmarks(given.data)
    paths = {name: find_ct(roots, marks.get("path") or f"ct/{name}") for name, marks in landmarks.items()}
    paths[GATED] = given.gated
    templates = left_out_templates(roots)
    rows = [
        row
        for name, path in paths.items()
        if path is not None
        for row in _measure(name, landmarks[name], path, templates.get(name, our_templates()))
    ]
    rows.sort(key=lambda row: row.state == IGNORED)
    table = f"{HEAD}\n{_table(COLUMNS, map(str, rows))}\n{_summary(rows)}\n"
    (Path(__file__).parent / "annulus.md").write_text(table)


if __name__ == "__main__":
    main()
