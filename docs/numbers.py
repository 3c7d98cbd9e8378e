"""Writes the tables of `numbers.md` from the table of quantities, whenever the site is built."""

from typing import Any

from ccma_seg.followup import FollowUpParams
from ccma_seg.quantities import Quantity, quantities

_HEAD = "| key path | unit | what it is | how it is made | code | a change between exams |\n|---|---|---|---|---|---|\n"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace the names of parts, each on a line of its own in braces, by their tables."""
    if page.file.src_uri != "numbers.md":
        return markdown
    return "\n".join(_table(line[2:-2]) if line.startswith("{{") else line for line in markdown.splitlines())


def _table(part: str) -> str:
    return _HEAD + "\n".join(map(_row, quantities(part)))


def _row(quantity: Quantity) -> str:
    code = " ".join(quantity.code[:2]) if len(quantity.code) > 2 else "".join(quantity.code[:1])
    cells = (f"`{quantity.path}`", quantity.unit, quantity.meaning, quantity.how, code, _change(quantity))
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _change(quantity: Quantity) -> str:
    limits = ((quantity.least, quantity.unit), (quantity.least_pct, "%"))
    return ", ".join(_least(least, unit) for least, unit in limits if least is not None)


def _least(least: str | float, unit: str) -> str:
    if not isinstance(least, str):
        return f"{least:g} {unit}"
    return f"{getattr(FollowUpParams(), least):g} {unit} (`followup.{least}`)"
