"""`labels.seg.dcm`: what is labelled, as a DICOM Segmentation object."""

from pathlib import Path
from typing import Any

import highdicom as hd

from ccma_seg._version import __version__
from ccma_seg.output import SegmentationType
from ccma_seg.pipeline import Analysis
from ccma_seg.report.dicom.concepts import EDGE_DETECTION, PROPERTIES
from ccma_seg.report.dicom.instance import NAME, coded, common, save
from ccma_seg.report.dicom.segments import Segment
from ccma_seg.series import derived_uid, describe_slices, point_to_frames, refer_to_images
from ccma_seg.volume import LabelMap, Volume

_SYNTAX = {
    SegmentationType.BINARY: "1.2.840.10008.1.2.1",
    SegmentationType.LABELMAP: "1.2.840.10008.1.2.5",
}
"""Explicit little endian, the only one that readers of single bits share; RLE, which they all unpack."""


def write_segmentation(analysis: Analysis, numbers: LabelMap, segments: tuple[Segment, ...], *, path: Path) -> Any:
    """Write segments as a DICOM SEG object; only frames that hold something are stored.

    Parameters
    ----------
    analysis
        Of a volume that was made from stored images, to which the object refers.
    numbers, segments
        From `make_segments`.
    path
        Where to; replaced if it exists.

    Returns
    -------
    Dataset
        What was written, for objects that refer to it.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    kind = SegmentationType(analysis.config.output.segmentation)
    slab = analysis.volume.crop(numbers.slices_in(analysis.volume.geometry))
    seg = hd.seg.Segmentation(
        source_images=describe_slices(slab),
        pixel_array=numbers.labels,
        segmentation_type=kind.upper(),
        segment_descriptions=[_describe(segment) for segment in segments],
        transfer_syntax_uid=_SYNTAX[kind],
        content_label="LABELS",
        content_description="Calcification of the mitral annulus",
        content_creator_name="",
        series_description=f"{NAME} labels",
        **common(analysis, "SEG", numbers.labels.data.cast("B"), kind.encode()),
    )
    _refer(seg, analysis, slab)
    _name_dimensions(seg)
    save(seg, analysis, path)
    return seg


def _describe(segment: Segment) -> hd.seg.SegmentDescription:
    category, kind, site = PROPERTIES[segment.label]
    return hd.seg.SegmentDescription(
        segment_number=segment.number,
        segment_label=segment.name,
        segmented_property_category=coded(category),
        segmented_property_type=coded(kind),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=NAME, version=__version__, family=coded(EDGE_DETECTION)
        ),
        tracking_uid=segment.tracking_uid,
        tracking_id=segment.name,
        anatomic_regions=None if site is None else [coded(site)],
        display_color=hd.color.CIELabColor.from_rgb(*segment.color),
    )


def _refer(seg: Any, analysis: Analysis, slab: Volume) -> None:
    """Refer to the stored images, where those are not the slices one by one."""
    seen = slab.acquisition
    if not (seen.resampled or seen.frame_numbers):
        return
    seg.SourceImageSequence = refer_to_images(analysis.volume)
    seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence = refer_to_images(analysis.volume)
    frames = seg.PerFrameFunctionalGroupsSequence
    if seen.resampled:
        for frame in frames:
            del frame.DerivationImageSequence
        return
    point_to_frames(slab, (frame.DerivationImageSequence[0].SourceImageSequence[0] for frame in frames))


def _name_dimensions(seg: Any) -> None:
    """Replace the chance UID of the dimensions by one that follows from the instance."""
    uid = derived_uid("dimensions", seg.SOPInstanceUID)
    for item in (*seg.DimensionOrganizationSequence, *seg.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
