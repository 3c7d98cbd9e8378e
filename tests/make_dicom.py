"""Small DICOM slices, as odd as a test needs them."""

from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROWS, COLUMNS = 40, 48
SPACING_MM = (0.5, 0.75)
ORIGIN_MM = (-10.0, 20.0, -100.0)
STEP_MM = 5.0
COUNT = 20
UID = "1.2.826.0.1.3680043.8.498."


def hu(index):
    """Unlike in every voxel, from -1000 to 1622."""
    return (np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) + index * 37 - 1000).astype(np.int16)


def volume_hu(count=COUNT):
    return np.stack([hu(index) for index in range(count)])


def ct_slice(index, *, step_mm=STEP_MM, pixels=None, **elements):
    """One CT slice; `elements` replaces or, with None, removes elements by keyword."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = CTImageStorage
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"{UID}9.{index + 1}"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = f"{UID}1", f"{UID}2", f"{UID}3"
    image.Modality, image.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.PatientID, image.PatientName = "ID-OF-A-PERSON", "Name^Of^A^Person"
    image.SeriesDescription, image.Manufacturer, image.ManufacturerModelName = "Cor CTA 0.5 Bv40", "Maker", "Model"
    image.KVP, image.ConvolutionKernel, image.SliceThickness = 120, "Bv40", 1
    image.InstanceNumber, image.AcquisitionNumber = index + 1, 1
    image.ImagePositionPatient = [ORIGIN_MM[0], ORIGIN_MM[1], ORIGIN_MM[2] + index * step_mm]
    image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    image.PixelSpacing = list(SPACING_MM)
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.RescaleSlope, image.RescaleIntercept, image.RescaleType = 1, -1024, "HU"
    stored = (hu(index) + 1024).astype(np.uint16) if pixels is None else pixels
    image.Rows, image.Columns = stored.shape
    image.PixelData = stored.tobytes()
    image["PixelData"].VR = "OW"
    for keyword, value in elements.items():
        if value is None:
            delattr(image, keyword)
        else:
            setattr(image, keyword, value)
    return image


def save(image, path):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    image.save_as(path, enforce_file_format=True)
    return Path(path)


def write_ct(folder, *, count=COUNT, skip=(), edit=None, **elements):
    """A CT series, one file a slice, named against the order of slices; `edit(image, index)` changes each."""
    for index in range(count):
        if index in skip:
            continue
        image = ct_slice(index, **elements)
        if edit is not None:
            edit(image, index)
        save(image, Path(folder) / f"{count - index:03d}")
    return Path(folder)
