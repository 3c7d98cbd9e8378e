"""Another process does the same, and whatever happens to it, the result is as if it had been done here."""

import errno
import os
import time

import pytest

from ccma_seg.apart import Apart
from ccma_seg.config import Config
from ccma_seg.errors import OutputError
from ccma_seg.report import objects_apart, write_results
from ccma_seg.report.dicom import objects as writer

OBJECTS = ("labels.seg.dcm", "report.sr.dcm")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def here(analysis, tmp_path_factory):
    return contents(write_results(analysis, tmp_path_factory.mktemp("here") / "out"))


def test_a_function_is_called_with_its_arguments(tmp_path):
    with Apart("shutil", "copyfile") as copy:
        (tmp_path / "a").write_text("a", "utf-8")
        assert copy.call(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text("utf-8") == "a"


@pytest.mark.parametrize("function", [("operator", "truediv"), ("no_such_module", "f")])
def test_what_goes_wrong_there_is_told(function):
    with Apart(*function) as divide:
        assert not divide.call(1, 0)


def test_a_process_that_is_not_needed_ends_at_once():
    started = time.perf_counter()
    with Apart("time", "sleep"):
        pass
    assert time.perf_counter() - started < 5


def test_objects_written_apart_are_the_same_bytes(analysis, here, tmp_path):
    with objects_apart(analysis.volume, analysis.config) as objects:
        assert contents(write_results(analysis, tmp_path / "out", objects=objects)) == here


def test_objects_are_written_here_if_the_process_dies(analysis, here, tmp_path):
    with objects_apart(analysis.volume, analysis.config) as objects:
        objects._process.kill()
        assert contents(write_results(analysis, tmp_path / "out", objects=objects)) == here


def test_a_disk_that_fills_there_is_told_as_one_that_fills_here(analysis, tmp_path, monkeypatch):
    def fill(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(writer, "write_objects", fill)
    with Apart("operator", "truediv") as failing, pytest.raises(OutputError, match="the disk is full"):
        write_results(analysis, tmp_path / "out", objects=failing)
    assert list(tmp_path.iterdir()) == []


def test_no_process_is_started_where_no_objects_are_written(analysis):
    with objects_apart(analysis.volume, Config().with_setting("output.quick=true")) as objects:
        assert objects is None
