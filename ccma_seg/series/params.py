"""What the reader accepts, and how it judges what it finds."""

from dataclasses import dataclass
from typing import ClassVar

from ccma_seg.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadParams:
    """How series are found, judged and read.

    Raises
    ------
    ConfigError
        If a limit is not positive.
    """

    position_tolerance_mm: ClassVar[float] = 0.01
    """How far a slice may lie from an even grid without being mentioned (the precision of written positions)."""

    rounding_tolerance_mm: ClassVar[float] = 0.1
    """How far it may lie at most; scanners that write positions with one decimal are off by up to this much."""

    orientation_tolerance: ClassVar[float] = 1e-3
    """How far direction cosines may be from unit length, from perpendicular, and from each other in one series."""

    tilt_tolerance_px: ClassVar[float] = 0.25
    """How far, in pixels, slices may drift sideways over a whole series before it counts as tilted."""

    max_tilt_deg: float = 35.0
    """Slices that lean more are not corrected; gantries tilt by up to 30 degrees. Chosen, see decision 013."""

    max_gap_mm: float = 15.0
    """Wider gaps are not interpolated: half the diameter of a mitral annulus would be invented. Chosen, see decision
    013."""

    header_tilt_tolerance_deg: ClassVar[float] = 0.5
    """Gantry tilt in the header below which an upright series is believed to be upright."""

    min_slices: int = 3
    """Fewer slices are no volume: one neighbour on each side is the least that gives a shape. Chosen, see decision
    013."""

    heart_height_mm: float = 80.0
    """A shorter series does not hold a whole heart (adult hearts measure 100-130 mm from base to apex). Chosen, see
    decision 013."""

    preferred_phase_percent: float = 75.0
    """Phase of the R-R interval to prefer: mid-diastole, when the mitral annulus moves least (SCCT 2016)."""

    phase_tolerance_percent: ClassVar[float] = 0.5
    """How far a phase may be from the one asked for."""

    max_voxels: int = 1_000_000_000
    """Larger series are refused before anything is allocated: this many take 2 GB as int16. Chosen, see decision
    012."""

    max_archive_bytes: int = 16_000_000_000
    """Larger zip archives, once unpacked, are refused; a whole cardiac exam with ten phases takes 3 GB. Chosen, see
    decision 012."""

    max_archive_ratio: float = 100.0
    """Zip archives that grow more than this are refused; CT shrinks to about a half. Chosen, see decision 012."""

    max_archive_members: int = 200_000
    """Zip archives with more members are refused. Chosen, see decision 012."""

    padding_tissue_hu: tuple[float, float] = (-200.0, 600.0)
    """A padding value that stands for tissue would erase the patient; it is ignored, with a reason. Chosen, see
    decision 013."""

    keep_identity: bool = False
    """Whether name, ID, birth date and sex of the patient and the dates of the study go into DICOM SEG and SR. They go
    nowhere else; without it those attributes are empty. Chosen, see decision 012."""

    threads: int = 4
    """How many slices are decoded at a time; more than there are cores gains nothing. Chosen, see decision 012."""

    def __post_init__(self) -> None:
        limits = (
            "min_slices",
            "max_voxels",
            "max_archive_bytes",
            "max_archive_ratio",
            "max_archive_members",
            "threads",
        )
        for name in limits:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
