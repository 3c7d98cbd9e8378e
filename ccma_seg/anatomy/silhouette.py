"""Where the heart ends against the lungs: the right and left faces of its box."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ccma_seg.anatomy.coarse import CoarseGrid
from ccma_seg.geometry import Floats
from ccma_seg.morphology import opened
from ccma_seg.tissue import FAT_BELOW_HU

_X = 0
_LINES = 16
"""Along either other axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SilhouetteParams:
    """How the border of the heart is followed."""

    opening_cells: int = 2
    """Vessels and strands thinner than twice this are no heart."""
    reach_mm: float = 20.0
    """A border farther than this from the template's face belongs to something else."""
    middle: tuple[float, float] = (0.25, 0.75)
    """The part of the box, along both other axes, in which the face is looked for."""
    extreme: float = 0.9
    """The face is this quantile of where the heart ends: it bulges."""
    least_share: float = 0.15
    """Of the lines must end within reach, or the template's face stands."""


def follow(grid: CoarseGrid, box_mm: Floats, center_mm: Floats, *, params: SilhouetteParams) -> Floats:
    """Return the box with its right and left faces moved to where the heart ends.

    The front touches the chest wall, the back the spine and the bottom the liver: there the template stands.
    """
    tissue = opened(grid.hu > FAT_BELOW_HU, params.opening_cells)
    moved = box_mm.copy()
    low, high = (box_mm[0] + share * (box_mm[1] - box_mm[0]) for share in params.middle)
    y, z = np.meshgrid(*np.linspace(low[1:], high[1:], _LINES).T)
    for side, sign in enumerate((-1.0, 1.0)):
        reach = abs(box_mm[side, _X] - center_mm[_X]) + params.reach_mm
        x = center_mm[_X] + sign * np.arange(0.0, reach, grid.geometry.spacing_mm[0])
        lines = np.stack(np.broadcast_arrays(x, y[..., None], z[..., None]), axis=-1)
        index = np.moveaxis(grid.geometry.to_index(lines), -1, 0)
        inside = ndimage.map_coordinates(tissue.astype(np.uint8), index, order=0, mode="constant") > 0
        ends = x[inside.argmin(axis=-1)][~inside.all(axis=-1)]
        near = ends[np.abs(ends - box_mm[side, _X]) < params.reach_mm]
        if near.size >= params.least_share * y.size:
            moved[side, _X] = np.quantile(near, params.extreme if side else 1 - params.extreme)
    return moved
