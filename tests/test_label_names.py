"""Names, colours and surfaces of the labels, for other programs."""

import re
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from ccma_seg.errors import ConfigError
from ccma_seg.geometry import Geometry
from ccma_seg.lesion import CORE, RIM
from ccma_seg.output import OutputParams
from ccma_seg.report.labels import LABEL_COLORS, LABEL_NAMES
from ccma_seg.report.meshes import make_mesh, write_meshes
from ccma_seg.report.names import itk_snap_labels, slicer_colors
from ccma_seg.volume import LabelMap


def colors(rows):
    return {int(label): "#" + "".join(f"{int(part):02x}" for part in color) for label, *color in rows}


def test_itk_snap_gets_a_row_with_name_and_colour_for_every_label():
    rows = re.findall(r'^ *(\d+) +(\d+) +(\d+) +(\d+) +1  1  1 +"(.*)"$', itk_snap_labels(), re.MULTILINE)
    assert {int(row[0]): row[-1] for row in rows} == LABEL_NAMES
    assert colors(row[:4] for row in rows) == LABEL_COLORS


def test_slicer_gets_a_row_with_name_and_colour_for_every_label():
    rows = [line.split() for line in slicer_colors().splitlines()[2:]]
    assert {int(row[0]): row[1].replace("_", " ") for row in rows} == LABEL_NAMES
    assert colors((row[0], *row[2:5]) for row in rows) == LABEL_COLORS


def test_a_mesh_lies_where_its_voxels_lie_and_holds_as_much():
    angle = np.radians(20)
    leaning = ((0.0, -float(np.sin(angle)), float(np.cos(angle))), (0.0, float(np.cos(angle)), float(np.sin(angle))))
    geometry = Geometry(
        shape=(60, 60, 60),
        spacing_mm=(0.6, 0.5, 0.5),
        origin_mm=(-20.0, 30.0, -100.0),
        axes=(*leaning, (1.0, 0.0, 0.0)),
    )
    center = geometry.to_patient((30, 30, 30))
    away = np.linalg.norm(geometry.to_patient(np.moveaxis(np.indices(geometry.shape), 0, -1)) - center, axis=-1)
    shell = LabelMap(labels=np.where(away > 12, 0, np.where(away > 10, RIM, CORE)).astype(np.uint8), geometry=geometry)
    core, rim = make_mesh(shell, CORE), make_mesh(shell, RIM)
    assert core.is_watertight
    assert core.volume == pytest.approx(4 / 3 * np.pi * 10**3, rel=0.02)
    assert rim.volume == pytest.approx(4 / 3 * np.pi * (12**3 - 10**3), rel=0.02)
    np.testing.assert_allclose(core.center_mass, center, atol=0.05)


def test_meshes_of_an_exam_are_named_and_say_how_they_lie(analysis, tmp_path):
    names = write_meshes(analysis, tmp_path)
    assert names == {
        "lesion_1_rim": "lesion_1_rim.stl",
        "lesion_1_core": "lesion_1_core.stl",
        "meshes": "lesions.glb",
    }
    assert (tmp_path / "lesion_1_rim.stl").read_bytes().startswith(b"SPACE=LPS")
    rim = trimesh.load_mesh(tmp_path / "lesion_1_rim.stl")
    np.testing.assert_allclose(rim.bounds.mean(axis=0), analysis.masses[0].measurements.centroid_mm, atol=1.5)
    assert set(trimesh.load(tmp_path / "lesions.glb").geometry) == {"lesion_1_rim", "lesion_1_core"}
    again = tmp_path / "again"
    again.mkdir()
    write_meshes(analysis, again)
    assert all((again / name).read_bytes() == (tmp_path / name).read_bytes() for name in names.values())


def test_without_a_mass_there_is_no_mesh(analysis, tmp_path):
    assert write_meshes(replace(analysis, masses=()), tmp_path) == {}


def test_meshes_without_trimesh_are_refused_before_any_work(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="ccma-seg\\[mesh\\]"):
        OutputParams(meshes=True)
