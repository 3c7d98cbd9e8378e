"""What is done with each CT, part by part; each trial is one analysis and gives one row."""

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.real.altered import above_heart, averaged, below_heart, sagittal_as_axial, with_slices_apart
from benchmarks.real.deposits import band, focus, kinds_at, near, put, shares, solid, tube
from benchmarks.real.exams import Exams, RealExam, annulus_of, read_exam
from benchmarks.real.noise import add_noise
from ccma_seg import analyze
from ccma_seg.calcium import CalciumKind
from ccma_seg.errors import CcmaError
from ccma_seg.geometry import voxels_in
from ccma_seg.phantom.bodies import Body
from ccma_seg.phantom.image_quality import ImageQuality, image_quality
from ccma_seg.pipeline import Analysis
from ccma_seg.volume import Volume

NOISE_SD_HU = (20, 35, 50, 70, 90, 110)
NOISE_KINDS = ("white", "kernel")
TUBE_OUTWARD_MM = (5, 8, 12)
TUBES_AT_EACH = 2
BAND_THICKNESS_MM, BAND_ARC_DEG = (2, 4, 6), (30, 90, 180)
SOLID_THICKNESS_MM, SOLID_ARC_DEG = (8, 10, 12), (60, 120, 180)
SOLID_SLICES = ("own", 3, 5)
FOCUS_SIZES = (1.0, 0.5)
"""Of the stated detection limit."""
FOCI_AT_EACH = 10
"""Of each size in each CT: 200 in all with ten CTs."""
SLICES_APART = (0.5, 2.0)

