"""Where the muscle of the left ventricle begins."""

from dataclasses import replace

import numpy as np
import pytest

from ccma_seg.anatomy.blood import Enhancement
from ccma_seg.anatomy.frame import HeartFrame
from ccma_seg.anatomy.hinges import HingeParams, find_depth
from ccma_seg.geometry import Geometry
from ccma_seg.tissue import CLEAR_CONTRAST_HU

GRID = Geometry(shape=(64, 64, 64), spacing_mm=(1.5, 1.5, 1.5), origin_mm=(-48.0, -48.0, -48.0))
FRAME = HeartFrame(origin_mm=np.zeros(3), axes=np.eye(3), length_mm=75.0, root=np.array([0.0, 30.0, 0.0]))


def heart(depth_mm, tilt=0.0, mass=None):
    """A tube of blood in fat; from `depth_mm` on it has a wall of muscle."""
    x, y, z = np.moveaxis(GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)
    across = np.hypot(y, z)
    muscle = np.where(across < 27, np.clip((x - tilt * z - depth_mm) / GRID.spacing_mm[0] + 0.5, 0, 1), 0)
    values = np.where(across < 17, 1.0, muscle - 1).astype(np.float32)
    dense = np.zeros(GRID.shape, bool)
    if mass is not None:
        dense = np.linalg.norm(np.stack([x, y, z], axis=-1) - mass, axis=-1) < 12
        values[dense] = 1.0
    return Enhancement(values=values, dense=dense, contrast_hu=250.0, geometry=GRID)


@pytest.mark.parametrize("depth_mm", [-8.0, 0.0, 5.0])
def test_the_annulus_lies_where_the_wall_begins(depth_mm):
    depth = find_depth(heart(depth_mm), FRAME, params=HingeParams())
    assert depth.mm == pytest.approx(depth_mm, abs=1.5)
    assert depth.sd_mm < 1.6


def test_a_tilted_annulus_is_followed():
    assert find_depth(heart(2.0, tilt=0.3), FRAME, params=HingeParams()).mm == pytest.approx(2, abs=1.5)


def test_a_calcified_mass_on_the_annulus_does_not_move_its_depth():
    depth = find_depth(heart(0.0, mass=(0.0, -20.0, 0.0)), FRAME, params=HingeParams())
    assert depth.mm == pytest.approx(0, abs=1.5)


def test_without_a_step_the_depth_is_the_templates_and_its_error_too():
    params = HingeParams()
    depth = find_depth(heart(60.0), FRAME, params=params)
    assert depth.mm == pytest.approx(0, abs=1)
    assert depth.sd_mm == pytest.approx(params.template_sd_mm, rel=0.2)


def test_where_all_is_hidden_the_template_alone_tells():
    hidden = heart(0.0)
    hidden.dense[:] = True
    assert find_depth(hidden, FRAME, params=HingeParams()).mm == 0


def test_in_low_contrast_hinges_say_nothing():
    params = HingeParams()
    faint = replace(heart(5.0), contrast_hu=CLEAR_CONTRAST_HU - 1)
    depth = find_depth(faint, FRAME, params=params)
    assert (depth.mm, depth.sd_mm) == (0.0, params.template_sd_mm)


def hourglass(depth_mm, *, leaflet=False):
    """Blood with a waist in nothing but muscle, or straight blood crossed by a thin dome of leaflets."""
    x, y, z = np.moveaxis(GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)
    across, along = np.hypot(y, z), np.abs(x - depth_mm)
    values = np.where(across < (20 if leaflet else 12 + np.minimum(along, 10)), 1.0, 0.0)
    if leaflet:
        values[np.abs(x - depth_mm - (20 - across) / 2) < 1] = 0.0
    return Enhancement(
        values=values.astype(np.float32), dense=np.zeros(GRID.shape, bool), contrast_hu=250.0, geometry=GRID
    )


@pytest.mark.parametrize("depth_mm", [-6.0, 4.0])
def test_without_fat_in_the_groove_the_annulus_is_the_waist_of_the_blood(depth_mm):
    depth = find_depth(hourglass(depth_mm), FRAME, params=HingeParams())
    assert depth.mm == pytest.approx(depth_mm, abs=1.5)


def test_closed_leaflets_make_no_waist():
    params = HingeParams()
    depth = find_depth(hourglass(0.0, leaflet=True), FRAME, params=params)
    assert depth.sd_mm == pytest.approx(params.template_sd_mm, rel=0.2)
