"""What is as bright as blood inside a mass: blood, paste, or not to be told."""

from functools import cache

import numpy as np
import pytest

from benchmarks.closeup import exam
from ccma_seg.calcium import find_calcium
from ccma_seg.lesion import CAVITY, measure, segment
from ccma_seg.lesion.texture import Texture, own_sd_hu, texture_of
from ccma_seg.logistic import Logistic, logistic_models
from ccma_seg.phantom import rough_recipe


@cache
def seen(kind: str, seed: int):
    made = exam(rough_recipe(seed, kind), seed=seed)
    lesion = segment(made.volume, made.anatomy, find_calcium(made.volume, made.anatomy))[0]
    return lesion, measure(made.volume, made.anatomy, lesion)


def test_a_chance_rises_with_what_speaks_for_it():
    model = Logistic(bias=-1.0, weights={"shut": 2.0, "between": -3.0})
    assert model({"shut": 0.5, "between": 0.0}) == pytest.approx(0.5)
    assert model({"shut": 1.0, "between": 0.0}) > 0.5 > model({"shut": 0.5, "between": 0.2})


def test_no_evidence_may_speak_the_wrong_way():
    weights = logistic_models("ccma_seg.lesion", "filling.json")["blood"].weights
    against = {"between", "rest", "unlike_chamber", "border"}
    assert all(weight * (-1 if name in against else 1) >= 0 for name, weight in weights.items())


def test_blood_that_paste_keeps_in_is_a_cavity():
    lesion, found = seen("ruptured", 2021)
    assert found.cavity.present is True
    assert found.cavity.blood_chance > 0.9
    assert lesion.parts.mask(CAVITY).any()


@pytest.mark.parametrize(("kind", "seed"), [("intact", 2003), ("like_blood", 2006)])
def test_paste_as_bright_as_blood_in_openings_towards_tissue_is_no_cavity(kind, seed):
    lesion, found = seen(kind, seed)
    assert found.cavity.present is not True
    assert found.cavity.blood_chance < 0.1
    assert not lesion.parts.mask(CAVITY).any()


def test_where_nothing_is_as_bright_as_blood_there_is_no_chance_of_it():
    _, found = seen("intact", 2020)
    assert found.cavity.present is False
    assert found.cavity.blood_chance == 0


def test_the_texture_of_a_core_is_stated_against_noise():
    rng = np.random.default_rng(1)
    heights = rng.uniform(0, 20, 4000)
    noise = rng.normal(0, 30, 4000)
    lumps = 80 * rng.choice([-1.0, 1.0], 4000)
    sediment = np.where(heights < 7, 200.0, 0.0)
    assert own_sd_hu(100 + noise, 30) < 15
    assert texture_of(100 + noise, heights, 30) == Texture.HOMOGENEOUS
    assert texture_of(100 + lumps + noise, heights, 30) == Texture.HETEROGENEOUS
    assert texture_of(100 + sediment + noise, heights, 30) == Texture.LAYERED
