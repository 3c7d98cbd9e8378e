"""What is written of an exam, beyond what always is."""

import importlib.util
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
        If the type of segmentation is none, or meshes are asked for without trimesh.
    """

    segmentation: str = "binary"
    """How `labels.seg.dcm` stores segments: binary (every viewer reads it), or labelmap (smaller, recent viewers).
    Chosen, see decision 012."""

    meshes: bool = False
    """Whether rim and core of each lesion are written as surfaces too (STL, GLB; needs trimesh). Chosen, see decision
    012."""

    quick: bool = False
    """Whether page, overview and DICOM objects are left out, for screening: they take longer than the analysis.
    Chosen, see decision 012."""

    def __post_init__(self) -> None:
        if self.segmentation not in list(SegmentationType):
            raise ConfigError(f"segmentation must be one of {', '.join(SegmentationType)}, got {self.segmentation!r}")
        if self.meshes and importlib.util.find_spec("trimesh") is None:
            raise ConfigError("meshes need trimesh, which is not here: pip install 'ccma-seg[mesh]'")
