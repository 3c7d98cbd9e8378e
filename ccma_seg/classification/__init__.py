"""From measurements to a verdict with its evidence; the rules are data, with sources."""

from ccma_seg.classification.context import Remark, context_of
from ccma_seg.classification.decision import classify, most_serious
from ccma_seg.classification.exam import Overall, judge_exam
from ccma_seg.classification.findings import Evidence, Finding, Outcome, Verdict
from ccma_seg.classification.rules import Rules
from ccma_seg.criteria import Criterion

__all__ = [
    "Criterion",
    "Evidence",
    "Finding",
    "Outcome",
    "Overall",
    "Remark",
    "Rules",
    "Verdict",
    "classify",
    "context_of",
    "judge_exam",
    "most_serious",
]
