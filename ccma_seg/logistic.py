"""Chances from evidence: logistic models whose coefficients are data, kept as JSON beside the code that asks them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """A logistic model."""

    bias: float
    weights: Mapping[str, float]
    """By name of the evidence, per unit of it."""

    def __call__(self, evidence: Mapping[str, float]) -> float:
        """Return the chance, 0 to 1, that some evidence speaks for; KeyError if some of it is missing."""
        score = self.bias + sum(weight * evidence[name] for name, weight in self.weights.items())
        return float(1 / (1 + np.exp(-score)))


@cache
def logistic_models(package: str, name: str) -> dict[str, Logistic]:
    """Load the models that a package of ours keeps in a file, by name."""
    stored = json.loads(files(package).joinpath(name).read_text("utf-8"))
    return {key: Logistic(**model) for key, model in stored.items()}
