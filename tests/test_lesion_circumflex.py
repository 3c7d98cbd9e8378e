"""How far a mass is from the circumflex artery."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from ccma_seg.lesion import measure, segment
from shell_phantom import RING_MM, Shell, make_shell

BLOOD_HU = 400.0
RADIUS_MM = 1.5


@lru_cache
def measured(beyond_mm=None, *, blood_hu=BLOOD_HU, radius_mm=RADIUS_MM):
    """Draw an artery in the fat behind a mass, its lumen so far from it."""
    scene = make_shell(Shell(axes_mm=(12.0, 12.0, 12.0), blood_hu=blood_hu, myocardium_hu=95.0))
    hu = scene.volume.hu.copy()
    _, y, z = np.moveaxis(scene.volume.geometry.to_patient(np.moveaxis(np.indices(hu.shape), 0, -1)), -1, 0)
    hu[(y > RING_MM + 6.2) & (hu < 150)] = -90
    if beyond_mm is not None:
        away = np.hypot(y - (RING_MM + 6.0 + beyond_mm + radius_mm), z - scene.center_mm[2])
        hu[away < radius_mm] = blood_hu
    volume = replace(scene.volume, hu=hu)
    (lesion,) = segment(volume, scene.anatomy, scene.calcium)
    return measure(volume, scene.anatomy, lesion)


def codes(found):
    return {reason.code for reason in found.reasons}


@pytest.mark.parametrize("beyond_mm", [1.5, 2.5])
def test_the_distance_to_the_artery_is_within_its_uncertainty(beyond_mm):
    found = measured(beyond_mm)
    assert abs(found.circumflex_distance_mm - beyond_mm) <= found.uncertainty["circumflex_distance_mm"] <= 1


def test_without_an_artery_in_sight_the_distance_is_not_given():
    found = measured()
    assert found.circumflex_distance_mm is None
    assert "circumflex_not_seen" in codes(found)


def test_without_contrast_the_artery_is_not_looked_for():
    found = measured(1.5, blood_hu=40.0)
    assert found.circumflex_distance_mm is None
    assert "circumflex_not_assessable" in codes(found)
