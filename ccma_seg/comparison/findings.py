"""Two exams of one patient, or two phases of one exam, and what is different between them."""

from dataclasses import dataclass, field
from typing import Any

from ccma_seg._version import __version__
from ccma_seg.comparison.exams import Exam
from ccma_seg.comparison.sentences import Kind, explain
from ccma_seg.config import Config
from ccma_seg.pipeline import Analysis
from ccma_seg.reasons import Reason
from ccma_seg.record import plain, tracking_uid

SCHEMA_VERSION = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """What has changed, and how far that can be told."""

    kind: Kind
    baseline: Exam
    followup: Exam
    interval_days: int | None
    lesions: tuple[dict[str, Any], ...]
    calcium: tuple[dict[str, Any], ...]
    config: Config
    both_phases: Analysis | None = None
    """The first phase analysed with the second; None for a follow-up."""
    reasons: tuple[Reason, ...] = field(default=())
    """All that limits the comparison."""

    @property
    def status(self) -> str:
        """Tell whether the comparison can be relied on."""
        return "degraded" if any(reason.degrades for reason in self.reasons) else "ok"

    @property
    def explanation(self) -> str:
        """Say in plain words what is different."""
        changes = explain(self.lesions, kind=self.kind, interval_days=self.interval_days)
        return changes if self.both_phases is None else f"{self.both_phases.explanation} {changes}"

    def record(self) -> dict[str, Any]:
        """Return the record, as in `comparison.json`: plain values, None where not measured."""
        record: dict[str, Any] = plain(
            {
                "schema_version": SCHEMA_VERSION,
                "kind": self.kind,
                "status": self.status,
                "reasons": [{"code": reason.code, "text": reason.text} for reason in self.reasons],
                "explanation": self.explanation,
                "interval_days": self.interval_days,
                "software": {"name": "ccma-seg", "version": __version__, "config_sha256": self.config.sha256()},
                "config": self.config.as_dict(),
                "baseline": _side(self.baseline),
                "followup": _side(self.followup),
                "lesions": [{**lesion, "tracking_uid": self._tracking_uid(lesion)} for lesion in self.lesions],
                "calcium": self.calcium,
                "both_phases": _both_phases(self.both_phases),
                "files": {},
            }
        )
        return record

    def _tracking_uid(self, lesion: dict[str, Any]) -> str:
        """Name a lesion as the first exam that shows it does."""
        first = lesion["baseline_id"] is not None
        exam, number = (self.baseline, lesion["baseline_id"]) if first else (self.followup, lesion["followup_id"])
        return tracking_uid(exam.record["series"]["series_uid"], number)


def _side(exam: Exam) -> dict[str, Any]:
    names = ("verdict", "status", "explanation", "series", "contrast")
    return {**{name: exam.record[name] for name in names}, "finished_result": exam.analysis is None}


def _both_phases(analysis: Analysis | None) -> dict[str, Any] | None:
    if analysis is None:
        return None
    record = analysis.record()
    names = ("id", "verdict", "confidence", "explanation", "core", "cavity", "leak", "other_phase", "uncertainty")
    return {
        "verdict": record["verdict"],
        "series": record["series"],
        "second_phase": record["second_phase"],
        "lesions": [{name: lesion[name] for name in names} for lesion in record["lesions"]],
    }
