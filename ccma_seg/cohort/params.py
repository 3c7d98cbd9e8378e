"""How a cohort is run; what is measured is in `Config`."""

from dataclasses import dataclass
from enum import StrEnum

from ccma_seg.errors import ConfigError


class Existing(StrEnum):
    """What becomes of results that are there already."""

    SKIP = "skip"
    OVERWRITE = "overwrite"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortParams:
    """How a cohort is run."""

    jobs: int = 1
    """How many series are analysed at a time, each in a process of its own. Chosen, see decision 012."""

    scheduler: str | None = None
    """Address of a Dask scheduler that hands the series out instead, as `tcp://host:8786`. Chosen, see decision
    012."""

    existing: Existing = Existing.FAIL
    """Whether earlier results in the folder are kept and completed, made anew, or a reason to refuse. Chosen, see
    decision 012."""

    timeout_s: float = 1800.0
    """A series that takes longer is given up: a hundred times what a large one takes. Chosen, see decision 012."""

    memory_gib: float = 8.0
    """A process that needs more is stopped: several times what a large series takes. Chosen, see decision 012."""

    shard: tuple[int, int] = (1, 1)
    """Which part of how many: (2, 5) is the second fifth of all series, whatever their number. Chosen, see decision
    012."""

    limit: int | None = None
    """Analyse at most so many series. Chosen, see decision 012."""

    retry_failed: bool = False
    """Analyse again what failed in an earlier run; only with `Existing.SKIP`. Chosen, see decision 012."""

    allow_missing_slices: bool = False
    """As for `read_series`. Chosen, see decision 012."""
    allow_gantry_tilt: bool = False
    """As for `read_series`. Chosen, see decision 012."""

    with_folders: bool = False
    """Name in the tables the folder of each series; folders may be named after patients. Chosen, see decision 012."""

    parquet: bool = False
    """Write the tables as Parquet too. Chosen, see decision 012."""

    reading_views: bool = False
    """Draw each exam for readers too, without the result, for `make_study`. Chosen, see decision 012."""

    cases_per_process: int = 50
    """After so many series a process is replaced, so that what it may leak does not add up. Chosen, see decision
    012."""

    def __post_init__(self) -> None:
        for name in ("jobs", "cases_per_process", "timeout_s", "memory_gib"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} must be more than 0, got {getattr(self, name)}")
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"limit must be at least 1, got {self.limit}")
        part, parts = self.shard
        if not 1 <= part <= parts:
            raise ConfigError(f"shard must be i/n with i from 1 to n, got {part}/{parts}")
