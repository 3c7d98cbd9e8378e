"""A volume as CT images on disk, tagged like a scanner's.

Same volume, same tags: same bytes. Identifiers are derived from what is written, never drawn by chance.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, FileDataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)
from pydicom.valuerep import format_number_as_ds

from ccma_seg._version import __version__
from ccma_seg.errors import ConfigError, GeometryError, OutputError
from ccma_seg.geometry import Floats
from ccma_seg.series.uids import derived_uid
from ccma_seg.volume import Volume

_IMPLEMENTATION = UID("2.25.152470843906124480229637117103372915573")
"""Names this writer in the file header."""

_TWELVE_BIT_HU = (-1024, 3071)
"""What twelve unsigned bits hold with the usual intercept of -1024."""


class Compression(StrEnum):
    """How pixels are packed; all are lossless."""

    JPEG_LS = "jpeg_ls"
    JPEG_2000 = "jpeg_2000"
    RLE = "rle"
    IMPLICIT = "implicit"
    """Not compressed, with the old default transfer syntax."""


_SYNTAX = {
    None: ExplicitVRLittleEndian,
    Compression.JPEG_LS: JPEGLSLossless,
    Compression.JPEG_2000: JPEG2000Lossless,
    Compression.RLE: RLELossless,
    Compression.IMPLICIT: ImplicitVRLittleEndian,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesTags:
    """What the headers say beyond the volume and its acquisition."""

    patient_name: str = "Phantom^CCMA"
    patient_id: str = "PHANTOM"
    patient_sex: str = "O"
    patient_age: str = "078Y"
    patient_position: str = "HFS"
    study_date: str = "20260101"
    """Where the acquisition has no date."""
    study_time: str = "120000"
    series_number: int = 1
    acquisition_number: int = 1
    protocol_name: str = "Cardiac CT"
    tube_current_ma: int = 500
    exposure_time_ms: int = 300
    data_collection_diameter_mm: float = 500.0
    contrast_agent: str = "Iohexol 350 mg/mL"
    """Written when the acquisition names a contrast agent."""
    gantry_tilt_deg: float = 0.0
    """As the tag says; positions are never derived from it."""
    window_center_hu: float = 300.0
    window_width_hu: float = 1500.0


def write_series(
    volume: Volume,
    folder: str | Path,
    *,
    compression: Compression | str | None = None,
    tags: SeriesTags = SeriesTags(),
    positions_mm: npt.ArrayLike | None = None,
    omit: Collection[int] = (),
) -> tuple[Path, ...]:
    """Write each slice of a volume as one CT Image Storage object.

    Parameters
    ----------
    volume
        HU on their grid; UIDs that its acquisition leaves open are derived from the voxels, other tags stay empty.
    folder
        Made if missing; files in it of the same name are replaced.
    compression
        jpeg_ls, jpeg_2000, rle or implicit; None writes plain explicit little endian.
    tags
        The rest of the headers.
    positions_mm
        (slices, 3) LPS: where slices really lie, when not on the volume's own grid (gantry tilt, uneven spacing).
    omit
        Indices of slices to leave out, as if lost on the way.

    Returns
    -------
    tuple of Path
        The files, in order of the slices.

    Raises
    ------
    ConfigError
        If the compression is not one of those above.
    GeometryError
        If `positions_mm` does not hold one position for each slice.
    OutputError
        If the folder cannot be written.
    """
    syntax = _syntax(compression)
    positions = _positions(volume, positions_mm)
    shared = _shared(volume, tags)
    target = _made(Path(folder))
    written = []
    for index in range(volume.geometry.shape[0]):
        if index in omit:
            continue
        image = _image(volume, shared, index=index, position_mm=positions[index])
        written.append(_saved(image, target / f"CT{tags.series_number:03d}_{index + 1:05d}.dcm", syntax))
    return tuple(written)


def _syntax(compression: Compression | str | None) -> UID:
    try:
        return _SYNTAX[None if compression is None else Compression(compression)]
    except ValueError as error:
        raise ConfigError(f"compression must be one of {', '.join(Compression)}, got {compression}") from error


def _positions(volume: Volume, given: npt.ArrayLike | None) -> Floats:
    slices = volume.geometry.shape[0]
    if given is None:
        return volume.geometry.to_patient([(k, 0, 0) for k in range(slices)])
    positions = np.asarray(given, float)
    if positions.shape != (slices, 3):
        raise GeometryError(f"positions must be one (x, y, z) for each of {slices} slices, got shape {positions.shape}")
    return positions


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder for the series: {error.strerror}") from error
    return folder


def _shared(volume: Volume, tags: SeriesTags) -> Dataset:
    """Tags that all images of the series have in common."""
    image = Dataset()
    for part in (_patient, _study, _series, _equipment, _scan, _contrast, _cardiac, _pixels):
        part(image, volume, tags)
    return image


def _patient(image: Dataset, _: Volume, tags: SeriesTags) -> None:
    image.SpecificCharacterSet = "ISO_IR 192"
    image.PatientName = tags.patient_name
    image.PatientID = tags.patient_id
    image.PatientBirthDate = ""
    image.PatientSex = tags.patient_sex
    image.PatientAge = tags.patient_age


def _study(image: Dataset, volume: Volume, tags: SeriesTags) -> None:
    image.StudyInstanceUID = volume.acquisition.study_uid or derived_uid("study", _fingerprint(volume, tags))
    image.StudyDate, image.StudyTime = _date(volume, tags), tags.study_time
    image.StudyID = "1"
    image.StudyDescription = "Cardiac CT"
    image.AccessionNumber = image.ReferringPhysicianName = ""


def _series(image: Dataset, volume: Volume, tags: SeriesTags) -> None:
    seen = volume.acquisition
    image.Modality = "CT"
    image.SeriesInstanceUID = seen.series_uid or derived_uid("series", _fingerprint(volume, tags))
    image.FrameOfReferenceUID = seen.frame_of_reference_uid or derived_uid("frame", image.StudyInstanceUID)
    image.PositionReferenceIndicator = ""
    image.SeriesNumber = tags.series_number
    image.SeriesDescription = seen.description
    image.ProtocolName = tags.protocol_name
    image.BodyPartExamined = "HEART"
    image.PatientPosition = tags.patient_position
    image.SeriesDate = image.AcquisitionDate = image.ContentDate = _date(volume, tags)
    image.SeriesTime = image.AcquisitionTime = image.ContentTime = tags.study_time
    image.AcquisitionNumber = tags.acquisition_number


def _date(volume: Volume, tags: SeriesTags) -> str:
    when = volume.acquisition.date
    return tags.study_date if when is None else when.strftime("%Y%m%d")


def _equipment(image: Dataset, volume: Volume, _: SeriesTags) -> None:
    image.Manufacturer = volume.acquisition.manufacturer
    image.ManufacturerModelName = volume.acquisition.model or "Phantom"
    image.SoftwareVersions = __version__
    image.DeviceSerialNumber = "0"


def _scan(image: Dataset, volume: Volume, tags: SeriesTags) -> None:
    seen = volume.acquisition
    image.ScanOptions = "HELICAL MODE"
    image.SliceThickness = _decimal(seen.slice_thickness_mm)
    image.KVP = _decimal(seen.tube_voltage_kv)
    image.ConvolutionKernel = seen.kernel
    image.GantryDetectorTilt = _decimal(tags.gantry_tilt_deg)
    image.TableHeight = _decimal(150.0)
    image.RotationDirection = "CW"
    image.XRayTubeCurrent = tags.tube_current_ma
    image.ExposureTime = tags.exposure_time_ms
    image.Exposure = tags.tube_current_ma * tags.exposure_time_ms // 1000
    image.DataCollectionDiameter = _decimal(tags.data_collection_diameter_mm)
    image.ReconstructionDiameter = _decimal(volume.geometry.shape[2] * volume.geometry.spacing_mm[2])


def _contrast(image: Dataset, volume: Volume, tags: SeriesTags) -> None:
    if volume.acquisition.contrast_agent:
        image.ContrastBolusAgent = tags.contrast_agent
        image.ContrastBolusRoute = "IV"


def _cardiac(image: Dataset, volume: Volume, _: SeriesTags) -> None:
    """Scanners add these to CT images, though the standard has them in enhanced CT and MR only."""
    seen = volume.acquisition
    if seen.cardiac_phase_percent is not None:
        image.NominalPercentageOfCardiacPhase = seen.cardiac_phase_percent
    if seen.trigger_time_ms is not None:
        image.TriggerTime = _decimal(seen.trigger_time_ms)


def _pixels(image: Dataset, volume: Volume, tags: SeriesTags) -> None:
    twelve = _fits_twelve_bits(volume)
    _, rows, columns = volume.geometry.axes
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.Rows, image.Columns = volume.geometry.shape[1:]
    image.PixelSpacing = [_decimal(step) for step in volume.geometry.spacing_mm[1:]]
    image.ImageOrientationPatient = [_decimal(value) for value in (*columns, *rows)]
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12 if twelve else 16, 11 if twelve else 15
    image.PixelRepresentation = 0 if twelve else 1
    image.RescaleIntercept, image.RescaleSlope = _decimal(_TWELVE_BIT_HU[0] if twelve else 0), _decimal(1)
    image.RescaleType = "HU"
    image.WindowCenter, image.WindowWidth = _decimal(tags.window_center_hu), _decimal(tags.window_width_hu)


def _image(volume: Volume, shared: Dataset, *, index: int, position_mm: Floats) -> FileDataset:
    seen = volume.acquisition
    known = () if seen.resampled or seen.frame_numbers else seen.sop_instance_uids
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = UID(
        known[index] if known else derived_uid("image", shared.SeriesInstanceUID, str(index))
    )
    meta.ImplementationClassUID = _IMPLEMENTATION
    meta.ImplementationVersionName = f"CCMA_SEG_{__version__}"
    image = FileDataset(None, shared, file_meta=meta, preamble=bytes(128))
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    image.InstanceNumber = index + 1
    image.ImagePositionPatient = [_decimal(value) for value in position_mm]
    image.SliceLocation = _decimal(position_mm[2])
    stored = volume.hu[index] - np.int32(shared.RescaleIntercept)
    image.PixelData = stored.astype("<u2" if image.PixelRepresentation == 0 else "<i2").tobytes()
    image["PixelData"].VR = "OW"
    return image


def _saved(image: FileDataset, path: Path, syntax: UID) -> Path:
    image.file_meta.TransferSyntaxUID = syntax if not syntax.is_compressed else ExplicitVRLittleEndian
    if syntax.is_compressed:
        image.compress(syntax, generate_instance_uid=False)
    try:
        image.save_as(path, enforce_file_format=True, overwrite=True)
    except OSError as error:
        raise OutputError(f"cannot write the series: {error.strerror}") from error
    return path


def _fits_twelve_bits(volume: Volume) -> bool:
    return bool(volume.hu.min() >= _TWELVE_BIT_HU[0] and volume.hu.max() <= _TWELVE_BIT_HU[1])


def _fingerprint(volume: Volume, tags: SeriesTags) -> bytes:
    described = repr((volume.geometry, volume.acquisition, tags)).encode()
    return hashlib.sha256(described + np.ascontiguousarray(volume.hu).tobytes()).digest()


def _decimal(value: float | None) -> str:
    """Write a number as DICOM's decimal string, which has at most 16 characters; None stays empty."""
    return "" if value is None else format_number_as_ds(float(value))
