"""The DICOM objects of one exam, in the order in which they refer to each other."""

from pathlib import Path

from ccma_seg.report.dicom.content import Content
from ccma_seg.report.dicom.segmentation import write_segmentation
from ccma_seg.report.dicom.structured_report import write_structured_report

SEGMENTATION, STRUCTURED_REPORT = "labels.seg.dcm", "report.sr.dcm"


def write_objects(content: Content, folder: Path) -> dict[str, str]:
    """Write the segmentation, unless nothing is labelled, and the structured report that refers to it.

    Parameters
    ----------
    content
        Of a volume that was made from stored images.
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
    seg = write_segmentation(content, folder / SEGMENTATION) if content.segments else None
    write_structured_report(content, folder / STRUCTURED_REPORT, seg=seg)
    written = {} if seg is None else {"segmentation": SEGMENTATION}
    return {**written, "structured_report": STRUCTURED_REPORT}
