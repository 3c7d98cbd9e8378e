"""Calcium is found and sorted by place."""

from dataclasses import replace

import numpy as np
import pytest

from calcium_scene import RING_MM, ball, band, make_anatomy, make_annulus, make_volume, paint
from ccma_seg.anatomy.findings import Anatomy
from ccma_seg.calcium import CalciumKind, CalciumParams, find_calcium
from ccma_seg.calcium.pools import _block_means
from ccma_seg.errors import ConfigError, GeometryError
from ccma_seg.geometry import Geometry
from ccma_seg.volume import Volume

BLOOD = pytest.mark.parametrize("blood_hu", [40.0, 350.0, 500.0])


def kinds(calcium):
    return [c.kind for c in calcium.calcifications]


@BLOOD
def test_a_heart_without_calcium_has_none(blood_hu):
    assert find_calcium(make_volume(blood_hu), make_anatomy(blood_hu)).calcifications == ()


@BLOOD
@pytest.mark.parametrize("spacing_mm", [(0.5, 0.5, 0.5), (3.0, 0.7, 0.7)])
def test_a_band_on_the_ring_is_annular(blood_hu, spacing_mm):
    volume = paint(make_volume(blood_hu, spacing_mm), band(0, 120, 4), 1000)
    calcium = find_calcium(volume, make_anatomy(blood_hu))
    assert set(kinds(calcium)) == {CalciumKind.ANNULAR}


@BLOOD
@pytest.mark.parametrize(("radius", "rim"), [(8, 2), (12, 1.5), (20, 3)])
def test_the_shell_of_a_soft_mass_is_annular(blood_hu, radius, rim):
    center = (0, RING_MM + radius / 2, 0)
    volume = paint(paint(make_volume(blood_hu), ball(center, radius), 60), ball(center, radius, radius - rim), 900)
    calcium = find_calcium(volume, make_anatomy(blood_hu))
    assert set(kinds(calcium)) == {CalciumKind.ANNULAR}


def test_the_far_patch_of_a_broken_shell_belongs_to_the_mass():
    center, shell = (0, RING_MM + 6, 0), ball((0, RING_MM + 6, 0), 15, 13)
    volume = paint(make_volume(), ball(center, 15), 60)
    volume = paint(volume, lambda x, y, z: shell(x, y, z) & (np.abs(y - RING_MM - 12) > 1.5), 900)
    calcium = find_calcium(volume, make_anatomy())
    assert len(calcium.calcifications) == 2
    assert set(kinds(calcium)) == {CalciumKind.ANNULAR}


def test_volume_centroid_and_peak_are_those_of_the_voxels():
    volume = paint(make_volume(), ball((0, RING_MM, 0), 5), 700)
    (one,) = find_calcium(volume, make_anatomy()).calcifications
    assert one.volume_mm3 == np.count_nonzero(volume.hu == 700)
    assert one.peak_hu == 700
    np.testing.assert_allclose(one.centroid_mm, (0, RING_MM, 0), atol=0.5)


def test_labels_lie_on_a_crop_of_the_grid_of_the_volume():
    volume = paint(make_volume(), ball((0, RING_MM, 0), 4), 700)
    calcium = find_calcium(volume, make_anatomy())
    found = calcium.geometry.to_patient(np.argwhere(calcium.labels))
    np.testing.assert_allclose(found, volume.geometry.to_patient(np.argwhere(volume.hu == 700)), atol=1e-9)


def test_calcifications_come_by_falling_volume_with_labels_in_that_order():
    volume = paint(paint(make_volume(), ball((0, 16, 0), 3), 700), ball((16, 0, 0), 5), 700)
    calcium = find_calcium(volume, make_anatomy())
    assert [c.label for c in calcium.calcifications] == [1, 2]
    assert calcium.calcifications[0].volume_mm3 > calcium.calcifications[1].volume_mm3


def test_a_tube_in_the_groove_fat_is_coronary():
    volume = paint(make_volume(350), lambda x, y, z: (np.hypot(x, y - 23) <= 1.5) & (np.abs(z) < 5), 1000)
    assert kinds(find_calcium(volume, make_anatomy(350))) == [CalciumKind.CORONARY]


def test_a_coronary_tube_beside_annular_calcium_stays_coronary():
    volume = paint(make_volume(350), band(0, 100, 4), 1000)
    volume = paint(volume, lambda x, y, z: (np.hypot(x, y - 23) <= 1.5) & (np.abs(z) < 5), 1000)
    assert sorted(kinds(find_calcium(volume, make_anatomy(350)))) == [CalciumKind.ANNULAR, CalciumKind.CORONARY]


def test_without_fat_in_the_groove_a_focus_counts_on_the_ring_and_not_well_outside_it():
    muscle = paint(make_volume(), ball((0, RING_MM + 5, 0), 14), 60)
    on_ring, outside = (paint(muscle, ball((0, RING_MM + mm, 0), 1.5), 900) for mm in (0, 11))
    assert kinds(find_calcium(on_ring, make_anatomy()))[0] in {CalciumKind.ANNULAR, CalciumKind.UNDECIDED}
    assert kinds(find_calcium(outside, make_anatomy()))[0] not in {CalciumKind.ANNULAR, CalciumKind.UNDECIDED}


def test_calcium_in_the_aortic_root_is_not_annular():
    volume = paint(make_volume(350), ball((0, -29, 3), 4), 900)
    assert kinds(find_calcium(volume, make_anatomy(350))) == [CalciumKind.AORTIC_VALVE]


