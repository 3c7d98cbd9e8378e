"""Agatston score and mass against hand-computed cases and the QRM phantom."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from ccma_seg.calcium import Calcification, CalciumKind, CalciumMap, CalciumParams, agatston
from ccma_seg.calcium.scores import agatston_of, mass_factor, mass_mg_of, weight_limits
from ccma_seg.calcium.threshold import threshold_at
from ccma_seg.errors import GeometryError
from ccma_seg.geometry import Geometry
from ccma_seg.volume import Acquisition, Volume

GRID = Geometry(shape=(3, 6, 6), spacing_mm=(3.0, 0.5, 0.5))


def make_exam(lesions, geometry=GRID, tube_voltage_kv=120.0):
    """A CT of zeros with HU at (slice, rows, columns), and all of it as one calcification."""
    hu = np.zeros(geometry.shape, np.int16)
    for place, value in lesions:
        hu[place] = value
    volume = Volume(hu=hu, geometry=geometry, acquisition=Acquisition(tube_voltage_kv=tube_voltage_kv))
    one = Calcification(
        label=1, kind=CalciumKind.ANNULAR, volume_mm3=1.0, centroid_mm=(0.0, 0.0, 0.0), peak_hu=int(hu.max())
    )
    labels = (hu > 0).astype(np.int32)
    return volume, CalciumMap(
        labels=labels, geometry=geometry, threshold_hu=130.0, threshold_rule="", calcifications=(one,)
    )


@pytest.mark.parametrize(
    ("hu", "weight"), [(130, 1), (199, 1), (200, 2), (299, 2), (300, 3), (399, 3), (400, 4), (1500, 4)]
)
def test_agatston_weighs_area_by_the_peak_of_the_lesion(hu, weight):
    volume, calcium = make_exam([((1, slice(1, 4), slice(1, 4)), hu)])
    assert agatston(volume, calcium, 1) == pytest.approx(9 * 0.25 * weight)


def test_agatston_adds_slices_with_their_own_weights():
    volume, calcium = make_exam([((0, slice(0, 2), slice(0, 2)), 150), ((1, slice(0, 3), slice(0, 2)), 350)])
    assert agatston(volume, calcium, 1) == pytest.approx(1.0 * 1 + 1.5 * 3)


def test_agatston_takes_separate_lesions_on_a_slice_separately():
    volume, calcium = make_exam([((0, slice(0, 2), slice(0, 2)), 150), ((0, slice(4, 6), slice(0, 2)), 450)])
    assert agatston(volume, calcium, 1) == pytest.approx(1 + 4)


def test_agatston_leaves_out_lesions_below_one_square_millimetre():
    volume, calcium = make_exam([((0, slice(0, 1), slice(0, 3)), 500)])
    assert agatston(volume, calcium, 1) == 0


def test_agatston_of_contiguous_slices_of_2_5_mm_is_weighted_to_3_mm():
    grid = replace(GRID, spacing_mm=(2.5, 0.5, 0.5))
    volume, calcium = make_exam([((1, slice(0, 2), slice(0, 2)), 500)], grid)
    assert agatston(volume, calcium, 1) == pytest.approx(4 * 2.5 / 3)


def test_agatston_at_80_kv_uses_the_thresholds_of_80_kv():
    volume, calcium = make_exam([((1, slice(0, 2), slice(0, 2)), 270)], tube_voltage_kv=80.0)
    assert agatston(volume, calcium, 1) == pytest.approx(1)
    volume, calcium = make_exam([((1, slice(0, 2), slice(0, 2)), 170)], tube_voltage_kv=80.0)
    assert agatston(volume, calcium, 1) == 0


def test_weights_between_tabulated_voltages_keep_their_ratios():
    assert weight_limits(110) == pytest.approx([137, 137 * 200 / 130, 137 * 300 / 130, 137 * 400 / 130])


def test_calcium_of_another_grid_is_refused():
    volume, calcium = make_exam([((1, slice(0, 2), slice(0, 2)), 500)])
    moved = replace(calcium, geometry=replace(GRID, origin_mm=(0.2, 0.0, 0.0)))
    with pytest.raises(GeometryError, match="grid of the volume"):
        agatston(volume, moved, 1)


def test_mass_is_factor_times_mean_hu_times_volume():
    volume, calcium = make_exam([((1, slice(0, 2), slice(0, 2)), 400)])
    factor = mass_factor(120, CalciumParams(mass_factor=0.8))
    assert factor.calibrated
    assert mass_mg_of(volume.hu, calcium.labels == 1, GRID, factor) == pytest.approx(0.8 * 400 * 4 * 0.75 / 1000)


def test_the_usual_mass_factor_lies_within_published_ranges():
    assert 0.70 <= mass_factor(120).mg_per_cm3_per_hu <= 0.83
    assert 0.51 <= mass_factor(80).mg_per_cm3_per_hu <= 0.59
    assert not mass_factor(120).calibrated


@pytest.mark.parametrize("tube_voltage_kv", [80.0, 100.0, 120.0, 140.0])
@pytest.mark.parametrize("offset_mm", [0.0, 1.0, 2.0])
def test_the_synthetic_qrm_phantom_weighs_168_mg(tube_voltage_kv, offset_mm):
    factor = mass_factor(tube_voltage_kv)
    hu, grid = qrm_phantom(1 / factor.mg_per_cm3_per_hu, offset_mm)
    mask = hu >= threshold_at(tube_voltage_kv)
    assert 168.2 * 0.88 <= mass_mg_of(hu, mask, grid, factor) <= 168.2 * 1.05
    assert agatston_of(hu, mask, grid, tube_voltage_kv, CalciumParams()) > 400


def qrm_phantom(hu_per_mg, offset_mm):
    """Nine cylinders, 1, 3, 5 mm wide and long, of 200, 400, 800 mg/cm3 in tissue of 40 HU, on slices of 3 mm."""
    fine = 0.25
    size = np.array([21.0, 48.0, 48.0])
    z, y, x = (np.arange(n) * fine + fine / 2 for n in np.rint(size / fine).astype(int))
    hu = np.full((len(z), len(y), len(x)), 40.0)
    for row, width in enumerate((1.0, 3.0, 5.0)):
        for column, density in enumerate((200.0, 400.0, 800.0)):
            away = np.hypot(y[:, None] - 8 - 16 * row, x[None] - 8 - 16 * column)
            along = np.abs(z - 9 - offset_mm) <= width / 2
            hu[along[:, None, None] & (away <= width / 2)[None]] = density * hu_per_mg
    hu = ndimage.gaussian_filter(hu, 0.8 / 2.355 / fine)
    coarse = hu.reshape(7, 12, 96, 2, 96, 2).mean(axis=(1, 3, 5))
    coarse += np.random.default_rng(0).normal(0, 10, coarse.shape)
    return coarse.astype(np.int16), Geometry(shape=coarse.shape, spacing_mm=(3.0, 0.5, 0.5))
