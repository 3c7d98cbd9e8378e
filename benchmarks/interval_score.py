"""How good a stated standard error is: errors that follow it, and no wider than they need be."""

import numpy as np

FACTOR = 2.0
"""An error should lie within so many times what is stated."""
WITHIN = 0.85
"""Share of the errors that should."""


def share_within(errors_mm: np.ndarray, stated_mm: np.ndarray) -> float:
    """Return the share of errors that lie within twice what is stated."""
    return float(np.mean(errors_mm <= FACTOR * stated_mm))


def interval_score(errors: np.ndarray, stated: np.ndarray, *, factor: float = FACTOR, within: float = WITHIN) -> float:
    """Return the mean interval score of 0 to a factor times what is stated, which should hold a share: less is better.

    Width plus what lies beyond it times one over the share that may (Gneiting and Raftery 2007, section 6.2).
    """
    upper = factor * stated
    return float(np.mean(upper + np.maximum(errors - upper, 0) / (1 - within)))


def needed_mm(errors_mm: np.ndarray) -> float:
    """Return the one standard error that has the best interval score for all of some errors."""
    return min(
        (float(e) / FACTOR for e in errors_mm), key=lambda s: interval_score(errors_mm, np.full(len(errors_mm), s))
    )


def excess(errors_mm: np.ndarray, stated_mm: np.ndarray) -> float:
    """Return what is stated over what would do: the least multiple of it that holds 85 % of the errors within twice."""
    ratios = np.sort(errors_mm / stated_mm / FACTOR)
    return float(1 / ratios[int(np.ceil(WITHIN * len(ratios))) - 1])
