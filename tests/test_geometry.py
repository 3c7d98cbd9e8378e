"""Geometry: where voxels lie in the patient."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccma_seg.errors import GeometryError
from ccma_seg.geometry import Geometry, voxels_in
from ccma_seg.volume import LabelMap

OBLIQUE = Geometry(
    shape=(4, 5, 6),
    spacing_mm=(2.0, 0.5, 0.7),
    origin_mm=(-10.0, 20.0, 30.0),
    axes=((0.0, 0.6, 0.8), (0.0, -0.8, 0.6), (1.0, 0.0, 0.0)),
)


def test_the_origin_is_the_centre_of_the_first_voxel():
    np.testing.assert_allclose(OBLIQUE.to_patient((0, 0, 0)), OBLIQUE.origin_mm)


def test_a_step_along_columns_moves_by_the_column_spacing_to_the_left():
    np.testing.assert_allclose(OBLIQUE.to_patient((0, 0, 1)) - OBLIQUE.to_patient((0, 0, 0)), (0.7, 0, 0))


@given(st.tuples(*[st.floats(-50, 50)] * 3))
def test_to_index_undoes_to_patient(index):
    np.testing.assert_allclose(OBLIQUE.to_index(OBLIQUE.to_patient(index)), index, atol=1e-9)


def test_the_affine_agrees_with_to_patient():
    np.testing.assert_allclose(OBLIQUE.affine @ (1, 2, 3, 1), [*OBLIQUE.to_patient((1, 2, 3)), 1])


def test_a_crop_keeps_voxels_where_they_are():
    crop = OBLIQUE.crop((slice(1, 3), slice(2, 5), slice(0, 6)))
    assert crop.shape == (2, 3, 6)
    np.testing.assert_allclose(crop.to_patient((0, 0, 0)), OBLIQUE.to_patient((1, 2, 0)))


def test_slices_around_hold_the_positions_with_their_margin():
    slices = OBLIQUE.slices_around(OBLIQUE.to_patient((2, 2, 2)), margin_mm=0.6)
    assert slices == (slice(1, 4), slice(0, 5), slice(1, 4))


def test_a_region_outside_the_volume_is_refused():
    with pytest.raises(GeometryError, match="outside"):
        OBLIQUE.slices_around(OBLIQUE.to_patient((90, 2, 2)))


def test_a_skewed_grid_is_refused():
    with pytest.raises(GeometryError, match="perpendicular"):
        Geometry(shape=(1, 1, 1), spacing_mm=(1, 1, 1), axes=((0, 0.3, 0.954), (0, 1, 0), (1, 0, 0)))


def test_difference_says_how_far_apart_two_grids_are():
    moved = Geometry(
        shape=OBLIQUE.shape, spacing_mm=OBLIQUE.spacing_mm, origin_mm=(-9.0, 20.0, 30.0), axes=OBLIQUE.axes
    )
    assert OBLIQUE.difference(OBLIQUE) is None
    assert OBLIQUE.difference(moved) == "corners up to 1.000 mm apart"


def test_labels_on_another_crop_stay_where_they_are():
    labels = np.arange(1, 1 + 4 * 5 * 6, dtype=np.uint8).reshape(OBLIQUE.shape)
    part = LabelMap(labels=labels[1:3, 2:5, :4], geometry=OBLIQUE.crop((slice(1, 3), slice(2, 5), slice(0, 4))))
    other = (slice(2, 4), slice(0, 4), slice(3, 6))
    expected = np.zeros((2, 4, 3), np.uint8)
    expected[0, 2:, 0] = labels[2, 2:4, 3]
    np.testing.assert_array_equal(part.on(OBLIQUE.crop(other)), expected)


def test_voxels_of_a_mask_are_listed_in_order():
    mask = np.random.default_rng(0).random((4, 5, 6)) > 0.7
    assert np.array_equal(voxels_in(mask[:, 1:, ::2]), np.argwhere(mask[:, 1:, ::2]))
