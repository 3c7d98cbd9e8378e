"""Chambers that the user gives: TotalSegmentator's masks, or one file of labels; and the annulus between them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg import grids
from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.findings import BLOOD_POOL_LA, BLOOD_POOL_LV
from ccma_seg.anatomy.label_names import ATRIUM, VENTRICLE, Meaning, check_holds, meaning_of, spellings
from ccma_seg.anatomy.ring import around
from ccma_seg.anatomy.sectors import TRIGONE_DEG
from ccma_seg.anatomy.template import heart_template
from ccma_seg.errors import ConfigError, GeometryError, InputPathError
from ccma_seg.geometry import Bools, Floats, Geometry, Point, as_point, unit
from ccma_seg.volume import LabelMap

AORTA = 8
"""Label of the aorta among given chambers."""

NAMES: Mapping[str, int] = {
    "heart_ventricle_left": BLOOD_POOL_LV,
    "heart_atrium_left": BLOOD_POOL_LA,
    "aorta": AORTA,
}
"""TotalSegmentator's names of what is used."""

VOLUME_ML: Mapping[int, tuple[float, float]] = {BLOOD_POOL_LV: (15.0, 700.0), BLOOD_POOL_LA: (10.0, 700.0)}
"""Plausible volumes: normal ventricles hold 46-153 ml, atria 50-150 ml; the largest reported several times that."""

CHAMBERS_UNCERTAINTY_MM = 2.5
"""Standard error of an annulus between given chambers, whose border is as wide as a leaflet tents."""

_SUFFIXES = (".nii.gz", ".nii")
_MAX_VOXELS = 1_000_000_000
_CELL_MM = 1.5
_TOUCH_MM = 4.0
_LEAST_CELLS = 40
_ROOT_MM = 20.0
"""Of the aorta, this much about its border with the ventricle is the root."""
_SECTORS = 36
_MOST_RADIUS_MM, _RAY_STEP_MM = 45.0, 0.25
_RADIUS_ORDERS, _HEIGHT_ORDERS = 5, 3
_BESIDE_MM = 2.0
"""From the middle of the border, far enough into either chamber to be in its blood."""
_RIM_PERCENTILE = 90
_FAR = 0.985


def read_chambers(path: str | Path, geometry: Geometry, *, labels: str | Path | None = None) -> LabelMap:
    """Read left ventricle, left atrium and, where present, aorta, and lay them on a volume's grid.

    Parameters
    ----------
    path
        A folder of masks named as TotalSegmentator's (`heart_atrium_left.nii.gz`, `heart_ventricle_left.nii.gz`,
        `aorta.nii.gz`) or by other usual names, or one file of labels.
    geometry
        The volume's grid; the masks may lie on any other.
    labels
        What the labels of one file mean: the name of a known map (`label_names.map_names`), or a TOML or JSON file of
        `name = label`. Without it a JSON of the same name beside the file says so, or else the labels that occur:
        those of TotalSegmentator's `total` of versions 1.x, of MM-WHS, or of `heartchambers_highres`.

    Returns
    -------
    LabelMap
        `BLOOD_POOL_LV`, `BLOOD_POOL_LA` and `AORTA` on a crop of `geometry`.

    Raises
    ------
    InputPathError, ConfigError, GeometryError
        If there is no such file, a chamber is missing or absurd, or the chambers lie outside the volume.
    """
    path = Path(path)
    masks = _folder(path) if path.is_dir() else _labels(path, labels)
    missing = {BLOOD_POOL_LV, BLOOD_POOL_LA} - masks.keys()
    if missing:
        names = " and ".join(sorted(name for name, label in NAMES.items() if label in missing))
        raise ConfigError(f"chambers need heart_ventricle_left and heart_atrium_left; {path.name} lacks {names}")
    laid = np.zeros(geometry.shape, np.uint8)
    for label in sorted(masks, reverse=True):
        mask = masks[label]
        laid[grids.resample_labels(mask.labels, mask.geometry, onto=geometry) > 0] = label
    return _checked(LabelMap(labels=laid, geometry=geometry), path)


def _folder(path: Path) -> dict[int, LabelMap]:
    from ccma_seg.nifti import reading as nifti  # noqa: PLC0415  nibabel takes a third of a second to load

    found = {}
    for name, label in NAMES.items():
        files = (path / f"{spelling}{suffix}" for spelling in spellings(name) for suffix in _SUFFIXES)
        if file := next((file for file in files if file.is_file()), None):
            found[label] = nifti.read_labels(file, max_voxels=_MAX_VOXELS)
    return found


