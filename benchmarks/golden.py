"""Golden records: what an analysis finds in small exams, kept field by field, so that a change shows what it changes.

Run: python -m benchmarks.golden [--write]

Analyses every exam anew and lists each field that is no longer as kept in `tests/golden/`, old and new. With --write
the records of the exams that changed are kept as they are now; the commit says which field changed, and why.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import ccma_seg as ccma
from ccma_seg.phantom import ScannerSpec, make_pair, make_phantom, read_recipe

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "golden"
SAMPLE = "sample"
"""The exam that comes with the project."""

_COARSE = ScannerSpec(
    matrix=132,
    field_of_view_mm=158.4,
    slices=50,
    slice_spacing_mm=2.0,
    slice_thickness_mm=2.0,
    noise_sd_hu=8.0,
    noise_fwhm_mm=2.2,
)
"""A whole heart in two seconds."""
_THIN = ScannerSpec(
    matrix=175, field_of_view_mm=140.0, slices=90, slice_spacing_mm=1.0, slice_thickness_mm=1.0, noise_sd_hu=15.0
)
"""As thin as necks and the circumflex artery ask for."""
_SCORE = replace(_COARSE, slices=34, slice_spacing_mm=3.0, slice_thickness_mm=3.0, kernel="soft", noise_sd_hu=20.0)
"""A calcium-score scan."""

_LEFT_OUT = ("schema_version", "software", "config", "context", "timing_s", "files")
"""Of a record: what no analysis found, or what is constant text."""
_UID_FIELDS = ("study_uid", "series_uid")

_SHARE_OF_UNCERTAINTY = 0.1
"""A figure may move by this part of its stated half width (proposal)."""
_RELATIVE, _ROUNDING = 1e-3, 1e-3
"""Any other figure may move by this part of itself, and by this: machines differ in the last digits (proposal)."""

Fields = dict[str, Any]
"""Value by key path; a value is a plain one or a list of plain ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenExam:
    """A small exam that is quick to make."""

    recipe: str
    scanner: ScannerSpec = _COARSE
    with_plain_phase: bool = False
    """Analysed with a second phase without contrast."""


EXAMS = {
    "normal": GoldenExam(recipe="normal"),
    "mac": GoldenExam(recipe="mac"),
    "mac_plain": GoldenExam(recipe="mac_plain", scanner=_SCORE),
    "mac_and_ccma": GoldenExam(recipe="mac_and_ccma"),
    "ccma_dense": GoldenExam(recipe="ccma_dense"),
    "ccma_dense_plain": GoldenExam(recipe="ccma_dense_plain"),
    "ccma_dense_two_phases": GoldenExam(recipe="ccma_dense", with_plain_phase=True),
    "ruptured": GoldenExam(recipe="ruptured", scanner=_THIN),
    "leak": GoldenExam(recipe="leak"),
    "clip": GoldenExam(recipe="mimic_clip"),
    "circumflex_calcium": GoldenExam(recipe="mimic_circumflex_calcium", scanner=_THIN),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A field that is not as kept; None where it was not, or is not any more."""

    field: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.field}: {_said(self.old)} -> {_said(self.new)}"


def names() -> list[str]:
    """List the exams."""
    return [*EXAMS, SAMPLE]


def make_fields(name: str) -> Fields:
    """Analyse an exam anew, and return the fields of its record that are kept."""
    return fields_of(_sample_record() if name == SAMPLE else _phantom_record(EXAMS[name]))


def read_fields(name: str) -> Fields:
    """Return the kept fields of an exam; none if it is new."""
    path = _path(name)
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def write_fields(name: str, fields: Fields) -> None:
    """Keep the fields of an exam, one a line, in order."""
    lines = (f" {json.dumps(key)}: {json.dumps(fields[key], ensure_ascii=False)}" for key in sorted(fields))
    _path(name).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def fields_of(record: dict[str, Any]) -> Fields:
    """Flatten a record to what its analysis found; each criterion is one field: its figure and its outcome."""
    found = {key: value for key, value in record.items() if key not in _LEFT_OUT}
    found["series"] = {key: value for key, value in found["series"].items() if key not in _UID_FIELDS}
    found["lesions"] = [{**lesion, "evidence": _evidence(lesion)} for lesion in found["lesions"]]
    return dict(_leaves(found))


def changes(old: Fields, new: Fields) -> list[Change]:
    """List the fields that differ by more than their tolerance, in order."""
    return [
        Change(key, old.get(key), new.get(key))
        for key in sorted(old.keys() | new.keys())
        if key not in old or key not in new or not _alike(old[key], new[key], _half_width(old, key))
    ]


def table(by_exam: dict[str, list[Change]]) -> str:
    """Write which field of which exam changed."""
    rows = [
        f"| {name} | `{change.field}` | {_said(change.old)} | {_said(change.new)} |"
        for name, own in by_exam.items()
        for change in own
    ]
    head = "| exam | field | kept | now |\n|---|---|---|---|\n"
    return head + "\n".join(rows) if rows else f"All {len(by_exam)} records are as kept."


def _phantom_record(exam: GoldenExam) -> dict[str, Any]:
    recipe = read_recipe(exam.recipe)
    small = replace(recipe, scanner=exam.scanner, anatomy=replace(recipe.anatomy, variation=0.0))
    if not exam.with_plain_phase:
        return ccma.analyze(make_phantom(small).volume).record()
    first, second = make_pair(small)
    return ccma.analyze(first.volume, second_phase=second.volume).record()


def _sample_record() -> dict[str, Any]:
    return ccma.analyze(ccma.read_series(ROOT / "sample_data" / "dicom")).record()


def _evidence(lesion: dict[str, Any]) -> dict[str, list[Any]]:
    return {
        f"{item['criterion']} ({item['quantity']})": [
            item["value"],
            item["outcome"],
            *["borderline"] * item["borderline"],
        ]
        for item in lesion["evidence"]
    }


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Walk through a record; a list of plain values is one field."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        yield f"{path}.count", len(value)
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}[{number}]")
    else:
        yield path, value


def _half_width(fields: Fields, key: str) -> float:
    """Return the stated half width of a figure of a lesion, or of the figure of a criterion; 0 where none is stated."""
    lesion, _, own = key.partition("].")
    quantity = own.partition(" (")[2].removesuffix(")") or own
    return float(fields.get(f"{lesion}].uncertainty.{quantity}", 0.0))


def _alike(old: Any, new: Any, half_width: float) -> bool:
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(partial(_alike, half_width=half_width), old, new))
    if _is_figure(old) and _is_figure(new):
        return abs(new - old) <= max(_SHARE_OF_UNCERTAINTY * half_width, _RELATIVE * abs(old)) + _ROUNDING
    return type(old) is type(new) and bool(old == new)


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _said(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _path(name: str) -> Path:
    return FOLDER / f"{name}.json"


def main() -> int:
    """Print what changed; return 1 if anything did and is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep the records that changed as they are now")
    parser.add_argument("exams", nargs="*", metavar="EXAM", help="only these")
    given = parser.parse_args()
    found = {}
    for name in given.exams or names():
        new = make_fields(name)
        found[name] = changes(read_fields(name), new)
        if given.write and found[name]:
            write_fields(name, new)
    print(table(found))
    return int(any(found.values()) and not given.write)


if __name__ == "__main__":
    sys.exit(main())
