"""What a core is like: of one kind, uneven, or settled in layers; stated against the noise of the exam."""

from enum import StrEnum

import numpy as np

from ccma_seg.geometry import Floats
from ccma_seg.volume import Hu

UNEVEN_HU = 30.0
"""Standard deviation of the paste itself, noise taken off, from which on it is heterogeneous: one kind of paste has up
to 20 (assumed), and one and a half of it is clear of what measuring it errs (proposal)."""

LAYERED_SHARE = 0.6
"""Share of the variance that the height in a patient on the back explains, from which on a core is layered
(proposal)."""

_HEIGHTS = 8
"""Bands of height that are compared."""
_FEW = 10
"""Voxels in a band at least."""


class Texture(StrEnum):
    """Kinds of cores, as radiologists call them."""

    HOMOGENEOUS = "homogeneous"
    HETEROGENEOUS = "heterogeneous"
    LAYERED = "layered"


def own_sd_hu(hu: Hu, noise_hu: float) -> float:
    """Return the standard deviation of what is seen, (n,), without that of the noise."""
    return float(np.sqrt(max(float(np.var(hu.astype(float))) - noise_hu**2, 0.0)))


def texture_of(hu: Hu, heights_mm: Floats, noise_hu: float) -> Texture:
    """Tell what a core is like.

    Parameters
    ----------
    hu, heights_mm
        (n,): of voxels of the core clear of rim and blood, and how high they lie when the patient lies on the back:
        sediment settles.
    noise_hu
        Standard deviation of the noise.
    """
    own_hu = own_sd_hu(hu, noise_hu)
    if own_hu < UNEVEN_HU:
        return Texture.HOMOGENEOUS
    layered = _explained_by_height(hu.astype(float), heights_mm) >= LAYERED_SHARE * own_hu**2
    return Texture.LAYERED if layered else Texture.HETEROGENEOUS


def _explained_by_height(hu: Floats, heights_mm: Floats) -> float:
    """Return the variance between bands of height of the same number of voxels."""
    order = np.argsort(heights_mm, kind="stable")
    bands = [band for band in np.array_split(hu[order], _HEIGHTS) if band.size >= _FEW]
    if len(bands) < _HEIGHTS:
        return 0.0
    return float(np.var([band.mean() for band in bands]))