def test_annular_calcium_that_continues_into_the_aortic_root_is_split():
    def bridge(x, y, z):
        return (np.hypot(x, z) <= 2.5) & (y < -13) & (y > -38)

    volume = paint(paint(make_volume(350), ball((0, -30, 0), 14), 350), bridge, 900)
    calcium = find_calcium(volume, make_anatomy(350))
    (other,) = set(kinds(calcium)) - {CalciumKind.AORTIC_VALVE}
    assert other in {CalciumKind.ANNULAR, CalciumKind.UNDECIDED}
    annular = calcium.geometry.to_patient(np.argwhere(calcium.of_kind(other)))
    assert annular[:, 1].min() > -RING_MM - 6


def test_calcium_deep_in_the_ventricle_is_papillary():
    volume = paint(make_volume(350), ball((6, 5, -25), 3), 900)
    assert kinds(find_calcium(volume, make_anatomy(350))) == [CalciumKind.PAPILLARY]


def test_metal_is_called_metal():
    volume = paint(make_volume(), ball((0, RING_MM, 0), 4), 3071)
    assert kinds(find_calcium(volume, make_anatomy())) == [CalciumKind.METAL]


def test_a_right_heart_full_of_dense_contrast_is_not_calcium():
    volume = paint(make_volume(350), ball((-36, 0, 0), 18), 700)
    calcium = find_calcium(volume, make_anatomy(350))
    assert set(kinds(calcium)) == {CalciumKind.CONTRAST}


def test_a_band_that_touches_the_dense_right_heart_stays_annular():
    volume = paint(paint(make_volume(350), ball((-36, 0, 0), 18), 700), band(0, 200, 4), 1000)
    calcium = find_calcium(volume, make_anatomy(350))
    on_band = band(0, 150, 4)(*np.moveaxis(calcium.geometry.to_patient(np.argwhere(calcium.labels)), -1, 0))
    found = calcium.of_kind(CalciumKind.ANNULAR)[calcium.labels > 0]
    assert found[on_band].mean() > 0.9


def test_brighter_blood_in_the_midst_of_blood_is_not_calcium_and_calcium_there_is():
    streak, calcified = (paint(make_volume(350), ball((0, RING_MM - 6, 0), 3), hu) for hu in (500, 900))
    assert kinds(find_calcium(streak, make_anatomy(350))) == [CalciumKind.UNKNOWN]
    assert kinds(find_calcium(calcified, make_anatomy(350)))[0] in {CalciumKind.ANNULAR, CalciumKind.UNDECIDED}


def test_a_faint_band_beside_muscle_counts():
    volume = paint(make_volume(350), band(0, 60, 3.2), 620)
    assert CalciumKind.ANNULAR in kinds(find_calcium(volume, make_anatomy(350)))


def test_specks_of_two_voxels_are_noise():
    volume = paint(make_volume(), lambda x, y, z: (np.abs(x) < 1) & (y == 16.5) & (z == 0.5), 700)
    assert np.count_nonzero(volume.hu == 700) == 2
    assert find_calcium(volume, make_anatomy()).calcifications == ()


def test_calcium_that_may_be_annular_or_not_is_told_with_what_would_tell():
    volume = paint(make_volume(), ball((0, RING_MM + 4, 0), 2.5), 900)
    calcium = find_calcium(volume, make_anatomy(annulus=make_annulus(uncertainty_mm=6.5)))
    assert kinds(calcium) == [CalciumKind.UNDECIDED]
    assert [r.code for r in calcium.reasons] == ["calcium_undecided"]
    assert "annulus or circumflex artery, cannot be told on a plain CT in slices of 1 mm" in calcium.doubt
    assert calcium.doubt.endswith("a gated CT with contrast in thin slices would tell.")


def test_without_an_annulus_no_kind_is_known():
    volume = paint(make_volume(), ball((0, RING_MM, 0), 4), 900)
    calcium = find_calcium(volume, replace(make_anatomy(), annulus=None))
    assert kinds(calcium) == [CalciumKind.UNKNOWN]
    assert [r.code for r in calcium.reasons] == ["no_annulus"]


def test_an_anatomy_of_nothing_is_refused():
    anatomy = make_anatomy()
    with pytest.raises(GeometryError, match="heart box or an annulus"):
        find_calcium(make_volume(), Anatomy(contrast=anatomy.contrast, heart_box_mm=None, annulus=None))


def test_flipped_axes_change_nothing():
    volume = paint(make_volume(), band(20, 90, 4), 800)
    grid = volume.geometry
    flipped = Geometry(
        shape=grid.shape,
        spacing_mm=grid.spacing_mm,
        origin_mm=tuple(grid.to_patient((grid.shape[0] - 1, 0, 0))),
        axes=(tuple(-np.array(grid.axes[0])), grid.axes[1], grid.axes[2]),
    )
    other = Volume(hu=volume.hu[::-1].copy(), geometry=flipped, acquisition=volume.acquisition)
    (one,), (two,) = (find_calcium(v, make_anatomy()).calcifications for v in (volume, other))
    assert (one.kind, one.volume_mm3) == (two.kind, two.volume_mm3)
    np.testing.assert_allclose(one.centroid_mm, two.centroid_mm, atol=1e-9)


def test_a_useless_parameter_is_refused():
    with pytest.raises(ConfigError, match="min_voxels"):
        CalciumParams(min_voxels=0)


@pytest.mark.parametrize("shape", [(7, 11, 13), (8, 10, 12), (5, 5, 5), (1, 2, 3)])
@pytest.mark.parametrize("size", [(2, 5, 7), (3, 4, 4), (1, 9, 9)])
def test_blocks_of_one_value_average_to_it_whatever_the_grid(shape, size):
    means = _block_means(np.full(shape, 250, np.int16), np.array(size))
    assert means.shape == tuple(-(-n // s) for n, s in zip(shape, size, strict=True))
    np.testing.assert_allclose(means, 250)
