"""What was found on disk."""

from dataclasses import dataclass, field

from ccma_seg.errors import CcmaError, IncompleteVolumeError
from ccma_seg.geometry import Geometry
from ccma_seg.reasons import Reason
from ccma_seg.series.images import Image
from ccma_seg.series.stacks import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Something because of which a series is not read."""

    error: type[CcmaError]
    code: str
    text: str

    option: str | None = None
    """Parameter of `read_series` that reads it all the same."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """Images that make up one volume, judged by their headers."""

    series_uid: str
    study_uid: str
    description: str
    modality: str
    geometry: Geometry | None
    """The grid it will be read to; None where headers give none. Uneven or tilted series get another when corrected."""

    phase_percent: float | None = None
    tube_voltage_kv: float | None = None
    slice_thickness_mm: float | None = None
    kernel: str = ""
    contrast_agent: bool | None = None

    reasons: tuple[Reason, ...] = ()
    """What limits a result from it."""

    obstacles: tuple[Obstacle, ...] = ()
    """Why it is not read, the gravest first."""

    images: tuple[Image, ...] = field(default=(), repr=False)
    """In the order of slices."""

    duplicates: tuple[Image, ...] = field(default=(), repr=False)
    layout: Layout | None = field(default=None, repr=False)
    rank: tuple[float, ...] = field(default=(), repr=False)
    """The larger, the better suited; compared from left to right."""

    rank_text: str = ""
    """What speaks for it, and what against."""

    @property
    def slice_count(self) -> int:
        """Number of slices on disk, without copies."""
        return len(self.images)

    @property
    def file_count(self) -> int:
        """Number of files, copies included."""
        return len({image.source.name for image in self.images + self.duplicates})

    @property
    def usable(self) -> bool:
        """Whether it would be read without further options."""
        return not self.obstacles

    @property
    def refusal(self) -> CcmaError | None:
        """Why it would not be read, as the error that reading it raises; None if it would."""
        return self.refusal_with()

    def refusal_with(self, *, allow_missing_slices: bool = False, allow_gantry_tilt: bool = False) -> CcmaError | None:
        """Say why it would not be read with these options; None if it would."""
        allowed = {"allow_missing_slices": allow_missing_slices, "allow_gantry_tilt": allow_gantry_tilt}
        left = [obstacle for obstacle in self.obstacles if not allowed.get(obstacle.option or "", False)]
        if not left:
            return None
        if all(obstacle.error is IncompleteVolumeError for obstacle in left):
            return IncompleteVolumeError("; ".join(obstacle.text for obstacle in left))
        return left[0].error(left[0].text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that belongs to no series."""

    name: str
    """Relative to the input."""

    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything under one input: each file is in a series, or is skipped for a reason."""

    series: tuple[Series, ...]
    """The best suited first."""

    skipped: tuple[Skipped, ...] = ()

    @property
    def usable(self) -> tuple[Series, ...]:
        """The series that would be read without further options."""
        return tuple(series for series in self.series if series.usable)

    @property
    def file_count(self) -> int:
        """Number of files looked at."""
        return len(self.skipped) + len({i.source.name for s in self.series for i in s.images + s.duplicates})
