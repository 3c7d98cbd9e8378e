"""What is told of one series: its row in `series.csv`, and its lesions."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ccma_seg._version import __version__
from ccma_seg.cohort.cases import Case
from ccma_seg.quantities import Quantity, quantities, value_of
from ccma_seg.reasons import Reason
from ccma_seg.record import SCHEMA_VERSION, cells_of, lesion_row

FAILED = "failed"
SKIPPED = "skipped"
"""No candidate: a CT without a heart. It is told, and does not count as a failure."""
OUT_OF_MEMORY = "out_of_memory"

FOLDER = "folder"
"""The column that follows the others where it was asked for."""

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


def series_quantities() -> tuple[Quantity, ...]:
    """List what `series.csv` has a column of, in order."""
    return (*quantities("case"), *(q for q in quantities("exam") if q.column), *quantities("run"))


def analysed(case: Case, record: dict[str, Any]) -> Outcome:
    """Tell what an analysis found."""
    series, lesions = record["series"], record["lesions"]
    cells = [cells_of(quantity, value_of(record, quantity)) for quantity in quantities("exam") if quantity.column]
    row = {
        **_common(case, record["status"], [Reason(r["code"], r["text"]) for r in record["reasons"]]),
        **{name: value for part in cells for name, value in part.items()},
        "verdict": record["verdict"],
        "explanation": record["explanation"],
        "lesion_count": len(lesions),
        "slices": series["shape"][0],
        "spacing_mm": series["spacing_mm"][0],
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
        FOLDER: ";".join(case.folders),
        "files": case.files,
        "schema_version": SCHEMA_VERSION,
        "software_version": __version__,
    }
