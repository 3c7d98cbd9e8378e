"""The tiny exam that comes with the project gives what it is said to give."""

import json
from pathlib import Path

import pytest

import ccma_seg as ccma

FOLDER = Path(__file__).parents[1] / "sample_data"
ROUNDING = 0.02
"""Expected figures are rounded; machines differ in the last digits."""


@pytest.fixture(scope="module")
def record():
    return ccma.analyze(ccma.read_series(FOLDER / "dicom")).record()


def leaves(values, path=()):
    for key, value in values.items() if isinstance(values, dict) else enumerate(values):
        if isinstance(value, dict | list):
            yield from leaves(value, (*path, key))
        else:
            yield pytest.param((*path, key), value, id=".".join(map(str, (*path, key))))


@pytest.mark.parametrize(("path", "expected"), list(leaves(json.loads((FOLDER / "expected.json").read_text("utf-8")))))
def test_the_sample_gives_what_is_expected(record, path, expected):
    value = record
    for key in path:
        value = value[key]
    assert value == (expected if isinstance(expected, str) else pytest.approx(expected, rel=ROUNDING))
