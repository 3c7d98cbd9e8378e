"""`labels.seg.dcm`: what is labelled, as a DICOM Segmentation object."""

from pathlib import Path
from typing import Any

import highdicom as hd

from ccma_seg._version import __version__
from ccma_seg.output import SegmentationType
from ccma_seg.report.dicom.concepts import EDGE_DETECTION, PROPERTIES
from ccma_seg.report.dicom.content import Content
from ccma_seg.report.dicom.instance import NAME, coded, common, save
from ccma_seg.report.dicom.segments import Segment
from ccma_seg.series import derived_uid, describe_slices, point_to_frames, refer_to_images

_SYNTAX = {
    SegmentationType.BINARY: "1.2.840.10008.1.2.1",
    SegmentationType.LABELMAP: "1.2.840.10008.1.2.5",
}
"""Explicit little endian, the only one that readers of single bits share; RLE, which they all unpack."""


def write_segmentation(content: Content, path: Path) -> Any:
    """Write segments as a DICOM SEG object; only frames that hold something are stored.

    Parameters
    ----------
    content
        With at least one segment; of a volume that was made from stored images, to which the object refers.
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
    kind, numbers = content.segmentation, content.numbers
    place = numbers.slices_in(content.geometry)
    slab = content.of_slices(place[0])
    seg = hd.seg.Segmentation(
        source_images=describe_slices(slab),
        pixel_array=numbers.on(slab.geometry),
        segmentation_type=kind.upper(),
        segment_descriptions=[_describe(segment) for segment in content.segments],
        transfer_syntax_uid=_SYNTAX[kind],
        content_label="LABELS",
        content_description="Calcification of the mitral annulus",
        content_creator_name="",
        series_description=f"{NAME} labels",
        **common(content, "SEG", numbers.labels.data.cast("B"), f"{place} {kind}".encode()),
    )
    _refer(seg, content, slab)
    _name_dimensions(seg)
    save(seg, content, path)
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


def _refer(seg: Any, content: Content, slab: Content) -> None:
    """Refer to the stored images, where those are not the slices one by one."""
    seen = slab.acquisition
    if not (seen.resampled or seen.frame_numbers):
        return
    seg.SourceImageSequence = refer_to_images(content)
    seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence = refer_to_images(content)
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
