"""The files of one exam."""

import base64
import csv
import errno
import gzip
import hashlib
import json
import os
import re
from dataclasses import replace
from importlib import resources
from pathlib import Path

import jsonschema
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from ccma_seg.errors import OutputError
from ccma_seg.quantities import quantities, rule_quantities
from ccma_seg.record import record_schema
from ccma_seg.record.table import lesion_columns, lesion_row, write_table
from ccma_seg.report import make_label_map, write_results
from ccma_seg.report.wording import show
from ccma_seg.report.writing import check_output, whole_folder


@pytest.fixture(scope="module")
def result(analysis, tmp_path_factory):
    return write_results(analysis, tmp_path_factory.mktemp("results") / "out")


def test_the_record_on_disk_follows_the_schema_and_names_the_files(result):
    record = json.loads((result / "report.json").read_text("utf-8"))
    jsonschema.validate(record, record_schema())
    assert all((result / name).is_file() for name in record["files"].values())


def test_a_quick_run_writes_the_same_labels_and_no_pictures(analysis, result, tmp_path):
    hurried = replace(analysis, config=analysis.config.with_setting("output.quick=true"))
    out = write_results(hurried, tmp_path / "out")
    names = {"report.json", "labels.nii.gz", "labels.txt", "labels.ctbl", "lesions.csv"}
    assert {path.name for path in out.iterdir()} == names
    assert (out / "labels.nii.gz").read_bytes() == (result / "labels.nii.gz").read_bytes()


def test_labels_lie_where_the_volume_lies_for_two_independent_readers(analysis, result):
    labels = make_label_map(analysis)
    index = np.argwhere(labels.labels > 0)[0]
    expected = analysis.volume.geometry.to_patient(index)
    image = nib.load(result / "labels.nii.gz")
    ras = image.affine @ [*index[::-1], 1]
    np.testing.assert_allclose(ras[:3] * [-1, -1, 1], expected, atol=1e-3)
    itk = sitk.ReadImage(str(result / "labels.nii.gz"))
    np.testing.assert_allclose(itk.TransformIndexToPhysicalPoint([int(i) for i in index[::-1]]), expected, atol=1e-3)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(itk), labels.labels)


def test_lesions_csv_has_a_row_a_lesion_with_the_records_keys(analysis, result):
    rows = list(csv.DictReader((result / "lesions.csv").read_text("utf-8").splitlines()))
    assert len(rows) == len(analysis.masses)
    assert {"rim_coverage_pct", "core_mean_hu", "centroid_mm_x", "long_axis_mm"} <= set(lesion_columns())
    assert all(float(row["long_axis_mm"]) > 0 for row in rows)


def test_the_page_is_one_file_that_asks_for_nothing(result):
    page = (result / "report.html").read_text("utf-8")
    assert not re.search(r"https?:|src=\"(?!data:)|url\(", page)
    assert page.count("not a medical device") == 1
    assert len(page) < 6e6


def test_a_figure_is_shown_in_the_unit_of_the_table_and_not_in_one_that_its_name_ends_with():
    shown = show(rule_quantities()["core_hu_at_120_kv"], 80.2)
    assert (shown.name, shown.value, shown.unit) == ("core HU at 120 kV", "80", "HU")
    assert show(rule_quantities()["rim.mean_hu"], None).unit == ""


def test_trigones_and_chambers_are_shown_by_name():
    trigones, _ = (q for q in quantities("exam") if q.kind == "answers")
    assert show(trigones, {"anterolateral": True, "posteromedial": False}).value == "anterolateral"
    assert show(rule_quantities()["cavity.communicates_with"], []).value == "none"


def test_a_hostile_description_does_no_harm(analysis, tmp_path):
    text = "</script><script>alert(1)</script>" + "腔" * 300
    acquisition = replace(analysis.volume.acquisition, description=text, manufacturer=text, model=text, kernel=text)
    hostile = replace(analysis, volume=replace(analysis.volume, acquisition=acquisition))
    page = (write_results(hostile, tmp_path / "out") / "report.html").read_text("utf-8")
    assert "alert(1)" not in page
    assert "腔" not in page


def test_the_same_exam_gives_the_same_bytes(analysis, result, tmp_path):
    again = write_results(analysis, tmp_path / "again")
    assert {p.name: p.read_bytes() for p in again.iterdir()} == {p.name: p.read_bytes() for p in result.iterdir()}


def test_a_result_is_replaced_only_when_forced(analysis, tmp_path):
    out = write_results(analysis, tmp_path / "out")
    with pytest.raises(OutputError, match="--force"):
        write_results(analysis, out)
    write_results(analysis, out, force=True)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("name", [".", "..", "x" * 300, "file/below", "locked/result"])
def test_places_that_cannot_be_written_are_refused_before_the_work(tmp_path, monkeypatch, name):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "file").touch()
    (tmp_path / "here" / "locked").mkdir(mode=0o500)
    monkeypatch.chdir(tmp_path / "here")
    if name.startswith("locked") and os.access("locked", os.W_OK):
        pytest.skip("who runs this may write anywhere")
    with pytest.raises(OutputError, match="give"):
        check_output(Path(name), force=True)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "here", "locked"]


def test_a_failure_leaves_nothing_behind(tmp_path):
    def fill_the_disk():
        with whole_folder(tmp_path / "out") as folder:
            (folder / "half").write_text("half", "utf-8")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match="the disk is full"):
        fill_the_disk()
    assert list(tmp_path.iterdir()) == []


def test_a_rim_without_gaps_has_0_of_them_in_the_table_and_not_an_empty_cell():
    assert lesion_row({"rim": {"gaps": []}})["rim_gaps"] == 0
    assert lesion_row({"rim": {"gaps": None}})["rim_gaps"] is None


def test_no_cell_of_a_table_can_run_as_a_formula():
    assert write_table([{"a": "=cmd()", "b": -3.0, "c": None}], ["a", "b", "c"]) == "a,b,c\n'=cmd(),-3.0,\n"


def test_the_viewer_is_the_published_library_unchanged():
    folder = resources.files("ccma_seg.report") / "niivue"
    code = gzip.decompress((folder / "niivue.umd.js.gz").read_bytes())
    assert hashlib.sha256(code).hexdigest() in (folder / "LICENSE.txt").read_text("utf-8")


def test_the_page_lets_run_only_its_own_scripts(result):
    page = (result / "report.html").read_text("utf-8")
    policy = re.search(r'Security-Policy" content="([^"]+)"', page)[1].replace("&#39;", "'")
    script = re.search(r'<script id="page">(.*?)</script>', page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_viewer_in_the_page_shows_ct_and_labels_in_their_place(analysis, result, tmp_path):
    page = (result / "report.html").read_text("utf-8")
    data = json.loads(re.search(r'<script id="viewer-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    for name in ("volume", "labels"):
        (tmp_path / f"{name}.nii.gz").write_bytes(base64.b64decode(data[name]))
    volume, labels = (nib.load(tmp_path / f"{name}.nii.gz") for name in ("volume", "labels"))
    np.testing.assert_array_equal(volume.affine, labels.affine)
    centroid = np.array(analysis.masses[0].measurements.centroid_mm)
    index = np.rint(np.linalg.inv(volume.affine) @ [*centroid * (-1, -1, 1), 1]).astype(int)[:3]
    there = np.rint(analysis.volume.geometry.to_index(centroid)).astype(int)
    assert abs(volume.dataobj[tuple(index)] - analysis.volume.hu[tuple(there)]) < 200
    assert labels.dataobj[tuple(index)] == make_label_map(analysis).labels[tuple(there)]
