"""Who was scanned and when, read only on request."""

from ccma_seg.errors import CorruptInputError
from ccma_seg.series.frames import quiet, read_dataset
from ccma_seg.series.headers import size_limit
from ccma_seg.series.images import Image
from ccma_seg.series.params import ReadParams
from ccma_seg.volume import Identity

_ELEMENTS = {
    "name": "PatientName",
    "patient_id": "PatientID",
    "birth_date": "PatientBirthDate",
    "sex": "PatientSex",
    "study_date": "StudyDate",
    "study_time": "StudyTime",
    "study_id": "StudyID",
    "accession_number": "AccessionNumber",
    "referring_physician": "ReferringPhysicianName",
}


def read_identity(image: Image, params: ReadParams) -> Identity:
    """Read the patient and the study from the header of one image; what it does not say is empty.

    Raises
    ------
    CorruptInputError
        If the header cannot be read.
    """
    with quiet():
        try:
            dataset = read_dataset(image, limit=size_limit(params))
            values = {name: str(dataset.get(keyword) or "") for name, keyword in _ELEMENTS.items()}
        except Exception as error:
            file_name = image.source.file_name
            raise CorruptInputError(f"{file_name} must have a readable header to keep the identity from it") from error
    return Identity(**values)
