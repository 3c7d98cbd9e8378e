"""Where a mass may be: places that calcium surrounds on all sides."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg.calcium.findings import CalciumKind, CalciumMap
from ccma_seg.calcium.scores import hu_on_grid
from ccma_seg.geometry import Bools, Floats, Geometry, as_point
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.sphere import Indices
from ccma_seg.morphology import grown
from ccma_seg.volume import Volume

NOT_A_WALL = frozenset({CalciumKind.BONE, CalciumKind.METAL, CalciumKind.CONTRAST, CalciumKind.AORTIC_WALL})

_AXES = tuple(d for d in product((-1, 0, 1), repeat=3) if d > (0, 0, 0))
"""The 13 axes of a voxel's 26 neighbours."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """A place surrounded by calcium."""

    points_mm: Floats
    """(n, 3) LPS: the enclosed places on the search grid."""
    wall_hu: float
    """What counts as wall there."""
    score: float
    """Enclosed volume (mm3) times how completely it is enclosed."""


def find_candidates(volume: Volume, calcium: CalciumMap, params: LesionParams) -> tuple[Candidate, ...]:
    """Return the places that calcium near the annulus surrounds, best first.

    Parameters
    ----------
    volume
        The CT that `calcium` was found in.
    calcium
        With the place of each calcification; without an annular one there is no mass.
    params
        Search grid, directions and limits.
    """
    wall_hu = _least_wall_hu(calcium, params)
    voxels = linked_voxels(calcium, params)
    if wall_hu > calcium.threshold_hu:
        voxels = voxels[hu_on_grid(volume, calcium)[tuple(voxels.T)] >= wall_hu]
    if not len(voxels):
        return ()
    grid, hu, wall = _search_grid(volume, calcium.geometry, voxels, params)
    levels = _levels_hu(hu, wall, wall_hu, params)
    found = _enclosed(grid, levels, _walls(hu, wall, levels), params=params)
    return tuple(sorted(found, key=lambda c: -c.score))


def _least_wall_hu(calcium: CalciumMap, params: LesionParams) -> float:
    """Return the calcium threshold, or more where noise passes it: thick slices without contrast have a fixed one."""
    blood = calcium.blood
    noise_hu = -np.inf if blood is None else blood.hu + params.above_noise_sd * blood.sd_hu
    return max(calcium.threshold_hu, noise_hu)


def linked_voxels(calcium: CalciumMap, params: LesionParams) -> Indices:
    """List the voxels of annular calcium and of what may belong to the same rim, (n, 3)."""
    linked = [c.label for c in calcium.calcifications if c.kind == CalciumKind.ANNULAR]
    if not linked:
        return np.zeros((0, 3), np.intp)
    others = [c.label for c in calcium.calcifications if c.kind not in NOT_A_WALL and c.label not in linked]
    voxels = calcium.voxels([*linked, *others])
    labels = calcium.labels[tuple(voxels.T)]
    spans = _spans_mm(calcium, voxels, labels)
    near = [k for k in others if any(_apart_mm(spans[k], spans[seed]) <= params.link_mm for seed in linked)]
    return voxels[np.isin(labels, [*linked, *near])]


def _spans_mm(calcium: CalciumMap, voxels: Indices, labels: npt.NDArray[np.integer]) -> Floats:
    """Return from where to where the calcifications of some voxels reach along the grid, (label, 2, 3)."""
    spans = np.zeros((2, 3, len(calcium.calcifications) + 1), int)
    for axis, along in enumerate(voxels.T):
        spans[0, axis] = calcium.labels.shape[axis]
        np.minimum.at(spans[0, axis], labels, along)
        np.maximum.at(spans[1, axis], labels, along + 1)
    return np.asarray(np.moveaxis(spans, 2, 0) * np.array(calcium.geometry.spacing_mm))


def _apart_mm(first: Floats, second: Floats) -> float:
    gaps = np.maximum(0, np.maximum(first[0] - second[1], second[0] - first[1]))
    return float(np.linalg.norm(gaps))


