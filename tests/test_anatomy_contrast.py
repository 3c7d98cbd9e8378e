"""How bright blood is, and the coarse grid it is looked for on."""

import numpy as np
import pytest

from ccma_seg.anatomy import ContrastState
from ccma_seg.anatomy.coarse import coarsen, dense_parts
from ccma_seg.anatomy.contrast import ContrastParams, measure_contrast
from ccma_seg.geometry import Geometry
from ccma_seg.volume import PADDING_HU, Volume

GRID = Geometry(shape=(40, 60, 60), spacing_mm=(1.0, 0.8, 0.8), origin_mm=(-24.0, -24.0, -20.0))


def blood(mean_hu, sd_hu=15.0, muscle_hu=60.0):
    """A ball of blood in muscle."""
    x, y, z = np.moveaxis(GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)
    mean = np.where(np.sqrt(x**2 + y**2 + z**2) < 14, mean_hu, muscle_hu)
    noise = np.random.default_rng(0).normal(mean, sd_hu)
    return Volume(hu=np.rint(noise).astype(np.int16), geometry=GRID)


@pytest.mark.parametrize(
    ("mean_hu", "muscle_hu", "state"),
    [(42, 48, "none"), (89, 60, "none"), (105, 60, "uncertain"), (130, 60, "enhanced"), (350, 95, "enhanced")],
)
def test_the_state_of_contrast_follows_the_blood_beside_the_muscle_of_the_same_exam(mean_hu, muscle_hu, state):
    found = measure_contrast(blood(mean_hu, muscle_hu=muscle_hu), np.zeros((1, 3)), params=ContrastParams())
    assert found.state == state
    assert found.muscle_hu == pytest.approx(muscle_hu, abs=8)
    assert found.blood_pool_hu == pytest.approx(mean_hu, abs=1)
    assert found.blood_pool_sd_hu == pytest.approx(15, rel=0.1)


def test_calcium_in_the_probe_does_not_change_the_blood():
    volume = blood(300)
    hu = volume.hu.copy()
    hu[20, 28:31, 28:31] = 1200
    found = measure_contrast(Volume(hu=hu, geometry=GRID), np.zeros((1, 3)), params=ContrastParams())
    assert found.blood_pool_hu == pytest.approx(300, abs=2)


def test_blood_outside_the_volume_is_not_measured():
    found = measure_contrast(blood(300), np.full((1, 3), 500.0), params=ContrastParams())
    assert found.blood_pool_hu is None
    assert found.state == ContrastState.UNCERTAIN


def test_a_coarse_grid_keeps_the_mean_where_it_is():
    x = GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1))[..., 0]
    ramp = Volume(hu=np.rint(10 * x).astype(np.int16), geometry=GRID)
    grid = coarsen(ramp, cell_mm=3.0)
    positions = grid.geometry.to_patient(np.moveaxis(np.indices(grid.hu.shape), 0, -1))
    inner = grid.measured & (np.abs(positions[..., 0]) < 18)
    np.testing.assert_allclose(grid.hu[inner], 10 * positions[..., 0][inner], atol=4)


def test_padding_counts_as_not_measured():
    volume = blood(40)
    hu = volume.hu.copy()
    hu[:20] = PADDING_HU
    assert 0.4 < coarsen(Volume(hu=hu, geometry=GRID), cell_mm=3.0).measured.mean() < 0.6


def test_what_a_shell_of_calcium_encloses_is_part_of_the_mass():
    z, y, x = np.indices((21, 21, 21)) - 10
    away = np.sqrt(z**2 + y**2 + x**2)
    shell = np.where((away < 8) & (away > 6), 900, 40).astype(np.float32)
    mass = dense_parts(shell, above_hu=200, margin_cells=1)
    assert mass[10, 10, 10]
    assert not mass[0, 0, 0]
