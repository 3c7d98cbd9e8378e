"""The command line: what goes in, what comes out, and how it refuses."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from ccma_seg import Config
from ccma_seg.cli import main
from ccma_seg.cli.app import app
from ccma_seg.geometry import Geometry
from ccma_seg.series import write_series
from ccma_seg.volume import Acquisition, Volume

RUNNER = CliRunner()
SAMPLE = Path(__file__).parents[1] / "sample_data" / "dicom"


def call(*arguments):
    return RUNNER.invoke(app, [str(argument) for argument in arguments])


def make_block(slices=24, series_uid="1.2.3"):
    """A CT of nothing but soft tissue in air: no heart."""
    hu = np.full((slices, 64, 64), -1000, np.int16)
    hu[:, 16:48, 12:52] = 40
    geometry = Geometry(shape=hu.shape, spacing_mm=(3.0, 4.0, 4.0), origin_mm=(-128.0, -128.0, 0.0))
    acquisition = Acquisition(
        study_uid="1.2", series_uid=series_uid, slice_thickness_mm=3.0, tube_voltage_kv=120.0, kernel="B30f"
    )
    return Volume(hu=hu, geometry=geometry, acquisition=acquisition)


@pytest.fixture
def block(tmp_path):
    folder = tmp_path / "block"
    write_series(make_block(), folder)
    return folder


def edit(folder, **tags):
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        for name, value in tags.items():
            setattr(dataset, name, value)
        dataset.save_as(path)


def refused(source, tmp_path, *options):
    """Run on bad input; return exit code and the one line, having checked that nothing was left behind."""
    out = tmp_path / "out"
    before = sorted(p.name for p in tmp_path.iterdir())
    result = call("run", source, "-o", out, *options)
    assert not out.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    lines = [line for line in result.stderr.splitlines() if line.startswith("ccma-seg: ")]
    assert len(lines) == 1, result.output
    assert "Traceback" not in result.output
    return result.exit_code, lines[0]


@pytest.mark.parametrize(("wanted", "used"), [(None, "1"), ("3", "3")])
def test_help_finds_openblas_on_one_thread_unless_the_user_wants_more(monkeypatch, wanted, used):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", wanted or "")
    if wanted is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    monkeypatch.setattr(sys, "argv", ["ccma-seg", "--help"])
    with pytest.raises(SystemExit):
        main()
    assert os.environ["OPENBLAS_NUM_THREADS"] == used


def test_a_missing_input_leaves_with_5(tmp_path):
    code, line = refused(tmp_path / "none", tmp_path)
    assert code == 5
    assert "none" in line


def test_an_empty_folder_leaves_with_3(tmp_path):
    (tmp_path / "in").mkdir()
    assert refused(tmp_path / "in", tmp_path)[0] == 3


def test_text_files_leave_with_3(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_text("not an image", "utf-8")
    assert refused(tmp_path / "in", tmp_path)[0] == 3


def test_a_truncated_file_leaves_with_4(block, tmp_path):
    victim = sorted(block.iterdir())[7]
    victim.write_bytes(victim.read_bytes()[:-3000])
    code, line = refused(block, tmp_path)
    assert code == 4
    assert victim.name in line


def test_a_missing_middle_slice_leaves_with_10_and_says_where(block, tmp_path):
    sorted(block.iterdir())[10].unlink()
    code, line = refused(block, tmp_path)
    assert code == 10
    assert "--allow-missing-slices" in line


def test_two_patients_in_one_folder_leave_with_3(tmp_path):
    folder = tmp_path / "in"
    for number, name in enumerate(("one", "two")):
        write_series(make_block(series_uid=f"1.2.{number}"), folder / name)
        edit(folder / name, PatientID=name, StudyInstanceUID=f"1.9.{number}")
    code, line = refused(folder, tmp_path)
    assert code == 3
    assert "--series-uid" in line


def test_mr_leaves_with_3_and_says_why_it_takes_ct(block, tmp_path):
    edit(block, Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4")
    code, line = refused(block, tmp_path)
    assert code == 3
    assert "CT" in line
    assert "3 of 20" in line


def test_a_single_slice_leaves_with_3(block, tmp_path):
    assert refused(min(block.iterdir()), tmp_path)[0] == 3


def test_a_ct_without_a_heart_leaves_with_3(block, tmp_path):
    code, line = refused(block, tmp_path)
    assert code == 3
    assert "no usable heart" in line


def test_an_image_of_65535_x_65535_is_refused_before_it_is_read(block, tmp_path):
    edit(block, Rows=65535, Columns=65535)
    assert refused(block, tmp_path)[0] in {3, 4}


def test_a_zip_that_climbs_out_of_its_folder_writes_nothing_outside(block, tmp_path):
    path = tmp_path / "in.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.dcm", next(block.iterdir()).read_bytes())
    code, _ = refused(path, tmp_path)
    assert code in {3, 4}
    assert not (tmp_path.parent / "evil.dcm").exists()


def test_an_output_that_exists_leaves_with_6_before_any_work(block, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine", "utf-8")
    result = call("run", block, "-o", out)
    assert result.exit_code == 6
    assert "reading" not in result.stderr


def test_force_does_not_replace_a_folder_that_is_not_a_result(block, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine", "utf-8")
    assert call("run", block, "-o", out, "--force").exit_code == 6
    assert (out / "mine.txt").exists()


def test_with_json_a_refusal_is_one_json_line_on_stdout(tmp_path):
    result = call("run", tmp_path / "none", "-o", tmp_path / "out", "--json")
    record = json.loads(result.stdout)
    assert record["status"] == "failed"
    assert record["reasons"][0]["code"] == "input_path"


def test_a_patient_name_never_shows(block, tmp_path):
    edit(block, PatientName="Secret^Person", PatientID="ID-4711")
    result = call("run", block, "-o", tmp_path / "out", "-v", "--log-file", tmp_path / "log.txt")
    said = result.output + (tmp_path / "log.txt").read_text("utf-8")
    assert "Secret" not in said
    assert "4711" not in said


def test_a_wrong_setting_leaves_with_2(block, tmp_path):
    code, line = refused(block, tmp_path, "--set", "lesion.nonsense=3")
    assert code == 2
    assert "unknown key lesion.nonsense" in line


def test_inspect_lists_series_and_says_what_would_become_of_each(block):
    rows = [json.loads(line) for line in call("inspect", block, "--json").stdout.splitlines()]
    assert rows[0]["usable"] is True
    assert rows[0]["shape"] == [24, 64, 64]
    assert "24" in call("inspect", block).stdout


def test_config_prints_toml_with_sources():
    assert "[rules.criteria.thick]" in call("config").stdout


def test_doctor_lists_codecs():
    facts = json.loads(call("doctor", "--json").stdout)
    assert facts["numpy"] == np.__version__
    assert any("JPEG" in name for name in facts)


def test_help_loads_nothing_heavy():
    code = "import sys; from ccma_seg.cli import main; sys.argv = ['ccma-seg', '--help']\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    code += "print([m for m in ('numpy', 'scipy', 'pydicom', 'SimpleITK', 'matplotlib') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"


def test_looking_through_a_folder_waits_for_no_library_of_the_analysis():
    code = "import sys, ccma_seg.series\n"
    code += "print([m for m in ('scipy', 'skimage', 'SimpleITK', 'pydicom', 'nibabel') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_a_quick_run_waits_for_no_library_that_it_does_not_need(tmp_path):
    code = "import sys; from ccma_seg.cli import main\n"
    code += f"sys.argv = ['ccma-seg', 'run', {str(SAMPLE)!r}, '-o', {str(tmp_path / 'out')!r}]\n"
    code += "sys.argv += ['--set', 'output.quick=true']\ntry: main()\nexcept SystemExit: pass\n"
    code += "unneeded = ('SimpleITK', 'pydicom', 'nibabel', 'highdicom', 'matplotlib', 'jinja2', 'PIL', 'rich')\n"
    code += "print([m for m in unneeded if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a small disk takes root")
def test_a_full_disk_leaves_with_6_and_nothing_half_written(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", disk], check=False)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        result = call("demo", "-o", disk / "out")
        assert result.exit_code == 6
        assert "the disk is full" in result.stderr
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_interrupting_leaves_with_130(block, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ccma_seg.series.read_series", interrupt)
    assert refused(block, tmp_path)[0] == 130


def test_an_unexpected_error_is_one_line_and_1(block, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("ccma_seg.series.read_series", fail)
    code, line = refused(block, tmp_path)
    assert code == 1
    assert "ZeroDivisionError" in line


def test_a_closed_stderr_costs_nothing(tmp_path):
    code = "from ccma_seg.cli import main; main()"
    command = f'"$1" -c "{code}" config > "$2" 2>&-'
    subprocess.run(["sh", "-c", command, "sh", sys.executable, tmp_path / "config.toml"], check=True)
    assert (tmp_path / "config.toml").read_text("utf-8").strip() == Config().to_toml().strip()


def test_where_the_best_suited_series_shows_no_heart_the_next_is_analysed(tmp_path):
    shutil.copytree(SAMPLE, tmp_path / "exam" / "heart")
    (tmp_path / "exam" / "leg").mkdir()
    for number, path in enumerate(sorted(p for p in SAMPLE.rglob("*") if p.is_file())):
        image = pydicom.dcmread(path)
        image.SeriesInstanceUID, image.SeriesDescription = "1.2.3", "Cor CTA 0.5 75%"
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}"
        image.decompress(generate_instance_uid=False)
        pixels = image.pixel_array
        image.PixelData = np.full_like(pixels, -1000 - int(image.RescaleIntercept)).tobytes()
        image.save_as(tmp_path / "exam" / "leg" / f"{number}")
    said = call("run", str(tmp_path / "exam"), "-o", str(tmp_path / "out"), "--set", "output.quick=true")
    assert said.exit_code == 0
    reasons = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["reasons"]
    assert "better_series_no_heart" in {reason["code"] for reason in reasons}
    assert call("run", str(tmp_path / "exam" / "leg"), "-o", str(tmp_path / "leg")).exit_code == 3
