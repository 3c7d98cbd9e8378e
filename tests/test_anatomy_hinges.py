"""Where the muscle of the left ventricle begins."""

import numpy as np
import pytest

from ccma_seg.anatomy.blood import Enhancement
from ccma_seg.anatomy.frame import HeartFrame
from ccma_seg.anatomy.hinges import HingeParams, find_step
from ccma_seg.geometry import Geometry

GRID = Geometry(shape=(64, 64, 64), spacing_mm=(1.5, 1.5, 1.5), origin_mm=(-48.0, -48.0, -48.0))
FRAME = HeartFrame(origin_mm=np.zeros(3), axes=np.eye(3), length_mm=75.0, root=np.array([0.0, 30.0, 0.0]))


def heart(depth_mm, tilt=0.0, mass=None):
    """A tube of blood in fat; from `depth_mm` on it has a wall of muscle."""
    x, y, z = np.moveaxis(GRID.to_patient(np.moveaxis(np.indices(GRID.shape), 0, -1)), -1, 0)
    across = np.hypot(y, z)
    muscle = (across < 27) & (x - tilt * z > depth_mm)
    values = np.where(across < 17, 1.0, np.where(muscle, 0.0, -1.0)).astype(np.float32)
    dense = np.zeros(GRID.shape, bool)
    if mass is not None:
        dense = np.linalg.norm(np.stack([x, y, z], axis=-1) - mass, axis=-1) < 12
        values[dense] = 1.0
    return Enhancement(values=values, dense=dense, geometry=GRID)


@pytest.mark.parametrize("depth_mm", [-8.0, 0.0, 5.0])
def test_the_step_lies_where_the_wall_begins(depth_mm):
    step = find_step(heart(depth_mm), FRAME, params=HingeParams())
    assert step.depth_mm == pytest.approx(depth_mm, abs=1.5)
    assert step.contrast > 0.6


def test_a_tilted_annulus_is_followed():
    step = find_step(heart(2.0, tilt=0.3), FRAME, params=HingeParams())
    assert step.depth_mm == pytest.approx(2, abs=1.5)
    assert step.slopes[1] == pytest.approx(0.3, abs=0.1)


def test_a_calcified_mass_on_the_annulus_does_not_move_the_step():
    step = find_step(heart(0.0, mass=(0.0, -20.0, 0.0)), FRAME, params=HingeParams())
    assert step.depth_mm == pytest.approx(0, abs=1.5)


def test_where_all_is_hidden_there_is_no_step():
    hidden = heart(0.0)
    hidden.dense[:] = True
    assert find_step(hidden, FRAME, params=HingeParams()).contrast == 0
