"""Connected components as a table of voxels."""

import numpy as np
import pytest
from scipy import ndimage

from ccma_seg.calcium.components import SPARSE, find_components
from ccma_seg.geometry import Geometry


@pytest.mark.parametrize("share", [0.0, SPARSE / 2, 0.05])
def test_labels_are_those_of_a_pass_over_the_grid(share):
    mask = np.random.default_rng(2).random((20, 30, 25)) < share
    grid = Geometry(shape=mask.shape, spacing_mm=(1.0, 1.0, 1.0))
    components = find_components(mask.astype(np.int16), grid, mask)
    expected, count = ndimage.label(mask, np.ones((3, 3, 3)))
    assert components.count == count
    np.testing.assert_array_equal(components.image(), expected)
