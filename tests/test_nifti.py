"""NIfTI: the same place in the patient, whatever the axes on disk."""

import gzip

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from scipy.stats import special_ortho_group

from ccma_seg.errors import CorruptInputError, IncompleteVolumeError, NoSeriesError, OutputError
from ccma_seg.geometry import Geometry, as_point
from ccma_seg.nifti.reading import is_nifti, read_labels, read_volume
from ccma_seg.nifti.writing import nifti_bytes, write_labels
from ccma_seg.series import ReadParams, read_series
from ccma_seg.volume import PADDING_HU, LabelMap

LIMIT = ReadParams().max_voxels
VALUES = (np.arange(5 * 6 * 7).reshape(5, 6, 7) * 10 - 1000).astype(np.int16)
"""Indexed (x, y, z), as nibabel does."""

RAS = np.array([[0.5, 0, 0, -10], [0, 0.6, 0, -20], [0, 0, 2.0, 30], [0, 0, 0, 1]], float)


def write(path, values=VALUES, affine=RAS, **header):
    image = nib.Nifti1Image(values, affine)
    for key, value in header.items():
        image.header[key] = value
    nib.save(image, path)
    return path


def hu_at(volume, ras):
    index = np.rint(volume.geometry.to_index(np.array(ras) * (-1, -1, 1))).astype(int)
    return volume.hu[tuple(index)]


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_voxels_lie_where_nibabel_puts_them(tmp_path, name):
    volume = read_series(write(tmp_path / name))
    for index in ((0, 0, 0), (4, 0, 0), (0, 5, 0), (1, 2, 3)):
        assert hu_at(volume, nib.affines.apply_affine(RAS, index)) == VALUES[index]


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (1, -1, -1)])
def test_axes_on_disk_may_run_in_any_direction(tmp_path, axes, signs):
    affine = RAS.copy()
    affine[:3, :3] = (RAS[:3, :3] * signs)[:, axes]
    volume = read_series(write(tmp_path / "a.nii", affine=affine))
    assert volume.geometry.axes == ((0, 0, 1), (0, 1, 0), (1, 0, 0))
    for index in ((0, 0, 0), (4, 5, 6), (1, 2, 3)):
        assert hu_at(volume, nib.affines.apply_affine(affine, index)) == VALUES[index]


def test_the_name_of_the_file_does_not_matter(tmp_path):
    path = write(tmp_path / "a.nii.gz").rename(tmp_path / "scan")
    assert is_nifti(path)
    assert read_series(path).hu.shape == (7, 6, 5)


def test_scaled_values_are_rounded(tmp_path):
    values = np.array([[[0.4, -300.6, np.nan, -5000.0]]], np.float32) + np.zeros((3, 3, 1), np.float32) + 100
    volume = read_series(write(tmp_path / "a.nii", values))
    assert volume.hu[:, 0, 0].tolist() == [100, -201, PADDING_HU, PADDING_HU]


def test_a_rescale_in_the_header_is_applied(tmp_path):
    image = nib.Nifti1Image(VALUES, RAS)
    image.header.set_slope_inter(2, -24)
    path = tmp_path / "a.nii"
    image.to_filename(path)
    assert read_series(path).hu.max() == round(float(nib.load(path).get_fdata().max()))


def test_several_volumes_in_one_file_are_refused(tmp_path):
    path = write(tmp_path / "a.nii", np.zeros((4, 4, 4, 2), np.int16))
    with pytest.raises(NoSeriesError, match="one volume"):
        read_series(path)


@pytest.mark.parametrize("values", [np.full((4, 4, 4), 3, np.uint8), np.full((4, 4, 4), 0.5, np.float32)])
def test_values_that_cannot_be_hu_are_refused(tmp_path, values):
    with pytest.raises(NoSeriesError, match="Hounsfield"):
        read_series(write(tmp_path / "a.nii", values))


def test_a_cut_file_is_corrupt(tmp_path):
    path = write(tmp_path / "a.nii.gz")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(CorruptInputError, match="damaged"):
        read_series(path)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    path = write(tmp_path / "a.nii", dim=[3, 30000, 30000, 30000, 1, 1, 1, 1])
    data = bytearray(path.read_bytes())
    data[40:56] = np.array([3, 30000, 30000, 30000, 1, 1, 1, 1], "<i2").tobytes()
    path.write_bytes(gzip.compress(bytes(data)))
    with pytest.raises(NoSeriesError, match="voxels"):
        read_series(path)


