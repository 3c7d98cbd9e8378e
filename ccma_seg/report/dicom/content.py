"""What the DICOM objects of an exam hold, apart from the exam: little enough to be handed to another process."""

from dataclasses import dataclass, replace
from typing import Any

from ccma_seg.geometry import Geometry
from ccma_seg.output import SegmentationType
from ccma_seg.pipeline import Analysis
from ccma_seg.record import tracking_uid
from ccma_seg.report.dicom.segments import Segment, make_segments
from ccma_seg.volume import Acquisition, Identity, LabelMap


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Content:
    """All that is written, and what it refers to."""

    record: dict[str, Any]
    geometry: Geometry
    """Of the volume, as are the next two."""
    acquisition: Acquisition
    identity: Identity | None
    numbers: LabelMap
    """Numbers of segments, on a crop of the volume's grid."""
    segments: tuple[Segment, ...]
    """In the order of their numbers; none if nothing is labelled."""

    @property
    def config_sha256(self) -> str:
        """Which configuration gave it."""
        return str(self.record["software"]["config_sha256"])

    @property
    def segmentation(self) -> SegmentationType:
        """How segments are to be stored."""
        return SegmentationType(self.record["config"]["output"]["segmentation"])

    def tracking_uid(self, lesion: int | None, label: int | None = None) -> str:
        """Return what identifies a lesion, or a part of it, or the exam."""
        return tracking_uid(self.acquisition.series_uid, lesion, label)

    def of_slices(self, kept: slice) -> "Content":
        """Return the same for some slices of the volume."""
        geometry = self.geometry.crop((kept, slice(None), slice(None)))
        return replace(self, geometry=geometry, acquisition=self.acquisition.of_slices(kept))


def gather(analysis: Analysis, record: dict[str, Any]) -> Content:
    """Take from an exam, and its record, what its DICOM objects hold."""
    numbers, segments = make_segments(analysis)
    return Content(
        record=record,
        geometry=analysis.volume.geometry,
        acquisition=analysis.volume.acquisition,
        identity=analysis.volume.identity,
        numbers=numbers,
        segments=segments,
    )
