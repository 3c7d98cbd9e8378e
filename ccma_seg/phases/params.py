"""All that can be tuned in setting a second phase beside the first."""

from dataclasses import dataclass
from typing import ClassVar

from ccma_seg.criteria import from_criterion
from ccma_seg.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseParams:
    """How two phases are aligned, and what is made of their difference."""

    heart_half_mm: ClassVar[float] = 45.0
    """Half the edge of the cube round the annulus on which the heart is aligned: the base of both ventricles."""

    heart_cell_mm: ClassVar[float] = 2.0
    """Voxels on which the heart is aligned: below half the residual that matters."""

    mass_margin_mm: ClassVar[float] = 4.0
    """How far beyond the inside of a mass its own alignment looks: its rim and what adjoins it. What lies farther away
    may move otherwise: with 12 mm, masses that moved 4 to 10 mm against it were 2.7 to 4.4 mm off, now 0.3 to 0.7."""

    mass_correlation_min: ClassVar[float] = 0.7
    """A mass that fits worse is looked for from other starts too (measured: 0.76 or more where it was found to 1 mm,
    0.25 where it was lost)."""

    mass_reach_mm: ClassVar[float] = 5.0
    """How far from its place in the aligned heart those starts are: the base of the heart and a mass at the annulus,
    which moves by 6 to 12 mm with each beat (Alkadhi 2009), do not move quite alike."""

    mass_cell_mm: ClassVar[float] = 1.5
    """Voxels on which a mass is aligned: its centre is then found to 0.2 mm (measured on phantoms)."""

    fat_hu: ClassVar[float] = -150.0
    soft_hu: ClassVar[float] = 50.0
    """Between these HU tissue looks the same in every phase; blood and muscle, which contrast changes, lie above."""

    calcium_span_hu: ClassVar[float] = 600.0
    """Calcium counts up to this much above its threshold, so that few dense voxels do not decide alone."""

    starts_mm: ClassVar[tuple[float, ...]] = (-15.0, 0.0, 15.0)
    """Along the body, from where alignment is tried: breath-holds differ by about a slab of that size."""

    correlation_min: float = 0.93
    """The hearts of two patients correlate by less than this, once aligned: 0.61-0.85 between real CTs of two
    patients, 0.89-0.92 between 40 pairs of phantoms; two phases of one patient 0.97-0.99. Chosen, see decision 008."""
    residual_max_mm: float = 0.7
    """... and their edges lie farther apart than this: 1.7-2.3 and 0.8-1.3 mm; those of one patient 0.1-0.7 mm. What
    fails both is refused. Chosen, see decision 008."""

    rim_seen_min: ClassVar[float] = 0.5
    """Least share of the rim that must be calcified in the second phase too."""

    slices_alike: ClassVar[float] = 1.5
    """Sizes are compared between phases whose slices are no more than this times as far apart (proposal)."""

    blood_change_min_hu: float = 80.0
    """Least change of the blood between two phases by which blood is told from what does not enhance: several times
    the error of a mean over a cavity. Chosen, see decision 008."""

    filled_share: float = from_criterion("cavity_follows_blood")
    """What follows this much of the blood's change is blood."""

    unfilled_share: float = 0.4
    """A cavity that follows less than this much of the blood's change was paste as bright as blood. Chosen, see
    decision 008."""

    enhances_above_hu: float = 30.0
    """What enhances more than this is no leaked material: paste below 20 HU, myocardium about 55 (criterion `leak`).
    Chosen, see decision 008."""

    def __post_init__(self) -> None:
        if min(self.heart_cell_mm, self.mass_cell_mm, self.heart_half_mm) <= 0:
            raise ConfigError("heart_half_mm, heart_cell_mm and mass_cell_mm must be positive")
