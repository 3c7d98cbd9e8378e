"""Writes the tables of `parameters.md` from the configuration, whenever the site is built."""

from collections.abc import Iterable
from typing import Any

from ccma_seg.cohort.params import CohortParams
from ccma_seg.config import OF_THE_RUN, RULES, Config, Setting, settings

_RULES = Config().rules


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace the names of tables, each on a line of its own in braces, by the tables."""
    if page.file.src_uri != "parameters.md":
        return markdown
    return "\n".join(_named(line[2:-2]) if line.startswith("{{") else line for line in markdown.splitlines())


def _named(name: str) -> str:
    match name:
        case "criteria":
            rows = (
                [f"`{n}`", f"`{c.quantity} {c.comparison} {_RULES.limit(n)}`", c.meaning, c.strength, c.source]
                for n, c in _RULES.criteria.items()
            )
            return _table(["criterion", "asks for", "if it holds", "strength", "source"], rows)
        case "groups":
            return _table(["group", "asks for"], ([f"`{n}`", _listed(m)] for n, m in _RULES.groups.items()))
        case "verdicts":
            rows = ([f"`{n}`", "<br>".join(map(_listed, a))] for n, a in _RULES.verdicts.items())
            return _table(["verdict", "asks for one of"], rows)
        case "run":
            return _parameters(s for s in settings(Config()) if s.key.startswith(OF_THE_RUN))
        case "cohort":
            return _parameters(settings(CohortParams(), "cohort"))
    own = (s for s in settings(Config()) if s.key.startswith(f"{name}."))
    return _parameters(s for s in own if not s.key.startswith((*OF_THE_RUN, *RULES)))


def _parameters(listed: Iterable[Setting]) -> str:
    rows = ([f"`{s.key}`", f"`{s.value}`", s.meaning] for s in listed)
    return _table(["key", "default", "meaning, and source"], rows)


def _listed(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in names)


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
