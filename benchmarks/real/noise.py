"""Noise to add to a CT: white, or as a sharp kernel makes it."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import fft

from ccma_seg.volume import PADDING_HU

Noise = Literal["white", "kernel"]
_HIGHEST_HU = 3071
_FALL_POWER = 4
"""Power of a lung kernel's noise: f (1 - (f / Nyquist)^4), highest at two thirds of Nyquist (proposal)."""


def add_noise(hu: npt.NDArray[np.int16], kind: Noise, *, sd_hu: float, seed: int) -> npt.NDArray[np.int16]:
    """Add noise of a standard deviation to slices, each drawn for itself."""
    rng = np.random.Generator(np.random.Philox(key=(seed, 31)))
    shape = kernel_amplitude(hu.shape[1:]) if kind == "kernel" else None
    noisy = np.empty_like(hu)
    for plane, out in zip(hu, noisy, strict=True):
        drawn = rng.standard_normal(plane.shape, dtype=np.float32)
        drawn = drawn if shape is None else shaped(drawn, shape)
        out[...] = np.rint(np.clip(plane + np.float32(sd_hu) * drawn, PADDING_HU, _HIGHEST_HU))
    return noisy


def kernel_amplitude(shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return the amplitude of kernel-shaped noise by frequency, for `rfft2`, so that its variance is 1."""
    rows, columns = shape
    whole = np.hypot(fft.fftfreq(rows)[:, None], fft.fftfreq(columns)[None]) / 0.5
    power = whole * np.maximum(1 - whole**_FALL_POWER, 0)
    amplitude = np.sqrt(power / power.mean())
    return np.asarray(amplitude[:, : columns // 2 + 1], np.float32)


def shaped(white: npt.NDArray[np.float32], amplitude: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Give white noise the amplitude wanted at each frequency."""
    return np.asarray(fft.irfft2(fft.rfft2(white) * amplitude, s=white.shape))
