"""What a CT shows of a heart, in numbers that do not depend on scanner or contrast: tissue, fat, blood."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

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
    """(channel, z, y, x)."""

    measured: Floats32
    """1 where the volume holds data, 0 elsewhere; (z, y, x)."""

    geometry: Geometry

    def sample(self, positions_mm: Floats) -> tuple[Floats32, Floats32]:
        """Interpolate all channels, (channel, n), and tell which positions are measured, (n,)."""
        index = np.ascontiguousarray(self.geometry.to_index(positions_mm).T)
        last = np.array(self.measured.shape)[:, None] - 1
        within = ((index >= -0.5) & (index <= last + 0.5)).all(axis=0)
        index = np.clip(index, 0, last)
        nearest = self.measured.take(self._steps @ np.rint(index).astype(np.intp))
        return self._between(index), np.where(within, nearest, np.float32(0))

    @property
    def _steps(self) -> npt.NDArray[np.intp]:
        """How far apart neighbours along each axis lie in a flattened picture."""
        _, rows, columns = self.measured.shape
        return np.array([rows * columns, columns, 1])

    def _between(self, index: Floats) -> Floats32:
        """Interpolate linearly at indices within the grid, (3, n): channels share their neighbours, (channel, n)."""
        shape = np.array(self.measured.shape)
        low = np.minimum(index.astype(np.intp), np.maximum(shape - 2, 0)[:, None])
        corners = np.array([*product((0, 1), repeat=3)]) @ (self._steps * (shape > 1))
        cells = self.values.reshape(len(self.values), -1).take(corners[:, None] + self._steps @ low, axis=1)
        for share in (index - low).astype(np.float32):
            near, far = np.split(cells, 2, axis=1)
            cells = near + share * (far - near)
        return np.asarray(cells[:, 0])

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
    values = np.stack([smooth(p.astype(np.float32), sigma_cells=sigma_cells) for p in pictures])
    return Channels(values=values, measured=grid.measured.astype(np.float32), geometry=grid.geometry)
