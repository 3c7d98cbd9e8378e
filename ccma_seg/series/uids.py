"""Identifiers of what is stored, and of what is made from it."""

import hashlib
import uuid

from ccma_seg.volume import Volume


def derived_uid(*parts: str | bytes) -> str:
    """Make a UID that always follows from the same parts.

    >>> derived_uid("phantom", "1") == derived_uid("phantom", "1")
    True
    """
    digest = hashlib.sha256(b"\0".join(p.encode() if isinstance(p, str) else p for p in parts)).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


def has_stored_images(volume: Volume) -> bool:
    """Tell whether a volume was made from stored images that another object can refer to."""
    seen = volume.acquisition
    return bool(seen.study_uid and seen.series_uid and seen.sop_instance_uids) and all(seen.sop_instance_uids)
