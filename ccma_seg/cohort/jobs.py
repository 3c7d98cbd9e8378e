"""What is the same for all cases of a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccma_seg.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Where exams come from, where results go, and how each is analysed."""

    root: Path
    out: Path
    config: Config
    allow_missing_slices: bool = False
    allow_gantry_tilt: bool = False
    with_folders: bool = False
    reading_views: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for a process elsewhere."""
        return {
            "root": str(self.root),
            "out": str(self.out),
            "config": self.config.as_dict(),
            "allow_missing_slices": self.allow_missing_slices,
            "allow_gantry_tilt": self.allow_gantry_tilt,
            "with_folders": self.with_folders,
            "reading_views": self.reading_views,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Job":
        """Take back what `as_dict` gave."""
        paths = {name: Path(values[name]) for name in ("root", "out")}
        return cls(**{**values, **paths, "config": Config().updated(values["config"])})
