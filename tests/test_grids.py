"""Values of one grid on another: what is done here is what SimpleITK does."""

from dataclasses import replace

import numpy as np

from ccma_seg import itk
from ccma_seg.geometry import Geometry
from ccma_seg.grids import resample, resample_labels

GRID = Geometry(shape=(7, 9, 8), spacing_mm=(1.5, 1.5, 1.5), origin_mm=(3.1, -4.2, 7.3))
ONTO = Geometry(shape=(30, 40, 50), spacing_mm=(0.61, 0.37, 0.41), origin_mm=(1.03, -5.02, 5.01))
HARDLY_TURNED = replace(ONTO, axes=((1e-9, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, -1e-9)))


def test_labels_on_a_parallel_grid_are_those_that_simpleitk_picks():
    labels = np.random.default_rng(0).integers(0, 4, GRID.shape, np.uint8)
    assert np.array_equal(resample_labels(labels, GRID, onto=ONTO), itk.resample_labels(labels, GRID, onto=ONTO))
    assert np.array_equal(resample_labels(labels, GRID, onto=ONTO), resample_labels(labels, GRID, onto=HARDLY_TURNED))


def test_hu_on_a_parallel_grid_are_those_that_simpleitk_interpolates():
    hu = np.random.default_rng(0).normal(0.0, 500.0, GRID.shape).astype(np.float32)
    own, other = (f(hu, GRID, onto=ONTO, outside=-1024.0) for f in (resample, itk.resample))
    np.testing.assert_allclose(own, other, atol=1e-3)
    assert own.dtype == other.dtype == np.float32
    turned = resample(hu, GRID, onto=HARDLY_TURNED, outside=-1024.0)
    np.testing.assert_allclose(own, turned, atol=1e-3)


def test_a_grid_of_one_slice_reaches_half_its_thickness_to_either_side():
    slab = Geometry(shape=(1, 2, 2), spacing_mm=(3.0, 1.0, 1.0))
    onto = Geometry(shape=(5, 2, 2), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(0.0, 0.0, -2.0))
    found = resample(np.full(slab.shape, 7.0, np.float32), slab, onto=onto, outside=0.0)
    assert found[:, 0, 0].tolist() == [0.0, 7.0, 7.0, 7.0, 0.0]