PLACE_MM = 6.0
"""A calcification that a reader marked is looked for so near to the mark."""
_NO_CALCIUM = (str(CalciumKind.UNKNOWN), "noise", "none")
"""Kinds that do not say that there is calcium."""
_RISE = 1 / 3
"""A focus is found, too, if the annular or undecided volume rises by this part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One analysis."""

    part: str
    exam: RealExam
    settings: dict[str, Any] = field(default_factory=dict)
    seed: int = 1

    @property
    def id(self) -> str:
        """Name it; a row that is kept under this name is not made again."""
        return "/".join([self.part, self.exam.name, *(f"{k}={v}" for k, v in self.settings.items())])

    @property
    def own_seed(self) -> int:
        """Return a seed of its own."""
        return zlib.crc32(f"{self.seed}/{self.id}".encode())


Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of an analysis."""

    analysis: Analysis | None
    error: str | None
    cpu_s: float

    def row(self) -> Row:
        """Return what every trial notes."""
        row: Row = {"error": self.error, "cpu_s": round(self.cpu_s, 2), "verdict": None, "status": None}
        if self.analysis is None:
            return row
        record = self.analysis.record()
        calcium = record["calcium"]
        return {
            **row,
            "verdict": record["verdict"],
            "status": record["status"],
            "explanation": record["explanation"],
            "contrast": record["contrast"]["state"],
            "reasons": [reason["code"] for reason in record["reasons"]],
            "slice_mm": record["series"]["spacing_mm"][0],
            "annular_mm3": calcium["annular_volume_mm3"],
            "undecided_mm3": calcium.get("undecided_volume_mm3"),
            "limit_mm3": calcium.get("detection_limit_mm3"),
        }


def look(volume: Volume) -> Seen:
    """Analyse a CT as a user would; a refusal or a crash is a result too."""
    start = time.process_time()
    try:
        analysis, error = analyze(volume), None
    except CcmaError as refused:
        analysis, error = None, refused.code
    except Exception as crash:  # noqa: BLE001 - the bench goes on and reports it
        analysis, error = None, f"crash: {type(crash).__name__}: {crash}"[:200]
    return Seen(analysis=analysis, error=error, cpu_s=time.process_time() - start)


def plan(part: str, exams: Exams, *, seed: int) -> list[Trial]:
    """List the trials of a part, CT by CT."""
    make = _PARTS[part][0]
    return [Trial(part=part, exam=exam, settings=settings, seed=seed) for exam, settings in make(exams)]


def run(trial: Trial) -> Row:
    """Do one trial."""
    head = {"id": trial.id, "part": trial.part, "ct": trial.exam.name, "settings": trial.settings}
    known = {
        "marked_contrast": trial.exam.contrast,
        "allowed": list(trial.exam.allowed),
        "is_part": trial.exam.is_part,
    }
    try:
        volume = read_exam(trial.exam)
    except CcmaError as refused:
        return {**head, **known, "error": refused.code, "verdict": None, "status": None, "cpu_s": 0.0}
    return {**head, **known, **_PARTS[trial.part][1](trial, volume)}


Planned = Iterator[tuple[RealExam, dict[str, Any]]]


def _marked_without_mac(exams: Exams) -> list[RealExam]:
    return [exam for exam in exams.whole_hearts if exam.marks is not None and not exam.has_mac]


def _plan_hearts(exams: Exams) -> Planned:
    yield from ((exam, {}) for exam in exams.hearts)


def _run_heart(trial: Trial, volume: Volume) -> Row:
    seen = look(volume)
    places = [{**told, **_found_at(seen.analysis, told["lps"])} for told in trial.exam.calcifications]
    return {**seen.row(), "places": places}


def _found_at(analysis: Analysis | None, place_mm: list[float]) -> Row:
    """Return the kind of the nearest component within reach, how far it is and how large."""
    calcium = analysis.calcium if analysis is not None else None
    if calcium is None or not len(calcium.calcified):
        return {"found": "none", "away_mm": None, "found_mm3": None}
    voxels = voxels_in(calcium.labels > 0)
    positions = calcium.geometry.to_patient(voxels)
    away = np.linalg.norm(positions - place_mm, axis=1)
    nearest = int(np.argmin(away))
    if away[nearest] > PLACE_MM:
        return {"found": "none", "away_mm": None, "found_mm3": None}
    label = calcium.labels[tuple(voxels[nearest])]
    one = next(c for c in calcium.calcifications if c.label == label)
    kind = str(kinds_at(calcium, positions[nearest][None])[0])
    return {"found": kind, "away_mm": round(float(away[nearest]), 1), "found_mm3": round(one.volume_mm3, 1)}


def _plan_others(exams: Exams) -> Planned:
    yield from ((exam, {"copy": "as it is"}) for exam in exams.others)
    for exam in exams.whole_hearts:
        yield from ((exam, {"copy": f"slices x {factor:g}"}) for factor in SLICES_APART)
        yield exam, {"copy": "sagittal"}
        if exam.marks is not None:
            yield exam, {"copy": "below"}
            yield exam, {"copy": "above"}


def _run_other(trial: Trial, volume: Volume) -> Row:
    copy: str = trial.settings["copy"]
    changed: Volume | None = volume
    if copy.startswith("slices x "):
        changed = with_slices_apart(volume, float(copy.removeprefix("slices x ")))
    elif copy == "sagittal":
        changed = sagittal_as_axial(volume)
    elif copy in {"below", "above"}:
        changed = (below_heart if copy == "below" else above_heart)(volume, trial.exam)
    return {"skipped": "too little is left"} if changed is None else look(changed).row()


def _plan_noise(exams: Exams) -> Planned:
    for exam in exams.whole_hearts:
        yield exam, {"noise": "none", "sd_hu": 0}
        yield from ((exam, {"noise": kind, "sd_hu": sd}) for kind in NOISE_KINDS for sd in NOISE_SD_HU)


def _run_noise(trial: Trial, volume: Volume) -> Row:
    kind, sd_hu = trial.settings["noise"], trial.settings["sd_hu"]
    if kind == "none":
        return look(volume).row()
    return look(_with_noise(volume, kind, sd_hu, trial.own_seed)).row()


def _with_noise(volume: Volume, kind: Any, sd_hu: float, seed: int) -> Volume:
    return _voxels(volume, add_noise(volume.hu, kind, sd_hu=sd_hu, seed=seed))


def _voxels(volume: Volume, hu: Any) -> Volume:
    return Volume(hu=hu, geometry=volume.geometry, acquisition=volume.acquisition, reasons=volume.reasons)


def _plan_tubes(exams: Exams) -> Planned:
    for exam in _marked_without_mac(exams):
        for outward in TUBE_OUTWARD_MM:
            yield from ((exam, {"outward_mm": outward, "number": n}) for n in range(TUBES_AT_EACH))


def _run_tube(trial: Trial, volume: Volume) -> Row:
    annulus = annulus_of(trial.exam)
    assert annulus is not None
    return _deposited(trial, volume, tube(annulus, outward_mm=trial.settings["outward_mm"], seed=trial.own_seed))


def _plan_bands(exams: Exams) -> Planned:
    for exam in _marked_without_mac(exams):
        for thick in BAND_THICKNESS_MM:
            yield from ((exam, {"thickness_mm": thick, "arc_deg": arc}) for arc in BAND_ARC_DEG)


def _run_band(trial: Trial, volume: Volume) -> Row:
    annulus = annulus_of(trial.exam)
    assert annulus is not None
    return _deposited(trial, volume, band(annulus, **trial.settings, seed=trial.own_seed))


def _plan_solid(exams: Exams) -> Planned:
    for exam in _marked_without_mac(exams):
        for slices in SOLID_SLICES:
            for thick, arc in zip(SOLID_THICKNESS_MM, SOLID_ARC_DEG, strict=True):
                yield exam, {"slices": slices, "thickness_mm": thick, "arc_deg": arc}


def _run_solid(trial: Trial, volume: Volume) -> Row:
    annulus = annulus_of(trial.exam)
    assert annulus is not None
    wanted = trial.settings
    slices, size = wanted["slices"], {key: wanted[key] for key in ("thickness_mm", "arc_deg")}
    body = solid(annulus, **size, seed=trial.own_seed)
    if slices == "own":
        return _deposited(trial, volume, body)
    if averaged(volume, slices) is None:
        return {"skipped": "its own slices are as thick"}
    made = put(body, volume, _quality(trial.exam, volume), seed=trial.own_seed)
    thick = averaged(made, slices)
    assert thick is not None
    return _judged(thick, body)


def _plan_foci(exams: Exams) -> Planned:
    for exam in _marked_without_mac(exams):
        for size in FOCUS_SIZES:
            yield from ((exam, {"size": size, "number": n}) for n in range(FOCI_AT_EACH))


def _run_focus(trial: Trial, volume: Volume) -> Row:
    annulus, base = annulus_of(trial.exam), _untouched(trial.exam)
    assert annulus is not None
    limit = base.get("limit_mm3")
    if limit is None:
        return {"skipped": "the record states no detection limit"}
    wanted_mm3 = limit * trial.settings["size"]
    return {"base_limit_mm3": limit, **find_focus(trial, volume, volume_mm3=wanted_mm3, base=base)}


def find_focus(trial: Trial, volume: Volume, *, volume_mm3: float, base: Row) -> Row:
    """Put a focus on the ring, and tell whether it was found."""
    annulus = annulus_of(trial.exam)
    assert annulus is not None
    one = focus(volume, annulus, volume_mm3=volume_mm3, seed=trial.own_seed)
    row = _deposited(trial, volume, one, sought=near(one))
    seen = [kind for kind in row.get("kinds", {}) if kind not in _NO_CALCIUM]
    rise = _decided_or_not(row) - _decided_or_not(base)
    return {**row, "focus_mm3": volume_mm3, "found": bool(seen) or rise >= _RISE * volume_mm3}


def _decided_or_not(row: Row) -> float:
    return (row.get("annular_mm3") or 0.0) + (row.get("undecided_mm3") or 0.0)


def _deposited(trial: Trial, volume: Volume, body: Body, *, sought: Body | None = None) -> Row:
    made = put(body, volume, _quality(trial.exam, volume), seed=trial.own_seed)
    return _judged(made, sought or body)


def _judged(volume: Volume, body: Body) -> Row:
    seen = look(volume)
    kinds = {} if seen.analysis is None else shares(seen.analysis, body)
    return {**seen.row(), "kinds": {kind: round(share, 3) for kind, share in kinds.items()}}


def _quality(exam: RealExam, volume: Volume) -> ImageQuality:
    if exam.name not in _KNOWN_QUALITY:
        annulus = annulus_of(exam)
        assert annulus is not None
        _KNOWN_QUALITY[exam.name] = image_quality(volume, annulus)
    return _KNOWN_QUALITY[exam.name]


def _untouched(exam: RealExam) -> Row:
    if exam.name not in _KNOWN_BASE:
        _KNOWN_BASE[exam.name] = look(read_exam(exam)).row()
    return _KNOWN_BASE[exam.name]


_KNOWN_QUALITY: dict[str, ImageQuality] = {}
_KNOWN_BASE: dict[str, Row] = {}
"""Of this process."""

_PARTS: dict[str, tuple[Callable[[Exams], Planned], Callable[[Trial, Volume], Row]]] = {
    "hearts": (_plan_hearts, _run_heart),
    "nonhearts": (_plan_others, _run_other),
    "noise": (_plan_noise, _run_noise),
    "tubes": (_plan_tubes, _run_tube),
    "bands": (_plan_bands, _run_band),
    "solid": (_plan_solid, _run_solid),
    "foci": (_plan_foci, _run_focus),
}
PARTS = tuple(_PARTS)
