"""How a heart lies: poses, and their refinement."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from ccma_seg.anatomy.channels import Channels
from ccma_seg.anatomy.heart import HeartParams
from ccma_seg.anatomy.pose import PARAMETERS, Pose, mean_pose
from ccma_seg.anatomy.refine import Region, likeness, refine
from ccma_seg.anatomy.search import search
from ccma_seg.anatomy.template import close_template, from_arrays, heart_template, to_arrays, with_mean_places
from ccma_seg.geometry import Geometry

PARAMS = HeartParams()


def exam(pose, template=None):
    """Return a template itself as an exam, lying as `pose` says."""
    template = template or heart_template()
    grid = Geometry(shape=(70, 80, 80), spacing_mm=(3.0, 3.0, 3.0), origin_mm=(-120.0, -120.0, -105.0))
    positions = grid.to_patient(np.moveaxis(np.indices(grid.shape), 0, -1))
    local = (positions - pose.center_mm) @ np.linalg.inv(pose.matrix).T
    index = np.moveaxis(template.geometry.to_index(local), -1, 0)
    pictures = [ndimage.map_coordinates(p, index, order=1, mode="nearest") for p in template.mean[:2]]
    return Channels(values=np.stack(pictures), measured=np.ones(grid.shape, np.float32), geometry=grid)


def pose_of(*step):
    return Pose(center_mm=(0.0, 0.0, 0.0), rotation=np.eye(3)).moved(
        np.array([*step, *[0.0] * (PARAMETERS - len(step))])
    )


def test_a_pose_maps_the_origin_to_its_centre():
    np.testing.assert_allclose(pose_of(1, 2, 3, 0.1, 0.2, 0.3, 0.1).to_patient(np.zeros(3)), (1, 2, 3))


def test_size_scales_all_lengths():
    np.testing.assert_allclose(pose_of(0, 0, 0, 0, 0, 0, np.log(2)).matrix, 2 * np.eye(3), atol=1e-12)


def test_changes_of_shape_keep_the_volume():
    assert np.linalg.det(pose_of(0, 0, 0, 0, 0, 0, 0, 0.1, 0.05, 0.03, -0.02, 0.04).matrix) == pytest.approx(1)


def test_the_template_is_found_where_it_was_laid():
    _, found = search(exam(pose_of(12, -8, 9)), heart_template(), PARAMS.search)[0]
    assert np.linalg.norm(np.subtract(found.center_mm, (12, -8, 9))) < PARAMS.search.cell_mm


def test_refinement_undoes_a_shift_a_turn_and_a_change_of_size():
    truth = pose_of(6, -5, 4, 0.1, -0.08, 0.12, 0.06)
    region = Region(radius_mm=90.0, shares=(0.5, 0.5, 0.0), steps=30)
    fit = refine(exam(truth), heart_template(), pose_of(0), region=region, params=PARAMS.refine)
    assert np.linalg.norm(np.subtract(fit.pose.center_mm, truth.center_mm)) < 0.5
    np.testing.assert_allclose(fit.pose.matrix, truth.matrix, atol=0.02)
    assert fit.misfit < 0.02


def test_a_pinned_annulus_stays():
    region = Region(radius_mm=90.0, shares=(0.5, 0.5, 0.0), pinned=True)
    fit = refine(exam(pose_of(3, 0, 0)), heart_template(), pose_of(0), region=region, params=PARAMS.refine)
    np.testing.assert_allclose(fit.pose.center_mm, 0, atol=1e-3)


def test_the_template_is_fully_like_itself():
    found = likeness(exam(pose_of(0)), heart_template(), pose_of(0), region=PARAMS.alike, params=PARAMS.refine)
    assert found == pytest.approx(2, abs=0.05)


def test_a_heart_that_differs_as_others_do_is_fitted_closer_where_these_ways_are_known():
    template = close_template()
    strange = replace(template, mean=template.mean + 1.5 * template.modes[0])
    fits = [
        refine(exam(pose_of(0), strange), known, pose_of(4, -3, 3), region=PARAMS.plain[-1], params=PARAMS.refine)
        for known in (template, replace(template, modes=None))
    ]
    with_ways, without = (np.linalg.norm(fit.pose.center_mm) for fit in fits)
    assert with_ways < 0.6 * without
    assert fits[0].misfit < 0.5 * fits[1].misfit


def test_the_middle_of_poses_undoes_what_they_differ_by():
    middle = mean_pose([pose_of(3, 0, 0, 0.1, 0, 0, 0.2), pose_of(-3, 0, 0, -0.1, 0, 0, -0.2)])
    np.testing.assert_allclose(middle.center_mm, 0, atol=1e-12)
    np.testing.assert_allclose(middle.matrix, np.eye(3), atol=1e-12)


def test_both_templates_lie_alike():
    first, close = heart_template(), close_template()
    assert np.degrees(np.arccos(first.axis @ close.axis)) < 3
    for part in ("left_ventricle", "left_atrium", "aortic_root"):
        assert np.linalg.norm(getattr(first, part) - getattr(close, part)) < 6
    np.testing.assert_allclose(with_mean_places([first, close]).apex, (first.apex + close.apex) / 2)


@pytest.mark.parametrize("template", [heart_template, close_template])
def test_a_template_survives_its_file(template):
    stored = to_arrays(template())
    again = to_arrays(from_arrays(stored))
    assert all(np.array_equal(again[name], stored[name]) for name in stored)


def test_a_fit_where_nothing_is_measured_leaves_the_pose_finite():
    nothing = exam(pose_of(0)).without(np.ones((70, 80, 80), bool))
    region = Region(radius_mm=60.0, shares=(0.5, 0.5, 0.0))
    fit = refine(nothing, heart_template(), pose_of(5), region=region, params=PARAMS.refine)
    assert np.isfinite(fit.pose.center_mm).all()
    assert fit.coverage == 0
