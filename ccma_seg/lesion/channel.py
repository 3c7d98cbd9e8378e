"""How wide a channel through the rim is: the least clearance on the widest way along it."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ccma_seg.geometry import Bools, Floats, Geometry, as_point
from ccma_seg.lesion.findings import Envelope
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.parts import polar
from ccma_seg.lesion.rays import field_within
from ccma_seg.lesion.sphere import directions
from ccma_seg.volume import Volume

_HALVINGS = 7
_CLEAR_MM = 0.5
"""Beyond this distance from the rim's surfaces lie inside and outside."""
_CUBE = np.ones((3, 3, 3), bool)
_ALIKE_MM = 1e-6
_BORDER_MM = 2.0
"""Of voxels round the grid: a spline needs its neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surroundings:
    """A fine grid round an opening of the rim."""

    hu: Floats
    grid: Geometry
    inside: Bools
    """Within the inner surface, clear of it."""
    outside: Bools
    """Beyond the outer surface, clear of it."""

    @property
    def step_mm(self) -> float:
        """Return the distance of neighbouring points."""
        return self.grid.spacing_mm[0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Channel:
    """The widest way through an opening."""

    clearance_mm: float
    """Radius of the largest ball that gets through, as the half-maximum contour has it."""
    narrowest_mm: Floats
    """Where it is narrowest."""
    filled: Bools
    """What hangs together with it, on the grid of the surroundings."""


def look_round(
    volume: Volume, envelope: Envelope, places: Bools, *, smoothing_mm: float, params: LesionParams
) -> Surroundings:
    """Read HU round an opening, from `neck_inside_mm` within the rim to `neck_outside_mm` beyond it.

    Parameters
    ----------
    volume, envelope
        The CT, and the surfaces of the mass.
    places
        (n,): which directions of the envelope belong to the opening.
    smoothing_mm
        Standard deviation of a blur against noise.
    params
        Grid and reach.
    """
    grid = _fine_grid(volume.geometry, envelope, places, params)
    hu = field_within(volume, grid.corners_mm(), margin_mm=_BORDER_MM).on(grid)
    distance, nearest = polar(grid, envelope)
    return Surroundings(
        hu=ndimage.gaussian_filter(hu, smoothing_mm / grid.spacing_mm[0]),
        grid=grid,
        inside=np.asarray(distance < envelope.inner_radius_mm[nearest] - _CLEAR_MM),
        outside=np.asarray(distance > envelope.outer_radius_mm[nearest] + _CLEAR_MM),
    )


def _fine_grid(geometry: Geometry, envelope: Envelope, places: Bools, params: LesionParams) -> Geometry:
    """Lay a fine grid along the axes of the volume round some places of an envelope."""
    lines, axes = directions(places.size)[places], np.array(geometry.axes)
    ends = (envelope.inner_radius_mm - params.neck_inside_mm, envelope.outer_radius_mm + params.neck_outside_mm)
    corners = np.concatenate([envelope.center_mm + np.maximum(r[places], 0)[:, None] * lines for r in ends]) @ axes.T
    low, high = corners.min(axis=0) - params.neck_inside_mm, corners.max(axis=0) + params.neck_inside_mm
    step = max(params.neck_step_mm, float(np.cbrt(np.prod(high - low) / params.neck_points)))
    first, second, third = (int(n) + 1 for n in np.ceil((high - low) / step))
    origin = as_point(low @ axes)
    return Geometry(shape=(first, second, third), spacing_mm=(step,) * 3, origin_mm=origin, axes=geometry.axes)


def find_channel(around: Surroundings, filling: Bools, *, goal: Bools) -> Channel | None:
    """Return the widest way that some filling makes from inside the rim to a goal outside; None if there is none.

    Parameters
    ----------
    around
        Of an opening.
    filling
        On its grid: what the way leads through.
    goal
        On its grid: where it must lead.
    """
    clearance = ndimage.distance_transform_edt(filling, sampling=around.step_mm)
    low, high = around.step_mm, float(clearance.max())
    way = _joined(clearance >= low, around.inside, goal)
    if way is None:
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        wider = _joined(clearance >= middle, around.inside, goal)
        if wider is None:
            high = middle
        else:
            low, way = middle, wider
    parted = clearance >= high
    apart = _away_mm(_touching(parted, around.inside), around) + _away_mm(_touching(parted, goal), around)
    shortest = np.argwhere(way & (apart <= apart[way].min() + _ALIKE_MM))  # all along the shortest line between the two
    narrowest = around.grid.to_patient(shortest.mean(axis=0))
    return Channel(clearance_mm=low, narrowest_mm=narrowest, filled=_touching(filling, way))


def _joined(open_: Bools, start: Bools, goal: Bools) -> Bools | None:
    """Return the open places that hang together with both start and goal; None if there are none."""
    labels, count = ndimage.label(open_, _CUBE)
    reached = np.zeros((2, count + 1), bool)
    for ends, place in zip(reached, (start, goal), strict=True):
        ends[labels[place]] = True
    both = reached.all(axis=0) & (np.arange(count + 1) > 0)
    return np.asarray(both[labels]) if both.any() else None


def _touching(open_: Bools, start: Bools) -> Bools:
    """Return the open places that hang together with a start."""
    return np.asarray(ndimage.binary_propagation(start & open_, _CUBE, open_))


def _away_mm(from_: Bools, around: Surroundings) -> Floats:
    if not from_.any():
        return np.zeros(from_.shape)
    return np.asarray(ndimage.distance_transform_edt(~from_, sampling=around.step_mm))
