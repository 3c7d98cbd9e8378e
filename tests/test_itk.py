"""NRRD through SimpleITK."""

import numpy as np
import pytest
import SimpleITK as sitk

from ccma_seg.errors import CorruptInputError, NoSeriesError
from ccma_seg.series import ReadParams, read_series

VALUES = (np.arange(5 * 6 * 7).reshape(5, 6, 7) * 10 - 1000).astype(np.int16)
"""Indexed (z, y, x), as SimpleITK's arrays are."""


def write(path, values=VALUES, *, direction=(1, 0, 0, 0, 1, 0, 0, 0, 1)):
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.5, 0.6, 2.0))
    image.SetOrigin((-10.0, -20.0, 30.0))
    image.SetDirection(direction)
    sitk.WriteImage(image, str(path), useCompression=True)
    return path


@pytest.mark.parametrize("direction", [(1, 0, 0, 0, 1, 0, 0, 0, 1), (-1, 0, 0, 0, 0, 1, 0, 1, 0)])
def test_voxels_lie_where_simpleitk_puts_them(tmp_path, direction):
    path = write(tmp_path / "a.nrrd", direction=direction)
    volume = read_series(path)
    image = sitk.ReadImage(str(path))
    for index in ((0, 0, 0), (6, 0, 0), (1, 5, 3)):
        place = image.TransformIndexToPhysicalPoint(index)
        found = np.rint(volume.geometry.to_index(place)).astype(int)
        assert volume.hu[tuple(found)] == image[index]
    assert volume.geometry.axes == ((0, 0, 1), (0, 1, 0), (1, 0, 0))


def test_the_name_of_the_file_does_not_matter(tmp_path):
    path = write(tmp_path / "a.nrrd").rename(tmp_path / "scan")
    assert read_series(path).hu.shape == VALUES.shape


def test_a_cut_file_is_corrupt(tmp_path):
    path = write(tmp_path / "a.nrrd")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(CorruptInputError, match="NRRD"):
        read_series(path)


def test_what_is_no_volume_in_hu_is_refused(tmp_path):
    with pytest.raises(NoSeriesError, match="Hounsfield"):
        read_series(write(tmp_path / "a.nrrd", np.full((4, 4, 4), 3, np.uint8)))


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    with pytest.raises(NoSeriesError, match="voxels"):
        read_series(write(tmp_path / "a.nrrd"), params=ReadParams(max_voxels=100))


@pytest.mark.parametrize(("unit", "mm"), [("mm", 1.0), ("um", 1e-3), ("cm", 10.0)])
def test_the_unit_of_an_nrrd_is_believed(tmp_path, unit, mm):
    values = np.full((4, 4, 4), 40, "<i2")
    step = 2.0 / mm
    head = (
        "NRRD0005\ntype: short\ndimension: 3\nsizes: 4 4 4\nendian: little\nencoding: raw\n"
        "space: left-posterior-superior\n"
        f"space directions: ({step},0,0) (0,{step},0) (0,0,{step})\n"
        f'space units: "{unit}" "{unit}" "{unit}"\nspace origin: (0,0,0)\n\n'
    )
    (tmp_path / "a.nrrd").write_bytes(head.encode() + values.tobytes())
    assert read_series(tmp_path / "a.nrrd").geometry.spacing_mm == pytest.approx((2.0, 2.0, 2.0))
