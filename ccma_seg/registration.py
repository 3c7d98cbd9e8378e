"""How a registration looks for its optimum: what can be said of it without SimpleITK, which is large."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """How a rigid registration looks for its optimum."""

    shrink: tuple[int, ...] = (2, 1)
    """Coarse to fine, in voxels."""
    step_mm: float = 2.0
    least_step_mm: float = 0.02
    iterations: int = 120
