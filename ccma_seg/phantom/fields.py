"""Random fields in space: of mean 0 and standard deviation 1, evaluated at whatever points are asked for."""

from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from ccma_seg.geometry import Floats

Field = Callable[[Floats], Floats]
"""From positions (n, 3) mm to values (n,)."""

_WAVES = 24
"""Plane waves in a field: enough to look random."""

_NODES = 64
"""Along each side of the lattice of a field; it repeats after so many."""
_NODES_A_LENGTH = 3.0
"""So close that values between nodes keep nine tenths of their variance."""
_LATTICES = 16
"""Kept in memory, 1 MiB each: the fields of one lesion."""


def smooth_field(*, wavelength_mm: float, seed: int) -> Field:
    """Make a field from waves of about one length."""
    rng = np.random.Generator(np.random.Philox(key=(seed, 3)))
    direction = rng.normal(size=(_WAVES, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    waves = direction * (2 * np.pi / wavelength_mm / rng.uniform(0.7, 1.6, (_WAVES, 1)))
    phases = rng.uniform(0, 2 * np.pi, _WAVES)

    def field(positions_mm: Floats) -> Floats:
        total = np.zeros(len(positions_mm))
        for wave, phase in zip(waves, phases, strict=True):
            x, y, z = (float(k) * positions_mm[:, i] for i, k in enumerate(wave))
            total += np.cos(x + y + z + phase)
        return np.asarray(total * np.sqrt(2 / _WAVES))

    return field


def random_field(*, length_mm: float, seed: int, stream: int) -> Field:
    """Make a Gaussian field whose correlation at distance r is exp(-r^2 / 2 length^2).

    It lies on a lattice of a third of that length, drawn from `seed` and `stream`, and is linear between nodes.
    """
    lattice = _lattice(seed, stream)
    step = length_mm / _NODES_A_LENGTH

    def field(positions_mm: Floats) -> Floats:
        return np.asarray(map_coordinates(lattice, positions_mm.T / step, order=1, mode="grid-wrap"), float)

    return field


def above(share_pct: float) -> float:
    """Return the value that a share of a Gaussian field exceeds."""
    if not 0 < share_pct < 100:
        return np.inf if share_pct <= 0 else -np.inf
    return NormalDist().inv_cdf(1 - share_pct / 100)


@lru_cache(maxsize=_LATTICES)
def _lattice(seed: int, stream: int) -> Floats:
    rng = np.random.Generator(np.random.Philox(key=(seed, stream)))
    white = rng.standard_normal((_NODES,) * 3)
    smooth = gaussian_filter(white, _NODES_A_LENGTH / np.sqrt(2), mode="wrap")
    return np.asarray((smooth - smooth.mean()) / smooth.std())
