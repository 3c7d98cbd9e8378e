"""Hold the located heart against landmarks marked by hand, each CT left out of the template that finds it.

Run as ``python -m benchmarks.annulus DATA [GATED] [--more MORE]``: DATA and MORE are those of
`benchmarks.heart_template`, GATED is the folder of the gated CTA. Writes `benchmarks/annulus.md`.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.heart_template import MARKED, UNMARKED, build, find_ct, read_case, read_landmarks
from ccma_seg.anatomy.contrast import ContrastParams
from ccma_seg.anatomy.findings import Anatomy, ContrastState
from ccma_seg.anatomy.heart import HeartParams
from ccma_seg.anatomy.location import LocateParams, locate_with
from ccma_seg.anatomy.template import HeartTemplate, heart_template
from ccma_seg.series import read_series

GATED = "agecanonix"
IGNORED = "ignored"
AS_PLAIN = LocateParams(heart=HeartParams(contrast=ContrastParams(plain_up_to_hu=2000.0)))
"""Takes any blood for blood without contrast."""
HEAD = """# The annulus against landmarks

Each CT is left out of the template that finds it. Landmarks were placed by hand and are themselves uncertain by 2-5 mm
(4-7 mm without contrast); those of `benchmarks/landmarks.json` were placed by correcting what the tool had found. CTs
with contrast are located once more as if their blood were not told from muscle ("ignored"): more cases for what is done
without contrast; s is CPU time. Written by `python -m benchmarks.annulus`.

| CT | contrast | blood HU | centre mm | of it axial | stated +- | in twice | direction deg | posterior deg | box | s |
|---|---|---|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
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
    faces_mm: np.ndarray
    seconds: float

    def __str__(self) -> str:
        inside = "yes" if self.centre_mm <= 2 * self.stated_mm else "no"
        return (
            f"| {self.name} | {self.state} | {self.blood_hu:.0f} | {self.centre_mm:.1f} | {self.axial_mm:+.1f} |"
            f" {self.stated_mm:.1f} | {inside} | {self.direction_deg:.1f} | {self.posterior_deg:.0f} |"
            f" {np.median(self.faces_mm):.1f} / {self.faces_mm.max():.0f} | {self.seconds:.2f} |"
        )


def judge(name: str, marks: dict, anatomy: Anatomy, seconds: float) -> Row:
    annulus = anatomy.annulus
    assert annulus is not None
    assert anatomy.heart_box_mm is not None
    places = {key: np.array(value["lps"]) for key, value in marks["landmarks"].items()}
    centre = places["annulus_center"]
    off = np.array(annulus.center_mm) - centre
    behind = annulus.to_frame(places["annulus_posterior"] - centre + annulus.center_mm)
    return Row(
        name=name,
        state=str(anatomy.contrast.state),
        blood_hu=anatomy.contrast.blood_pool_hu or np.nan,
        centre_mm=float(np.linalg.norm(off)),
        axial_mm=float(off @ annulus.normal),
        stated_mm=annulus.uncertainty_mm,
        direction_deg=_angle_deg(places["lv_apex"] - centre, np.array(annulus.normal)),
        posterior_deg=float(np.degrees(np.arctan2(behind[1], behind[0]))),
        faces_mm=np.abs(np.array(anatomy.heart_box_mm) - marks["heart_bbox_lps"]).ravel(),
        seconds=seconds,
    )


def _angle_deg(first: np.ndarray, second: np.ndarray) -> float:
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _templates(roots: list[Path]) -> dict[str, HeartTemplate]:
    read = {name: read_case(roots, name) for name in (*MARKED, *UNMARKED)}
    cases = {name: case for name, case in read.items() if case is not None}
    return {left: build([case for name, case in cases.items() if name != left]) for left in MARKED if left in cases}


def _summary(rows: list[Row]) -> str:
    lines = []
    plain = {ContrastState.NONE, IGNORED}
    states = {"with contrast": set(ContrastState) - plain, "without": {ContrastState.NONE}, "without or ignored": plain}
    for label, wanted in states.items():
        chosen = [row for row in rows if row.state in wanted]
        centre, direction = ([getattr(row, key) for row in chosen] for key in ("centre_mm", "direction_deg"))
        faces = np.concatenate([row.faces_mm for row in chosen])
        lines.append(
            f"- {label} ({len(chosen)} CTs): centre {np.median(centre):.1f} / {max(centre):.1f} mm (median / worst),"
            f" direction {np.median(direction):.1f} / {max(direction):.1f} deg,"
            f" box face {np.median(faces):.1f} mm (median)"
        )
    held = np.mean([row.centre_mm <= 2 * row.stated_mm for row in rows])
    return "\n".join([*lines, f"- within twice the stated uncertainty: {100 * held:.0f} %"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("gated", type=Path, nargs="?")
    parser.add_argument("--more", type=Path)
    return parser.parse_args()


def _measure(name: str, marks: dict, path: Path, template: HeartTemplate) -> list[Row]:
    """Locate a CT, and once more as if it had no contrast."""
    volume = read_series(path)
    rows = []
    for params, state in ((LocateParams(), None), (AS_PLAIN, IGNORED)):
        start = time.process_time()
        anatomy = locate_with(template, volume, params)
        row = judge(name, marks, anatomy, time.process_time() - start)
        rows.append(row if state is None else replace(row, state=state))
        if anatomy.contrast.state == ContrastState.NONE:
            break
    return rows


def main() -> None:
    given = _arguments()
    roots = [root for root in (given.data, given.more) if root]
    landmarks = read_landmarks(given.data)
    paths = {name: find_ct(roots, marks.get("path") or f"ct/{name}") for name, marks in landmarks.items()}
    paths[GATED] = given.gated
    templates = _templates(roots)
    rows = [
        row
        for name, path in paths.items()
        if path is not None
        for row in _measure(name, landmarks[name], path, templates.get(name, heart_template()))
    ]
    rows.sort(key=lambda row: row.state == IGNORED)
    table = HEAD + "\n".join(str(row) for row in rows) + "\n\n" + _summary(rows) + "\n"
    (Path(__file__).parent / "annulus.md").write_text(table)


if __name__ == "__main__":
    main()
