"""The annulus written for 3D Slicer, moved there, and handed back."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from typer.testing import CliRunner

from benchmarks.golden import EXAMS
from ccma_seg.anatomy import read_annulus, write_annulus
from ccma_seg.anatomy.ring import RingParams, annulus_at
from ccma_seg.cli.app import app
from ccma_seg.errors import ConfigError, OutputError
from ccma_seg.phantom import make_phantom, read_recipe
from ccma_seg.series import write_series

RUNNER = CliRunner()
TURN = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
UP = np.array([0.0, 0.0, 3.0])


def ring(**sizes):
    place = np.array([4.0, -160.0, -200.0]), np.array([0.61, -0.70, -0.37]), np.array([0.49, 0.73, -0.43])
    return annulus_at(*place, params=RingParams(), method="blood_pools", uncertainty_mm=2.3, **sizes)


def apart_mm(one, other):
    """The farthest that a point of one ring lies from the other, drawn as a line."""
    closed = np.vstack([other.curve_mm, other.curve_mm[:1]])
    line = np.concatenate([np.linspace(a, b, 20) for a, b in pairwise(closed)])
    return cdist(one.curve_mm, line).min(axis=1).max()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "annulus.mrk.json"


def edit(path, change):
    content = json.loads(path.read_text())
    for markup in content["markups"]:
        for point in markup["controlPoints"]:
            change(point)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("sizes", [{}, {"septal_lateral_mm": 26.0, "intercommissural_mm": 47.0}])
def test_what_was_written_is_read_back_as_it_was(path, sizes):
    written = ring(**sizes)
    write_annulus(written, path, apex_mm=(50.0, -220.0, -230.0))
    read = read_annulus(path)
    np.testing.assert_allclose(read.center_mm, written.center_mm, atol=0.01)
    np.testing.assert_allclose(read.axes, written.axes, atol=1e-3)
    assert apart_mm(read, written) < 0.2
    assert read.method == "given"


def test_writing_what_was_read_changes_nothing_more(path):
    write_annulus(ring(), path)
    once = read_annulus(path)
    write_annulus(once, path)
    assert apart_mm(read_annulus(path), once) < 0.1


def test_a_moved_point_moves_the_ring_there_and_little_elsewhere(path):
    written = ring()
    write_annulus(written, path)

    def pull(point):
        if point["label"] == "posterior":
            point["position"] = list(np.array(point["position"]) + 4 * np.array(written.posterior))

    edit(path, pull)
    read = read_annulus(path)
    outward = written.outward_mm(read.curve_mm)
    assert outward[0] == pytest.approx(4, abs=0.3)
    assert np.abs(outward[12:61]).max() < 0.8
    np.testing.assert_allclose(read.center_mm, written.center_mm, atol=0.3)
    assert read.septal_lateral_mm == pytest.approx(31.4 + 4, abs=0.3)


@pytest.mark.parametrize("with_locked", [True, False])
def test_a_curve_moved_as_a_whole_takes_its_frame_along(path, with_locked):
    written, shift = ring(), np.array([3.0, -2.0, 6.0])
    write_annulus(written, path)

    def move(point):
        if with_locked or not point["locked"]:
            point["position"] = list(TURN @ point["position"] + shift)

    edit(path, move)
    read = read_annulus(path)
    np.testing.assert_allclose(read.center_mm, TURN @ written.center_mm + shift, atol=0.01)
    np.testing.assert_allclose(read.axes, written.axes @ TURN.T, atol=1e-3)


def test_added_and_deleted_points_are_taken_as_they_are(path):
    written = ring()
    write_annulus(written, path)
    content = json.loads(path.read_text())
    points = content["markups"][0]["controlPoints"]
    outside = written.to_patient([0, 30, 0])
    points[6:7] = [{"position": list(outside), "label": "new"}]
    path.write_text(json.dumps(content))
    read = read_annulus(path)
    assert written.to_frame(read.curve_mm)[:, 1].max() == pytest.approx(30, abs=0.5)
    np.testing.assert_allclose(read.center_mm, written.center_mm, atol=0.01)


def test_what_slicer_asks_of_a_closed_curve_is_there(path):
    write_annulus(ring(), path, apex_mm=(50.0, -220.0, -230.0))
    content = json.loads(path.read_text())
    curve, seen = content["markups"]
    assert (curve["type"], seen["type"]) == ("ClosedCurve", "Fiducial")
    assert {curve["coordinateSystem"], seen["coordinateSystem"]} == {"LPS"}
    assert [point["label"] for point in seen["controlPoints"]] == ["center", "apex"]
    assert len(curve["controlPoints"]) == 24
    assert all(len(point["position"]) == 3 and point["positionStatus"] == "defined" for point in curve["controlPoints"])


def test_a_centre_among_hand_set_points_is_not_on_the_ring(path):
    written = ring()
    points = [{"position": list(p), "label": ""} for p in written.curve_mm[::6]]
    points.append({"position": list(written.center_mm), "label": "Center"})
    path.write_text(json.dumps({"markups": [{"controlPoints": points}]}))
    assert read_annulus(path).septal_lateral_mm == pytest.approx(31.4, abs=0.8)


def test_a_curve_shrunk_to_nothing_is_refused(path):
    written = ring()
    write_annulus(written, path)
    center = np.array(written.center_mm)
    edit(path, lambda point: point.update(position=list(center + 0.2 * (np.array(point["position"]) - center))))
    with pytest.raises(ConfigError, match="15 to 80 mm wide"):
        read_annulus(path)


def test_a_place_that_cannot_be_written_is_said_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_annulus(ring(), tmp_path / "file" / "annulus.mrk.json")


@pytest.fixture(scope="module")
def exam(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exam")
    write_series(make_phantom(replace(read_recipe("normal"), scanner=EXAMS["normal"].scanner)).volume, folder)
    return folder


def run(*arguments):
    return RUNNER.invoke(app, ["run", *map(str, arguments), "--set", "output.quick=true"])


def test_run_writes_the_annulus_and_takes_it_back_moved(exam, tmp_path):
    path = tmp_path / "first" / "annulus.mrk.json"
    assert run(exam, "-o", tmp_path / "first", "--write-annulus", path).exit_code == 0
    edit(path, lambda point: point.update(position=list(UP + point["position"])))
    assert run(exam, "-o", tmp_path / "second", "--annulus", path).exit_code == 0
    first, second = (json.loads((tmp_path / n / "report.json").read_text())["annulus"] for n in ("first", "second"))
    np.testing.assert_allclose(second["center_mm"], UP + first["center_mm"], atol=0.01)
    np.testing.assert_allclose(second["normal"], first["normal"], atol=1e-3)
    assert second["method"] == "given"


def test_a_file_that_exists_is_kept_unless_forced(exam, tmp_path):
    path = tmp_path / "annulus.mrk.json"
    path.write_text("mine")
    result = run(exam, "-o", tmp_path / "out", "--write-annulus", path)
    assert result.exit_code == 6
    assert "exists already" in result.stderr
    assert path.read_text() == "mine"
    assert not (tmp_path / "out").exists()
