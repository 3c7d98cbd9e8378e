"""Masks grown, shrunk and filled, against scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from ccma_seg.morphology import closed, filled, grown, near, opened, shrunk

MASKS = arrays(bool, array_shapes(min_dims=3, max_dims=3, max_side=6))


@pytest.mark.parametrize(
    ("own", "other"),
    [
        (grown, ndimage.binary_dilation),
        (shrunk, ndimage.binary_erosion),
        (opened, ndimage.binary_opening),
        (closed, ndimage.binary_closing),
    ],
)
@given(mask=MASKS, cells=st.integers(1, 2))
def test_masks_change_as_with_scipy(own, other, mask, cells):
    before = mask.copy()
    assert np.array_equal(own(mask, cells), other(mask, iterations=cells))
    assert np.array_equal(mask, before)


@given(mask=MASKS)
def test_holes_are_filled_as_with_scipy(mask):
    assert np.array_equal(filled(mask), ndimage.binary_fill_holes(mask))


@given(mask=MASKS, spacing_mm=st.tuples(*[st.sampled_from([0.4, 0.5, 0.8, 1.0, 3.0])] * 3), reach_mm=st.floats(0, 4))
def test_what_is_near_is_what_a_distance_map_says(mask, spacing_mm, reach_mm):
    distance = ndimage.distance_transform_edt(~mask, sampling=spacing_mm) if mask.any() else np.full(mask.shape, np.inf)
    unsure = np.abs(distance - reach_mm) < 1e-6
    assert np.array_equal(near(mask, reach_mm, spacing_mm) & ~unsure, (distance <= reach_mm) & ~unsure)


def test_what_is_exactly_as_far_away_is_near():
    mask = np.zeros((1, 1, 9), bool)
    mask[..., 0] = True
    assert near(mask, 0.3, (0.1, 0.1, 0.1)).sum() == 4
