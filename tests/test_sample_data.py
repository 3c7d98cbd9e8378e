"""The exam that comes with the project is what its recipe makes."""

from pathlib import Path

import numpy as np
import pytest

from ccma_seg import read_series
from ccma_seg.phantom import make_phantom, read_recipe

SAMPLE = Path(__file__).parents[1] / "sample_data"


@pytest.mark.parametrize("path", sorted(SAMPLE.glob("recipes/*.toml")), ids=lambda path: path.stem)
def test_the_recipes_can_be_read(path):
    assert read_recipe(path).lesions


def test_the_exam_is_what_its_recipe_makes():
    stored = read_series(SAMPLE / "dicom")
    made = make_phantom(SAMPLE / "recipes/tiny.toml").volume
    np.testing.assert_array_equal(stored.hu, made.hu)
    assert stored.geometry.difference(made.geometry) is None


def test_the_exam_is_small():
    assert sum(path.stat().st_size for path in (SAMPLE / "dicom").iterdir()) < 1_000_000
