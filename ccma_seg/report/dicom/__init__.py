"""The results as DICOM objects: a segmentation and a structured report (highdicom's only door)."""

from ccma_seg.report.dicom.objects import write_objects

__all__ = ["write_objects"]
