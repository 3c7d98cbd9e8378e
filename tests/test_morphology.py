"""Masks grown, shrunk and filled, against scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from ccma_seg.morphology import closed, filled, grown, opened, shrunk

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
