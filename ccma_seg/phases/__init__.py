"""Two phases of one exam: aligned, and what their difference tells of each mass."""

from ccma_seg.phases.differences import measure_in_both
from ccma_seg.phases.findings import Alignment, SecondPhase
from ccma_seg.phases.fitting import fit_phase, no_heart
from ccma_seg.phases.params import PhaseParams

__all__ = ["Alignment", "PhaseParams", "SecondPhase", "fit_phase", "measure_in_both", "no_heart"]
