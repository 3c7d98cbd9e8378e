"""Text in whichever of Unicode's encodings."""

import pytest

from ccma_seg import Config
from ccma_seg.anatomy import read_annulus
from ccma_seg.text_files import read_text

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_text_is_read_as_its_first_bytes_say(tmp_path, encoding):
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    path = tmp_path / "text"
    path.write_bytes(f"{mark}Größe = 1\r\n".encode(encoding))
    assert read_text(path) == "Größe = 1\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_configuration_redirected_by_a_windows_shell_is_read(tmp_path, encoding):
    path = tmp_path / "my.toml"
    path.write_text("[output]\nquick = true\n", encoding=encoding)
    assert Config.from_toml(path).output.quick


def test_an_annulus_file_may_begin_with_a_mark(tmp_path):
    path = tmp_path / "annulus.json"
    path.write_text('{"center_mm": [40, -120, -200], "normal": [0, 0, 1]}', encoding="utf-8-sig")
    assert read_annulus(path).center_mm == (40, -120, -200)
