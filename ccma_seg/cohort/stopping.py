"""How a run is stopped before its end: at the next case, or at once."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stop:
    """Stops a run from outside; `ask` may be called from a signal handler."""

    asked: bool = False
    """No further case is begun."""

    at_once: bool = False
    """Cases that are under way are given up."""

    _when_at_once: list[Callable[[], None]] = field(default_factory=list)

    def ask(self) -> None:
        """Stop when the cases under way are done; asked again, at once."""
        self.at_once = self.asked
        self.asked = True
        if self.at_once:
            for end in self._when_at_once:
                end()

    def call_when_at_once(self, end: Callable[[], None]) -> None:
        """Have something ended when the run is stopped at once."""
        self._when_at_once.append(end)
