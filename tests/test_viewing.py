"""A result in the browser, from this machine only."""

import http.client
import threading
from contextlib import closing

import numpy as np
import pytest
from typer.testing import CliRunner

from ccma_seg.cli.app import app
from ccma_seg.errors import ConfigError, GeometryError, InputPathError
from ccma_seg.geometry import Geometry
from ccma_seg.report import write_results
from ccma_seg.report.server import LocalServer, Served
from ccma_seg.report.viewing import read_record, result_files
from ccma_seg.volume import Volume

FILES = {"": Served(content=b"<p>first", media_type="text/html"), "a.nii": Served(content=b"12345", media_type="x/y")}


@pytest.fixture
def server():
    with LocalServer(FILES) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def ask(server, path, *, method="GET", host=None):
    with closing(http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)) as connection:
        connection.request(method, path, headers={} if host is None else {"Host": host})
        response = connection.getresponse()
        return response.status, response.read(), response.headers


def test_files_are_served_to_who_knows_the_token(server):
    assert ask(server, f"/{server.token}/")[:2] == (200, b"<p>first")
    status, content, headers = ask(server, f"/{server.token}/a.nii")
    assert (status, content, headers["Content-Type"]) == (200, b"12345", "x/y")
    assert headers["Cache-Control"] == "no-store"
    assert ask(server, f"/{server.token}/a.nii", method="HEAD")[:2] == (200, b"")


@pytest.mark.parametrize("path", ["/", "/a.nii", "/wrong/", "/wrong/a.nii", "//", "/%2e%2e/"])
def test_without_the_token_all_is_forbidden(server, path):
    assert ask(server, path)[0] == 403


@pytest.mark.parametrize("path", ["../a.nii", "/etc/passwd", "..%2f..%2fetc%2fpasswd", "b.nii", "a.nii/"])
def test_nothing_but_the_files_named_is_served(server, path):
    assert ask(server, f"/{server.token}/{path}")[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "evil.example:80", ""])
def test_a_request_under_another_name_is_forbidden(server, host):
    assert ask(server, f"/{server.token}/", host=host)[0] == 403


def test_it_listens_to_this_machine_only_under_a_new_token_each_time(server):
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 43
    with LocalServer(FILES) as other:
        assert other.token != server.token


def test_other_methods_are_not_answered(server):
    assert ask(server, f"/{server.token}/", method="POST")[0] == 501


def test_a_port_in_use_is_refused(server):
    with pytest.raises(ConfigError, match="give another one"):
        LocalServer(FILES, port=server.server_port)


@pytest.fixture(scope="module")
def result(analysis, tmp_path_factory):
    return write_results(analysis, tmp_path_factory.mktemp("view") / "out")


def test_with_the_exam_the_whole_of_it_is_served(analysis, result):
    files = result_files(result, read_record(result), analysis.volume, max_voxels=10**9)
    assert len(files["volume.nii"].content) > analysis.volume.hu.nbytes
    assert b"volume.nii" in files[""].content
    assert files["report.html"].content == (result / "report.html").read_bytes()


def test_without_the_exam_the_report_is_served(result):
    files = result_files(result, read_record(result), None, max_voxels=10**9)
    assert files == {"": Served(content=(result / "report.html").read_bytes(), media_type="text/html; charset=utf-8")}


def test_another_exam_is_refused(result):
    geometry = Geometry(shape=(4, 4, 4), spacing_mm=(1.0, 1.0, 1.0))
    volume = Volume(hu=np.zeros((4, 4, 4), np.int16), geometry=geometry)
    with pytest.raises(GeometryError, match="the one that was analysed"):
        result_files(result, read_record(result), volume, max_voxels=10**9)


def test_a_folder_without_a_result_is_refused(tmp_path):
    with pytest.raises(InputPathError, match="with report"):
        read_record(tmp_path)
    assert CliRunner().invoke(app, ["view", str(tmp_path), "--no-browser"]).exit_code == 5


def test_the_command_says_where_and_ends_with_ctrl_c(result, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(LocalServer, "serve_forever", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    ended = CliRunner().invoke(app, ["view", str(result)])
    assert ended.exit_code == 0
    assert opened == [ended.stdout.strip()]
    assert opened[0].startswith("http://127.0.0.1:")
