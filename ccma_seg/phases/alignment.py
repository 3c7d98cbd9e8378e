"""From one phase to another: first the base of the heart, then each mass by itself.

What contrast does not change is compared: fat against soft tissue, all blood and muscle being alike, and calcium.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg.anatomy.coarse import crop_to
from ccma_seg.errors import GeometryError
from ccma_seg.geometry import Bools, Floats, Floats32, Geometry, Point
from ccma_seg.lesion import Envelope, Lesion
from ccma_seg.lesion.parts import depth_mm
from ccma_seg.lesion.surface import envelope_points
from ccma_seg.phases.findings import Alignment
from ccma_seg.phases.params import PhaseParams
from ccma_seg.registration import Descent
from ccma_seg.volume import Volume

_SMOOTH_VOXELS = 1.0
_EDGES = 0.75
"""The steepest quarter of the voxels are edges."""
_NEAR = Descent(shrink=(1,), step_mm=1.0)
"""For a mass, once the heart is aligned."""
_MARGIN_MM = 18.0
"""How much more of the second phase is taken, so that nothing is missed when it moves."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """A cube in which two phases are compared."""

    center_mm: Point | Floats
    half_mm: float
    cell_mm: float
    calcium_hu: float
    """Above this there is only calcium in both phases."""
    envelope: Envelope | None = None
    """Of a mass, if only that and what adjoins it is compared: what lies farther away may have moved otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _View:
    """What contrast does not change, on a grid."""

    values: Floats32
    geometry: Geometry
    measured: Bools

    @property
    def positions_mm(self) -> Floats:
        return self.geometry.to_patient(np.moveaxis(np.indices(self.geometry.shape), 0, -1))

    def at(self, positions_mm: Floats) -> Floats:
        index = np.moveaxis(self.geometry.to_index(positions_mm), -1, 0)
        return np.asarray(ndimage.map_coordinates(self.values, index, order=1, mode="nearest"))


def align_heart(
    first: Volume, second: Volume, region: Region, *, starts: list[Floats], params: PhaseParams
) -> Alignment:
    """Align the base of the heart, from the best of some starts.

    Raises
    ------
    GeometryError
        If the two do not overlap from any start.
    """
    start = _best_start(first, second, region, starts=starts, params=params)
    return _rigid(first, second, region, start=start, params=params)


def align_mass(
    first: Volume, second: Volume, lesion: Lesion, heart: Alignment, *, calcium_hu: float, params: PhaseParams
) -> Alignment:
    """Align one mass, which is rigid, and what adjoins it.

    Raises
    ------
    GeometryError
        If the second phase does not show its place.
    """
    points = envelope_points(lesion.envelope)
    half = float(np.abs(points - points.mean(axis=0)).max()) + params.mass_margin_mm
    region = Region(
        center_mm=points.mean(axis=0),
        half_mm=half,
        cell_mm=params.mass_cell_mm,
        calcium_hu=calcium_hu,
        envelope=lesion.envelope,
    )
    found = _rigid(first, second, region, start=heart.matrix, params=params, descent=_NEAR)
    if found.correlation >= params.mass_correlation_min:
        return found
    starts = [heart.matrix @ shift(way * params.mass_reach_mm) for way in np.concatenate([np.eye(3), -np.eye(3)])]
    others = [_rigid(first, second, region, start=start, params=params, descent=_NEAR) for start in starts]
    return max(found, *others, key=lambda alignment: alignment.correlation)


def shift(by_mm: Floats) -> Floats:
    """Return a motion, 4 x 4, that shifts and does not turn."""
    matrix = np.eye(4)
    matrix[:3, 3] = by_mm
    return matrix


def _rigid(
    first: Volume,
    second: Volume,
    region: Region,
    *,
    start: Floats,
    params: PhaseParams,
    descent: Descent = Descent(),
) -> Alignment:
    from ccma_seg import itk  # noqa: PLC0415  SimpleITK is large, and needed with a second phase only

    fixed, moving = _views(first, second, region, matrix=start, params=params)
    grids = fixed.geometry, moving.geometry
    found = itk.register_rigid(fixed.values, moving.values, grids, start=start, where=fixed.measured, descent=descent)
    return _judged(fixed, moving, found)


def _views(
    first: Volume, second: Volume, region: Region, *, matrix: Floats, params: PhaseParams
) -> tuple[_View, _View]:
    there = matrix[:3, :3] @ np.asarray(region.center_mm) + matrix[:3, 3]
    wider = replace(region, center_mm=there, half_mm=region.half_mm + _MARGIN_MM, envelope=None)
    return _view(first, region, params), _view(second, wider, params)


def _view(volume: Volume, region: Region, params: PhaseParams) -> _View:
    coarse = crop_to(volume, np.asarray(region.center_mm), half_mm=region.half_mm, cell_mm=region.cell_mm)
    soft = np.clip(coarse.hu, params.fat_hu, params.soft_hu)
    calcium = np.clip(coarse.hu - region.calcium_hu, 0, params.calcium_span_hu)
    weight = (params.soft_hu - params.fat_hu) / params.calcium_span_hu
    measured = coarse.measured
    if region.envelope is not None:
        measured = measured & (depth_mm(coarse.geometry, region.envelope) >= -params.mass_margin_mm)
    return _View(values=(soft + weight * calcium).astype(np.float32), geometry=coarse.geometry, measured=measured)


def _best_start(first: Volume, second: Volume, region: Region, *, starts: list[Floats], params: PhaseParams) -> Floats:
    coarse = replace(region, cell_mm=2 * region.cell_mm)
    found = [(_correlation_at(first, second, coarse, matrix=m, params=params), k) for k, m in enumerate(starts)]
    best, which = max(found)
    if best < -1:
        raise GeometryError("the two phases must show the same place; they do not overlap")
    return starts[which]


def _correlation_at(first: Volume, second: Volume, region: Region, *, matrix: Floats, params: PhaseParams) -> float:
    """Return the correlation without any search; less than -1 where the second phase does not reach."""
    try:
        fixed, moving = _views(first, second, region, matrix=matrix, params=params)
    except GeometryError:
        return -2.0
    return _judged(fixed, moving, matrix).correlation


def _judged(fixed: _View, moving: _View, matrix: Floats) -> Alignment:
    """Say how well two views fit: edges of `fixed`, and what differs there over how steep they are."""
    there = fixed.positions_mm @ matrix[:3, :3].T + matrix[:3, 3]
    seen = fixed.measured & moving.geometry.contains(there)
    if not seen.any():
        raise GeometryError("the two phases must show the same place; they do not overlap")
    other = moving.at(there)
    apart = np.abs(ndimage.gaussian_filter(other - fixed.values, _SMOOTH_VOXELS))
    smooth = ndimage.gaussian_filter(fixed.values, _SMOOTH_VOXELS)
    steepness = np.linalg.norm(np.gradient(smooth, *fixed.geometry.spacing_mm), axis=0)
    edges = seen & (steepness >= np.quantile(steepness[seen], _EDGES)) & (steepness > 0)
    return Alignment(
        matrix=matrix,
        correlation=_correlation(fixed.values[seen], other[seen]),
        residual_mm=float(np.median(apart[edges] / steepness[edges])) if edges.any() else 0.0,
        residual_hu=float(np.median(apart[edges])) if edges.any() else 0.0,
    )


def _correlation(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> float:
    spread = float(first.std() * second.std())
    return float(((first - first.mean()) * (second - second.mean())).mean()) / spread if spread > 0 else 0.0
