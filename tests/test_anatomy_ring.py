"""The ring: drawn with average diameters, and measured ones."""

from dataclasses import replace

import numpy as np
import pytest

from ccma_seg.anatomy import BLOOD_POOL_LA
from ccma_seg.anatomy.diameters import DiameterParams, by_heart_size, measure_diameters, weighed
from ccma_seg.anatomy.ring import RingParams, annulus_at, around, saddle
from ccma_seg.geometry import Geometry
from ccma_seg.volume import LabelMap, Volume

GRID = Geometry(shape=(80, 90, 90), spacing_mm=(0.9, 0.8, 0.8), origin_mm=(-36.0, -36.0, -36.0))


def ring():
    return annulus_at(
        np.zeros(3),
        np.array([0.0, 0.0, -1.0]),
        np.array([0.0, 1.0, 0.2]),
        params=RingParams(),
        method="template",
        uncertainty_mm=2.0,
    )


def test_the_saddle_has_the_diameters_and_the_height_asked_for():
    extent = np.ptp(saddle(RingParams(), septal_lateral_mm=30, intercommissural_mm=40), axis=0)
    np.testing.assert_allclose(extent, (30, 40, 6), atol=0.2)


def test_angle_0_is_posterior_and_90_lies_towards_the_cross_product():
    annulus = ring()
    np.testing.assert_allclose(annulus.posterior, (0, 1, 0), atol=1e-12)
    assert annulus.angle_deg(annulus.curve_mm[0]) == pytest.approx(0, abs=1e-6)
    assert annulus.angle_deg(annulus.curve_mm[18]) == pytest.approx(90, abs=1e-6)
    assert annulus.outward_mm(annulus.curve_mm) == pytest.approx(0, abs=1e-6)
    assert annulus.outward_mm(annulus.curve_mm[0] + 5 * np.array(annulus.posterior)) == pytest.approx(5, abs=1e-6)


def test_a_wider_heart_has_a_wider_ring():
    params = DiameterParams(of_mean_heart_mm=(30.0, 36.0))
    assert by_heart_size(1.2, params=params) == pytest.approx((36.0, 43.2))


def test_diameters_of_the_heart_and_those_seen_are_weighed():
    assert weighed((30.0, 36.0), (34.0, 40.0), params=DiameterParams(seen_weight=0.25)) == pytest.approx((31.0, 37.0))


def test_the_commissures_lie_nearest_to_the_apex():
    heights = ring().to_frame(ring().curve_mm)[:, 2]
    assert heights[18] == pytest.approx(heights.max())
    assert heights[0] == pytest.approx(heights.min())


def test_a_ring_laid_through_its_own_points_is_the_same_ring():
    annulus = ring()
    again = around(
        annulus.curve_mm, np.array(annulus.normal), np.array(annulus.posterior), method="given", uncertainty_mm=1
    )
    assert again.septal_lateral_mm == pytest.approx(RingParams().septal_lateral_mm, abs=0.5)
    assert again.intercommissural_mm == pytest.approx(RingParams().intercommissural_mm, abs=0.5)


def atrium(half_y_mm, half_x_mm):
    """An elliptic tube of blood above the ring."""
    x, y, z = np.moveaxis(GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)
    inside = ((y / half_y_mm) ** 2 + (x / half_x_mm) ** 2 < 1) & (z > 0)
    return LabelMap(labels=np.where(inside, BLOOD_POOL_LA, 0).astype(np.uint8), geometry=GRID)


def diameters(blood, *, calcium=None):
    hu = np.zeros(GRID.shape, np.int16)
    if calcium is not None:
        hu[calcium] = 900
    return measure_diameters(blood, ring(), Volume(hu=hu, geometry=GRID), dense_hu=500, params=DiameterParams())


def test_the_diameters_of_an_elliptic_orifice_are_its_axes():
    assert diameters(atrium(14.0, 18.0)) == pytest.approx((28, 36), abs=1.5)


def test_where_a_calcified_mass_holds_the_blood_off_nothing_is_measured():
    blood = atrium(14.0, 18.0)
    x, y, _ = np.moveaxis(GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)
    behind = np.hypot(x, y - 16) < 8
    pushed = replace(blood, labels=np.where(behind, 0, blood.labels))
    assert diameters(pushed, calcium=behind) is None
    assert diameters(pushed) is not None


def test_what_is_too_wide_for_an_annulus_is_not_measured():
    assert diameters(atrium(30.0, 34.0)) is None
