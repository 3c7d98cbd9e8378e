"""What the literature says of a verdict: context with its source, never advice."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ccma_seg.classification.findings import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One statement of the literature."""

    text: str
    source: str


def context_of(verdict: Verdict) -> tuple[Remark, ...]:
    """Return what the literature says of lesions of this kind.

    >>> context_of(Verdict.NO_CALCIFICATION)
    ()
    """
    return tuple(remark for verdicts, remark in _remarks() if verdict in verdicts)


@cache
def _remarks() -> tuple[tuple[tuple[str, ...], Remark], ...]:
    data = tomllib.loads(resources.files(__package__).joinpath("context.toml").read_text("utf-8"))
    return tuple((tuple(r["verdicts"]), Remark(text=r["text"], source=r["source"])) for r in data["remarks"])
