"""What must not matter to the figures of a mass: how it is turned, mirrored, shifted or sampled."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from ccma_seg.geometry import as_point
from ccma_seg.lesion import measure, segment
from shell_phantom import Shell, make_shell

SHELL = Shell(axes_mm=(16.0, 14.0, 13.0), coverage=0.85, seed=2)
KEYS = ("long_axis_mm", "short_axis_mm", "third_axis_mm", "volume_mm3", "max_diameter_mm")
RIM_KEYS = ("rim.coverage_pct", "rim.thickness_mm", "rim.mean_hu")
CORE_KEYS = ("core.mean_hu", "core.volume_mm3")


def figures(scene):
    (lesion,) = segment(scene.volume, scene.anatomy, scene.calcium)
    return measure(scene.volume, scene.anatomy, lesion)


@lru_cache
def upright():
    return figures(make_shell(SHELL))


def value(measured, key):
    for name in key.split("."):
        measured = getattr(measured, name)
    return measured


def on_grid(scene, geometry, hu=None, labels=None):
    hu = scene.volume.hu if hu is None else np.ascontiguousarray(hu)
    labels = scene.calcium.labels if labels is None else np.ascontiguousarray(labels)
    return replace(
        scene,
        volume=replace(scene.volume, hu=hu, geometry=geometry),
        anatomy=replace(scene.anatomy, blood_pools=None),
        calcium=replace(scene.calcium, labels=labels, geometry=geometry),
    )


def mirrored():
    scene = make_shell(SHELL)
    geometry = scene.volume.geometry
    x, y, z = geometry.to_patient((0, 0, geometry.shape[2] - 1))
    flipped = replace(geometry, origin_mm=(-x, y, z))
    return on_grid(scene, flipped, scene.volume.hu[:, :, ::-1], scene.calcium.labels[:, :, ::-1])


def turned():
    scene = make_shell(SHELL)
    turn = np.array([[0.8, -0.6, 0.0], [0.48, 0.64, -0.6], [0.36, 0.48, 0.8]])
    grid, annulus = scene.volume.geometry, scene.anatomy.annulus
    axes = tuple(as_point(turn @ axis) for axis in grid.axes)
    moved = {name: as_point(turn @ getattr(annulus, name)) for name in ("center_mm", "normal", "posterior")}
    scene = on_grid(scene, replace(grid, axes=axes, origin_mm=as_point(turn @ grid.origin_mm)))
    ring = replace(annulus, curve_mm=annulus.curve_mm @ turn.T, **moved)
    return replace(scene, anatomy=replace(scene.anatomy, annulus=ring))


CHANGES = {
    "mirrored": mirrored,
    "turned": turned,
    "shifted by parts of a voxel": lambda: make_shell(replace(SHELL, shift_mm=(0.21, -0.13, 0.17))),
    "sampled otherwise": lambda: make_shell(replace(SHELL, spacing_mm=(0.7, 0.55, 0.55))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_figures_stay_within_their_stated_uncertainty(change):
    before, after = upright(), figures(CHANGES[change]())
    for key in (*KEYS, *RIM_KEYS, *CORE_KEYS):
        allowed = np.hypot(before.uncertainty[key], after.uncertainty[key])
        assert value(after, key) == pytest.approx(value(before, key), abs=allowed), key


def test_a_turn_of_all_there_is_changes_almost_nothing():
    after = figures(CHANGES["turned"]())
    for key in KEYS:
        assert value(after, key) == pytest.approx(value(upright(), key), rel=0.01)
