"""The same done with several things at once."""

import time

import pytest

from ccma_seg.threads import at_once


def test_results_come_in_the_order_of_the_items_whatever_ends_first():
    def wait(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    assert at_once(wait, (0.05, 0.0, 0.02)) == [0.05, 0.0, 0.02]


def test_what_goes_wrong_with_one_item_is_raised():
    with pytest.raises(ZeroDivisionError):
        at_once(lambda n: 1 / n, (1, 0))
