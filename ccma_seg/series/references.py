"""Headers of the slices of a volume, for objects that refer to them."""

from collections.abc import Iterable
from typing import Any, Protocol

from pydicom import Dataset
from pydicom.uid import CTImageStorage
from pydicom.valuerep import format_number_as_ds

from ccma_seg.geometry import Geometry
from ccma_seg.series.uids import derived_uid
from ccma_seg.volume import Acquisition, Identity


class Described(Protocol):
    """What is known of a volume beside its voxels."""

    @property
    def geometry(self) -> Geometry:
        """Its grid."""

    @property
    def acquisition(self) -> Acquisition:
        """How it was scanned, and which images are stored."""

    @property
    def identity(self) -> Identity | None:
        """Whose it is, if that is to be told."""


def describe_slices(volume: Described) -> list[Dataset]:
    """Return the header of each slice of a volume, on the volume's own grid.

    Slices that are stored images carry their UIDs, others a derived one. Patient and study are empty, which the
    standard allows, unless the volume holds an identity.
    """
    uids = _slice_uids(volume.acquisition, count=volume.geometry.shape[0])
    positions = volume.geometry.to_patient([(k, 0, 0) for k in range(len(uids))])
    shared = _shared(volume)
    return [_slice(shared, uid, position) for uid, position in zip(uids, positions, strict=True)]


def describe_images(volume: Described) -> list[Dataset]:
    """Return the header of each stored image that a volume was made from, without its place."""
    seen, patient = volume.acquisition, _patient_and_study(volume)
    headers = []
    for uid in dict.fromkeys(seen.sop_instance_uids):
        header = _copy(patient)
        header.SOPClassUID, header.SOPInstanceUID = seen.sop_class_uid or CTImageStorage, uid
        headers.append(header)
    return headers


def refer_to_images(volume: Described) -> list[Dataset]:
    """Return the items of a sequence that refers to the stored images that a volume was made from."""
    return [_reference(image.SOPClassUID, image.SOPInstanceUID) for image in describe_images(volume)]


def point_to_frames(volume: Described, items: Iterable[Dataset]) -> None:
    """Let references to the headers of `describe_slices` point to the frames that the slices are."""
    seen = volume.acquisition
    names = (header.SOPInstanceUID for header in describe_slices(volume))
    frames = dict(zip(names, zip(seen.sop_instance_uids, seen.frame_numbers, strict=True), strict=True))
    for item in items:
        if item.ReferencedSOPInstanceUID in frames:
            uid, item.ReferencedFrameNumber = frames[item.ReferencedSOPInstanceUID]
            item.ReferencedSOPInstanceUID, item.ReferencedSOPClassUID = uid, seen.sop_class_uid


def _reference(class_uid: str, instance_uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = class_uid, instance_uid
    return item


def _slice_uids(seen: Acquisition, *, count: int) -> list[str]:
    if seen.resampled or seen.frame_numbers:
        return [derived_uid("slice", seen.series_uid, str(k)) for k in range(count)]
    return list(seen.sop_instance_uids)


def _slice(shared: Dataset, uid: str, position_mm: Any) -> Dataset:
    header = _copy(shared)
    header.SOPInstanceUID = uid
    header.ImagePositionPatient = [format_number_as_ds(float(value)) for value in position_mm]
    return header


def _shared(volume: Described) -> Dataset:
    grid, header = volume.geometry, _patient_and_study(volume)
    header.SOPClassUID = CTImageStorage
    header.Rows, header.Columns = grid.shape[1:]
    header.PixelSpacing = [format_number_as_ds(step) for step in grid.spacing_mm[1:]]
    header.SliceThickness = header.SpacingBetweenSlices = format_number_as_ds(grid.spacing_mm[0])
    _, rows, columns = grid.axes
    header.ImageOrientationPatient = [format_number_as_ds(value) for value in (*columns, *rows)]
    return header


def _patient_and_study(volume: Described) -> Dataset:
    seen, who, header = volume.acquisition, volume.identity or Identity(), Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    header.PatientName, header.PatientID = who.name, who.patient_id
    header.PatientBirthDate, header.PatientSex = who.birth_date, who.sex
    header.StudyDate, header.StudyTime, header.StudyID = who.study_date, who.study_time, who.study_id
    header.AccessionNumber, header.ReferringPhysicianName = who.accession_number, who.referring_physician
    header.StudyInstanceUID, header.SeriesInstanceUID, header.Modality = seen.study_uid, seen.series_uid, "CT"
    header.FrameOfReferenceUID = seen.frame_of_reference_uid or derived_uid("frame", seen.series_uid)
    header.PositionReferenceIndicator = ""
    return header


def _copy(header: Dataset) -> Dataset:
    """Return a header that can be added to alone; the elements in it are shared, which copying them would take long."""
    return Dataset(dict(header.items()))
