"""A PACS that breaks off or refuses: nothing incomplete is kept, and one series costs no other."""

import http.server
import io
import json
import threading
import urllib.parse

import pytest
from typer.testing import CliRunner

from ccma_seg.cli.app import app
from ccma_seg.pacs import DicomWeb, Dimse, Fetched, NotFetched, fetch_series
from make_dicom import UID, ct_slice

IMAGES = 4
CT, CAPTURE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7"
FIND, GET = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.3"


def image(series, index):
    one = ct_slice(index, StudyInstanceUID=f"{UID}1.{series}", SeriesInstanceUID=f"{UID}2.{series}")
    one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"{UID}9.{series}.{index}"
    return one


def stored(series, index):
    file = io.BytesIO()
    image(series, index).save_as(file, enforce_file_format=True)
    return file.getvalue()


@pytest.fixture
def service():
    """A DICOMweb service with faults: set `series`, `most`, `cut`, `broken`, `nameless`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, code, body=b"", kind="application/dicom+json"):
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            url = urllib.parse.urlsplit(self.path)
            asked, last = urllib.parse.parse_qs(url.query), url.path.split("/")[-1]
            if last == "series":
                first, count = int(asked["offset"][0]), min(int(asked["limit"][0]), server.most)
                found = [
                    {"0020000E": {"Value": [f"{UID}2.{s}"]}, "0020000D": {"Value": [f"{UID}1.{s}"]}}
                    for s in range(server.series)
                ][first : first + count]
                return self.answer(200 if found else 204, json.dumps(found).encode() if found else b"")
            if last == "metadata":
                return self.answer(404)
            series = int(last.split(".")[-1])
            if series in server.broken:
                return self.answer(500)
            parts = [b"\r\n--X\r\nContent-Type: application/dicom\r\n\r\n" + stored(series, i) for i in range(IMAGES)]
            body = b"".join(parts) + b"\r\n--X--\r\n"
            kept = {"": len(body), "part": len(b"".join(parts[:2])), "middle": len(body) // 2}[server.cut]
            return self.answer(200, body[:kept], 'multipart/related; type="application/dicom"; boundary=X')

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.series, server.most, server.cut, server.broken = 1, 100, "", ()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_port}/dicom-web"
    yield server
    server.shutdown()
    server.server_close()


def test_pages_end_with_what_is_there_whatever_their_size(service, tmp_path):
    service.series, service.most = 7, 3
    found = list(fetch_series(DicomWeb(service.url), tmp_path))
    assert len(found) == 7
    assert all(isinstance(one, Fetched) and one.files == IMAGES for one in found)


@pytest.mark.parametrize("cut", ["part", "middle"])
def test_an_answer_that_breaks_off_is_not_kept(service, tmp_path, cut):
    service.cut = cut
    (one,) = fetch_series(DicomWeb(service.url), tmp_path)
    assert isinstance(one, NotFetched)
    assert list(tmp_path.iterdir()) == []


def test_one_series_that_fails_costs_no_other_and_is_named(service, tmp_path):
    service.series, service.broken = 3, (1,)
    said = CliRunner().invoke(app, ["fetch", service.url, "-o", str(tmp_path)])
    assert said.exit_code == 8
    assert "answered 500" in said.stderr
    assert len(list(tmp_path.iterdir())) == 2


@pytest.fixture
def node():
    """Start DIMSE nodes; `stop_after` images it claims to be done, `get` tells whether it sends at all."""
    pynetdicom = pytest.importorskip("pynetdicom")
    running = []

    def start(images, *, get=True, stop_after=None):
        def find(event):
            answer = event.identifier
            answer.StudyInstanceUID, answer.SeriesInstanceUID = images[0].StudyInstanceUID, images[0].SeriesInstanceUID
            yield 0xFF00, answer

        def send(_):
            yield len(images)
            yield from ((0xFF00, one) for one in images[:stop_after])
            yield 0x0000, None

        entity = pynetdicom.AE("PACS")
        for context in (FIND, GET) if get else (FIND,):
            entity.add_supported_context(context)
        for kind in (CT, CAPTURE):
            syntaxes = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.80"]
            entity.add_supported_context(kind, syntaxes, scp_role=True, scu_role=True)
        handlers = [(pynetdicom.evt.EVT_C_FIND, find), (pynetdicom.evt.EVT_C_GET, send)]
        running.append(entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers))
        return Dimse(host="127.0.0.1", port=running[-1].socket.getsockname()[1], title="PACS")

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def images():
    return [image(0, index) for index in range(IMAGES)]


def test_compressed_images_come_as_they_are_stored(node, tmp_path):
    packed = images()
    for one in packed:
        one.compress("1.2.840.10008.1.2.4.80", generate_instance_uid=False)
    (one,) = fetch_series(node(packed), tmp_path)
    assert one.files == IMAGES


def test_a_capture_among_the_images_costs_none_of_them(node, tmp_path):
    odd = image(0, IMAGES)
    odd.SOPClassUID = odd.file_meta.MediaStorageSOPClassUID = CAPTURE
    (one,) = fetch_series(node([*images(), odd]), tmp_path)
    assert one.files == IMAGES + 1


def test_a_node_that_stops_early_is_not_believed(node, tmp_path):
    (one,) = fetch_series(node(images(), stop_after=2), tmp_path)
    assert isinstance(one, NotFetched)
    assert "2 of 4" in one.why
    assert list(tmp_path.iterdir()) == []


def test_a_node_without_c_get_is_named_as_such(node, tmp_path):
    (one,) = fetch_series(node(images(), get=False), tmp_path)
    assert "C-GET" in one.why
