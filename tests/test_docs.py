"""The documentation builds without a warning, and holds what it promises."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ccma_seg.cohort.params import CohortParams
from ccma_seg.config import RULES, Config, settings
from ccma_seg.quantities import quantities, table

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site; any warning, a missing name or a dead link too, is an error."""
    out = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", "docs/mkdocs.yml"]
    silent = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    command = [*build, "--site-dir", str(out)]
    done = subprocess.run(command, cwd=ROOT, env=silent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def test_the_reference_comes_from_the_docstrings(site):
    page = (site / "reference.html").read_text("utf-8")
    assert "Read a CT series into one int16 volume" in page


def test_every_public_function_and_type_has_its_place(site):
    page = (site / "reference.html").read_text("utf-8")
    missing = [name for name in __import__("ccma_seg").__all__ if not name.startswith("_") and f'.{name}"' not in page]
    assert not missing


def test_the_tables_of_the_benches_are_included_as_they_are(site):
    page = (site / "validation.html").read_text("utf-8")
    assert "Masses: accuracy on random phantoms" in page
    assert "--8&lt;--" not in page


def test_every_quantity_is_explained(site):
    page = (site / "numbers.html").read_text("utf-8")
    cells = [html.unescape(re.sub("<[^>]+>", "", cell)) for cell in re.findall("<td>(.*?)</td>", page)]
    told = dict(zip(cells[0::6], cells[2::6], strict=True))
    known = quantities(*table())
    assert {quantity.path for quantity in known} == set(told)
    assert "{{" not in page
    measured = [q for q in known if q.path.startswith(("contrast.", "calcium.", "annulus.")) and q.unit]
    measured += [q for q in quantities("lesion", "rule") if not q.rows]
    assert not [quantity.path for quantity in measured if not quantity.how]


def test_every_setting_stands_on_the_page_of_parameters(site):
    page = (site / "parameters.html").read_text("utf-8")
    told = set(re.findall(r"<td><code>([^<]+)</code></td>", page))
    rules = Config().rules
    parameters = {s.key for s in settings(Config()) if not s.key.startswith(RULES)}
    parameters |= {s.key for s in settings(CohortParams(), "cohort")}
    assert {*parameters, *rules.criteria, *rules.groups, *rules.verdicts} <= told
    assert "{{" not in page


def test_every_decision_stands_on_a_page(site):
    page = (site / "decisions.html").read_text("utf-8")
    assert all(f">{path.name[:3]} " in page for path in (ROOT / "docs" / "decisions").glob("*.md"))


def test_no_page_loads_anything_from_elsewhere(site):
    loaded = [page.name for page in site.glob("*.html") if 'src="http' in page.read_text("utf-8")]
    assert not loaded
