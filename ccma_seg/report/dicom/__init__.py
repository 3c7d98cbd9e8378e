"""The results as DICOM objects: a segmentation and a structured report (highdicom's only door)."""
