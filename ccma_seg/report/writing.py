"""Put the files of one exam into a folder: all of them, or none."""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from ccma_seg.apart import Apart
from ccma_seg.config import Config
from ccma_seg.errors import OutputError
from ccma_seg.nifti.writing import write_labels
from ccma_seg.pipeline import Analysis
from ccma_seg.record.table import lesion_columns, lesion_row, write_table
from ccma_seg.report.dicom.content import gather
from ccma_seg.report.labels import make_label_crop
from ccma_seg.report.names import itk_snap_labels, slicer_colors
from ccma_seg.series import has_stored_images
from ccma_seg.volume import LabelMap, Volume

_RECORD = "report.json"
_THREADS = 2
"""One for the DICOM objects, which take half of the time, one for everything else."""
_KEYS = {
    "labels.nii.gz": "labels",
    "labels.txt": "itk_snap_labels",
    "labels.ctbl": "slicer_colors",
    "lesions.csv": "lesions",
    "overview.png": "overview",
    "report.html": "page",
    "labels.seg.dcm": "segmentation",
    "report.sr.dcm": "structured_report",
}
"""What the record calls the files that may have been written."""
_LONGEST_NAME = 60
"""Longer names are cut in messages."""


def write_results(analysis: Analysis, out: str | Path, *, force: bool = False, objects: Apart | None = None) -> Path:
    """Write the files of one exam: record, table, label map, DICOM objects, overview and page.

    Parameters
    ----------
    analysis
        From `analyze`.
    out
        A folder to make; it appears complete, or not at all.
    force
        Replace a folder that holds an earlier result.
    objects
        From `objects_apart`: writes the DICOM objects meanwhile.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        If the folder exists already (without `force`), is not an earlier result, or cannot be written.
    """
    out = Path(out)
    check_output(out, force=force)
    with whole_folder(out) as folder:
        write_files(analysis, folder, objects=objects)
    return out


def objects_apart(volume: Volume, config: Config) -> AbstractContextManager[Apart | None]:
    """Start a process for the DICOM objects of an exam, to be ready when it is analysed; none if there will be none."""
    if config.output.quick or not has_stored_images(volume):
        return nullcontext()
    try:
        return Apart("ccma_seg.report.dicom.objects", "write_objects")
    except OSError:
        return nullcontext()


def check_output(out: Path, *, force: bool, record: str = _RECORD) -> None:
    """Refuse a folder that may not be written, before any work is done.

    Parameters
    ----------
    out
        Where results are to be written.
    force
        Whether an earlier result may be replaced.
    record
        The file by which an earlier result is known.

    Raises
    ------
    OutputError
        If it exists and holds something, unless that is an earlier result and `force` is given; or if nothing can be
        written there.
    """
    try:
        above = Path.cwd().is_relative_to(out.resolve())
        _check_place(out)
        taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    except OSError as error:
        raise OutputError(f"results cannot be written to {_shown(out)}: {_why(error)}; give another name") from error
    if above:
        raise OutputError("the output must be a folder of its own, not the one you are in; give the name of a new one")
    if not taken:
        return
    if not out.is_dir():
        raise OutputError(f"the output must be a folder, but {out.name} is a file; give another name")
    if not force:
        raise OutputError(f"the output folder {out.name} exists already; give another name, or --force to replace it")
    if not (out / record).is_file():
        raise OutputError(
            f"the folder {out.name} holds something other than a result, so it is not replaced; give another name"
        )


def _check_place(out: Path) -> None:
    """Make a folder where the results will be made, and remove it again."""
    there = next(parent for parent in out.resolve().parents if parent.exists())
    Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=there)).rmdir()


