"""What a lesion is called, so that it can be followed through files and exams."""

from ccma_seg.series import derived_uid


def tracking_uid(series_uid: str, lesion: int | None = None, label: int | None = None) -> str:
    """Return what identifies a lesion of a series, or a part of it, or of the exam: the same at every run.

    A lesion that is found again in a later exam keeps the identifier of the first (`comparison.json`).
    """
    parts = [str(part) for part in (lesion, label) if part is not None]
    return derived_uid("tracking", series_uid, *parts)
