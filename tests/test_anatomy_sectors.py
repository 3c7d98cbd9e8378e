"""Names of places round the annulus."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccma_seg.anatomy.sectors import at_trigone, is_posterior, sector, sectors


@pytest.mark.parametrize(
    ("angle", "name"),
    [
        (0, "P2"),
        (60, "P1"),
        (-60, "P3"),
        (100, "anterolateral_commissure"),
        (-100, "posteromedial_commissure"),
        (130, "A1"),
        (-130, "A3"),
        (180, "A2"),
    ],
)
def test_each_segment_lies_where_the_surgeon_expects_it(angle, name):
    assert sector(angle) == name


@given(st.floats(-179, 179))
def test_a_full_turn_changes_no_name(angle):
    assert sector(angle) == sector(angle + 360) == sector(angle - 720)


@given(st.floats(1, 179))
def test_mirrored_angles_swap_lateral_and_medial(angle):
    swap = str.maketrans("13", "31")
    mirrored = {"anterolateral_commissure": "posteromedial_commissure"}
    name = sector(angle)
    assert sector(-angle) == mirrored.get(name, name.translate(swap))


def test_all_angles_together_give_each_segment_once():
    assert len(sectors(np.arange(360.0))) == 8


def test_the_trigones_end_the_posterior_two_thirds():
    assert at_trigone(np.array([120.0, -120.0, 0.0]), lateral=True).tolist() == [True, False, False]
    assert at_trigone(np.array([120.0, -120.0, 240.0]), lateral=False).tolist() == [False, True, True]
    assert is_posterior(119)
    assert not is_posterior(-125)
