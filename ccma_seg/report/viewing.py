"""A finished result, made ready to be looked at in a browser."""

import json
from pathlib import Path
from typing import Any

from ccma_seg.errors import GeometryError, InputPathError
from ccma_seg.geometry import Point, as_point
from ccma_seg.nifti.reading import read_labels
from ccma_seg.nifti.writing import nifti_bytes
from ccma_seg.report.page import viewer_page
from ccma_seg.report.server import Served
from ccma_seg.volume import LabelMap, Volume

_HTML, _NIFTI = "text/html; charset=utf-8", "application/octet-stream"


def read_record(out: Path) -> dict[str, Any]:
    """Read the record of a finished result.

    Raises
    ------
    InputPathError
        If there is none.
    """
    try:
        record: dict[str, Any] = json.loads((out / "report.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputPathError(f"{out.name} must be the folder of a result, with report.json in it") from error
    return record


def result_files(out: Path, record: dict[str, Any], volume: Volume | None, *, max_voxels: int) -> dict[str, Served]:
    """Return what to serve of a result: its report, and before it a viewer of the whole exam, where that is given.

    Parameters
    ----------
    out
        Folder of the result.
    record
        Its record.
    volume
        The exam that was analysed; without it the report's own viewer shows what lies round the annulus.
    max_voxels
        Largest label map that is read.

    Raises
    ------
    InputPathError
        If a file of the result is missing.
    GeometryError
        If `volume` is not on the grid of the result.
    """
    report = out / "report.html"
    if not report.is_file():
        raise InputPathError(f"{out.name} must be the folder of a result, with report.html in it")
    page = Served(content=report.read_bytes(), media_type=_HTML)
    if volume is None:
        return {"": page}
    labels = read_labels(out / "labels.nii.gz", max_voxels=max_voxels)
    _check(volume, labels)
    viewer = viewer_page(record, focus_mm=_focus_mm(record, volume))
    return {
        "": Served(content=viewer.encode(), media_type=_HTML),
        "report.html": page,
        "volume.nii": Served(content=nifti_bytes(volume.hu, volume.geometry), media_type=_NIFTI),
        "labels.nii": Served(content=nifti_bytes(labels.labels, labels.geometry), media_type=_NIFTI),
    }


def _check(volume: Volume, labels: LabelMap) -> None:
    difference = volume.geometry.difference(labels.geometry)
    if difference is not None:
        raise GeometryError(f"the exam must be the one that was analysed; its grid differs: {difference}")


def _focus_mm(record: dict[str, Any], volume: Volume) -> Point:
    if record["lesions"]:
        return as_point(record["lesions"][0]["centroid_mm"])
    center = record["annulus"]["center_mm"]
    return as_point(volume.geometry.corners_mm().mean(axis=0) if center is None else center)
