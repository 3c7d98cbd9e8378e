"""Series from a PACS: asked of a real Orthanc, started here on loopback."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccma_seg.cli.app import app
from ccma_seg.errors import ConfigError
from ccma_seg.pacs import Query
from ccma_seg.series import read_series
from make_dicom import COUNT, UID, write_ct

PLUGINS = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
ORTHANC = shutil.which("Orthanc")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    """A PACS with two CT series of two dates and an MR series; gives its addresses."""
    if ORTHANC is None or not PLUGINS.is_file():
        pytest.skip("Orthanc is not installed: apt-get install orthanc orthanc-dicomweb")
    base, http, dicom = tmp_path_factory.mktemp("orthanc"), free_port(), free_port()
    settings = {
        "Name": "test",
        "StorageDirectory": str(base / "storage"),
        "IndexDirectory": str(base / "storage"),
        "Plugins": [str(PLUGINS)],
        "HttpPort": http,
        "DicomPort": dicom,
        "DicomAet": "ORTHANC",
        "AuthenticationEnabled": False,
        "RemoteAccessAllowed": False,
        "DicomAlwaysAllowGet": True,
        "DicomModalities": {"us": ["CCMA-SEG", "127.0.0.1", 1]},
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (base / "orthanc.json").write_text(json.dumps(settings))
    server = subprocess.Popen([ORTHANC, base / "orthanc.json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        fill(f"http://127.0.0.1:{http}", base)
        yield {"web": f"http://127.0.0.1:{http}/dicom-web", "dimse": f"dimse://ORTHANC@127.0.0.1:{dicom}"}
    finally:
        server.kill()
        server.wait()


def fill(address, base):
    def numbered(number, date, **elements):
        def edit(image, index):
            image.StudyDate, image.SOPInstanceUID = date, f"{UID}{number}.{index}"

        uids = {"SeriesInstanceUID": f"{UID}2.{number}", "StudyInstanceUID": f"{UID}1.{number}"}
        return write_ct(base / f"exam{number}", edit=edit, **uids, **elements)

    folders = [numbered(1, "20240101"), numbered(2, "20250101")]
    folders.append(numbered(3, "20240101", Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4"))
    for path in (path for folder in folders for path in folder.iterdir()):
        post(f"{address}/instances", path.read_bytes())


def post(address, data):
    for _ in range(100):
        try:
            with urllib.request.urlopen(urllib.request.Request(address, data=data, method="POST")) as answer:
                return answer.read()
        except urllib.error.URLError:
            time.sleep(0.2)
    pytest.fail("Orthanc does not answer")


def fetch(*arguments):
    return CliRunner().invoke(app, ["fetch", *map(str, arguments)])


@pytest.mark.parametrize("way", ["web", "dimse"])
def test_ct_series_come_as_they_are_stored(orthanc, tmp_path, way):
    result = fetch(orthanc[way], "-o", tmp_path / "archive")
    assert result.exit_code == 0, result.output
    folders = sorted((tmp_path / "archive").iterdir())
    assert [len(list(folder.iterdir())) for folder in folders] == [COUNT, COUNT]
    assert read_series(folders[0]).hu.shape[0] == COUNT


@pytest.mark.parametrize("way", ["web", "dimse"])
def test_a_range_of_dates_is_kept_to(orthanc, tmp_path, way):
    result = fetch(orthanc[way], "-o", tmp_path / "archive", "--dates", "20240601-20251231")
    (folder,) = (tmp_path / "archive").iterdir()
    assert read_series(folder).acquisition.series_uid == f"{UID}2.2", result.output


def test_what_is_there_is_not_fetched_again(orthanc, tmp_path):
    fetch(orthanc["web"], "-o", tmp_path, "--series-uid", f"{UID}2.1")
    (before,) = (folder.stat().st_mtime_ns for folder in tmp_path.iterdir())
    assert "there already" in fetch(orthanc["web"], "-o", tmp_path, "--series-uid", f"{UID}2.1").stdout
    assert [folder.stat().st_mtime_ns for folder in tmp_path.iterdir()] == [before]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # pynetdicom leaves its socket open
@pytest.mark.parametrize("address", ["http://127.0.0.1:9/dicom-web", "dimse://A@127.0.0.1:9", "ftp://a", "nonsense"])
def test_a_pacs_that_does_not_answer_leaves_with_2(tmp_path, address):
    result = fetch(address, "-o", tmp_path / "archive")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_a_query_takes_uids_and_dates_only():
    with pytest.raises(ConfigError, match="UID of digits"):
        Query(study_uid="1.2/../..")
    with pytest.raises(ConfigError, match="20240131"):
        Query(dates="yesterday")
