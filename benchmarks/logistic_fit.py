"""Fit the coefficients of a logistic model, with the signs that its evidence must have."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize

from ccma_seg.geometry import Floats

Evidence = Mapping[str, float]


def fit(evidence: Sequence[Evidence], truth: Floats, weight: Floats, *, signs: Evidence, stiffness: float) -> Any:
    """Return bias and weights that make the truth likeliest.

    Parameters
    ----------
    evidence
        What is weighed of each example; all have the same names.
    truth, weight
        (n,): the chance that is right for each, 0 to 1, and how much it counts.
    signs
        By name: 1 for evidence that must not speak against, -1 for such as must not speak for; a fit to few examples
        must not say otherwise.
    stiffness
        Cost of the squared weights, in units of the evidence's spread (ridge).
    """
    names = list(evidence[0])
    values = np.array([[e[n] for n in names] for e in evidence])
    weight = weight / weight.sum()
    mean, spread = values.mean(axis=0), values.std(axis=0)
    spread[spread < 1e-9] = 1.0
    scaled = np.column_stack([np.ones(len(values)), (values - mean) / spread])

    def cost(x: Floats) -> tuple[float, Floats]:
        score = scaled @ x
        slope = scaled.T @ (weight * (1 / (1 + np.exp(-score)) - truth)) + stiffness * np.r_[0, x[1:]]
        return float(weight @ (np.logaddexp(0, score) - truth * score) + stiffness * (x[1:] @ x[1:]) / 2), slope

    bounds = [(None, None)] + [(0, None) if signs[n] > 0 else (None, 0) for n in names]
    best = minimize(cost, np.zeros(len(names) + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = best[1:] / spread
    return {
        "bias": round(float(best[0] - weights @ mean), 4),
        "weights": {n: round(float(w), 4) + 0.0 for n, w in zip(names, weights, strict=True)},
    }


def chances(model: Any, evidence: Sequence[Evidence]) -> Floats:
    """Return what a fitted model gives for each example."""
    score = [model["bias"] + sum(w * e[n] for n, w in model["weights"].items()) for e in evidence]
    return 1 / (1 + np.exp(-np.array(score)))
