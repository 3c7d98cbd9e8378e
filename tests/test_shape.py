"""Size and form of meshes and masks, and HU within them."""

import numpy as np
import pytest

from ccma_seg.geometry import Geometry
from ccma_seg.lesion import sphere
from ccma_seg.lesion.intensity import describe_hu
from ccma_seg.lesion.shape import describe_mask, describe_mesh, mesh_centroid_mm
from ibsi import PHANTOMS, TAGS, ours, references

COUNT = 4000


def ellipsoid(a, b, c):
    return sphere.directions(COUNT) * (a, b, c), sphere.triangles(COUNT)


def test_an_ellipsoid_has_its_own_axes_and_volume():
    body = describe_mesh(*ellipsoid(15.0, 11.0, 9.0))
    np.testing.assert_allclose(body.axes_mm, (30, 22, 18), rtol=2e-3)
    assert body.volume_mm3 == pytest.approx(4 / 3 * np.pi * 15 * 11 * 9, rel=3e-3)
    assert body.max_diameter_mm == pytest.approx(30, rel=2e-3)


def test_a_ball_is_round_and_convex():
    body = describe_mesh(*ellipsoid(10.0, 10.0, 10.0))
    assert body.sphericity == pytest.approx(1, abs=2e-3)
    assert body.solidity == pytest.approx(1, abs=1e-6)
    assert body.surface_mm2 == pytest.approx(4 * np.pi * 100, rel=2e-3)


def test_the_centroid_moves_with_the_body():
    points, faces = ellipsoid(15.0, 11.0, 9.0)
    np.testing.assert_allclose(mesh_centroid_mm(points + np.array((3, -4, 5)), faces), (3, -4, 5), atol=0.02)


def test_turning_a_body_changes_no_measure():
    points, faces = ellipsoid(15.0, 11.0, 9.0)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    here, there = describe_mesh(points, faces), describe_mesh(points @ turn.T, faces)
    np.testing.assert_allclose(there.axes_mm, here.axes_mm)
    assert there.volume_mm3 == pytest.approx(here.volume_mm3)


def test_a_mask_scales_with_its_voxels():
    mask = np.zeros((9, 9, 9), bool)
    mask[2:7, 3:6, 2:8] = True
    small = describe_mask(mask, Geometry(shape=(9, 9, 9), spacing_mm=(1, 1, 1)))
    large = describe_mask(mask, Geometry(shape=(9, 9, 9), spacing_mm=(2, 2, 2)))
    assert large.mesh_volume_mm3 == pytest.approx(8 * small.mesh_volume_mm3)
    assert large.sphericity == pytest.approx(small.sphericity)


def test_no_voxels_have_no_hu():
    assert describe_hu(np.array([])) is None


def test_alike_voxels_have_neither_skewness_nor_kurtosis():
    flat = describe_hu(np.full(5, 40))
    assert flat is not None
    assert (flat.mean_hu, flat.sd_hu, flat.skewness, flat.kurtosis) == (40, 0, 0, 0)


@pytest.fixture(scope="module")
def measured(shared):
    folder = shared / "ibsi"
    return {name: (ours(folder, name), references(folder, name)) for name in PHANTOMS}


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("phantom", PHANTOMS)
def test_features_lie_within_the_tolerance_of_ibsi(measured, phantom, tag):
    values, expected = measured[phantom]
    assert abs(values[tag] - expected[tag].value) <= expected[tag].limit