def _labels(path: Path, labels: str | Path | None) -> dict[int, LabelMap]:
    values, geometry, meaning = read_meant(path, labels)
    present = frozenset(np.unique(values).tolist()) - {0}
    check_holds(meaning, frozenset((VENTRICLE, ATRIUM)), present, path.name)
    return {
        NAMES[name]: LabelMap(labels=np.isin(values, own).astype(np.uint8), geometry=geometry)
        for name, own in meaning.items()
        if name in NAMES and present & set(own)
    }


def read_meant(path: Path, labels: str | Path | None) -> tuple[npt.NDArray[np.int32], Geometry, Meaning]:
    """Read a file of labels, (slice, row, column), its grid, and what the labels mean.

    Raises
    ------
    InputPathError, ConfigError
        If there is no such file, or nothing says what its labels mean.
    """
    if not path.is_file():
        raise InputPathError(f"labels must be a folder of masks or a file of labels, {path.name} is neither")
    from ccma_seg.nifti import reading as nifti  # noqa: PLC0415

    values, geometry = nifti.read_label_values(path, max_voxels=_MAX_VOXELS)
    present = frozenset(np.unique(values).tolist()) - {0}
    return values, geometry, meaning_of(labels, path, present)


def _checked(chambers: LabelMap, path: Path) -> LabelMap:
    for name, label in NAMES.items():
        if label not in VOLUME_ML:
            continue
        low, high = VOLUME_ML[label]
        ml = float((chambers.labels == label).sum()) * chambers.geometry.voxel_mm3 / 1000
        if ml == 0:
            raise GeometryError(f"{name} of {path.name} lies outside the volume; give the chambers of this exam")
        if not low <= ml <= high:
            raise ConfigError(f"{name} must hold {low:.0f} to {high:.0f} ml, that of {path.name} holds {ml:.0f} ml")
    found = np.argwhere(chambers.labels > 0)
    low, high = found.min(axis=0), found.max(axis=0) + 1
    first, second, third = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    cut = chambers.labels[first, second, third]
    return LabelMap(labels=np.ascontiguousarray(cut), geometry=chambers.geometry.crop((first, second, third)))


def annulus_between(chambers: LabelMap) -> tuple[MitralAnnulus, Floats]:
    """Return the annulus as the rim of the border between ventricle and atrium, and the apex.

    Raises
    ------
    GeometryError
        If the two do not touch.
    """
    ventricle, atrium, aorta, grid = _coarse(chambers)
    border = grid.to_patient(np.argwhere(_border(ventricle, atrium)))
    if len(border) < _LEAST_CELLS:
        raise GeometryError("the given ventricle and atrium must touch along the annulus; they do not")
    center = border.mean(axis=0)
    apex = _farthest(grid.to_patient(np.argwhere(ventricle)), center)
    plane = np.linalg.svd(border - center, full_matrices=False)[2][2]
    plane *= 1 if plane @ (apex - center) >= 0 else -1
    normal = unit(plane + unit(apex - center))
    behind = _away_from(grid.to_patient(np.argwhere(aorta)), center)
    points = _at_walls(chambers, _rim(border, center, normal, behind), normal, behind)
    return around(points, normal, behind, method="chambers", uncertainty_mm=CHAMBERS_UNCERTAINTY_MM), apex


def aortic_normal(chambers: LabelMap) -> Point | None:
    """Return the direction across the border of ventricle and aorta, downstream; None where they do not touch."""
    ventricle, _, aorta, grid = _coarse(chambers)
    if not aorta.any():
        return None
    border = grid.to_patient(np.argwhere(_border(ventricle, aorta)))
    if len(border) < _LEAST_CELLS:
        return None
    center = border.mean(axis=0)
    near = grid.to_patient(np.argwhere(aorta))
    ahead = near[np.linalg.norm(near - center, axis=1) < _ROOT_MM].mean(axis=0) - center
    plane = np.linalg.svd(border - center, full_matrices=False)[2][2]
    return as_point(plane * (1 if plane @ ahead >= 0 else -1))


def _coarse(chambers: LabelMap) -> tuple[Bools, Bools, Bools, Geometry]:
    corners = chambers.geometry.corners_mm()
    low, high = corners.min(axis=0) - 2 * _CELL_MM, corners.max(axis=0) + 2 * _CELL_MM
    x, y, z = (int(n) + 1 for n in np.ceil((high - low) / _CELL_MM))
    grid = Geometry(shape=(z, y, x), spacing_mm=(_CELL_MM,) * 3, origin_mm=as_point(low))
    labels = grids.resample_labels(chambers.labels, chambers.geometry, onto=grid)
    return labels == BLOOD_POOL_LV, labels == BLOOD_POOL_LA, labels == AORTA, grid


def _border(ventricle: Bools, atrium: Bools) -> Bools:
    """Return the cells midway between the two chambers, where these are near to each other."""
    to_ventricle, to_atrium = (ndimage.distance_transform_edt(~mask) * _CELL_MM for mask in (ventricle, atrium))
    near = (to_ventricle < _TOUCH_MM) & (to_atrium < _TOUCH_MM)
    return np.asarray(near & (np.abs(to_ventricle - to_atrium) <= _CELL_MM))


