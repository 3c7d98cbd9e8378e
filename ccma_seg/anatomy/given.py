"""An annulus that the user drew: Slicer markups, our own JSON, or a label map."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.label_ring import LABEL_SUFFIXES, annulus_from_labels
from ccma_seg.anatomy.markups import CENTERS, moved_frame, place_of
from ccma_seg.anatomy.ring import RingParams, annulus_at, around, curve_through
from ccma_seg.anatomy.template import heart_template
from ccma_seg.errors import ConfigError, InputPathError
from ccma_seg.geometry import Floats, as_point, unit
from ccma_seg.text_files import read_text

MEAN_NORMAL = (0.61, -0.70, -0.37)
"""Mean direction to the apex in 14 hand-marked CTs, LPS."""

DIAMETER_MM = (15.0, 80.0)
"""Annuli measure 25-50 mm; outside this range a drawing is something else."""

GIVEN_UNCERTAINTY_MM = 2.0
"""Standard error of a careful drawing: hand-placed landmarks agree to 2-5 mm."""

_RAS = frozenset(("RAS", "0", "0.0"))
_LPS = frozenset(("LPS", "1", "1.0"))
_CURVE_POINTS = 5
"""With fewer points the average ring is laid through their plane."""
_PLANE_POINTS = 3


def read_annulus(path: str | Path, *, labels: str | Path | None = None) -> MitralAnnulus:
    """Read an annulus: the points or the closed curve of a Slicer `.mrk.json`, our own JSON, or a NIfTI of labels.

    Our JSON has `center_mm` and `normal`, and may have `posterior` and `curve_mm`, all LPS, at its top or under
    `annulus`, as `report.json` has. Among Slicer's points one labelled `apex` gives the side of the ventricle, one
    labelled `posterior` angle 0, one labelled `center` is not on the curve. What `write_annulus` wrote comes back as
    it was, or as it was moved. A label map holds the annulus or the leaflets; `labels` says what its labels mean, as
    for `read_chambers`.

    Raises
    ------
    InputPathError
        If the file cannot be read.
    ConfigError
        If it holds no annulus.
    """
    path = Path(path)
    if path.name.endswith(LABEL_SUFFIXES):
        ahead = np.array(MEAN_NORMAL)
        ring = annulus_from_labels(path, labels, ahead=ahead, uncertainty_mm=GIVEN_UNCERTAINTY_MM)
        return _of_sane_size(ring, path)
    try:
        content = json.loads(read_text(path))
    except OSError as error:
        raise InputPathError(f"the annulus file cannot be read: {path.name} ({error.strerror})") from error
    except ValueError as error:
        raise ConfigError(f"the annulus file must be JSON, {path.name} is not") from error
    if not isinstance(content, dict):
        raise ConfigError(f"the annulus file must hold a JSON object, {path.name} holds a {type(content).__name__}")
    return _from_markups(content, path) if "markups" in content else _from_record(content.get("annulus", content), path)


def _from_record(record: Any, path: Path) -> MitralAnnulus:
    if not isinstance(record, dict) or not {"center_mm", "normal"} <= record.keys():
        raise ConfigError(f"an annulus needs center_mm and normal, or Slicer's markups; {path.name} has neither")
    center, normal = (_vector(record[key], path) for key in ("center_mm", "normal"))
    if record.get("curve_mm"):
        curve = np.array([_vector(point, path) for point in record["curve_mm"]])
        return _through(curve, normal=normal, behind=_behind(record, path), path=path)
    return annulus_at(
        center,
        _direction(normal, path),
        _behind(record, path),
        params=RingParams(),
        method="given",
        uncertainty_mm=GIVEN_UNCERTAINTY_MM,
    )


def _behind(record: dict[str, Any], path: Path) -> Floats:
    given = record.get("posterior")
    return heart_template().ring[0] if given is None else _direction(_vector(given, path), path)


def _from_markups(content: dict[str, Any], path: Path) -> MitralAnnulus:
    named: dict[str, Floats] = {}
    points, centers, places = [], [], []
    for markup in content["markups"]:
        flip = _flip(markup.get("coordinateSystem", "LPS"), path)
        for point in markup.get("controlPoints", ()):
            if point.get("positionStatus", "defined") != "defined":
                continue
            position = _vector(point.get("position"), path) * flip
            label = str(point.get("label", "")).strip().lower()
            named[label] = position
            if label in CENTERS:
                centers.append(position)
            elif label != "apex":
                points.append(position)
                places.append(place_of(point.get("description")))
    if not points + centers:
        raise ConfigError(f"the annulus file must hold points, {path.name} has none that are placed")
    if (moved := _moved(points, places, path)) is not None:
        return moved
    return _from_points(np.array(points if len(points) >= _PLANE_POINTS else points + centers), named, path)


def _moved(points: list[Floats], places: list[Floats | None], path: Path) -> MitralAnnulus | None:
    """Lay the ring through points that say where they lay in their frame; None if too few do."""
    framed = [(place, point) for place, point in zip(places, points, strict=True) if place is not None]
    frame = moved_frame(*map(np.array, zip(*framed, strict=True))) if framed else None
    if frame is None:
        return None
    center, axes = frame
    ring = curve_through((np.array(points) - center) @ axes.T)
    low, high = ring.min(axis=0), ring.max(axis=0)
    return _of_sane_size(
        MitralAnnulus(
            center_mm=as_point(center),
            normal=as_point(axes[2]),
            posterior=as_point(axes[0]),
            curve_mm=ring @ axes + center,
            method="given",
            uncertainty_mm=GIVEN_UNCERTAINTY_MM,
            septal_lateral_mm=float(high[0] - low[0]),
            intercommissural_mm=float(high[1] - low[1]),
        ),
        path,
    )


def _flip(system: Any, path: Path) -> Floats:
    name = str(system).upper()
    if name not in _RAS | _LPS:
        raise ConfigError(f"coordinateSystem must be LPS or RAS, {path.name} has {system!r}")
    return np.array([-1.0, -1.0, 1.0]) if name in _RAS else np.ones(3)


def _from_points(points: Floats, named: dict[str, Floats], path: Path) -> MitralAnnulus:
    center = points.mean(axis=0)
    ahead = named["apex"] - center if "apex" in named else np.array(MEAN_NORMAL)
    behind = named["posterior"] - center if "posterior" in named else heart_template().ring[0]
    if len(points) >= _CURVE_POINTS:
        return _through(points, normal=ahead, behind=behind, path=path)
    if len(points) >= _PLANE_POINTS:
        ahead = _plane_normal(points, ahead)
    return annulus_at(center, ahead, behind, params=RingParams(), method="given", uncertainty_mm=GIVEN_UNCERTAINTY_MM)


def _plane_normal(points: Floats, ahead: Floats) -> Floats:
    normal = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][2]
    return np.asarray(normal * (1 if normal @ ahead >= 0 else -1))


def _through(points: Floats, *, normal: Floats, behind: Floats, path: Path) -> MitralAnnulus:
    """Lay a closed curve through points, in the order of their angle."""
    ahead = _plane_normal(points, normal)
    if abs(unit(behind) @ ahead) > 0.9:
        raise ConfigError(f"posterior must lie in the plane of the annulus, that of {path.name} does not")
    return _of_sane_size(around(points, ahead, behind, method="given", uncertainty_mm=GIVEN_UNCERTAINTY_MM), path)


def _of_sane_size(annulus: MitralAnnulus, path: Path) -> MitralAnnulus:
    low, high = DIAMETER_MM
    sizes = annulus.septal_lateral_mm, annulus.intercommissural_mm
    if any(size is None or not low <= size <= high for size in sizes):
        shown = " x ".join(f"{size:.0f}" for size in sizes if size is not None)
        raise ConfigError(
            f"an annulus is {low:.0f} to {high:.0f} mm wide, that of {path.name} is {shown} mm; draw it anew"
        )
    return annulus


def _vector(values: Any, path: Path) -> Floats:
    try:
        vector = np.asarray(values, float)
    except (TypeError, ValueError):
        vector = np.empty(0)
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise ConfigError(f"positions in {path.name} must be three numbers, got {values!r}")
    return np.array(as_point(vector))


def _direction(vector: Floats, path: Path) -> Floats:
    if not np.linalg.norm(vector):
        raise ConfigError(f"directions in {path.name} must not be zero")
    return unit(vector)
