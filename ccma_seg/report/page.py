"""The page that people open: one file, offline, with a viewer in it."""

import base64
import gzip
import hashlib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from ccma_seg.anatomy import BLOOD_POOL_LA, BLOOD_POOL_LV
from ccma_seg.geometry import Point
from ccma_seg.pipeline import Analysis, Mass
from ccma_seg.report.clock import make_clock
from ccma_seg.report.content import (
    annulus_content,
    headline,
    lesion_content,
    limits_content,
    sensitivity_content,
    technique_content,
)
from ccma_seg.report.crop import pack_crop
from ccma_seg.report.figure import focus_mm
from ccma_seg.report.histogram import HEIGHT, WIDTH, make_histogram
from ccma_seg.report.labels import LABEL_COLORS, LABEL_NAMES, RING_COLOR
from ccma_seg.report.pictures import close_pictures, exam_pictures, neck_picture
from ccma_seg.report.rim_map import make_rim_map
from ccma_seg.report.views import SOFT_WINDOW_HU, WIDE_WINDOW_HU, Sight
from ccma_seg.report.wording import words
from ccma_seg.volume import LabelMap

NIIVUE_VERSION = "0.69.0"


def write_page(
    analysis: Analysis, record: dict[str, Any], path: Path, *, labels: LabelMap, sights: list[Sight]
) -> None:
    """Write what is known of an exam as one HTML file that needs nothing else.

    Parameters
    ----------
    analysis, record
        The exam and its record.
    path
        Where to.
    labels
        From `make_label_crop`.
    sights
        What is seen on the planes of `views_of`.
    """
    viewer = viewer_data(focus_mm(analysis)) | pack_crop(analysis, labels)
    page = _render("page.html", **_frame(viewer), **_content(analysis, record, labels, sights=sights))
    path.write_text(page, "utf-8")


def viewer_page(record: dict[str, Any], *, focus_mm: Point) -> str:
    """Return a page that shows the whole exam: `volume.nii` and `labels.nii`, which stand beside it."""
    viewer = viewer_data(focus_mm) | {"urls": {"volume": "volume.nii", "labels": "labels.nii"}}
    title = words(record["verdict"])
    return _render("viewer.html", **_frame(viewer, connect="'self'"), record=record, title=title)


def viewer_data(focus_mm: Point) -> dict[str, Any]:
    """Return what the viewer needs beside the images: colours, names, windows and where to look first."""
    x, y, z = focus_mm
    rgb = [[0, 0, 0], *([int(color[k : k + 2], 16) for k in (1, 3, 5)] for color in LABEL_COLORS.values())]
    return {
        "colors": {
            **{channel: [color[k] for color in rgb] for k, channel in enumerate("RGB")},
            "A": [0, *(255 for _ in LABEL_COLORS)],
            "I": [0, *LABEL_COLORS],
        },
        "blood": [BLOOD_POOL_LV, BLOOD_POOL_LA],
        "names": {str(label): name for label, name in LABEL_NAMES.items()},
        "windows": {"wide": WIDE_WINDOW_HU, "soft": SOFT_WINDOW_HU},
        "focus_ras_mm": [-x, -y, z],
    }


def _frame(viewer: dict[str, Any], *, connect: str = "'none'") -> dict[str, Any]:
    """Return what every page needs: style, scripts, viewer, and the policy that lets only these run."""
    script, style, packed = _text("page.js"), _render("page.css"), _niivue()
    scripts = " ".join(_hash(code) for code in (script.encode(), gzip.decompress(packed)))
    return {
        "policy": f"default-src 'none'; img-src data: blob:; style-src {_hash(style.encode())}; script-src {scripts}; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'",
        "style": style,
        "script": script,
        "niivue": {"version": NIIVUE_VERSION, "base64": base64.b64encode(packed).decode("ascii")},
        "viewer": viewer,
    }


def _content(analysis: Analysis, record: dict[str, Any], labels: LabelMap, *, sights: list[Sight]) -> dict[str, Any]:
    return {
        "title": words(record["verdict"]),
        "record": record,
        "headline": headline(record),
        "colors": [*((LABEL_NAMES[label], color) for label, color in LABEL_COLORS.items()), ("annulus", RING_COLOR)],
        "close": close_pictures(analysis, labels),
        "exam": exam_pictures(analysis, sights),
        "masses": [
            _mass_content(analysis, record, labels, mass=mass, lesion=lesion)
            for mass, lesion in zip(analysis.masses, record["lesions"], strict=True)
        ],
        "clock": make_clock(analysis),
        "annulus": annulus_content(record),
        "sensitivity": sensitivity_content(record),
        "limits": limits_content(record),
        "technique": technique_content(record),
        "chart": (WIDTH, HEIGHT),
        "ring_color": RING_COLOR,
        "words": words,
    }


def _mass_content(
    analysis: Analysis, record: dict[str, Any], labels: LabelMap, *, mass: Mass, lesion: dict[str, Any]
) -> dict[str, Any]:
    assert analysis.anatomy.annulus is not None
    return lesion_content(lesion, record["config"]["rules"]["criteria"]) | {
        "rim_map": make_rim_map(mass, analysis.anatomy.annulus),
        "histogram": make_histogram(analysis, mass),
        "neck": neck_picture(analysis, labels, mass),
    }


def _hash(code: bytes) -> str:
    """Return what a content security policy calls a piece of script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(code).digest()).decode('ascii')}'"


@cache
def _niivue() -> bytes:
    return resources.files(__package__).joinpath("niivue", "niivue.umd.js.gz").read_bytes()


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _render(name: str, **content: Any) -> str:
    return _templates().get_template(name).render(**content)


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(loader=jinja2.FunctionLoader(_text), autoescape=True, undefined=jinja2.StrictUndefined)
