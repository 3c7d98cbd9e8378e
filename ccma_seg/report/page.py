"""The page that people open: one file, offline."""

import base64
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

_NOT_FIGURES = ("id", "verdict", "explanation", "evidence", "sensitivity")


def write_page(record: dict[str, Any], overview: Path, path: Path) -> None:
    """Write the record and the overview picture as one HTML file that needs nothing else."""
    picture = base64.b64encode(overview.read_bytes()).decode("ascii")
    path.write_text(_template().render(record=record, overview=picture, figures=_figures, number=_number), "utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(resources.files(__package__).joinpath("page.html").read_text("utf-8"))


def _figures(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """List the figures of a part by key path."""
    for name, value in values.items():
        if name in _NOT_FIGURES:
            continue
        if isinstance(value, dict):
            yield from _figures(value, f"{path}{name} ")
        else:
            yield f"{path}{name}", _number(value)


def _number(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.2f}".rstrip("0").rstrip(".")
        case list():
            return ", ".join(_number(item) for item in value)
        case dict():
            return "; ".join(f"{name} {_number(item)}" for name, item in value.items())
        case _:
            return str(value)
