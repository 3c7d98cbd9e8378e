"""The results as DICOM objects: a segmentation and a structured report (highdicom's only door)."""

from ccma_seg.report.dicom.content import Content, gather
from ccma_seg.report.dicom.objects import write_objects

__all__ = ["Content", "gather", "write_objects"]
