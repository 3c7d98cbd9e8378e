"""What stands beside a heart: a lung on either side, which limbs, heads and abdomens have not."""

from dataclasses import dataclass

import numpy as np

from ccma_seg.anatomy.coarse import CoarseGrid
from ccma_seg.anatomy.pose import Pose
from ccma_seg.anatomy.template import HeartTemplate
from ccma_seg.geometry import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideParams:
    """Where lung is looked for, and how much of it there must be."""

    lung_hu: tuple[float, float] = (-970.0, -500.0)
    """Air outside the body is darker, tissue brighter."""

    reach_mm: float = 40.0
    """How far to the right and to the left of the heart's box."""

    margin_mm: float = 5.0
    """Between that and the box."""

    above_mm: float = 60.0
    """From the level of the annulus so far towards the head: below it lie diaphragm and liver."""

    least_ml: float = 20.0
    """Of both sides together within the volume; of less nothing is said."""

    least_share: float = 0.45
    """Of what is seen there: 35 real hearts have 0.51-0.95, limbs, heads and abdomens up to 0.40."""


def lung_beside(grid: CoarseGrid, pose: Pose, template: HeartTemplate, *, params: BesideParams) -> float | None:
    """Return how much of what lies to the right and left of a heart is lung; None where too little of it is seen."""
    low, high = template.box
    sides = [
        ((low[0] - params.margin_mm - params.reach_mm, low[1], 0.0), (low[0] - params.margin_mm, high[1])),
        ((high[0] + params.margin_mm, low[1], 0.0), (high[0] + params.margin_mm + params.reach_mm, high[1])),
    ]
    seen = np.concatenate([_hu_within(grid, pose, (*start,), (*end, params.above_mm)) for start, end in sides])
    if seen.size * grid.geometry.voxel_mm3 / 1000 < params.least_ml:
        return None
    low_hu, high_hu = params.lung_hu
    return float(np.mean((seen > low_hu) & (seen < high_hu)))


def _hu_within(grid: CoarseGrid, pose: Pose, low: tuple[float, ...], high: tuple[float, ...]) -> Floats:
    """Return the HU that were measured at points of a box of the template, a cell apart."""
    step = grid.geometry.spacing_mm[0]
    axes = [np.arange(a, b, step) for a, b in zip(low, high, strict=True)]
    places = pose.to_patient(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3))
    index = np.rint(grid.geometry.to_index(places[grid.geometry.contains(places)])).astype(np.intp)
    return np.asarray(grid.hu[tuple(index.T)][grid.measured[tuple(index.T)]])