def _farthest(points: Floats, center: Floats) -> Floats:
    distance = np.linalg.norm(points - center, axis=1)
    return np.asarray(points[distance >= np.quantile(distance, _FAR)].mean(axis=0))


def _away_from(aorta: Floats, center: Floats) -> Floats:
    """Return the direction away from the aortic root: mid posterior."""
    if not len(aorta):
        return np.asarray(heart_template().ring[0])
    distance = np.linalg.norm(aorta - center, axis=1)
    return np.asarray(center - aorta[distance <= np.quantile(distance, 0.05)].mean(axis=0))


def _rim(border: Floats, center: Floats, normal: Floats, behind: Floats) -> Floats:
    """Return the outermost points of the border in every direction."""
    first = unit(behind - behind @ normal * normal)
    flat = (border - center) @ np.array([first, np.cross(normal, first)]).T
    radius = np.linalg.norm(flat, axis=1)
    sector = np.floor((np.arctan2(flat[:, 1], flat[:, 0]) % (2 * np.pi)) / (2 * np.pi) * _SECTORS).astype(int)
    chosen = [
        border[(sector == s) & (radius >= np.percentile(radius[sector == s], _RIM_PERCENTILE))]
        for s in sorted(set(sector.tolist()))
    ]
    return np.array([points.mean(axis=0) for points in chosen])


def _at_walls(chambers: LabelMap, rim: Floats, normal: Floats, behind: Floats) -> Floats:
    """Move the points of a rim in its plane to where the chambers' blood ends: at the narrower of the two.

    In front, towards the aortic root, the ventricle goes on as the outflow tract: there the atrium's blood counts.
    """
    center = rim.mean(axis=0)
    first = unit(behind - behind @ normal * normal)
    frame = np.array([first, np.cross(normal, first), normal])
    local = (rim - center) @ frame.T
    near_mm, turned = np.hypot(local[:, 0], local[:, 1]), np.arctan2(local[:, 1], local[:, 0])
    atrium, ventricle = (
        _reach(chambers, label, local + np.array([0.0, 0.0, away]), near_mm=near_mm, center=center, frame=frame)
        for label, away in ((BLOOD_POOL_LA, -_BESIDE_MM), (BLOOD_POOL_LV, _BESIDE_MM))
    )
    in_front = np.abs(np.degrees(turned)) > TRIGONE_DEG
    radius = np.where(in_front, atrium, np.fmin(atrium, ventricle))
    radius = _smoothed(turned, np.where(np.isfinite(radius), radius, near_mm), _RADIUS_ORDERS)
    height = _smoothed(turned, local[:, 2], _HEIGHT_ORDERS)
    return np.asarray(np.stack([radius * np.cos(turned), radius * np.sin(turned), height], axis=1) @ frame + center)


def _smoothed(turned: Floats, values: Floats, orders: int) -> Floats:
    """Fit waves round the ring, if there are enough points: voxels make steps, the ring has none."""
    if len(turned) < 2 * (2 * orders + 1):
        return values
    waves = [f(n * turned) for n in range(1, orders + 1) for f in (np.cos, np.sin)]
    terms = np.stack([np.ones_like(turned), *waves], axis=1)
    return np.asarray(terms @ np.linalg.lstsq(terms, values, rcond=None)[0])


def _reach(chambers: LabelMap, label: int, local: Floats, *, near_mm: Floats, center: Floats, frame: Floats) -> Floats:
    """Return where a ray from the axis leaves a chamber, (n,) mm, nearest to the rim; NaN where it never does."""
    radii = np.arange(0.0, _MOST_RADIUS_MM, _RAY_STEP_MM)
    rays = local[:, None, :] * np.stack([radii, radii, np.zeros_like(radii)], axis=1) / near_mm[:, None, None]
    rays[..., 2] = local[:, None, 2]
    index = np.moveaxis(chambers.geometry.to_index(rays @ frame + center), -1, 0)
    inside = (chambers.labels == label).astype(np.uint8)
    share = ndimage.map_coordinates(inside, index, order=1, output=np.float32)
    leaves = (share[:, :-1] > 0.5) & (share[:, 1:] <= 0.5)  # half of a voxel's label is its edge
    at = np.where(leaves, np.abs(radii[1:] - near_mm[:, None]), np.inf).argmin(axis=1)[:, None]
    before, after = (np.take_along_axis(share, at + n, axis=1)[:, 0] for n in (0, 1))
    edge = radii[at[:, 0]] + _RAY_STEP_MM * (before - 0.5) / np.where(leaves.any(axis=1), before - after, 1.0)
    return np.where(leaves.any(axis=1), edge, np.nan)
