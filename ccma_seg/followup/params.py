"""What counts as a change between two exams."""

from dataclasses import dataclass
from typing import ClassVar

from ccma_seg.errors import ConfigError
from ccma_seg.lesion.params import NECK_SLICE_MM


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpParams:
    """How lesions of two exams are matched, and what is beyond repeatability."""

    match_mm: float = 15.0
    """Two lesions are the same if their centroids lie no farther apart in the frames of the two annuli: twice the
    usual error of an annulus (3 mm) in each exam, and the shift of a centroid that grows. Chosen, see decision 011."""

    volume_pct: float = 19.0
    """Least change of a volume that is called one: 15-19 % is detectable on thin slices (Gavrielides 2013, nodules of
    the lung); the uncertainties of the two exams count where they are larger."""

    axis_mm: float = 2.0
    """Least change of an axis that is called one: limits of agreement of diameters (computed). Chosen, see decision
    011."""

    marked_volume_pct: float = 25.0
    """A marked increase is more than this, and more than `marked_axis_mm`; no size or rate is published for caseous
    calcification. Chosen, see decision 011."""
    marked_axis_mm: float = 3.0
    """The same of an axis. Chosen, see decision 011."""

    rapid_days: int = 365
    """A marked increase within this time is rapid; not defined by any source, follow-up is after 6-12 months (Ruggio
    2026)."""

    core_fall_hu: float = 100.0
    """A core that loses more than this has liquefied or filled. Chosen, see decision 011."""

    calcium_pct: float = 14.0
    """Least change of annular calcium that is called one: 95 % limits from 5.8 % mean difference (Budoff 2007)."""

    arc_deg: float = 15.0
    """Least change of the arc of calcium: half a sector of the twelve. Chosen, see decision 011."""

    coverage_pct: float = 15.0
    """Least change of the rim's coverage, in percent of the surface (its error is mostly below 10). Chosen, see
    decision 011."""

    thickness_mm: float = 0.5
    """Least change of the rim's thickness: about one voxel. Chosen, see decision 011."""

    neck_mm: float = 1.0
    """Least change of a neck: about two voxels. Chosen, see decision 011."""

    gap_mm: float = 2.0
    """Least width of a gap that is new: the narrowest neck reported (Restivo 2023)."""

    gap_slice_mm: ClassVar[float] = NECK_SLICE_MM
    """Thickest slices on which gaps are compared."""

    gap_turn_deg: ClassVar[float] = 45.0
    """Gaps in directions nearer than this are the same."""

    threshold_pct: float = 10.0
    """Largest difference of the calcium thresholds at which volumes of calcium are compared. Chosen, see decision
    011."""

    thickness_ratio: ClassVar[float] = 1.5
    """Slices of the same class differ by no more than this factor (proposal)."""

    def __post_init__(self) -> None:
        if min(self.match_mm, self.volume_pct, self.axis_mm, self.core_fall_hu, self.calcium_pct) <= 0:
            raise ConfigError("limits of change must be positive")
