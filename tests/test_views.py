"""Planes through a volume, and what is drawn on them."""

from itertools import combinations

import numpy as np
import pytest
from skimage.color import rgb2lab

from ccma_seg.geometry import Geometry
from ccma_seg.report.labels import LABEL_COLORS, RING_COLOR
from ccma_seg.report.views import annular_planes, orthogonal_planes, outlines, plane_along, ring_on
from ccma_seg.volume import LabelMap
from exams import make_annulus

# Machado, Oliveira, Fernandes 2009: linear RGB as seen with a full deficiency.
SEEN = {
    "full colour": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def lab(color, seen):
    rgb = np.array([int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.clip(np.asarray(seen) @ rgb**2.2, 0, 1)
    return rgb2lab((linear ** (1 / 2.2))[None, None])[0, 0]


@pytest.mark.parametrize("sight", SEEN)
def test_any_two_colours_are_told_apart_with_every_sight(sight):
    colors = [lab(color, SEEN[sight]) for color in (*LABEL_COLORS.values(), RING_COLOR)]
    assert min(np.linalg.norm(a - b) for a, b in combinations(colors, 2)) > 15


def test_the_ring_is_a_line_from_above_and_two_dots_from_the_side():
    annulus = make_annulus()
    en_face, septal_lateral, intercommissural = annular_planes(annulus, annulus.center_mm)
    assert len(ring_on(en_face, annulus).line) == len(annulus.curve_mm) + 1
    across = sorted(ring_on(septal_lateral, annulus).dots[:, 0])
    np.testing.assert_allclose(across, [-16, 16], atol=0.3)
    np.testing.assert_allclose(sorted(ring_on(intercommissural, annulus).dots[:, 0]), [-18, 18], atol=0.3)


def test_an_outline_lies_where_the_label_ends():
    geometry = Geometry(shape=(40, 40, 40), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(-20.0, -20.0, -20.0))
    labels = np.zeros(geometry.shape, np.uint8)
    labels[15:26, 15:26, 15:26] = 2
    (line,) = outlines(LabelMap(labels=labels, geometry=geometry), orthogonal_planes((0.0, 0.0, 0.0))[0])[2]
    np.testing.assert_allclose(np.abs(line).max(axis=0), [5.5, 5.5], atol=0.5)


@pytest.mark.parametrize("direction", [(0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.6, 0.0, -0.8)])
def test_a_plane_along_a_direction_shows_it_upwards(direction):
    plane = plane_along(direction, make_annulus(), (1.0, 2.0, 3.0))
    np.testing.assert_allclose(plane.to_plane(np.array(direction) * 7 + (1, 2, 3)), [0, -7, 0], atol=1e-9)
    assert abs(np.dot(plane.right, plane.down)) < 1e-9
