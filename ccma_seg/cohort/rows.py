"""What is told of one series: its row in `series.csv`, and its lesions."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ccma_seg._version import __version__
from ccma_seg.cohort.cases import Case
from ccma_seg.reasons import Reason
from ccma_seg.record import SCHEMA_VERSION
from ccma_seg.report import lesion_row

FAILED = "failed"
SKIPPED = "skipped"
"""No candidate: a CT without a heart. It is told, and does not count as a failure."""
OUT_OF_MEMORY = "out_of_memory"

_SERIES = ("study_uid", "description", "slice_thickness_mm", "tube_voltage_kv", "kernel", "cardiac_phase_percent")
_CALCIUM = (
    "threshold_hu",
    "annular_volume_mm3",
    "undecided_volume_mm3",
    "detection_limit_mm3",
    "agatston",
    "mass_mg",
    "arc_deg",
    "max_thickness_mm",
)
_CONTOUR = (
    "saddle_area_mm2",
    "saddle_perimeter_mm",
    "saddle_perimeter_3d_mm",
    "saddle_septal_lateral_mm",
    "d_shape_area_mm2",
    "d_shape_perimeter_mm",
    "d_shape_septal_lateral_mm",
    "intercommissural_mm",
    "intertrigonal_mm",
    "height_mm",
    "tilt_deg",
    "aortic_angle_deg",
)

SERIES_COLUMNS = (
    "case_id",
    "series_uid",
    "status",
    "verdict",
    "reason_codes",
    "seconds",
    "reasons",
    "explanation",
    "lesion_count",
    "files",
    *_SERIES,
    "slices",
    "spacing_mm",
    "contrast",
    "blood_pool_hu",
    *_CALCIUM,
    "guerrero_total",
    "guerrero_grade",
    *(f"annulus_{name}" for name in _CONTOUR),
    "peak_memory_mib",
    "schema_version",
    "software_version",
    "config_sha256",
)
"""Columns of `series.csv`; `folder` follows where it was asked for."""

MACHINE_COLUMNS = ("seconds", "peak_memory_mib")
"""What differs from run to run; everything else is the same for the same input and configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one case."""

    row: dict[str, Any]
    """By column of `series.csv`; what is not there is null."""

    lesions: tuple[dict[str, Any], ...] = ()
    """By column of `lesions.csv`."""

    files: int
    """How many files the series had, so that one that has grown is seen."""

    @property
    def case_id(self) -> str:
        """Return the name of the case."""
        return str(self.row["case_id"])

    @property
    def failed(self) -> bool:
        """Tell whether there is no result where there should be one."""
        return bool(self.row["status"] == FAILED)

    @property
    def skipped(self) -> bool:
        """Tell whether there is no result, and should be none."""
        return bool(self.row["status"] == SKIPPED)

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the codes of its reasons."""
        return tuple(code for code in str(self.row["reason_codes"]).split(";") if code)

    def place(self) -> tuple[str, str]:
        """Return what tables are sorted by."""
        return self.row["series_uid"] or "", self.case_id

    def with_machine(self, **figures: float | None) -> "Outcome":
        """Return a copy with what depends on the machine: `seconds`, `peak_memory_mib`."""
        return replace(self, row=self.row | {name: figures.get(name) for name in MACHINE_COLUMNS})


def analysed(case: Case, record: dict[str, Any]) -> Outcome:
    """Tell what an analysis found."""
    series, calcium, lesions = record["series"], record["calcium"], record["lesions"]
    guerrero = calcium.get("guerrero") or {}
    row = {
        **_common(case, record["status"], [Reason(r["code"], r["text"]) for r in record["reasons"]]),
        **{name: series[name] for name in _SERIES},
        **{name: calcium[name] for name in _CALCIUM},
        **{f"annulus_{name}": record["annulus"]["contour"][name] for name in _CONTOUR},
        "verdict": record["verdict"],
        "explanation": record["explanation"],
        "lesion_count": len(lesions),
        "slices": series["shape"][0],
        "spacing_mm": series["spacing_mm"][0],
        "contrast": record["contrast"]["state"],
        "blood_pool_hu": record["contrast"]["blood_pool_hu"],
        "guerrero_total": guerrero.get("total"),
        "guerrero_grade": guerrero.get("grade"),
        "config_sha256": record["software"]["config_sha256"],
    }
    return Outcome(row=row, lesions=tuple(map(lesion_row, lesions)), files=case.files)


def failed(case: Case, reasons: Iterable[Reason], *, config_sha256: str, skipped: bool = False) -> Outcome:
    """Tell why there is no result, or, of what is no candidate, why there should be none."""
    row = _common(case, SKIPPED if skipped else FAILED, list(reasons))
    return Outcome(row=row | {"config_sha256": config_sha256}, files=case.files)


def _common(case: Case, status: str, reasons: list[Reason]) -> dict[str, Any]:
    return {
        "case_id": case.case_id,
        "series_uid": case.series_uid or None,
        "status": status,
        "reason_codes": ";".join(dict.fromkeys(reason.code for reason in reasons)),
        "reasons": "; ".join(dict.fromkeys(reason.text for reason in reasons)),
        "folder": ";".join(case.folders),
        "files": case.files,
        "schema_version": SCHEMA_VERSION,
        "software_version": __version__,
    }
