"""Who was scanned and when, read only on request."""

import re
from datetime import datetime

from ccma_seg.errors import CorruptInputError
from ccma_seg.series.frames import quiet, read_dataset
from ccma_seg.series.headers import size_limit
from ccma_seg.series.images import Image
from ccma_seg.series.params import ReadParams
from ccma_seg.volume import Identity

_TEXT, _CODE = re.compile(r"[^\x00-\x1f\x7f\\]{1,64}"), re.compile(r"[^\x00-\x1f\x7f\\]{1,16}")
_TIME = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?")
_DATE = re.compile(r"\d{8}")

_ELEMENTS = {
    "name": ("PatientName", _TEXT),
    "patient_id": ("PatientID", _TEXT),
    "birth_date": ("PatientBirthDate", _DATE),
    "sex": ("PatientSex", re.compile("[MFO]")),
    "study_date": ("StudyDate", _DATE),
    "study_time": ("StudyTime", _TIME),
    "study_id": ("StudyID", _CODE),
    "accession_number": ("AccessionNumber", _CODE),
    "referring_physician": ("ReferringPhysicianName", _TEXT),
}
"""Keyword of each, and what DICOM allows it to be."""


def read_identity(image: Image, params: ReadParams) -> Identity:
    """Read the patient and the study from the header of one image; what it does not say, or not validly, is empty.

    Raises
    ------
    CorruptInputError
        If the header cannot be read.
    """
    with quiet():
        try:
            dataset = read_dataset(image, limit=size_limit(params))
            values = {name: str(dataset.get(keyword) or "").strip() for name, (keyword, _) in _ELEMENTS.items()}
        except Exception as error:
            file_name = image.source.file_name
            raise CorruptInputError(f"{file_name} must have a readable header to keep the identity from it") from error
    return Identity(**{name: _valid(values[name], allowed) for name, (_, allowed) in _ELEMENTS.items()})


def _valid(value: str, allowed: re.Pattern[str]) -> str:
    if allowed.fullmatch(value) is None or (allowed is _DATE and not _is_date(value)):
        return ""
    return value


def _is_date(value: str) -> bool:
    try:
        datetime.strptime(value, "%Y%m%d")  # noqa: DTZ007  DICOM dates have no zone
    except ValueError:
        return False
    return True
