"""Streaks beside metal, drawn: dark and bright rays from its middle that fade with distance.

They look like streaks and disturb like streaks; they are not the physics of them.
"""

import numpy as np

from ccma_seg.phantom.rendering import Hu32
from ccma_seg.phantom.scanner import SliceProfile, gather
from ccma_seg.phantom.spec import ScannerSpec

METAL_HU = 2500.0
_RAYS = ((3, 0.4), (7, 1.1), (13, 2.3), (29, 0.7))
"""Rays round the metal (number, phase): few broad ones, many fine ones."""
_FADE_MM = 14.0


def make_streaks(planes: Hu32, spec: ScannerSpec, profile: SliceProfile, *, slices: int) -> Hu32:
    """Draw the streaks of each slice that holds metal; (slices, rows, columns) HU to add."""
    metal = gather((planes > METAL_HU).astype(np.float32), profile, slices)
    streaks = np.zeros(metal.shape, np.float32)
    for index in np.flatnonzero(metal.any(axis=(1, 2))):
        streaks[index] = _one(metal[index], spec)
    return streaks


def _one(metal: Hu32, spec: ScannerSpec) -> Hu32:
    rows, columns = (np.arange(n, dtype=float) for n in metal.shape)
    total = metal.sum(dtype=float)
    row = (metal.sum(axis=1, dtype=float) * rows).sum() / total
    column = (metal.sum(axis=0, dtype=float) * columns).sum() / total
    pixel = spec.field_of_view_mm / spec.matrix
    y, x = (rows[:, None] - row) * pixel, (columns[None] - column) * pixel
    angle, away = np.arctan2(y, x), np.sqrt(x * x + y * y)
    rays = sum(np.cos(n * angle + phase) for n, phase in _RAYS) / len(_RAYS)
    fades = _FADE_MM / (_FADE_MM + away)
    return np.asarray(spec.streak_hu * rays * fades * (metal == 0), np.float32)
