"""What is stated of an error is scored by published rules."""

import numpy as np
import pytest

from benchmarks.interval_score import excess, interval_score, needed_mm, share_within

ERRORS_MM = np.arange(1.0, 21.0)
"""Of 20 exams."""


def test_the_score_of_an_interval_that_holds_the_error_is_its_width():
    assert interval_score(np.array([3.0]), np.array([2.0])) == 4.0


def test_what_lies_beyond_costs_one_over_the_share_that_may():
    assert interval_score(np.array([5.0]), np.array([2.0])) == pytest.approx(4.0 + 1.0 / 0.15)


def test_errors_that_are_followed_score_better_than_the_best_constant():
    constant = np.full(20, needed_mm(ERRORS_MM))
    assert interval_score(ERRORS_MM, ERRORS_MM / 2) < interval_score(ERRORS_MM, constant)


def test_the_best_constant_holds_the_share_that_is_wanted():
    assert share_within(ERRORS_MM, np.full(20, needed_mm(ERRORS_MM))) == pytest.approx(0.85)


def test_twice_what_would_do_is_an_excess_of_two():
    assert excess(ERRORS_MM, np.full(20, 17.0)) == pytest.approx(2.0)
