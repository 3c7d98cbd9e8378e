"""Many exams: find them, analyse each in a process of its own, lose none."""

from ccma_seg.cohort.cases import Case
from ccma_seg.cohort.params import CohortParams, Existing
from ccma_seg.cohort.planning import Plan
from ccma_seg.cohort.progress import Progress
from ccma_seg.cohort.reading import make_study
from ccma_seg.cohort.rows import Outcome
from ccma_seg.cohort.running import Cohort, list_cases, run_cohort
from ccma_seg.cohort.stopping import Stop

__all__ = [
    "Case",
    "Cohort",
    "CohortParams",
    "Existing",
    "Outcome",
    "Plan",
    "Progress",
    "Stop",
    "list_cases",
    "make_study",
    "run_cohort",
]
