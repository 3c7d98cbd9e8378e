"""A series, wherever it lies, as one volume in Hounsfield units."""

import time
from collections import Counter
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from ccma_seg.errors import CorruptInputError, InputPathError, NoSeriesError
from ccma_seg.geometry import Geometry
from ccma_seg.reasons import Reason
from ccma_seg.series.choosing import choose_series
from ccma_seg.series.correcting import straighten
from ccma_seg.series.decoding import PixelError
from ccma_seg.series.finding import find_series
from ccma_seg.series.identity import read_identity
from ccma_seg.series.images import Image
from ccma_seg.series.inventory import Inventory, Series
from ccma_seg.series.params import ReadParams
from ccma_seg.series.pixels import ignores_padding, read_slice
from ccma_seg.volume import PADDING_HU, Acquisition, Hu, Volume, check_scale


def read_series(
    path: str | Path,
    *,
    series_uid: str | None = None,
    phase: float | None = None,
    other_than: AbstractSet[str] = frozenset(),
    allow_missing_slices: bool = False,
    allow_gantry_tilt: bool = False,
    params: ReadParams = ReadParams(),
) -> Volume:
    """Read a CT series into one int16 volume.

    Parameters
    ----------
    path
        DICOM folder, file or zip (the series that `choose_series` chooses), or a NIfTI or NRRD file in HU.
    series_uid, phase
        Which series, where there are several: its SeriesInstanceUID, its percent of the R-R interval.
    other_than
        SeriesInstanceUIDs of series that are not wanted, as they were read already.
    allow_missing_slices
        Interpolate an uneven or incomplete stack to an even grid; the volume is then marked as degraded.
    allow_gantry_tilt
        Resample a tilted stack to an upright grid; the volume is then marked as degraded.
    params
        What is accepted.

    Returns
    -------
    Volume
        HU from -1024 (also where nothing was measured), slices from feet to head for axial series.

    Raises
    ------
    InputPathError
        If `path` is not there or may not be read.
    NoSeriesError
        If nothing under `path` can be read as CT, or there is doubt about whose it is.
    IncompleteVolumeError
        If slices are missing, uneven or tilted, and that was not allowed.
    CorruptInputError
        If a file is damaged.

    Examples
    --------
    >>> volume = read_series("exam")  # doctest: +SKIP
    >>> volume.hu.shape, volume.geometry.spacing_mm  # doctest: +SKIP
    """
    started = time.perf_counter()
    path = Path(path)
    volume = _read_file_format(path, params)
    if volume is None:
        series = choose_series(
            _without(find_series(path, params), other_than),
            series_uid=series_uid,
            phase=phase,
            allow_missing_slices=allow_missing_slices,
            allow_gantry_tilt=allow_gantry_tilt,
            params=params,
        )
        volume = read_chosen(series, params)
    return replace(volume, read_seconds=time.perf_counter() - started)


def _without(inventory: Inventory, series_uids: AbstractSet[str]) -> Inventory:
    """Leave out some series, unless there are no others."""
    others = tuple(series for series in inventory.series if series.series_uid not in series_uids)
    return replace(inventory, series=others) if others else inventory


def read_chosen(series: Series, params: ReadParams = ReadParams()) -> Volume:
    """Read a series of an inventory; what stands against it is corrected, as if the options had been given.

    Raises
    ------
    NoSeriesError
        If it is not a CT volume at all.
    CorruptInputError
        If a file is damaged.
    """
    refusal = series.refusal_with(allow_missing_slices=True, allow_gantry_tilt=True)
    if refusal is not None:
        raise refusal
    if series.geometry is None or series.layout is None:
        raise NoSeriesError("the series has no grid")
    hu = _read_slices(series.images, series.geometry, params)
    check_scale(hu, "the series")
    volume = Volume(
        hu=hu,
        geometry=series.geometry,
        acquisition=_acquisition(series),
        reasons=(*series.reasons, *_padding(series, params), *_empty(hu)),
        identity=read_identity(series.images[0], params) if params.keep_identity else None,
    )
    return straighten(volume, series.layout, params)


def _unpacked(images: tuple[Image, ...]) -> tuple[Image, ...]:
    """Unpack what holds several frames once, not from its start for each of them."""
    frames = Counter(image.source for image in images if image.source.is_packed)
    whole = {source: source.unpacked() for source, count in frames.items() if count > 1}
    return tuple(replace(image, source=whole.get(image.source, image.source)) for image in images)


def _read_slices(images: tuple[Image, ...], geometry: Geometry, params: ReadParams) -> Hu:
    """Read each image into its own slice of one array, several at a time."""
    hu, images = np.empty(geometry.shape, np.int16), _unpacked(images)

    def read(index: int) -> None:
        image = images[index]
        try:
            read_slice(image, hu[index], params)
        except PixelError as error:
            name = image.source.file_name
            raise CorruptInputError(
                f"{name} (slice {index + 1}) must hold a whole image: {error}; copy it again"
            ) from error

    with ThreadPoolExecutor(params.threads) as pool:
        jobs = [pool.submit(read, index) for index in range(len(images))]
        try:
            for job in jobs:
                job.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return hu


def _empty(hu: Hu) -> tuple[Reason, ...]:
    """Tell slices that hold nothing, as some scanners add at the ends."""
    count = sum(_holds_nothing(plane[len(plane) // 2]) and _holds_nothing(plane) for plane in hu)
    return (Reason("empty_slices", f"{count} of {len(hu)} slices hold nothing but padding"),) if count else ()


def _holds_nothing(hu: Hu) -> bool:
    return bool(hu.max() == PADDING_HU)


def _padding(series: Series, params: ReadParams) -> tuple[Reason, ...]:
    """Tell a declared padding value that was not believed."""
    if not any(ignores_padding(image, params) for image in series.images):
        return ()
    return (Reason("padding_ignored", "the declared padding value stands for tissue and was not believed"),)


def _acquisition(series: Series) -> Acquisition:
    first = series.images[0]
    return Acquisition(
        study_uid=first.study_uid,
        series_uid=first.series_uid,
        frame_of_reference_uid=first.frame_of_reference_uid,
        description=first.description,
        manufacturer=first.manufacturer,
        model=first.model,
        slice_thickness_mm=first.slice_thickness_mm,
        tube_voltage_kv=first.tube_voltage_kv,
        kernel=first.kernel,
        cardiac_phase_percent=first.phase_percent,
        trigger_time_ms=first.trigger_time_ms,
        contrast_agent=first.contrast_agent,
        sop_class_uid=first.sop_class,
        patient_key=first.patient_key,
        date=first.date,
        sop_instance_uids=tuple(image.sop_uid for image in series.images),
        frame_numbers=tuple(image.frame + 1 for image in series.images) if first.coding.frames > 1 else (),
    )


def _read_file_format(path: Path, params: ReadParams) -> Volume | None:
    """Read a single NIfTI or NRRD file, told by its content; None for anything else."""
    if not path.is_file():
        return None
    from ccma_seg import itk  # noqa: PLC0415  both wait for large libraries
    from ccma_seg.nifti import reading as nifti  # noqa: PLC0415

    try:
        if nifti.is_nifti(path):
            return nifti.read_volume(path, max_voxels=params.max_voxels)
        if itk.is_nrrd(path):
            return itk.read_nrrd(path, max_voxels=params.max_voxels)
    except OSError as error:
        raise InputPathError(f"input must be readable: {path} - {error.strerror or error}") from error
    return None
