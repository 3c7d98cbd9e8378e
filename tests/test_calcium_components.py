"""Connected components as a table of voxels."""

import numpy as np
import pytest
from scipy import ndimage

from ccma_seg.calcium.components import SPARSE, find_components
from ccma_seg.calcium.findings import CalciumMap
from ccma_seg.geometry import Geometry


@pytest.mark.parametrize("share", [0.0, SPARSE / 2, 0.05])
def test_labels_are_those_of_a_pass_over_the_grid(share):
    mask = np.random.default_rng(2).random((20, 30, 25)) < share
    grid = Geometry(shape=mask.shape, spacing_mm=(1.0, 1.0, 1.0))
    components = find_components(mask.astype(np.int16), grid, np.flatnonzero(mask))
    expected, count = ndimage.label(mask, np.ones((3, 3, 3)))
    assert components.count == count
    np.testing.assert_array_equal(components.image(), expected)


def test_the_voxels_of_calcifications_are_those_with_their_labels():
    labels = np.random.default_rng(0).integers(0, 5, (3, 4, 6), np.uint8)
    calcium = CalciumMap(
        labels=labels,
        geometry=Geometry(shape=(3, 4, 6), spacing_mm=(1.0, 1.0, 1.0)),
        threshold_hu=130.0,
        threshold_rule="",
        calcifications=(),
    )
    assert calcium.voxels([2, 4]).tolist() == np.argwhere((labels == 2) | (labels == 4)).tolist()
    assert (calcium.where([3]) == (labels == 3)).all()
    assert calcium.voxels([]).shape == (0, 3)
