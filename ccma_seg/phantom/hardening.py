"""Dark bands beside dense calcium, by beam hardening: what rays through much calcium lack, smeared back.

A ray through p of calcium lacks about p squared, which the reconstruction smears back along it (Joseph 1978, second
order). The depth is not computed from a spectrum but asked for.
"""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import rotate, zoom

Hu32 = npt.NDArray[np.float32]

_DENSE_HU = 700.0
"""What exceeds this hardens the beam: calcium, hardly ever blood."""
_PIXEL_MM = 1.2
"""Bands are broad: they are worked out on pixels of about this size."""
_FULL = 2.0
"""On a ray (HU above that /1000, times coarse pixels), from which bands have the full depth: 8 mm of 1000 HU."""
_RAMP_PX = 12
"""Beyond so far the ramp filter of the reconstruction has made up for what a ray lacks."""
_ANGLES_DEG = np.arange(0, 180, 5.0)
_ANGLES_A_BAND = 4.5
"""A band is of the full depth where so many of the angles agree."""


def hardening(images: Hu32, *, depth_hu: float, pixel_mm: float) -> Hu32:
    """Work out what beam hardening takes from slices, (slices, rows, columns): HU to add, at most `depth_hu` deep."""
    added = np.zeros_like(images)
    coarse = min(pixel_mm / _PIXEL_MM, 1.0)
    for k in np.flatnonzero((images > _DENSE_HU).any(axis=(1, 2))):
        dense = np.maximum(zoom(images[k], coarse, order=1) - _DENSE_HU, 0) / 1000
        bands = _bands(dense)
        added[k] = depth_hu * _resized(bands, images.shape[1:])
    return added


def _bands(dense: Hu32) -> Hu32:
    """Smear back the square of each projection, without its broad mean; -1 is the full depth."""
    total = np.zeros_like(dense)
    for angle in _ANGLES_DEG:
        along = rotate(dense, angle, reshape=False, order=1).sum(axis=0)
        lacking = np.broadcast_to(_edged((along / _FULL) ** 2), dense.shape)
        total += rotate(lacking, -angle, reshape=False, order=1, mode="nearest")
    return np.asarray(np.clip(-total / _ANGLES_A_BAND, -1, 1), np.float32)


def _edged(values: Hu32) -> Hu32:
    """Take the broad mean off, as the reconstruction's filter does."""
    taps = np.hanning(2 * _RAMP_PX + 1)
    return np.asarray(values - np.convolve(values, taps / taps.sum(), mode="same"), np.float32)


def _resized(image: Hu32, shape: tuple[int, ...]) -> Hu32:
    return np.asarray(zoom(image, (shape[0] / image.shape[0], shape[1] / image.shape[1]), order=1), np.float32)