def _shown(path: Path) -> str:
    return path.name if len(path.name) <= _LONGEST_NAME else f"{path.name[:_LONGEST_NAME]}..."


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Give a private folder to fill, which takes the name `out` when all went well and vanishes otherwise.

    Raises
    ------
    OutputError
        If writing fails: no room, no permission.
    """
    folder = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        yield folder
        _take_place(folder, out)
    except OSError as error:
        raise OutputError(f"results cannot be written to {out.name}: {_why(error)}") from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _why(error: OSError) -> str:
    """Tell what went wrong in the end: libraries wrap the error of the system in one of their own."""
    while isinstance(error.__cause__, OSError):
        error = error.__cause__
    return "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)


def _take_place(folder: Path, out: Path) -> None:
    folder.chmod(0o777 & ~_umask())
    if out.exists():
        shutil.rmtree(out)
    folder.rename(out)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_files(analysis: Analysis, folder: Path, *, objects: Apart | None = None) -> None:
    """Fill a folder with the files of one exam."""
    record = analysis.record()
    (folder / "labels.txt").write_text(itk_snap_labels(), "utf-8")
    (folder / "labels.ctbl").write_text(slicer_colors(), "utf-8")
    (folder / "lesions.csv").write_text(_lesions_csv(record), "utf-8")
    with ThreadPoolExecutor(_THREADS) as pool:
        for done in [pool.submit(job) for job in _jobs(analysis, record, folder, objects=objects)]:
            done.result()
    written = {key: name for name, key in _KEYS.items() if (folder / name).exists()}
    record["files"] = written | _write_meshes(analysis, folder)
    (folder / _RECORD).write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", "utf-8")


def _jobs(
    analysis: Analysis, record: dict[str, Any], folder: Path, *, objects: Apart | None
) -> Iterator[Callable[[], object]]:
    """Give what writes the larger files, the longest first; each may begin while the next is prepared."""
    grid, quick = analysis.volume.geometry, analysis.config.output.quick
    if not quick:
        yield _dicom(analysis, record, folder, objects=objects)
    labels = make_label_crop(analysis)
    yield lambda: write_labels(labels, folder / "labels.nii.gz", onto=grid)
    if not quick:
        yield _pictures(analysis, record, labels, folder=folder)


def _dicom(analysis: Analysis, record: dict[str, Any], folder: Path, *, objects: Apart | None) -> Callable[[], object]:
    """Return what writes the DICOM objects, or say in the record why there are none."""
    if not has_stored_images(analysis.volume):
        text = "the input is not DICOM, so labels.seg.dcm and report.sr.dcm would refer to nothing and are not written"
        record["reasons"].append({"code": "no_dicom_source", "text": text})
        return lambda: None
    if objects is None:
        return _dicom_here(analysis, record, folder)
    return lambda: objects.call(gather(analysis, record), folder) or _dicom_here(analysis, record, folder)()


def _dicom_here(analysis: Analysis, record: dict[str, Any], folder: Path) -> Callable[[], object]:
    from ccma_seg.report.dicom.objects import write_objects  # noqa: PLC0415  highdicom takes half a second to load

    return lambda: write_objects(gather(analysis, record), folder)


def _pictures(analysis: Analysis, record: dict[str, Any], labels: LabelMap, *, folder: Path) -> Callable[[], object]:
    """Return what writes overview and page, which look at the exam on the same planes."""
    from ccma_seg.report.figure import views_of, write_overview  # noqa: PLC0415  matplotlib takes half a second to load
    from ccma_seg.report.page import write_page  # noqa: PLC0415
    from ccma_seg.report.views import look  # noqa: PLC0415

    def write() -> None:
        sights = [look(analysis, labels, plane) for plane in views_of(analysis)]
        write_overview(analysis, sights, folder / "overview.png")
        write_page(analysis, record, folder / "report.html", labels=labels, sights=sights)

    return write


def _write_meshes(analysis: Analysis, folder: Path) -> dict[str, str]:
    if not analysis.config.output.meshes:
        return {}
    from ccma_seg.report.meshes import write_meshes  # noqa: PLC0415  trimesh is optional

    return write_meshes(analysis, folder)


def _lesions_csv(record: dict[str, Any]) -> str:
    return write_table(map(lesion_row, record["lesions"]), lesion_columns())