def _search_grid(
    volume: Volume, geometry: Geometry, voxels: Indices, params: LesionParams
) -> tuple[Geometry, Floats, Bools]:
    """Average HU, and any calcium, over the voxels of a coarse isotropic grid with a free border of one voxel."""
    box = geometry.slices_around(geometry.to_patient(voxels))
    region = geometry.crop(box)
    step = max(params.search_spacing_mm, float(np.cbrt(np.prod(region.extent_mm) / params.search_voxels)))
    slices, rows, columns = (int(n) + 3 for n in np.array(region.extent_mm) / step)
    start = region.to_patient(-step / np.array(region.spacing_mm))
    grid = replace(region, shape=(slices, rows, columns), spacing_mm=(step,) * 3, origin_mm=as_point(start))
    size = np.maximum(1, np.rint(step / np.array(region.spacing_mm))).astype(int)
    inside = volume.geometry.slices_around(region.corners_mm(), margin_mm=step)
    smooth = ndimage.uniform_filter(volume.hu[inside].astype(np.float32), size, mode="nearest")
    hu = _at_grid(smooth, volume.geometry.crop(inside), grid, order=1)
    mask = np.zeros(region.shape, np.uint8)
    mask[tuple((voxels - [s.start for s in box]).T)] = 1
    spread = ndimage.maximum_filter(mask, size)
    wall = _at_grid(spread, region, grid, order=0) > 0
    return grid, hu, wall


def _at_grid(array: Floats, source: Geometry, grid: Geometry, *, order: int) -> Floats:
    ratio = np.array(grid.spacing_mm) / source.spacing_mm
    offset = source.to_index(grid.origin_mm)
    return np.asarray(
        ndimage.affine_transform(
            array, ratio, offset, grid.shape, order=order, mode="constant", cval=float(array.min())
        )
    )


def _levels_hu(hu: Floats, wall: Bools, wall_hu: float, params: LesionParams) -> list[float]:
    """Return the HU of ever denser walls."""
    dense = float(np.percentile(hu[wall], 95))
    return [wall_hu + fraction * max(0.0, dense - wall_hu) for fraction in params.wall_fractions]


def _walls(hu: Floats, wall: Bools, levels_hu: list[float]) -> Bools:
    """Return where the walls of each level are, (level, slice, row, column); of the first, where any calcium is."""
    reach = grown(wall, 2)
    return np.stack([wall if k == 0 else reach & (hu >= level) for k, level in enumerate(levels_hu)])


def _enclosed(grid: Geometry, levels_hu: list[float], walls: Bools, *, params: LesionParams) -> Iterator[Candidate]:
    """Yield the places that the walls of each level, (level, slice, row, column), enclose."""
    hits, pairs = np.zeros(walls.shape, np.int8), np.zeros(walls.shape, np.int8)
    for axis in _AXES:
        ends = [_meets(walls, np.array(axis) * sign, params.range_mm / grid.spacing_mm[0]) for sign in (1, -1)]
        hits += ends[0]
        hits += ends[1]
        pairs += ends[0] & ends[1]
    rays, axes = 2 * len(_AXES), len(_AXES)
    inside = ~walls & (hits >= params.enclosure * rays) & (pairs >= params.opposed * axes)
    for wall_hu, places, met in zip(levels_hu, inside, hits, strict=True):
        labels, _ = ndimage.label(places)
        for label, box in enumerate(ndimage.find_objects(labels), start=1):
            where = labels[box] == label
            index = np.argwhere(where) + [s.start for s in box]
            score = float(met[box][where].sum(dtype=int) / rays * grid.voxel_mm3)
            yield Candidate(points_mm=grid.to_patient(index), wall_hu=wall_hu, score=score)


def _meets(walls: Bools, direction: Floats, steps: float) -> Bools:
    """Tell from where a wall is met within some steps, by doubling the reach."""
    met = _shifted(walls, direction)
    reach, limit = 1, steps / float(np.linalg.norm(direction))
    while reach < limit:
        met |= _shifted(met, direction * reach)
        reach *= 2
    return met


def _shifted(masks: Bools, by: Floats) -> Bools:
    """Return out[:, i] = masks[:, i + by], False beyond the border."""
    out, shape = np.zeros_like(masks), masks.shape[1:]
    if (np.abs(by) >= shape).any():
        return out
    to = tuple(slice(max(0, -int(b)), n - max(0, int(b))) for b, n in zip(by, shape, strict=True))
    at = tuple(slice(max(0, int(b)), n - max(0, -int(b))) for b, n in zip(by, shape, strict=True))
    out[:, *to] = masks[:, *at]
    return out
