"""The DICOM objects of one exam, in the order in which they refer to each other."""

from pathlib import Path
from typing import Any

from ccma_seg.pipeline import Analysis
from ccma_seg.report.dicom.segmentation import write_segmentation
from ccma_seg.report.dicom.segments import make_segments
from ccma_seg.report.dicom.structured_report import write_structured_report

SEGMENTATION, STRUCTURED_REPORT = "labels.seg.dcm", "report.sr.dcm"


def write_objects(analysis: Analysis, record: dict[str, Any], folder: Path) -> dict[str, str]:
    """Write the segmentation, unless nothing is labelled, and the structured report that refers to it.

    Parameters
    ----------
    analysis
        Of a volume that was made from stored images.
    record
        Of the analysis.
    folder
        Where to.

    Returns
    -------
    dict
        The names of the files, by what they are.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    made = make_segments(analysis)
    seg = None if made is None else write_segmentation(analysis, *made, path=folder / SEGMENTATION)
    segments = () if made is None else made[1]
    write_structured_report(analysis, record, segments=segments, seg=seg, path=folder / STRUCTURED_REPORT)
    written = {} if seg is None else {"segmentation": SEGMENTATION}
    return {**written, "structured_report": STRUCTURED_REPORT}
