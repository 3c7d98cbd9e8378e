"""Further phases of an exam: aligned, and what they tell of each mass."""

from ccma_seg.phases.choosing import set_beside
from ccma_seg.phases.findings import Alignment, SecondPhase
from ccma_seg.phases.fitting import fit_phase
from ccma_seg.phases.following import measure_in_phases
from ccma_seg.phases.params import PhaseParams

__all__ = ["Alignment", "PhaseParams", "SecondPhase", "fit_phase", "measure_in_phases", "set_beside"]
