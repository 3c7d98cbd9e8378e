"""The blood of the left ventricle and of the left atrium told apart, where contrast shows it."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

from ccma_seg import grids
from ccma_seg.anatomy.coarse import crop_to, dense_parts, smooth
from ccma_seg.anatomy.findings import BLOOD_POOL_LA, BLOOD_POOL_LV
from ccma_seg.anatomy.frame import HeartFrame
from ccma_seg.errors import ConfigError
from ccma_seg.geometry import Bools, Floats, Floats32, Geometry
from ccma_seg.morphology import opened
from ccma_seg.threads import at_once
from ccma_seg.volume import LabelMap, Volume

_ROOT, _RIGHT, _REST = 1, 2, 3
"""Labels of other basins, beside those of the left ventricle and atrium."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BloodParams:
    """How chambers are flooded from inside."""

    cell_mm: float = 1.5
    half_mm: float = 70.0
    """Half the side of the cube that holds both pools."""
    ahead_mm: float = 20.0
    """Its middle lies this far from the annulus towards the apex."""

    threshold: float = 0.5
    """Between muscle (0) and blood (1)."""
    dense: float = 1.6
    """Above this it is calcium or right-heart contrast, not blood of the left heart."""
    smoothing_cells: float = 0.7

    ventricle_from_mm: float = 18.0
    ventricle_to: float = 0.7
    """Share of the length; the marker of the ventricle is a rod between the two."""
    atrium_mm: tuple[float, float] = (-30.0, -13.0)
    atrium_offset_mm: tuple[float, float] = (3.0, -4.0)
    """Where the rod of the atrium lies, along and across the axis."""
    rod_mm: float = 9.0
    root_rod_mm: float = 7.0
    root_length: float = 1.6
    """The rod of the root goes on to this multiple of its distance from the annulus."""
    outflow_mm: tuple[float, float, float] = (11.0, 12.0, 4.0)
    """Place (along, towards the root) and radius of a marker that keeps the outflow tract with the ventricle."""
    septal_mm: tuple[float, float, float] = (34.0, 30.0, 15.0)
    """Beyond this towards the root side, within 15 mm of 30 mm along the axis, lies the right ventricle."""
    right_atrium_mm: tuple[float, float, float] = (-8.0, 38.0, 32.0)
    """Middle of a rod in the right atrium, in the heart's frame: it lay within it in six CTs with contrast."""
    right_rod_mm: tuple[float, float] = (12.0, 8.0)
    """Half its length along the axis, and its radius."""

    drowned: float = 0.3
    """Noise over the step from muscle to blood from which on voxels do not tell the two apart (proposal)."""
    bridge_mm: float = 12.0
    """What hangs together over no more than this is two lobes (proposal)."""
    vessel_mm: float = 75.0
    """A lobe as high as this, away from a chamber's marker, is the descending aorta: a left atrium is 40-60 mm high."""

    def __post_init__(self) -> None:
        if not 0.5 <= self.cell_mm <= 3:
            raise ConfigError(f"anatomy.blood.cell_mm must lie between 0.5 and 3 mm, got {self.cell_mm}")
        if not 0 < self.threshold < self.dense:
            raise ConfigError(f"anatomy.blood.threshold must lie between 0 and dense, got {self.threshold}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Enhancement:
    """How much of the blood's contrast each cell has: 0 in muscle, 1 in blood, clipped to -2..1.

    Calcium and metal count as blood, so that they make no wall.
    """

    values: Floats32
    """(z, y, x)."""
    dense: Bools
    """Where calcified masses are, and what they enclose."""
    contrast_hu: float
    """Of blood above muscle."""
    geometry: Geometry


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Basins:
    """Flooded chambers on a fine grid."""

    labels: npt.NDArray[np.uint8]
    geometry: Geometry
    positions: Floats32
    """In the heart's frame, (z, y, x, 3)."""


def enhancement(
    volume: Volume, frame: HeartFrame, levels: tuple[float, float], *, dense_hu: float, params: BloodParams
) -> Enhancement:
    """Measure enhancement in a cube round the left heart."""
    middle = frame.to_patient(np.array([params.ahead_mm, 0, 0]))
    grid = crop_to(volume, middle, half_mm=params.half_mm, cell_mm=params.cell_mm)
    muscle_hu, blood_hu = levels
    values = np.clip((grid.hu - muscle_hu) / (blood_hu - muscle_hu), -2, 1).astype(np.float32)
    return Enhancement(
        values=smooth(values, sigma_cells=params.smoothing_cells),
        dense=dense_parts(grid.hu, above_hu=dense_hu, margin_cells=1),
        contrast_hu=blood_hu - muscle_hu,
        geometry=grid.geometry,
    )


def flood(enhanced: Enhancement, frame: HeartFrame, *, params: BloodParams) -> Basins:
    """Flood the chambers from markers inside them; ridges of the gradient part them."""
    grid = enhanced.geometry
    first = frame.to_frame(np.array(grid.origin_mm))
    steps = (frame.axes * grid.spacing_mm[0]).astype(np.float32)
    z, y, x = np.indices(grid.shape, dtype=np.float32, sparse=True)
    places = np.array([first[i] + steps[i, 0] * x + steps[i, 1] * y + steps[i, 2] * z for i in range(3)], np.float32)
    blood = (enhanced.values > params.threshold) & ~enhanced.dense
    markers = np.zeros(blood.shape, np.int32)
    markers[blood] = _markers(places[:, blood], frame, params)
    floor = np.maximum(enhanced.values, -0.2)
    slope = np.sqrt(sum(ndimage.sobel(floor, axis) ** 2 for axis in range(3)))
    labels = watershed(slope, markers, mask=opened(blood) | (markers > 0)).astype(np.uint8)
    for chamber in (BLOOD_POOL_LV, BLOOD_POOL_LA):
        _keep_chamber(labels, chamber, markers == chamber, params=params)
    return Basins(labels=labels, geometry=grid, positions=np.moveaxis(places, 0, -1))


def _keep_chamber(labels: npt.NDArray[np.uint8], chamber: int, marker: Bools, *, params: BloodParams) -> None:
    """Clear from a chamber's label what hangs on it by a narrow bridge and is a vessel, in place; and islands."""
    own = labels == chamber
    if not own.any():
        return
    box = ndimage.find_objects(own.astype(np.uint8))[0]
    part, deep = labels[box], ndimage.distance_transform_edt(own[box], sampling=params.cell_mm)
    lobes, count = ndimage.label(deep > params.bridge_mm / 2)
    home = np.unique(lobes[marker[box] & (lobes > 0)])
    tall = [
        lobe
        for lobe, (along, _, _) in enumerate(ndimage.find_objects(lobes), start=1)
        if lobe not in home and (along.stop - along.start) * params.cell_mm >= params.vessel_mm
    ]
    if tall and count > len(tall):
        spread = watershed(-deep, lobes, mask=own[box])
        part[np.isin(spread, tall)] = 0
    pieces, _ = ndimage.label(part == chamber)
    with_marker = np.unique(pieces[marker[box] & (pieces > 0)])
    part[(pieces > 0) & ~np.isin(pieces, with_marker)] = 0


def _markers(places: Floats32, frame: HeartFrame, params: BloodParams) -> npt.NDArray[np.uint8]:
    """Label rods inside the chambers; `places` in the heart's frame, (3, n)."""
    x, y, z = places
    shift_y, shift_z = params.atrium_offset_mm
    along, rootward, radius = params.outflow_mm
    septal_y, septal_x, septal_half = params.septal_mm
    ventricle = (x > params.ventricle_from_mm) & (x < params.ventricle_to * frame.length_mm)
    ventricle &= _within(params.rod_mm, y, z)
    ventricle |= _within(radius, x - along, y - rootward, z)
    atrium = (x > params.atrium_mm[0]) & (x < params.atrium_mm[1])
    atrium &= _within(params.rod_mm, y - shift_y, z - shift_z)
    root = _near_segment(places, frame.root, params.root_length * frame.root, radius_mm=params.root_rod_mm)
    right = (y > septal_y) & (np.abs(x - septal_x) < septal_half)
    right_x, right_y, right_z = params.right_atrium_mm
    half, right_radius = params.right_rod_mm
    right |= (np.abs(x - right_x) < half) & _within(right_radius, y - right_y, z - right_z)
    chosen = np.select([ventricle, atrium, root, right], [BLOOD_POOL_LV, BLOOD_POOL_LA, _ROOT, _RIGHT], default=0)
    return chosen.astype(np.uint8)


def _near_segment(places: Floats32, start: Floats, end: Floats, *, radius_mm: float) -> Bools:
    way = (end - start).astype(np.float32)
    offset = places - start.astype(np.float32)[:, None]
    share = np.clip(way @ offset / (way @ way), 0, 1)
    return _within(radius_mm, *(offset - share * way[:, None]))


def _within(radius_mm: float, *away_mm: Floats32) -> Bools:
    return np.asarray(sum(part * part for part in away_mm) < radius_mm**2)


def pools(
    volume: Volume, basins: Basins, levels: tuple[float, float], *, noise_hu: float, params: BloodParams
) -> LabelMap | None:
    """Write the left heart's blood on the volume's own grid: its voxels decide what is blood, the basins whose.

    Where noise drowns the step from muscle to blood, single voxels do not tell, and the basins decide alone.
    """
    chambers = np.where(basins.labels >= BLOOD_POOL_LV, basins.labels, 0).astype(np.uint8)
    found = np.argwhere(chambers > 0)
    if not len(found):
        return None
    slices = volume.geometry.slices_around(basins.geometry.to_patient(found), margin_mm=2 * params.cell_mm)
    part = volume.crop(slices)
    decided_by_voxels = noise_hu < params.drowned * (levels[1] - levels[0])
    if decided_by_voxels:
        chambers = ndimage.grey_dilation(chambers, footprint=ndimage.generate_binary_structure(3, 1))
    labels = grids.resample_labels(chambers, basins.geometry, onto=part.geometry)
    if decided_by_voxels:
        _keep_blood(labels, part, levels, params=params)
    return LabelMap(labels=labels, geometry=part.geometry)


def _keep_blood(
    labels: npt.NDArray[np.uint8], part: Volume, levels: tuple[float, float], *, params: BloodParams
) -> None:
    """Clear labels of what is no blood, slice by slice: that needs no memory."""
    muscle_hu, blood_hu = levels
    low = math.floor(muscle_hu + params.threshold * (blood_hu - muscle_hu))  # whole numbers compare six times as fast
    high = math.ceil(muscle_hu + params.dense * (blood_hu - muscle_hu))

    def clear(slices: slice) -> None:
        for own, hu in zip(labels[slices], part.hu[slices], strict=True):
            np.multiply(own, (hu > low) & (hu < high), out=own)

    middle = len(labels) // 2
    at_once(clear, (slice(middle), slice(middle, None)))


def interface(basins: Basins, *, within_mm: float) -> Floats:
    """Return where the two pools touch, (n, 3) in the heart's frame, near its axis."""
    found = []
    for axis in range(3):
        low, high = (tuple(cut if a == axis else slice(None) for a in range(3)) for cut in (slice(-1), slice(1, None)))
        first, second = basins.labels[low], basins.labels[high]
        touch = ((first == BLOOD_POOL_LV) & (second == BLOOD_POOL_LA)) | (
            (first == BLOOD_POOL_LA) & (second == BLOOD_POOL_LV)
        )
        found.append((basins.positions[low][touch] + basins.positions[high][touch]) / 2)
    points = np.concatenate(found).astype(float)
    near = (np.hypot(points[:, 1], points[:, 2]) < within_mm) & (np.abs(points[:, 0]) < within_mm)
    return np.asarray(points[near])
