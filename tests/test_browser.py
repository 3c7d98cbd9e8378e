"""The page in a real browser, from its file, without a network."""

import shutil
import subprocess

import pytest

from ccma_seg.report import write_results

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--enable-logging=stderr",
]


def test_the_viewer_starts_from_a_file_without_a_word_on_the_console(analysis, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("neither chromium nor google-chrome is installed")
    page = write_results(analysis, tmp_path / "out") / "report.html"
    command = [browser, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=60000", "--dump-dom"]
    shown = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=300, check=False)
    assert 'data-ready="true"' in shown.stdout
    assert "HU, contrast-filled cavity</p>" in shown.stdout
    assert "CONSOLE" not in shown.stderr
