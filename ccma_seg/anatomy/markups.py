"""The annulus as 3D Slicer's markups: a closed curve that a reader moves, point by point or as a whole."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.errors import OutputError
from ccma_seg.geometry import Floats, Point

CENTERS = frozenset(("center", "centre"))
"""Labels of a point that lies within the ring, not on it."""

_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
"""Of the files that 3D Slicer 5 writes."""

_STEP_DEG = 15
"""Few enough points to move by hand; a curve through them keeps within 0.1 mm of the average ring."""
_LABELS = {0: "posterior", 90: "anterolateral", 180: "anterior", 270: "posteromedial"}
_DECIMALS = 3
_LEAST_FRAMED = 3

_FRAMED = re.compile(r"annular frame (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) mm")
"""Where a point lay when it was written: mm posterior, anterolateral and apical of the centre."""


def write_annulus(annulus: MitralAnnulus, path: str | Path, *, apex_mm: Point | None = None) -> None:
    """Write an annulus as markups (`.mrk.json`, LPS mm) that 3D Slicer shows and `read_annulus` reads back.

    The file holds a closed curve of 24 control points, every 15 degrees from mid posterior over the anterolateral
    side, and, locked, the centre and the apex of the ventricle. Each point of the curve says where it lay in the
    annular frame, so that the frame follows the curve when that is moved as a whole.

    Parameters
    ----------
    annulus
        What to write.
    path
        A file to make or to replace; its folder is made too.
    apex_mm
        LV apex, LPS, if it is known.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    path = Path(path)
    fixed = {"center": annulus.center_mm} | ({} if apex_mm is None else {"apex": apex_mm})
    angles = np.arange(0.0, 360.0, _STEP_DEG)
    points = _at(annulus, angles)
    curve = [
        _control_point(number, _LABELS.get(int(angle), f"{angle:.0f} deg"), point, description=_framed(annulus, point))
        for number, (angle, point) in enumerate(zip(angles, points, strict=True), start=1)
    ]
    seen = [
        _control_point(number, label, np.array(place), locked=True)
        for number, (label, place) in enumerate(fixed.items(), start=1)
    ]
    content = {"@schema": _SCHEMA, "markups": [_markup("ClosedCurve", curve), _markup("Fiducial", seen)]}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise OutputError(f"the annulus cannot be written to {path.name}: {error.strerror or error}") from error


def place_of(description: Any) -> Floats | None:
    """Read from a point's description where it lay in the annular frame, mm, shape (3,); None if it does not say."""
    found = _FRAMED.fullmatch(str(description).strip())
    return None if found is None else np.array([float(part) for part in found.groups()])


def moved_frame(places: Floats, points_mm: Floats) -> tuple[Floats, Floats] | None:
    """Find the annular frame that moved with its points.

    Parameters
    ----------
    places
        (n, 3) mm in the frame, as they were written.
    points_mm
        (n, 3) LPS, as they are now.

    Returns
    -------
    tuple[Floats, Floats] | None
        Centre, (3,) LPS mm, and axes, (3, 3), rows posterior, anterolateral and apical: the rigid motion with the
        least squared distance (Kabsch 1976). None if fewer than three points say where they lay.
    """
    if len(places) < _LEAST_FRAMED:
        return None
    mean_place, mean_point = places.mean(axis=0), points_mm.mean(axis=0)
    u, _, vt = np.linalg.svd((places - mean_place).T @ (points_mm - mean_point))
    axes = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    return mean_point - mean_place @ axes, axes


def _at(annulus: MitralAnnulus, angles_deg: Floats) -> Floats:
    """Return points of the ring at some angles, LPS mm."""
    ring, own_deg = annulus.to_frame(annulus.curve_mm), annulus.angle_deg(annulus.curve_mm)
    local = np.stack([np.interp(angles_deg, own_deg, part, period=360) for part in ring.T], axis=1)
    return annulus.to_patient(local)


def _framed(annulus: MitralAnnulus, point_mm: Floats) -> str:
    first, second, third = annulus.to_frame(point_mm)
    return f"annular frame {first:.{_DECIMALS}f} {second:.{_DECIMALS}f} {third:.{_DECIMALS}f} mm"


def _control_point(
    number: int, label: str, position_mm: Floats, *, description: str = "", locked: bool = False
) -> dict[str, Any]:
    return {
        "id": str(number),
        "label": label,
        "description": description,
        "associatedNodeID": "",
        "position": [round(float(part), _DECIMALS) for part in position_mm],
        "orientation": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0],
        "selected": True,
        "locked": locked,
        "visibility": True,
        "positionStatus": "defined",
    }


def _markup(kind: str, points: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": kind,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        "labelFormat": "%N-%d",
        "lastUsedControlPointNumber": len(points),
        "controlPoints": points,
    }
