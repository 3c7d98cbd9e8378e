"""Chambers that the user gives, and the annulus between them."""

import json

import numpy as np
import pytest

from ccma_seg.anatomy import BLOOD_POOL_LA, BLOOD_POOL_LV, locate, read_chambers
from ccma_seg.errors import ConfigError, GeometryError, InputPathError
from ccma_seg.geometry import Geometry
from ccma_seg.nifti.writing import write_labels
from ccma_seg.volume import LabelMap, Volume

GRID = Geometry(shape=(60, 75, 90), spacing_mm=(2.0, 2.0, 2.0), origin_mm=(-60.0, -75.0, -60.0))
"""Of the volume."""
MASKS = Geometry(shape=(80, 100, 120), spacing_mm=(1.5, 1.5, 1.5), origin_mm=(-60.0, -75.0, -60.0))
"""Of the masks."""


def masks(gap_mm=0.0):
    """A ventricle along +x, an atrium along -x: they meet in a disc of radius 16 mm at x = 0; an aorta in front."""
    z, y, x = np.moveaxis(MASKS.to_patient(np.moveaxis(np.indices(MASKS.shape), 0, -1)), -1, 0)[::-1]
    across = np.hypot(y, z)
    ventricle = (across < 16) & (x > gap_mm) & (x < 70)
    atrium = (across < 16) & (x < -gap_mm) & (x > -40)
    return {"heart_ventricle_left": ventricle, "heart_atrium_left": atrium, "aorta": np.hypot(x, y + 35) < 12}


@pytest.fixture
def folder(tmp_path):
    def write(found):
        for name, mask in found.items():
            labels = LabelMap(labels=mask.astype(np.uint8), geometry=MASKS)
            write_labels(labels, tmp_path / f"{name}.nii.gz")
        return tmp_path

    return write


def volume():
    return Volume(hu=np.zeros(GRID.shape, np.int16), geometry=GRID)


def test_masks_on_another_grid_give_the_annulus_between_them(folder):
    found = locate(volume(), chambers=read_chambers(folder(masks()), GRID))
    assert found.annulus is not None
    np.testing.assert_allclose(found.annulus.center_mm, (0, 0, 0), atol=1.0)
    np.testing.assert_allclose(found.annulus.normal, (1, 0, 0), atol=0.05)
    np.testing.assert_allclose(found.annulus.posterior, (0, 1, 0), atol=0.1)
    assert found.annulus.intercommissural_mm == pytest.approx(32, abs=4)
    assert found.annulus.method == "chambers"


def test_given_chambers_are_the_blood_pools_on_the_grid_of_the_volume(folder):
    found = locate(volume(), chambers=read_chambers(folder(masks()), GRID))
    assert found.blood_pools is not None
    found.blood_pools.slices_in(GRID)
    ml = found.blood_pools.mask(BLOOD_POOL_LV).sum() * GRID.voxel_mm3 / 1000
    assert ml == pytest.approx(np.pi * 16**2 * 70 / 1000, rel=0.05)
    assert set(np.unique(found.blood_pools.labels)) == {0, BLOOD_POOL_LV, BLOOD_POOL_LA}


@pytest.mark.parametrize(
    "mapping",
    [{"heart_atrium_left": 11, "heart_ventricle_left": 12}, {"11": "heart_atrium_left", "12": "heart_ventricle_left"}],
)
def test_one_file_of_labels_is_read_by_the_names_beside_it(tmp_path, mapping):
    found = masks()
    labels = 11 * found["heart_atrium_left"] + 12 * found["heart_ventricle_left"]
    write_labels(LabelMap(labels=labels.astype(np.uint8), geometry=MASKS), tmp_path / "chambers.nii.gz")
    (tmp_path / "chambers.json").write_text(json.dumps(mapping))
    chambers = read_chambers(tmp_path / "chambers.nii.gz", GRID)
    assert set(np.unique(chambers.labels)) == {0, BLOOD_POOL_LV, BLOOD_POOL_LA}


def test_without_names_the_labels_are_those_of_heartchambers_highres(tmp_path):
    found = masks()
    labels = 2 * found["heart_atrium_left"] + 3 * found["heart_ventricle_left"]
    write_labels(LabelMap(labels=labels.astype(np.uint8), geometry=MASKS), tmp_path / "all.nii.gz")
    assert read_chambers(tmp_path / "all.nii.gz", GRID).mask(BLOOD_POOL_LV).any()


def test_a_missing_chamber_is_named(folder):
    found = masks()
    del found["heart_atrium_left"]
    with pytest.raises(ConfigError, match="lacks heart_atrium_left"):
        read_chambers(folder(found), GRID)


def test_a_tiny_chamber_is_refused(folder):
    found = masks()
    found["heart_ventricle_left"] &= np.indices(MASKS.shape).sum(axis=0) % 40 == 0
    with pytest.raises(ConfigError, match="must hold 15 to 700 ml"):
        read_chambers(folder(found), GRID)


def test_chambers_of_another_exam_are_refused(folder):
    far = Geometry(shape=(60, 75, 90), spacing_mm=(2.0, 2.0, 2.0), origin_mm=(900.0, 0.0, 0.0))
    with pytest.raises(GeometryError, match="outside the volume"):
        read_chambers(folder(masks()), far)


def test_chambers_that_do_not_touch_have_no_annulus(folder):
    with pytest.raises(GeometryError, match="must touch"):
        locate(volume(), chambers=read_chambers(folder(masks(gap_mm=9.0)), GRID))


def test_a_missing_path_is_said_so(tmp_path):
    with pytest.raises(InputPathError, match="neither"):
        read_chambers(tmp_path / "none", GRID)
