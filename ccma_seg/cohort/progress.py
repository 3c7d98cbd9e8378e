"""How far a run has come."""

import time
from collections import Counter
from dataclasses import dataclass, field

from ccma_seg.cohort.planning import Walked
from ccma_seg.cohort.rows import Outcome


@dataclass(slots=True)
class Progress:
    """How far a run has come; handed over again and again, so copy what you keep."""

    walked: Walked = field(default_factory=Walked)
    total: int | None = None
    """Series to analyse in this run; None while the archive is walked."""

    done: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    """By the first reason code."""

    started_s: float = field(default_factory=time.monotonic)
    latest: Outcome | None = None

    def begin(self, total: int) -> None:
        """Say how many series there are; the clock starts."""
        self.total, self.started_s = total, time.monotonic()

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        self.done += 1
        self.latest = outcome
        if outcome.failed:
            self.failures[outcome.codes[0]] += 1
        elif outcome.skipped:
            self.skipped[outcome.codes[0]] += 1
        else:
            self.verdicts[outcome.row["verdict"]] += 1

    @property
    def left_s(self) -> float | None:
        """About how long it will take from now on; None before the first series is done."""
        if not self.done or self.total is None:
            return None
        return (time.monotonic() - self.started_s) / self.done * (self.total - self.done)
