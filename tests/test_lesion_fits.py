"""Ellipsoids through points, walls seen across, and rays."""

import numpy as np
import pytest
from scipy.special import ndtr

from ccma_seg.errors import ConfigError
from ccma_seg.lesion import LesionParams, sphere
from ccma_seg.lesion.ellipsoid import Ellipsoid, agreement, fit_ellipsoid, triangular
from ccma_seg.lesion.ellipsoid import sphere as ball
from ccma_seg.lesion.profile import Prior, fit_walls, wall_amplitude
from ccma_seg.lesion.rays import first_wall

STEPS = np.arange(-6.5, 3.6, 0.25)


def points_on(semi_axes, center, count=600):
    return sphere.directions(count) * semi_axes + center


def test_an_ellipsoid_is_found_again():
    points = points_on((14.0, 11.0, 8.0), (3.0, -2.0, 5.0))
    fit = fit_ellipsoid(points, ball(points.mean(axis=0) + 1, 10.0), tolerance_mm=1.0, prior=0.1)
    np.testing.assert_allclose(fit.semi_axes_mm(), (14, 11, 8), rtol=2e-3)
    np.testing.assert_allclose(fit.center_mm, (3, -2, 5), atol=0.02)


def test_stray_points_do_not_pull_an_ellipsoid():
    points = points_on((14.0, 11.0, 8.0), (0.0, 0.0, 0.0))
    points[::5] *= 2.5
    fit = fit_ellipsoid(points, ball((0, 0, 0), 10.0), tolerance_mm=1.0, prior=0.1)
    np.testing.assert_allclose(fit.semi_axes_mm(), (14, 11, 8), atol=0.15)


def test_a_triangular_shape_is_the_same_ellipsoid():
    shape = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0] @ np.diag((0.1, 0.08, 0.06))
    given = Ellipsoid(center_mm=np.zeros(3), shape=shape)
    lower = triangular(given)
    assert np.allclose(lower.shape, np.tril(lower.shape))
    directions = sphere.directions(50)
    np.testing.assert_allclose(lower.radius_mm(directions), given.radius_mm(directions))


def test_walls_inside_an_ellipsoid_speak_against_it():
    points = points_on((10.0, 10.0, 10.0), (0, 0, 0))
    right, large = (agreement(points, ball((0, 0, 0), r), tolerance_mm=1.0) for r in (10.0, 20.0))
    assert right == pytest.approx(len(points))
    assert large < 0


def blurred_wall(inner, outer, *, wall=1000.0, inside=60.0, outside=350.0, sigma=0.35):
    rise, fall = ndtr((STEPS - inner) / sigma), ndtr((STEPS - outer) / sigma)
    return inside * (1 - rise) + wall * (rise - fall) + outside * fall


@pytest.mark.parametrize("thickness", [1.0, 1.5, 2.5, 4.0])
def test_a_blurred_wall_is_measured_between_its_true_edges(thickness):
    profile = blurred_wall(0.4 - thickness, 0.4)[None]
    walls = fit_walls(profile, STEPS, np.array([0.35]), thickest_mm=5.0, prior=Prior(wall_hu=1000.0, spread_hu=100.0))
    assert walls.thickness_mm[0] == pytest.approx(thickness, abs=0.02)
    assert walls.outer_mm[0] == pytest.approx(0.4, abs=0.02)
    assert walls.wall_hu[0] == pytest.approx(1000, abs=15)


def test_with_known_edges_the_hu_of_wall_and_sides_are_found():
    profile = blurred_wall(-2.0, 0.0)[None]
    found = wall_amplitude(profile, STEPS, np.array([0.35]), edges_mm=(np.array([-2.0]), np.array([0.0])))
    np.testing.assert_allclose(found[0], (1000, 60, 350), atol=1)


def test_one_dense_sample_is_no_wall():
    profiles = np.zeros((3, 10))
    profiles[0, 4] = 900
    profiles[1, 4:7] = 900
    entry, leave, met = first_wall(profiles, 500)
    assert met.tolist() == [False, True, False]
    assert (entry[1], leave[1]) == (4, 7)


def test_shares_beyond_one_are_refused():
    with pytest.raises(ConfigError, match="enclosure"):
        LesionParams(enclosure=1.5)
