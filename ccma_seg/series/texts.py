"""What free text of a header tells: whether it speaks of the heart, and which phase of its beat."""

import re

_HEART = re.compile(
    r"(?<![a-z])(?:card|kard|coeur|heart|herz|coron(?!al)|cor[ _.-]?cta|ccta|gated|calci(?:um|fic)|calc?[ _-]?sc|"
    r"ca[ _-]?sc|snapshot|prospect|retrospect|tavi|tavr|cor(?=[ _.].*cta))|diast|systol",
    re.IGNORECASE,
)
_ANGIOGRAPHY = re.compile(r"(?<![a-z])(?:cta|angio)(?![a-z])", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"head|kopf|brain|hirn|cerebr|skull|willis|neck|hals|carot|karot|abd|pelv|becken|run.?off|leg|bein|foot|fu[sß]|knee|"
    r"knie|hip|h.ft|hand|arm|spine|ws(?![a-z])|renal|nier|urin|liver|leber",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(?<![\d.,-])(\d{1,3}(?:\.\d)?) ?%")
_LAST_WORD = re.compile(r"([a-z][a-z-]*)\d*[ _:=/]*$", re.IGNORECASE)
_NEXT_WORD = re.compile(r"[ _:=/]*([a-z][a-z-]*)", re.IGNORECASE)
_OF_ITERATIONS_OR_DYE = re.compile(
    r"asir|ss$|admire|safire|idose|imr|aidr|aice|dlir|clear|ir(?:t|is)?$|km$|kontrast|contrast|verd|dil|saline|nacl|dos|mix|"
    r"resp|gated$|ex$|in$|exp|insp|to$|bis$|stenos",
    re.IGNORECASE,
)
"""Words beside a percentage that is none of the R-R interval: iterations, dilution, dose, breathing, ends of ranges."""


def speaks_of_heart(text: str) -> bool:
    """Tell whether a text describes a cardiac scan; so does an angiography that names no other part of the body."""
    if _HEART.search(text):
        return True
    return _ANGIOGRAPHY.search(text) is not None and _ELSEWHERE.search(text) is None


def phase_in(text: str) -> float | None:
    """Return the percentage of the R-R interval that scanners write into the description of a cardiac scan, or None."""
    found = list(_PERCENT.finditer(text))
    if len(found) != 1 or not speaks_of_heart(text):
        return None
    beside = _LAST_WORD.search(text[: found[0].start()]), _NEXT_WORD.match(text[found[0].end() :])
    if any(word and _OF_ITERATIONS_OR_DYE.match(word[1]) for word in beside):
        return None
    return float(found[0][1])
