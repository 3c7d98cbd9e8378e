"""Voxels that are Hounsfield units, and such as are not, whatever the header says."""

import numpy as np
import pytest

from ccma_seg.errors import NotHuError
from ccma_seg.volume import check_scale


def body(shape=(60, 140, 140)):
    """Air round fat round muscle."""
    _, y, x = np.indices(shape)
    away = np.hypot(y - 70, x - 70)
    noise = np.random.default_rng(0).normal(0, 15, shape)
    return (np.select([away < 40, away < 50], [40, -100], -1000) + noise).astype(np.int16)


@pytest.mark.parametrize("hu", [body(), body()[:, 30:110, 30:110], body()[:, 45:95, 45:95], body() - 24])
def test_a_body_and_crops_of_it_are_in_hu(hu):
    check_scale(hu, "exam")


def test_a_lost_intercept_is_named():
    with pytest.raises(NotHuError, match="intercept"):
        check_scale(np.maximum(body() + 1024, 0).astype(np.int16), "exam")


def test_grey_values_of_a_window_are_named():
    grey = np.clip((body().astype(float) + 160) / 400 * 255, 0, 255).astype(np.int16)
    with pytest.raises(NotHuError, match="window"):
        check_scale(grey, "exam")
