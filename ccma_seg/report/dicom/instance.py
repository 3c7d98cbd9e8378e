"""What all DICOM objects of an exam have in common: equipment, UIDs that follow from the content, fixed dates."""

import hashlib
import re
from pathlib import Path
from typing import Any

import highdicom as hd

from ccma_seg._version import __version__
from ccma_seg.report.dicom.concepts import Concept
from ccma_seg.report.dicom.content import Content
from ccma_seg.series import derived_uid
from ccma_seg.volume import Identity

NAME = "ccma-seg"

_NO_DATE, _NO_TIME = "19700101", "000000"
"""Type 1 dates must have a value; the day of the run would change the bytes, that of the study is kept on request."""

_DATE = re.compile(r"\d{8}")
_TIME = re.compile(r"\d{6}(\.\d{1,6})?")

_SERIES_NUMBER = {"SEG": 9001, "SR": 9002}
"""High, so that they come after the images of a study."""


def common(content: Content, kind: str, *pieces: bytes | memoryview) -> dict[str, Any]:
    """Return what highdicom's objects are to be told of series, instance and equipment.

    Parameters
    ----------
    content
        Of the exam.
    kind
        SEG or SR.
    pieces
        What the instance holds, so that another gets another UID.
    """
    identity = "without identity" if content.identity is None else "with identity"
    software = f"{__version__} {content.config_sha256} {identity}"
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    series = derived_uid("series", kind, content.acquisition.series_uid, software, digest.hexdigest())
    return {
        "series_instance_uid": series,
        "series_number": _SERIES_NUMBER[kind],
        "sop_instance_uid": derived_uid("instance", series),
        "instance_number": 1,
        "manufacturer": NAME,
        "manufacturer_model_name": NAME,
        "software_versions": __version__,
        "device_serial_number": content.config_sha256[:16],
        "content_date": _date(content.identity),
        "content_time": _time(content.identity),
    }


def coded(concept: Concept) -> hd.sr.CodedConcept:
    """Turn a concept into highdicom's type."""
    return hd.sr.CodedConcept(value=concept.value, scheme_designator=concept.scheme, meaning=concept.meaning)


def save(instance: Any, content: Content, path: Path) -> None:
    """Write an instance with fixed dates.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    who = content.identity
    instance.InstanceCreationDate = instance.SeriesDate = _date(who)
    instance.InstanceCreationTime = instance.SeriesTime = _time(who)
    for contribution in instance.get("ContributingEquipmentSequence", ()):
        del contribution.ContributionDateTime
    instance.save_as(path)


def _date(who: Identity | None) -> str:
    return who.study_date if who is not None and _DATE.fullmatch(who.study_date) else _NO_DATE


def _time(who: Identity | None) -> str:
    return who.study_time if who is not None and _TIME.fullmatch(who.study_time) else _NO_TIME
