"""How values show themselves in a notebook."""

import base64
import html
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt


def card(title: str, rows: Mapping[str, object], *, picture: str = "") -> str:
    """Return a picture and a table of what is known as HTML; None shows as a dash, text is escaped."""
    lines = "".join(
        f"<tr><th style='text-align:left'>{_text(name)}</th><td style='text-align:left'>{_text(value)}</td></tr>"
        for name, value in rows.items()
    )
    return f"<div><strong>{_text(title)}</strong><br>{picture}<table>{lines}</table></div>"


def gray_picture(values: npt.NDArray[Any], low: float, high: float) -> str:
    """Return an image between two values, black and white, as an HTML element that holds it."""
    from PIL import Image  # noqa: PLC0415  needed in notebooks only

    gray = np.clip((values.astype(np.float32) - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(gray).save(data, "PNG")
    code = base64.b64encode(data.getvalue()).decode("ascii")
    return f"<img alt='' width='{gray.shape[1]}' src='data:image/png;base64,{code}'>"


def _text(value: object) -> str:
    if value is None or value == "":
        return "-"
    return html.escape(f"{value:.4g}" if isinstance(value, float) else str(value))
