"""write_series: a volume as CT images on disk."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest
import SimpleITK

from ccma_seg.errors import ConfigError, GeometryError, OutputError
from ccma_seg.geometry import Geometry
from ccma_seg.series.writing import Compression, SeriesTags, write_series
from ccma_seg.volume import Acquisition, Volume

ACQUISITION = Acquisition(
    description="CTA 75%",
    manufacturer="SIEMENS",
    slice_thickness_mm=0.75,
    tube_voltage_kv=120.0,
    kernel="B26f",
    cardiac_phase_percent=75.0,
    contrast_agent=True,
)


@pytest.fixture
def volume():
    hu = np.random.default_rng(1).integers(-1024, 3072, (4, 40, 48)).astype(np.int16)
    geometry = Geometry(shape=hu.shape, spacing_mm=(0.6, 0.4, 0.3), origin_mm=(-11.1, -203.7, 55.3))
    return Volume(hu=hu, geometry=geometry, acquisition=ACQUISITION)


def read_with_itk(paths):
    image = SimpleITK.ReadImage([str(path) for path in paths])
    return image, SimpleITK.GetArrayFromImage(image)


@pytest.mark.parametrize("compression", [None, *Compression])
def test_simpleitk_reads_back_the_same_hu_on_the_same_grid(volume, tmp_path, compression):
    image, hu = read_with_itk(write_series(volume, tmp_path, compression=compression))
    np.testing.assert_array_equal(hu, volume.hu)
    np.testing.assert_allclose(image.GetSpacing(), (0.3, 0.4, 0.6), atol=1e-5)
    np.testing.assert_allclose(image.GetOrigin(), volume.geometry.origin_mm, atol=1e-5)


@pytest.mark.parametrize("compression", [None, *Compression])
def test_hu_beyond_twelve_bits_survive(volume, tmp_path, compression):
    metal = volume.hu.copy()
    metal[0, :2, :3] = 7000, -3024, 3072
    paths = write_series(replace(volume, hu=metal), tmp_path, compression=compression)
    np.testing.assert_array_equal(read_with_itk(paths)[1], metal)


@pytest.mark.parametrize("compression", [None, *Compression])
def test_the_same_volume_gives_the_same_bytes(volume, tmp_path, compression):
    first = write_series(volume, tmp_path / "a", compression=compression)
    second = write_series(volume, tmp_path / "b", compression=compression)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_other_voxels_make_another_series(volume, tmp_path):
    other = replace(volume, hu=volume.hu[::-1].copy())
    uids = [pydicom.dcmread(write_series(v, tmp_path)[0]).SeriesInstanceUID for v in (volume, other)]
    assert uids[0] != uids[1]


def test_identifiers_of_the_acquisition_are_kept(volume, tmp_path):
    named = replace(ACQUISITION, study_uid="1.2.3", series_uid="1.2.4", frame_of_reference_uid="1.2.5")
    image = pydicom.dcmread(write_series(replace(volume, acquisition=named), tmp_path)[0])
    assert (image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID) == ("1.2.3", "1.2.4", "1.2.5")


def test_how_it_was_scanned_is_in_the_tags(volume, tmp_path):
    image = pydicom.dcmread(write_series(volume, tmp_path, tags=SeriesTags(gantry_tilt_deg=16.5))[0])
    assert (image.KVP, image.ConvolutionKernel, image.SliceThickness) == (120, "B26f", 0.75)
    assert image.NominalPercentageOfCardiacPhase == 75
    assert image.GantryDetectorTilt == 16.5
    assert image.ContrastBolusAgent
    assert str(image.PatientName).startswith("Phantom^")


def test_no_contrast_no_contrast_tag(volume, tmp_path):
    plain = replace(volume, acquisition=replace(ACQUISITION, contrast_agent=False))
    assert "ContrastBolusAgent" not in pydicom.dcmread(write_series(plain, tmp_path)[0])


def test_omitted_slices_are_missing_and_the_others_keep_their_numbers(volume, tmp_path):
    paths = write_series(volume, tmp_path, omit={1})
    assert [int(pydicom.dcmread(path).InstanceNumber) for path in paths] == [1, 3, 4]


def test_slices_can_lie_off_the_grid(volume, tmp_path):
    positions = volume.geometry.to_patient([(k, 0, 0) for k in range(4)]) + np.outer(range(4), (0, 1.5, 0))
    paths = write_series(volume, tmp_path, positions_mm=positions)
    np.testing.assert_allclose(pydicom.dcmread(paths[3]).ImagePositionPatient, positions[3], atol=1e-6)


def test_an_unknown_compression_is_refused(volume, tmp_path):
    with pytest.raises(ConfigError, match="jpeg_ls"):
        write_series(volume, tmp_path, compression="zip")


def test_positions_that_do_not_match_the_slices_are_refused(volume, tmp_path):
    with pytest.raises(GeometryError, match="4 slices"):
        write_series(volume, tmp_path, positions_mm=[(0, 0, 0)])


def test_a_folder_that_cannot_be_made_is_an_output_error(volume, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        write_series(volume, tmp_path / "file" / "dicom")
