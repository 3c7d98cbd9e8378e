"""What is stated of the annulus grows with what makes it err."""

from types import SimpleNamespace

import pytest

from ccma_seg.anatomy.certainty import CertaintyParams, by_blood, by_templates

PARAMS = CertaintyParams()


def heart(*, moved_mm=0.0, apart_mm=0.0, least_mm=0.0):
    return SimpleNamespace(moved_mm=moved_mm, apart_mm=apart_mm, least_uncertainty_mm=least_mm)


def test_a_heart_that_fits_at_once_is_known_best():
    assert by_templates(heart(), PARAMS) == pytest.approx(PARAMS.plain_mm)
    assert by_blood(heart(), 0.0, PARAMS) == pytest.approx(PARAMS.blood_mm)


@pytest.mark.parametrize("sign", [{"moved_mm": 6.0}, {"apart_mm": 3.0}])
def test_what_the_templates_disagree_on_is_stated(sign):
    assert by_templates(heart(**sign), PARAMS) > by_templates(heart(), PARAMS)
    assert by_blood(heart(**sign), 1.0, PARAMS) > by_blood(heart(), 1.0, PARAMS)


def test_hinges_that_do_not_show_are_stated():
    assert by_blood(heart(), 5.0, PARAMS) > by_blood(heart(), 1.2, PARAMS)


def test_low_contrast_has_its_floor():
    assert by_blood(heart(least_mm=3.0), 1.0, PARAMS) == 3.0
