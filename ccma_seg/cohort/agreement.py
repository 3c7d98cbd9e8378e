"""How far readers agree, beyond chance."""

import csv
import itertools
import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccma_seg.errors import ConfigError, InputPathError

_Z_95 = 1.959964
"""Half-width of a 95 % interval, in standard errors."""

NUMBER, ANSWER = "number", "answer"
"""Columns of an answer file that matter here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Agreement of two or more readers over the same exams."""

    readers: tuple[str, ...]
    exams: int
    agreement_pct: float
    """How often they agreed (over all pairs)."""

    kappa: float | None
    """Cohen's for two, Fleiss' for more; None where everybody always gave the same answer."""

    interval: tuple[float, float] | None = None
    """95 %, large-sample (Cohen 1960); for two readers only."""


def cohen_kappa(one: Sequence[Hashable], other: Sequence[Hashable]) -> tuple[float, float] | None:
    """Return Cohen's kappa of two readers and its standard error (Cohen, Educ Psychol Meas 1960;20:37-46).

    Parameters
    ----------
    one, other
        Answers to the same exams, in the same order.

    Returns
    -------
    tuple or None
        Kappa and standard error; None where chance alone would agree always.

    Raises
    ------
    ConfigError
        If they did not read the same number of exams, or none.
    """
    if len(one) != len(other) or not one:
        raise ConfigError(f"two readers must read the same exams, they read {len(one)} and {len(other)}")
    count = len(one)
    observed = sum(a == b for a, b in zip(one, other, strict=True)) / count
    ours, theirs = Counter(one), Counter(other)
    expected = sum(ours[answer] * theirs[answer] for answer in ours) / count**2
    if expected == 1:
        return None
    error = math.sqrt(observed * (1 - observed) / count) / (1 - expected)
    return (observed - expected) / (1 - expected), error


def fleiss_kappa(answers: Sequence[Sequence[Hashable]]) -> float | None:
    """Return Fleiss' kappa (Fleiss, Psychol Bull 1971;76:378-382).

    Parameters
    ----------
    answers
        For each exam, the answers of all readers; as many for each.

    Raises
    ------
    ConfigError
        If exams have different numbers of answers, fewer than two, or there are none.
    """
    sizes = {len(exam) for exam in answers}
    if len(sizes) != 1 or min(sizes) < 2:
        raise ConfigError(f"every exam must have as many answers, at least two, got {sorted(sizes)}")
    (readers,) = sizes
    observed = sum(_agreeing(exam) for exam in answers) / len(answers)
    shares = Counter(answer for exam in answers for answer in exam)
    expected = sum((count / (readers * len(answers))) ** 2 for count in shares.values())
    return None if expected == 1 else (observed - expected) / (1 - expected)


def compare_readers(answers: Mapping[str, Mapping[str, str]]) -> list[Agreement]:
    """Compare each pair of readers, and all of them if they are more than two, over the exams that all have read.

    Parameters
    ----------
    answers
        By reader, then by exam.

    Raises
    ------
    ConfigError
        If there are fewer than two readers, or no exam that all have read.
    """
    common = sorted(set.intersection(*(set(read) for read in answers.values()))) if len(answers) > 1 else []
    if not common:
        raise ConfigError("agreement needs at least two readers and an exam that all have read")
    names = sorted(answers)
    found = [
        _pair(a, b, [(answers[a][exam], answers[b][exam]) for exam in common])
        for a, b in itertools.combinations(names, 2)
    ]
    if len(names) > 2:
        table = [[answers[name][exam] for name in names] for exam in common]
        share = sum(_agreeing(exam) for exam in table) / len(table)
        found.append(
            Agreement(readers=tuple(names), exams=len(common), agreement_pct=100 * share, kappa=fleiss_kappa(table))
        )
    return found


def read_answers(path: Path) -> dict[str, str]:
    """Read what one reader answered, by exam.

    Raises
    ------
    InputPathError
        If the file cannot be read.
    ConfigError
        If it is not such a file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {row[NUMBER]: row[ANSWER] for row in csv.DictReader(file) if row[ANSWER]}
    except OSError as error:
        raise InputPathError(f"the answers {path.name} cannot be read: {error.strerror}") from error
    except (KeyError, csv.Error, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} must have the columns {NUMBER} and {ANSWER}, as the page writes it") from error


def _pair(one: str, other: str, answers: list[tuple[str, str]]) -> Agreement:
    found = cohen_kappa([a for a, _ in answers], [b for _, b in answers])
    interval = None if found is None else (found[0] - _Z_95 * found[1], found[0] + _Z_95 * found[1])
    return Agreement(
        readers=(one, other),
        exams=len(answers),
        agreement_pct=100 * sum(a == b for a, b in answers) / len(answers),
        kappa=None if found is None else found[0],
        interval=interval,
    )


def _agreeing(exam: Sequence[Hashable]) -> float:
    """Return the share of pairs of readers that agree on one exam."""
    pairs = len(exam) * (len(exam) - 1)
    return sum(count * (count - 1) for count in Counter(exam).values()) / pairs
