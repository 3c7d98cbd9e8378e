"""Calcium threshold: tube voltage, noise and blood."""

from dataclasses import replace

import numpy as np
import pytest

from calcium_scene import make_anatomy, make_volume, positions
from ccma_seg.anatomy.findings import BLOOD_POOL_LA, BLOOD_POOL_LV, Contrast, ContrastState
from ccma_seg.calcium import CalciumParams
from ccma_seg.calcium.threshold import Blood, find_threshold, local_blood, threshold_at
from ccma_seg.volume import LabelMap


@pytest.mark.parametrize(("tube_voltage_kv", "hu"), [(70, 207), (80, 177), (100, 145), (120, 130), (135, 119)])
def test_the_threshold_without_contrast_follows_the_published_table(tube_voltage_kv, hu):
    assert threshold_at(tube_voltage_kv) == hu


@pytest.mark.parametrize("spacing_mm", [(3.0, 2.0, 2.0), (1.0, 1.0, 1.0)])
def test_without_contrast_the_table_alone_counts_whatever_the_noise(spacing_mm):
    volume = make_volume(spacing_mm=spacing_mm)
    assert find_threshold(volume, make_anatomy(sd_hu=60), CalciumParams()).hu == 130


def test_a_missing_tube_voltage_is_assumed_to_be_120_and_told():
    threshold = find_threshold(make_volume(tube_voltage_kv=None), make_anatomy(), CalciumParams())
    assert threshold.hu == 130
    assert [r.code for r in threshold.reasons] == ["tube_voltage_assumed"]


@pytest.mark.parametrize(("blood", "sd", "hu"), [(350, 20, 450), (350, 40, 450), (185, 5, 285)])
def test_with_contrast_the_threshold_lies_100_hu_above_blood_whatever_its_noise(blood, sd, hu):
    assert find_threshold(make_volume(blood), make_anatomy(blood, sd), CalciumParams()).hu == hu


def test_uncertain_contrast_takes_the_higher_threshold_and_says_so():
    anatomy = make_anatomy(contrast=Contrast(state=ContrastState.UNCERTAIN, blood_pool_hu=120.0, blood_pool_sd_hu=15.0))
    threshold = find_threshold(make_volume(120), anatomy, CalciumParams())
    assert threshold.hu == 220
    assert threshold.reasons[-1].code == "contrast_uncertain"
    assert threshold.reasons[-1].degrades


def test_unmeasured_blood_falls_back_to_the_plain_threshold_and_degrades():
    contrast = Contrast(state=ContrastState.ENHANCED, blood_pool_hu=None, blood_pool_sd_hu=None)
    threshold = find_threshold(make_volume(), make_anatomy(contrast=contrast), CalciumParams())
    assert threshold.hu == 130
    assert threshold.reasons[-1].code == "blood_pool_unknown"


def test_the_brighter_of_both_chambers_next_to_the_annulus_counts():
    volume = make_volume(300, sd_hu=0.0)
    z = volume.geometry.to_patient(np.argwhere(volume.hu == 300))[:, 2]
    hu = volume.hu.copy()
    hu[tuple(np.argwhere(volume.hu == 300)[z > 0].T)] = 380
    labels = np.where(hu == 380, BLOOD_POOL_LA, np.where(hu == 300, BLOOD_POOL_LV, 0)).astype(np.uint8)
    volume = type(volume)(hu=hu, geometry=volume.geometry, acquisition=volume.acquisition)
    anatomy = make_anatomy(300, blood_pools=LabelMap(labels=labels, geometry=volume.geometry))
    threshold = find_threshold(volume, anatomy, CalciumParams())
    assert threshold.hu == 480
    assert "left atrium" in threshold.rule


def test_the_noise_is_that_of_the_chamber_whose_label_holds_blood_alone():
    volume = make_volume(300, sd_hu=10.0)
    z = positions(volume.geometry)[2]
    labels = np.where(z > 0, BLOOD_POOL_LA, BLOOD_POOL_LV).astype(np.uint8)
    labels[(z < 0) & (volume.hu < 200)] = 0  # the atrium's label spills into muscle and fat
    hu = (volume.hu + 20 * (z > 0)).astype(np.int16)
    anatomy = make_anatomy(300, blood_pools=LabelMap(labels=labels, geometry=volume.geometry))
    blood = local_blood(replace(volume, hu=hu), anatomy, CalciumParams(blood_margin_mm=0.1))
    assert blood.where == "left atrium"
    assert blood.sd_hu == pytest.approx(10, abs=1.5)


def test_a_given_threshold_wins():
    assert find_threshold(make_volume(), make_anatomy(), CalciumParams(threshold_hu=650.0)).hu == 650


@pytest.mark.parametrize("dropped", [0, 1])
def test_blood_has_the_median_and_the_median_deviation_of_its_voxels(dropped):
    volume = make_volume(300, sd_hu=25.0)
    labels = np.full(volume.hu.shape, BLOOD_POOL_LV, np.uint8)
    labels.ravel()[:dropped] = 0
    anatomy = make_anatomy(blood_pools=LabelMap(labels=labels, geometry=volume.geometry))
    blood = local_blood(volume, anatomy, CalciumParams(blood_margin_mm=1000.0))
    voxels = volume.hu.ravel()[dropped:].astype(float)
    middle = np.median(voxels)
    assert blood == Blood(hu=middle, sd_hu=1.4826 * np.median(abs(voxels - middle)), where="left ventricle")
