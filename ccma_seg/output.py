"""What is written of an exam, beyond what always is."""

from dataclasses import dataclass
from enum import StrEnum

from ccma_seg.errors import ConfigError


class SegmentationType(StrEnum):
    """How a DICOM SEG object stores its segments."""

    BINARY = "binary"
    """A frame of single bits for each segment of a slice: every viewer reads it."""
    LABELMAP = "labelmap"
    """A frame of numbers for each slice: smaller, and only recent viewers read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputParams:
    """Which files are written, and how.

    Raises
    ------
    ConfigError
        If the type of segmentation is none.
    """

    segmentation: str = "binary"
    """How `labels.seg.dcm` stores segments: binary (every viewer reads it), or labelmap (smaller, recent viewers)."""

    def __post_init__(self) -> None:
        if self.segmentation not in list(SegmentationType):
            raise ConfigError(f"segmentation must be one of {', '.join(SegmentationType)}, got {self.segmentation!r}")
