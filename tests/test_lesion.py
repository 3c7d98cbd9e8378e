"""Masses: found by their shell, cut into parts, measured."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from ccma_seg.lesion import CAVITY, CORE, RIM, measure, segment
from shell_phantom import Shell, make_shell


@lru_cache(maxsize=32)
def analyzed(**settings):
    scene = make_shell(Shell(**settings))
    lesions = segment(scene.volume, scene.anatomy, scene.calcium)
    return scene, lesions, [measure(scene.volume, scene.anatomy, lesion) for lesion in lesions]


def only(**settings):
    scene, lesions, measured = analyzed(**settings)
    assert len(lesions) == 1
    return scene.truth, lesions[0], measured[0]


KINDS = {
    "soft core": {},
    "dense core": {"core_hu": 450.0, "rim_hu": 800.0, "noise_hu": 30.0},
    "patchy rim": {"coverage": 0.65, "seed": 3},
    "with contrast": {"blood_hu": 380.0, "myocardium_hu": 95.0, "seed": 4, "coverage": 0.8},
    "beside a band": {"blood_hu": 350.0, "myocardium_hu": 95.0, "ring": (200.0, 5.0)},
}


@pytest.mark.parametrize("kind", KINDS)
def test_axes_are_within_half_a_millimetre(kind):
    truth, _, found = only(**KINDS[kind])
    for key in ("long_axis_mm", "short_axis_mm", "third_axis_mm"):
        assert getattr(found, key) == pytest.approx(truth[key], abs=0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_volume_is_within_four_percent(kind):
    truth, _, found = only(**KINDS[kind])
    assert found.volume_mm3 == pytest.approx(truth["volume_mm3"], rel=0.04)


@pytest.mark.parametrize("kind", KINDS)
def test_rim_coverage_is_within_five_points(kind):
    truth, _, found = only(**KINDS[kind])
    assert found.rim.coverage_pct == pytest.approx(truth["rim.coverage_pct"], abs=5)


@pytest.mark.parametrize("rim_mm", [1.5, 2.0, 4.0])
def test_rim_thickness_is_within_a_third_of_a_millimetre(rim_mm):
    truth, _, found = only(rim_mm=rim_mm)
    assert found.rim.thickness_mm == pytest.approx(truth["rim.thickness_mm"], abs=0.35)


@pytest.mark.parametrize("kind", KINDS)
def test_core_hu_is_within_eight(kind):
    truth, _, found = only(**KINDS[kind])
    assert found.core.mean_hu == pytest.approx(truth["core.mean_hu"], abs=8)


def test_thick_slices_give_axes_within_1_2_mm():
    truth, _, found = only(spacing_mm=(3.0, 0.5, 0.5), axes_mm=(26.0, 22.0, 20.0))
    for key in ("long_axis_mm", "short_axis_mm", "third_axis_mm"):
        assert getattr(found, key) == pytest.approx(truth[key], abs=1.2)


def test_a_solid_nodule_is_no_mass():
    assert analyzed(solid=True)[1] == ()


def test_a_band_is_no_mass():
    assert analyzed(axes_mm=(4.0, 3.0, 3.0), rim_mm=1.0, ring=(220.0, 6.0), blood_hu=350.0)[1] == ()


def test_without_an_annulus_there_is_no_mass():
    scene, _, _ = analyzed()
    assert segment(scene.volume, replace(scene.anatomy, annulus=None), scene.calcium) == ()


def test_a_neck_is_measured_and_leads_to_its_chamber():
    truth, lesion, found = only(blood_hu=350.0, cavity_hu=345.0, myocardium_hu=95.0, neck_mm=3.0)
    assert found.cavity.present is True
    assert found.cavity.neck_mm == pytest.approx(truth["cavity.neck_mm"], abs=0.5)
    assert found.cavity.communicates_with
    assert lesion.parts.mask(CAVITY).any()


def test_an_intact_core_as_bright_as_blood_is_not_called_a_cavity():
    _, lesion, found = only(blood_hu=350.0, core_hu=350.0, myocardium_hu=95.0)
    assert found.cavity.present is None
    assert "core_like_blood" in {r.code for r in found.reasons}
    assert not lesion.parts.mask(CAVITY).any()


def test_without_contrast_a_cavity_is_not_assessed():
    _, _, found = only()
    assert found.cavity.present is None
    assert "cavity_needs_contrast" in {r.code for r in found.reasons}


def test_a_soft_core_with_contrast_has_no_cavity():
    _, _, found = only(**KINDS["with contrast"])
    assert found.cavity.present is False


def test_on_thick_slices_a_neck_is_not_assessable():
    _, _, found = only(spacing_mm=(3.0, 0.5, 0.5), axes_mm=(26.0, 22.0, 20.0))
    assert found.cavity.neck_mm is None
    assert "neck_not_assessable" in {r.code for r in found.reasons}


def test_parts_fill_the_envelope_on_the_grid_of_the_volume():
    scene, lesions, measured = analyzed()
    parts = lesions[0].parts
    assert parts.slices_in(scene.volume.geometry)
    voxels = np.isin(parts.labels, (RIM, CORE)).sum() * parts.geometry.voxel_mm3
    assert voxels == pytest.approx(measured[0].volume_mm3, rel=0.02)


def test_the_same_input_gives_the_same_parts():
    scene, lesions, _ = analyzed()
    again = segment(scene.volume, scene.anatomy, scene.calcium)
    np.testing.assert_array_equal(again[0].parts.labels, lesions[0].parts.labels)


def test_moving_the_patient_by_part_of_a_voxel_changes_nothing():
    _, _, here = only()
    _, _, there = only(shift_mm=(0.2, 0.13, -0.21))
    assert there.long_axis_mm == pytest.approx(here.long_axis_mm, abs=0.1)
    assert there.volume_mm3 == pytest.approx(here.volume_mm3, rel=0.01)
