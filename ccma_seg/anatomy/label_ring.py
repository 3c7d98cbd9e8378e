"""The annulus from labels of others: from the annulus itself, or as the hinge line of the leaflets."""

from pathlib import Path

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.chambers import read_meant
from ccma_seg.anatomy.label_names import ANNULUS, AORTA_NAME, LEAFLETS, VENTRICLE, check_holds
from ccma_seg.anatomy.ring import around
from ccma_seg.anatomy.template import heart_template
from ccma_seg.errors import ConfigError
from ccma_seg.geometry import Floats, unit

LABEL_SUFFIXES = (".nii", ".nii.gz")

_SECTORS = 24
_WIDEST_GAP_DEG = 75.0
"""A ring or leaflets with a wider gap do not go round the valve (proposal)."""
_RIM_PERCENTILE = 85.0
"""Of the distance from the axis, in each sector: from here on a leaflet is at its hinge (proposal)."""
_FILLED = 0.3
"""A ring whose inner part, within this share of its radius, holds voxels is a filled one: its rim counts."""
_ROUNDS = 3


def annulus_from_labels(
    path: Path, labels: str | Path | None, *, ahead: Floats, uncertainty_mm: float
) -> MitralAnnulus:
    """Lay the annulus through a label map that holds it, or the leaflets.

    Parameters
    ----------
    path
        A NIfTI file of labels.
    labels
        What they mean: as for `read_chambers`. Used are `annulus`, or else `anterior_leaflet` and `posterior_leaflet`,
        or `leaflets`; `heart_ventricle_left` and `aorta`, where they are there, tell the directions.
    ahead
        Direction to the apex where nothing in the file tells it, LPS.
    uncertainty_mm
        Standard error to state.

    Raises
    ------
    InputPathError, ConfigError
        If there is no such file, no such label, or what is labelled does not go round the valve.
    """
    values, geometry, meaning = read_meant(path, labels)
    present = frozenset(np.unique(values).tolist()) - {0}
    parts = {
        name: geometry.to_patient(np.argwhere(np.isin(values, own)))
        for name, own in meaning.items()
        if present & set(own)
    }
    leaflets = [parts[name] for name in LEAFLETS if name in parts]
    if ANNULUS not in parts and not leaflets:
        check_holds(meaning, frozenset((ANNULUS,)), present, path.name)
    drawn = parts[ANNULUS] if ANNULUS in parts else np.concatenate(leaflets)
    toward = _toward_apex(parts, drawn, ahead)
    normal, points = _hinge_line(drawn, toward, rim=ANNULUS not in parts, path=path)
    if not {ANNULUS, VENTRICLE} & parts.keys():
        normal = normal if normal @ (drawn.mean(axis=0) - points.mean(axis=0)) >= 0 else -normal
    return around(points, normal, _behind(parts, points), method="given", uncertainty_mm=uncertainty_mm)


def _toward_apex(parts: dict[str, Floats], drawn: Floats, ahead: Floats) -> Floats:
    return parts[VENTRICLE].mean(axis=0) - drawn.mean(axis=0) if VENTRICLE in parts else ahead


def _behind(parts: dict[str, Floats], points: Floats) -> Floats:
    """Return the direction towards mid posterior: away from the aorta, else from leaflet to leaflet, else as usual."""
    center = points.mean(axis=0)
    if AORTA_NAME in parts:
        away = np.linalg.norm(parts[AORTA_NAME] - center, axis=1)
        return np.asarray(center - parts[AORTA_NAME][away <= np.quantile(away, 0.05)].mean(axis=0))
    if {"anterior_leaflet", "posterior_leaflet"} <= parts.keys():
        return np.asarray(parts["posterior_leaflet"].mean(axis=0) - parts["anterior_leaflet"].mean(axis=0))
    return np.asarray(heart_template().ring[0])


def _hinge_line(drawn: Floats, toward: Floats, *, rim: bool, path: Path) -> tuple[Floats, Floats]:
    """Return the normal of the ring, and one point of it in each sector, LPS."""
    center, normal = drawn.mean(axis=0), _across(drawn, toward)
    for _ in range(_ROUNDS):
        first = unit(np.cross(normal, [1.0, 0.0, 0.0] if abs(normal[0]) < 0.9 else [0.0, 1.0, 0.0]))
        flat = (drawn - center) @ np.array([first, np.cross(normal, first)]).T
        radius = np.linalg.norm(flat, axis=1)
        if not rim:
            rim = bool((radius < _FILLED * np.median(radius)).any())
        sector = np.floor((np.arctan2(flat[:, 1], flat[:, 0]) / (2 * np.pi) % 1) * _SECTORS).astype(int)
        found = sorted(set(sector.tolist()))
        gaps = np.diff([*found, found[0] + _SECTORS]) - 1
        if gaps.max() * 360 / _SECTORS > _WIDEST_GAP_DEG:
            raise ConfigError(f"what is labelled must go round the valve, that of {path.name} leaves a wide gap")
        points = np.array([_point(drawn[sector == s], radius[sector == s], rim=rim) for s in found])
        center, normal = points.mean(axis=0), _across(points, normal)
    return normal, points


def _point(drawn: Floats, radius: Floats, *, rim: bool) -> Floats:
    chosen = drawn[radius >= np.percentile(radius, _RIM_PERCENTILE)] if rim else drawn
    return np.asarray(chosen.mean(axis=0))


def _across(points: Floats, toward: Floats) -> Floats:
    """Return the normal of the plane of least squares, on the side of a direction."""
    normal = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][2]
    return np.asarray(normal * (1 if normal @ toward >= 0 else -1))
