"""Three-valued logic on criteria: which verdict holds, why not another, and what would change it."""

from functools import cache

from ccma_seg.classification.findings import Outcome, Verdict
from ccma_seg.classification.rules import FAILS, NOT_MEASURED, Rules, plain

Outcomes = dict[str, Outcome]
"""By criterion."""

_OPPOSITE = {Outcome.HOLDS: Outcome.FAILS, Outcome.FAILS: Outcome.HOLDS, Outcome.NOT_MEASURED: Outcome.HOLDS}
_ASKED = {FAILS: Outcome.FAILS, NOT_MEASURED: Outcome.NOT_MEASURED}
_NEGATED = {">=": "<", ">": "<=", "<=": ">", "<": ">=", "is": "is not"}


def met(name: str, outcomes: Outcomes) -> bool:
    """Tell whether a criterion holds, or, for `!X`, was measured and fails, or, for `?X`, was not measured."""
    criterion, wanted = _asks(name)
    return outcomes[criterion] is wanted


@cache
def _asks(name: str) -> tuple[str, Outcome]:
    return plain(name), _ASKED.get(name[0], Outcome.HOLDS)


def decide(rules: Rules, outcomes: Outcomes) -> Verdict:
    """Return the most serious verdict of which one alternative is met as a whole; indeterminate if there is none."""
    for verdict, alternatives in rules.alternatives().items():
        if any(all(met(name, outcomes) for name in names) for names in alternatives):
            return Verdict(verdict)
    return Verdict.INDETERMINATE


def why_not(verdict: Verdict, rules: Rules, outcomes: Outcomes) -> dict[str, tuple[str, ...]]:
    """Return, for every other verdict, the criteria that the alternative nearest to being met lacks."""
    lacking = {
        other: min((_unmet(names, outcomes) for names in alternatives), key=len)
        for other, alternatives in rules.alternatives().items()
        if other != verdict
    }
    return {other: tuple(_wish(name, rules) for name in names) for other, names in lacking.items() if names}


def changes(verdict: Verdict, rules: Rules, outcomes: Outcomes) -> dict[str, Verdict]:
    """Return the criteria that decide: each alone, had it come out otherwise, would give another verdict."""
    others = {name: decide(rules, outcomes | {name: _OPPOSITE[outcome]}) for name, outcome in outcomes.items()}
    return {name: other for name, other in others.items() if other != verdict}


def counterfactuals(deciding: dict[str, Verdict], rules: Rules, outcomes: Outcomes) -> tuple[str, ...]:
    """Say for each criterion that decides, from `changes`, what would change the verdict, and to what."""
    return tuple(
        f"would be {other} if {_wish(_otherwise(name, outcomes[name]), rules)}" for name, other in deciding.items()
    )


def _otherwise(name: str, outcome: Outcome) -> str:
    return name if _OPPOSITE[outcome] == Outcome.HOLDS else f"{FAILS}{name}"


def _unmet(names: tuple[str, ...], outcomes: Outcomes) -> tuple[str, ...]:
    return tuple(name for name in names if not met(name, outcomes))


def _wish(name: str, rules: Rules) -> str:
    """Say what a criterion asks for: `cavity.neck_mm >= 2.0`."""
    criterion = rules.criteria[plain(name)]
    if name.startswith(NOT_MEASURED):
        return f"{criterion.quantity} were not measured"
    comparison = _NEGATED[criterion.comparison] if name.startswith(FAILS) else criterion.comparison
    return f"{criterion.quantity} {comparison} {rules.limit(plain(name))}"
