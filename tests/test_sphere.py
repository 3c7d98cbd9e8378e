"""Directions and smooth functions of them."""

import numpy as np

from ccma_seg.lesion import sphere


def test_directions_are_balanced_unit_vectors():
    directions = sphere.directions(1000)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    np.testing.assert_allclose(directions.mean(axis=0), 0, atol=1e-3)


def test_triangles_close_the_sphere():
    assert len(sphere.triangles(1000)) == 2 * 1000 - 4


def test_each_direction_has_about_six_neighbours():
    count = np.diff(sphere.neighbours(1000).indptr)
    assert count.min() >= 3
    assert 5.9 < count.mean() < 6.1


def test_harmonics_are_orthonormal():
    directions = sphere.directions(20000)
    basis = sphere.harmonics(directions, 6)
    np.testing.assert_allclose(basis.T @ basis * 4 * np.pi / 20000, np.eye(49), atol=2e-3)


def test_each_harmonic_belongs_to_one_degree():
    np.testing.assert_array_equal(sphere.degrees(2), [0, 1, 1, 1, 2, 2, 2, 2, 2])
    z = sphere.directions(100)[:, 2]
    np.testing.assert_allclose(sphere.harmonics(sphere.directions(100), 1)[:, 2], np.sqrt(3 / (4 * np.pi)) * z)
