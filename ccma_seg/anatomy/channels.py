"""What a CT shows of a heart, in numbers that do not depend on scanner or contrast: tissue, fat, blood."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ccma_seg.anatomy.coarse import CoarseGrid, smooth
from ccma_seg.geometry import Bools, Floats, Floats32, Geometry

TISSUE_HU = (-160.0, 60.0)
"""From air and lung (0) to soft tissue (1): blood, muscle, contrast and calcium are one above."""

FAT_HU, FAT_WIDTH_HU = -85.0, 55.0
"""Mean and width of fat, wide enough for the groove's partial volume."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Channels:
    """Aligned pictures of one exam on one grid, each 0 to 1."""

    values: Floats32
    """(z, y, x, channel)."""

    measured: Floats32
    """1 where the volume holds data, 0 elsewhere; (z, y, x)."""

    geometry: Geometry

    def sample(self, positions_mm: Floats) -> tuple[Floats32, Floats32]:
        """Interpolate all channels, (channel, n), and tell which positions are measured, (n,)."""
        index, last = self.geometry.to_index(positions_mm), np.array(self.measured.shape) - 1
        nearest = np.rint(index).astype(np.intp)
        within = ((nearest >= 0) & (nearest <= last)).all(axis=1)
        z, y, x = np.clip(nearest, 0, last).T
        return self._between(np.clip(index, 0, last)).T, np.where(within, self.measured[z, y, x], np.float32(0))

    def _between(self, index: Floats) -> Floats32:
        """Interpolate linearly at indices within the grid, (n, 3): channels share their neighbours, (n, channel)."""
        slices, rows, columns = self.measured.shape
        low = np.minimum(index.astype(np.intp), np.maximum((slices - 2, rows - 2, columns - 2), 0))
        steps = np.array([rows * columns, columns, 1]) * (np.array(self.measured.shape) > 1)
        corners = np.array([*product((0, 1), repeat=3)]) @ steps
        cells = self.values.reshape(-1, self.values.shape[-1]).take(corners[:, None] + low @ steps, axis=0)
        for share in (index - low).astype(np.float32).T:
            near, far = np.split(cells, 2)
            cells = near + share[:, None] * (far - near)
        return np.asarray(cells[0])

    def without(self, masked: Bools) -> "Channels":
        """Return the same pictures, as if part of them had not been measured."""
        return replace(self, measured=np.where(masked, np.float32(0), self.measured))


def channels(grid: CoarseGrid, *, sigma_cells: float = 1.0, blood: tuple[float, float] | None = None) -> Channels:
    """Turn HU into tissue and fat, and into blood where the HU of muscle and of blood are given."""
    low, high = TISSUE_HU
    pictures = [
        (np.clip(grid.hu, low, high) - low) / (high - low),
        np.exp(-(((grid.hu - FAT_HU) / FAT_WIDTH_HU) ** 2)),
    ]
    if blood is not None:
        muscle_hu, blood_hu = blood
        pictures.append(np.clip((grid.hu - muscle_hu) / (blood_hu - muscle_hu), 0, 1))
    values = np.stack([smooth(p.astype(np.float32), sigma_cells=sigma_cells) for p in pictures], axis=-1)
    return Channels(values=values, measured=grid.measured.astype(np.float32), geometry=grid.geometry)
