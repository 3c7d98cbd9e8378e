"""Chambers that the user gives: TotalSegmentator's masks, or one file of labels; and the annulus between them."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy import ndimage

from ccma_seg import grids
from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.findings import BLOOD_POOL_LA, BLOOD_POOL_LV
from ccma_seg.anatomy.ring import around
from ccma_seg.anatomy.template import heart_template
from ccma_seg.errors import ConfigError, GeometryError, InputPathError
from ccma_seg.geometry import Bools, Floats, Geometry, as_point, unit
from ccma_seg.volume import LabelMap

AORTA = 8
"""Label of the aorta among given chambers."""

NAMES: Mapping[str, int] = {
    "heart_ventricle_left": BLOOD_POOL_LV,
    "heart_atrium_left": BLOOD_POOL_LA,
    "aorta": AORTA,
}
"""TotalSegmentator's names of what is used."""

HIGHRES: Mapping[int, str] = {2: "heart_atrium_left", 3: "heart_ventricle_left", 6: "aorta"}
"""Labels of TotalSegmentator's task `heartchambers_highres`."""

VOLUME_ML: Mapping[int, tuple[float, float]] = {BLOOD_POOL_LV: (15.0, 700.0), BLOOD_POOL_LA: (10.0, 700.0)}
"""Plausible volumes: normal ventricles hold 46-153 ml, atria 50-150 ml; the largest reported several times that."""

CHAMBERS_UNCERTAINTY_MM = 2.5
"""Standard error of an annulus between given chambers, whose border is as wide as a leaflet tents."""

_SUFFIXES = (".nii.gz", ".nii")
_MAX_VOXELS = 1_000_000_000
_CELL_MM = 1.5
_TOUCH_MM = 4.0
_LEAST_CELLS = 40
_SECTORS = 24
_RIM_PERCENTILE = 90
_FAR = 0.985


def read_chambers(path: str | Path, geometry: Geometry) -> LabelMap:
    """Read left ventricle, left atrium and, where present, aorta, and lay them on a volume's grid.

    Parameters
    ----------
    path
        A folder of masks named as TotalSegmentator's (`heart_atrium_left.nii.gz`, `heart_ventricle_left.nii.gz`,
        `aorta.nii.gz`), or one file of labels with a JSON of the same name beside it that maps names to labels;
        without that JSON the labels are those of the task `heartchambers_highres`.
    geometry
        The volume's grid; the masks may lie on any other.

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
    masks = _folder(path) if path.is_dir() else _labels(path)
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
        for suffix in _SUFFIXES:
            if (file := path / f"{name}{suffix}").is_file():
                found[label] = nifti.read_labels(file, max_voxels=_MAX_VOXELS)
                break
    return found


def _labels(path: Path) -> dict[int, LabelMap]:
    if not path.is_file():
        raise InputPathError(f"the chambers must be a folder of masks or a file of labels, {path.name} is neither")
    from ccma_seg.nifti import reading as nifti  # noqa: PLC0415

    labels = nifti.read_labels(path, max_voxels=_MAX_VOXELS)
    present = set(np.unique(labels.labels).tolist())
    found = {}
    for value, name in _mapping(path).items():
        if name in NAMES and value in present:
            mask = labels.mask(value).astype(np.uint8)
            found[NAMES[name]] = LabelMap(labels=mask, geometry=labels.geometry)
    return found


def _mapping(path: Path) -> Mapping[int, str]:
    """Read which label means what from the JSON beside a file, in either direction."""
    stem = path.name.removesuffix(".gz").removesuffix(".nii")
    beside = path.with_name(f"{stem}.json")
    if not beside.is_file():
        return HIGHRES
    try:
        content = json.loads(beside.read_text("utf-8"))
        pairs = [(int(v), k) if k in NAMES or not k.isdigit() else (int(k), str(v)) for k, v in content.items()]
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f'{beside.name} must map names to labels, like {{"heart_atrium_left": 2}}') from error
    return dict(pairs)


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
    points = _rim(border, center, normal, behind)
    return around(points, normal, behind, method="chambers", uncertainty_mm=CHAMBERS_UNCERTAINTY_MM), apex


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
        border[(sector == s) & (radius >= np.percentile(radius[sector == s], _RIM_PERCENTILE))] for s in set(sector)
    ]
    return np.array([points.mean(axis=0) for points in chosen])