@pytest.mark.parametrize(("unit", "per_mm"), [("mm", 1.0), ("meter", 1e-3), ("micron", 1e3)])
def test_lengths_are_in_the_unit_that_the_header_names(tmp_path, unit, per_mm):
    image = nib.Nifti1Image(VALUES, np.diag([per_mm, per_mm, per_mm, 1.0]) @ RAS)
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "a.nii")
    assert read_series(tmp_path / "a.nii").geometry.spacing_mm == pytest.approx((2.0, 0.6, 0.5))


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_what_no_body_fits_into_is_refused(tmp_path, factor):
    with pytest.raises(NoSeriesError, match="must be in mm"):
        read_series(write(tmp_path / "a.nii", affine=np.diag([factor, factor, factor, 1.0]) @ RAS))


def test_sheared_axes_are_refused(tmp_path):
    affine = RAS.copy()
    affine[1, 2] = 0.8
    with pytest.raises(IncompleteVolumeError, match="perpendicular"):
        read_series(write(tmp_path / "a.nii", affine=affine))


def test_a_file_that_does_not_say_how_the_patient_lies_is_marked(tmp_path):
    path = tmp_path / "a.nii"
    image = nib.Nifti1Image(VALUES, None)
    image.to_filename(path)
    assert [reason.code for reason in read_series(path).reasons] == ["orientation_unknown"]


LABELS = LabelMap(
    labels=(np.arange(4 * 5 * 6).reshape(4, 5, 6) % 8).astype(np.uint8),
    geometry=Geometry(
        shape=(4, 5, 6),
        spacing_mm=(2.0, 0.5, 0.7),
        origin_mm=(-10.25, 20.5, 30.125),
        axes=((0.0, 0.6, 0.8), (0.0, 0.8, -0.6), (1.0, 0.0, 0.0)),
    ),
)


def test_labels_come_back_in_the_same_place(tmp_path):
    write_labels(LABELS, tmp_path / "l.nii.gz")
    again = read_labels(tmp_path / "l.nii.gz", max_voxels=LIMIT)
    np.testing.assert_array_equal(again.labels, LABELS.labels)
    assert again.geometry.difference(LABELS.geometry, tolerance_mm=1e-4) is None


def test_other_readers_find_labels_in_the_same_place(tmp_path):
    write_labels(LABELS, tmp_path / "l.nii.gz")
    x, y, z = LABELS.geometry.to_patient((3, 1, 2))
    image = sitk.ReadImage(str(tmp_path / "l.nii.gz"))
    assert image[image.TransformPhysicalPointToIndex((x, y, z))] == LABELS.labels[3, 1, 2]
    other = nib.load(tmp_path / "l.nii.gz")
    index = np.rint(np.linalg.inv(other.affine) @ (-x, -y, z, 1))[:3].astype(int)
    assert np.asanyarray(other.dataobj)[tuple(index)] == LABELS.labels[3, 1, 2]
    assert other.header["qform_code"] == other.header["sform_code"] == 1


def test_labels_of_a_crop_can_be_written_onto_the_whole(tmp_path):
    whole = LABELS.geometry
    part = (slice(1, 3), slice(2, 5), slice(0, 4))
    crop = LabelMap(labels=LABELS.labels[part], geometry=whole.crop(part))
    write_labels(crop, tmp_path / "l.nii.gz", onto=whole)
    again = read_labels(tmp_path / "l.nii.gz", max_voxels=LIMIT)
    np.testing.assert_array_equal(again.labels[part], crop.labels)
    assert again.geometry.shape == whole.shape
    assert np.count_nonzero(again.labels) == np.count_nonzero(crop.labels)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_written_is_what_nibabel_would_write(seed):
    random = np.random.default_rng(seed)
    turn = special_ortho_group.rvs(3, random_state=random) * [[1], [1], [random.choice([-1, 1])]]
    grid = Geometry(
        shape=(3, 4, 5),
        spacing_mm=as_point(random.uniform(0.3, 3.0, 3)),
        origin_mm=as_point(random.normal(0.0, 100.0, 3)),
        axes=tuple(map(as_point, turn)),
    )
    values = random.integers(0, 255, grid.shape).astype(random.choice([np.uint8, np.int16]))
    affine = (np.diag((-1.0, -1.0, 1.0, 1.0)) @ grid.affine)[:, (2, 1, 0, 3)]
    image = nib.Nifti1Image(values.T, affine)
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner")
    image.header.set_xyzt_units("mm")
    assert nifti_bytes(values, grid) == image.to_bytes()


def test_the_same_labels_are_the_same_bytes(tmp_path):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_labels(LABELS, tmp_path / name)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_labels_that_cannot_be_written_are_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="writable"):
        write_labels(LABELS, tmp_path / "nowhere" / "l.nii.gz")


def test_a_volume_is_no_label_map(tmp_path):
    with pytest.raises(NoSeriesError, match="labels"):
        read_labels(write(tmp_path / "a.nii"), max_voxels=LIMIT)


def test_a_real_crop_is_read(shared):
    path = next((shared / "cta-crop").glob("*.nii.gz"))
    assert read_volume(path, max_voxels=LIMIT).geometry.axes[0][2] > 0.99
