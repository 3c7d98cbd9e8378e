"""Why a result is less than it could be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that limits a result, for a program (`code`) and for a person (`text`)."""

    code: str
    """Short and stable, in snake_case: `thick_slices`."""

    text: str
    """One plain sentence, with the figures, free of anything that identifies the patient."""

    degrades: bool = False
    """Whether the result is worth less for it; otherwise it is told for completeness."""
