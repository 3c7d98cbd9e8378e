"""Calcium of masses: neither contrast nor metal."""

from benchmarks.closeup import exam
from ccma_seg.calcium import CalciumKind, find_calcium
from ccma_seg.phantom import random_recipe, rough_recipe


def test_the_thin_shell_of_a_large_mass_is_no_pool_of_dense_contrast():
    made = exam(random_recipe(208), seed=208)
    calcium = find_calcium(made.volume, made.anatomy)
    annular = [c.volume_mm3 for c in calcium.calcifications if c.kind == CalciumKind.ANNULAR]
    assert sum(annular) > 0.9 * made.truth["lesions"][0]["rim"]["volume_mm3"]


def test_dense_calcium_at_a_low_tube_voltage_is_no_metal():
    made = exam(random_recipe(80), seed=80)
    calcium = find_calcium(made.volume, made.anatomy)
    assert calcium.calcifications[0].peak_hu > 1800
    assert calcium.calcifications[0].kind == CalciumKind.ANNULAR


def test_fat_that_noise_and_a_sharp_kernel_darken_beside_dense_calcium_is_no_streak():
    made = exam(rough_recipe(2029, "solid"), seed=2029)
    calcium = find_calcium(made.volume, made.anatomy)
    assert {c.kind for c in calcium.calcifications if c.volume_mm3 > 100} == {CalciumKind.ANNULAR}
