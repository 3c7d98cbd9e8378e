"""What stands out of noise, and the smallest focus that would."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from calcium_scene import RING_MM, ball, band, make_anatomy, make_volume, paint
from ccma_seg.calcium import CalciumKind, CalciumParams, find_calcium
from ccma_seg.calcium.visibility import find_visibility

SLICES = pytest.mark.parametrize("spacing_mm", [(1.0, 0.7, 0.7), (3.0, 0.7, 0.7), (5.0, 0.7, 0.7)])
KERNELS = pytest.mark.parametrize("blur_px", [0.0, 0.8])


def noisy(volume, sd_hu, *, blur_px=0.0, seed=3):
    noise = np.random.default_rng(seed).normal(size=volume.hu.shape)
    noise = ndimage.gaussian_filter(noise, (0, blur_px, blur_px))
    hu = volume.hu + sd_hu * noise / noise.std()
    return replace(volume, hu=np.clip(np.rint(hu), -1024, 3071).astype(np.int16))


@SLICES
@KERNELS
@pytest.mark.parametrize("blood_hu", [40.0, 140.0])
def test_noise_alone_is_never_annular(spacing_mm, blur_px, blood_hu):
    calcium = find_calcium(
        noisy(make_volume(blood_hu, spacing_mm), 100, blur_px=blur_px), make_anatomy(blood_hu, sd_hu=100)
    )
    near = [c for c in calcium.calcifications if c.kind in {CalciumKind.ANNULAR, CalciumKind.UNDECIDED}]
    assert near == []


@SLICES
def test_a_band_is_as_large_in_noise_as_without(spacing_mm):
    volume = paint(make_volume(40.0, spacing_mm), band(0, 120, 6), 700)
    clear, hidden = (find_calcium(v, make_anatomy()) for v in (volume, noisy(volume, 50)))
    volumes = [c.volume_of_kind_mm3(CalciumKind.ANNULAR) for c in (clear, hidden)]
    assert volumes[1] == pytest.approx(volumes[0], rel=0.15)


def test_the_noise_of_the_view_is_far_below_that_of_voxels_and_both_are_measured():
    volume = noisy(make_volume(40.0, (1.0, 0.7, 0.7)), 80)
    found = find_visibility(volume.hu, volume.geometry, blood_hu=40, params=CalciumParams())
    assert found.voxel_sd_hu == pytest.approx(80, rel=0.1)
    assert found.sd_hu < 0.2 * 80


def test_the_limit_grows_with_noise_and_slices():
    limits = [
        find_calcium(noisy(make_volume(40.0, spacing), sd), make_anatomy()).detection_limit_mm3
        for spacing, sd in (((1.0, 0.7, 0.7), 1), ((1.0, 0.7, 0.7), 100), ((5.0, 0.7, 0.7), 100))
    ]
    assert limits == sorted(limits)
    assert limits[0] < 10 < limits[2]


@pytest.mark.parametrize("sd_hu", [1, 60])
def test_a_focus_at_the_limit_is_found(sd_hu):
    volume = noisy(make_volume(40.0, (1.0, 0.7, 0.7)), sd_hu)
    limit = find_calcium(volume, make_anatomy()).detection_limit_mm3
    focus = ball((0, RING_MM, 0), np.cbrt(3 * 1.5 * limit / (4 * np.pi)))
    assert find_calcium(paint(volume, focus, 340), make_anatomy()).calcifications != ()
