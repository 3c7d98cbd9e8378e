"""An annulus that the user drew."""

import json

import numpy as np
import pytest

from ccma_seg.anatomy import locate, read_annulus
from ccma_seg.errors import ConfigError, GeometryError, InputPathError
from ccma_seg.geometry import Geometry
from ccma_seg.volume import Volume

NORMAL = np.array([0.6, -0.8, 0.0])
CENTER = np.array([10.0, -150.0, 40.0])


def circle(radius_mm=17.0, count=12):
    across = np.array([[0.0, 0.0, 1.0], [0.8, 0.6, 0.0]])
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return CENTER + radius_mm * np.stack([np.cos(angle), np.sin(angle)], axis=1) @ across


def markups(points, system="LPS", labels=()):
    names = [*labels, *[""] * (len(points) - len(labels))]
    control = [{"position": list(p), "label": n} for p, n in zip(points, names, strict=True)]
    return {"markups": [{"type": "ClosedCurve", "coordinateSystem": system, "controlPoints": control}]}


@pytest.fixture
def write(tmp_path):
    def to_file(content):
        path = tmp_path / "annulus.mrk.json"
        path.write_text(json.dumps(content))
        return path

    return to_file


def test_a_drawn_circle_gives_its_centre_normal_and_diameters(write):
    annulus = read_annulus(write(markups(circle())))
    np.testing.assert_allclose(annulus.center_mm, CENTER, atol=0.01)
    np.testing.assert_allclose(annulus.normal, NORMAL, atol=1e-6)
    assert annulus.septal_lateral_mm == pytest.approx(34, abs=0.1)
    assert annulus.intercommissural_mm == pytest.approx(34, abs=0.1)
    assert annulus.method == "given"


def test_the_order_of_the_points_does_not_matter(write):
    shuffled = circle()[[3, 9, 0, 7, 1, 11, 5, 2, 10, 4, 8, 6]]
    np.testing.assert_allclose(
        read_annulus(write(markups(shuffled))).curve_mm, read_annulus(write(markups(circle()))).curve_mm, atol=1e-6
    )


@pytest.mark.parametrize("system", ["RAS", "0"])
def test_ras_points_are_turned_to_lps(write, system):
    annulus = read_annulus(write(markups(circle() * (-1, -1, 1), system)))
    np.testing.assert_allclose(annulus.center_mm, CENTER, atol=0.01)


def test_a_point_named_posterior_is_angle_0(write):
    points = circle()
    annulus = read_annulus(write(markups(points, labels=("posterior",))))
    assert annulus.angle_deg(points[0]) == pytest.approx(0, abs=0.5)


def test_a_point_named_apex_turns_the_normal_and_is_not_on_the_curve(write):
    points = np.vstack([CENTER - 80 * NORMAL, circle()])
    annulus = read_annulus(write(markups(points, labels=("apex",))))
    np.testing.assert_allclose(annulus.normal, -NORMAL, atol=1e-6)
    assert annulus.septal_lateral_mm == pytest.approx(34, abs=0.1)


def test_a_record_needs_only_centre_and_normal(write):
    annulus = read_annulus(write({"annulus": {"center_mm": list(CENTER), "normal": [0.6, -0.8, 0]}}))
    np.testing.assert_allclose(annulus.center_mm, CENTER)
    assert annulus.septal_lateral_mm is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "must hold a JSON object"),
        ({}, "needs center_mm and normal"),
        ({"center_mm": [1, 2], "normal": [0, 0, 1]}, "three numbers"),
        ({"center_mm": [1, 2, 3], "normal": [0, 0, 0]}, "must not be zero"),
        ({"markups": []}, "none that are placed"),
        (markups(circle(radius_mm=60)), "15 to 80 mm wide"),
        (markups(circle(), system="IJK"), "LPS or RAS"),
    ],
)
def test_what_is_no_annulus_is_refused(write, content, message):
    with pytest.raises(ConfigError, match=message):
        read_annulus(write(content))


def test_a_missing_file_is_said_so(tmp_path):
    with pytest.raises(InputPathError, match="cannot be read"):
        read_annulus(tmp_path / "none.json")


def water(origin_mm=(-50.0, -200.0, 0.0)):
    grid = Geometry(shape=(25, 30, 30), spacing_mm=(4.0, 4.0, 4.0), origin_mm=origin_mm)
    return Volume(hu=np.zeros(grid.shape, np.int16), geometry=grid)


def test_a_given_annulus_wins_even_where_no_heart_is_found(write):
    annulus = read_annulus(write(markups(circle())))
    found = locate(water(), annulus=annulus)
    assert found.annulus is annulus
    assert found.heart_box_mm is None
    assert "heart_not_found" in {reason.code for reason in found.reasons}


def test_an_annulus_outside_the_volume_is_refused(write):
    with pytest.raises(GeometryError, match="must lie in the volume"):
        locate(water(origin_mm=(500.0, 0.0, 0.0)), annulus=read_annulus(write(markups(circle()))))
