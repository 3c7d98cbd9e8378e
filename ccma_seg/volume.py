"""What was scanned, and how."""

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ccma_seg.display import card, gray_picture
from ccma_seg.errors import GeometryError, NoSeriesError, NotHuError
from ccma_seg.geometry import Bools, Floats, Geometry, as_point
from ccma_seg.reasons import Reason

PADDING_HU = -1024
"""HU of voxels that were never measured (outside the reconstruction circle, or filled in)."""

Hu = npt.NDArray[np.int16]

_INT16 = np.iinfo(np.int16)
_PICTURE_PX = 256
_PICTURE_HU = (-160.0, 340.0)
"""What a notebook shows of a volume: its middle slice, in a window for soft tissue."""
_LOWEST_MAXIMUM_HU = 10
"""No CT of a patient is darker than water everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """How a series was scanned and reconstructed; None where the headers do not say.

    Nothing here identifies the patient to a reader of results.
    """

    study_uid: str = ""
    series_uid: str = ""
    frame_of_reference_uid: str = ""
    description: str = ""
    manufacturer: str = ""
    model: str = ""
    slice_thickness_mm: float | None = None
    """Nominal thickness, which is not the distance between slices."""
    tube_voltage_kv: float | None = None
    kernel: str = ""
    cardiac_phase_percent: float | None = None
    trigger_time_ms: float | None = None
    contrast_agent: bool | None = None
    """Whether the headers name a contrast agent; the images decide."""
    sop_class_uid: str = ""
    """Of the stored images."""
    patient_key: str = field(default="", repr=False)
    """A digest of the patient's ID, to tell patients apart without knowing them; in no output."""
    date: dt.date | None = field(default=None, repr=False)
    """When it was scanned; only the days between two exams are told."""
    sop_instance_uids: tuple[str, ...] = ()
    """Of the stored images, in the order of slices; one per slice, unless `resampled`."""
    frame_numbers: tuple[int, ...] = ()
    """From 1, one for each of `sop_instance_uids`, where those are frames of multi-frame objects."""
    resampled: bool = False
    """Whether slices were moved or interpolated, so that they are not the stored images one by one."""

    def of_slices(self, kept: slice) -> "Acquisition":
        """Return what is known of some of the slices; those that were resampled come from all stored images."""
        if self.resampled:
            return self
        return replace(self, sop_instance_uids=self.sop_instance_uids[kept], frame_numbers=self.frame_numbers[kept])


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Identity:
    """Who was scanned and when: kept only on request, for DICOM objects that must carry it."""

    name: str = ""
    patient_id: str = ""
    birth_date: str = ""
    sex: str = ""
    study_date: str = ""
    study_time: str = ""
    study_id: str = ""
    accession_number: str = ""
    referring_physician: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Volume:
    """A CT in Hounsfield units on its grid.

    Raises
    ------
    GeometryError
        If the array and the grid differ in shape.
    """

    hu: Hu
    """(slice, row, column), read-only; `PADDING_HU` where nothing was measured."""

    geometry: Geometry
    acquisition: Acquisition = field(default_factory=Acquisition)
    reasons: tuple[Reason, ...] = ()
    """What the reader found that limits the result."""

    read_seconds: float | None = None
    """How long reading took."""

    identity: Identity | None = field(default=None, repr=False)
    """Set only if `ReadParams.keep_identity` asks for it; goes into DICOM SEG and SR, and nowhere else."""

    def __post_init__(self) -> None:
        if self.hu.shape != self.geometry.shape:
            raise GeometryError(f"voxels must fill their grid: array {self.hu.shape}, grid {self.geometry.shape}")
        if self.hu.dtype != np.int16:
            raise GeometryError(f"HU must be int16, got {self.hu.dtype}")
        self.hu.flags.writeable = False

    def _repr_html_(self) -> str:
        seen, (slices, rows, columns) = self.acquisition, self.geometry.shape
        step = -(-max(rows, columns) // _PICTURE_PX)
        middle = gray_picture(self.hu[slices // 2, ::step, ::step], *_PICTURE_HU)
        known = {
            "spacing": " x ".join(f"{step_mm:.3g}" for step_mm in self.geometry.spacing_mm) + " mm",
            "slice thickness (mm)": seen.slice_thickness_mm,
            "tube voltage (kV)": seen.tube_voltage_kv,
            "kernel": seen.kernel,
            "cardiac phase (%)": seen.cardiac_phase_percent,
            "description": seen.description,
            **{reason.code: reason.text for reason in self.reasons},
        }
        return card(f"CT, {slices} x {rows} x {columns}", known, picture=middle)

    def crop(self, slices: tuple[slice, slice, slice]) -> "Volume":
        """Return a view on part of the volume."""
        seen = self.acquisition.of_slices(slices[0])
        return replace(self, hu=self.hu[slices], geometry=self.geometry.crop(slices), acquisition=seen)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelMap:
    """Which voxel belongs to what, on a crop of a volume's grid or on a grid of its own."""

    labels: npt.NDArray[np.uint8]
    """(slice, row, column); 0 is none."""

    geometry: Geometry

    def __post_init__(self) -> None:
        if self.labels.shape != self.geometry.shape:
            raise GeometryError(f"labels must fill their grid: {self.labels.shape}, grid {self.geometry.shape}")

    def mask(self, label: int) -> Bools:
        """Return where `label` is, as booleans."""
        return np.asarray(self.labels == label)

    def slices_in(self, geometry: Geometry) -> tuple[slice, slice, slice]:
        """Return the index ranges of this crop in the larger grid it was cut from.

        Raises
        ------
        GeometryError
            If this is not a crop of `geometry`.
        """
        start = np.rint(geometry.to_index(self.geometry.origin_mm)).astype(int)
        slices = tuple(slice(int(a), int(a) + n) for a, n in zip(start, self.geometry.shape, strict=True))
        inside = (start >= 0).all() and (start + self.geometry.shape <= geometry.shape).all()
        first, second, third = slices
        if not inside or geometry.crop((first, second, third)).difference(self.geometry):
            raise GeometryError("labels must lie on a crop of the volume's own grid")
        return first, second, third

    def on(self, geometry: Geometry) -> npt.NDArray[np.uint8]:
        """Return the labels on another crop of the same grid; 0 where they do not reach."""
        labels = np.zeros(geometry.shape, np.uint8)
        there, part = self.within(geometry)
        labels[there] = part
        return labels

    def within(self, geometry: Geometry) -> tuple[tuple[slice, slice, slice], npt.NDArray[np.uint8]]:
        """Return where another crop of the same grid and this one meet, as index ranges of that, and the labels."""
        start = np.rint(geometry.to_index(self.geometry.origin_mm)).astype(int)
        end = start + self.geometry.shape
        low, high = np.clip(start, 0, geometry.shape), np.clip(end, 0, geometry.shape)
        first, second, third = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        here = tuple(slice(int(a), int(b)) for a, b in zip(low - start, high - start, strict=True))
        return (first, second, third), self.labels[here]


def hu_of(values: npt.NDArray[Any], name: str) -> Hu:
    """Return the values of a file of that name as HU.

    Raises
    ------
    NoSeriesError, NotHuError
        If they cannot be Hounsfield units.
    """
    check_hu(values, name)
    hu = to_hu(values)
    check_scale(hu, name)
    return hu


def to_hu(values: npt.NDArray[Any]) -> Hu:
    """Round to int16; what is below the scale, or not a number, becomes `PADDING_HU`."""
    if values.dtype == np.int16:
        hu = np.array(values, np.int16, order="C")
    else:
        hu = np.empty(values.shape, np.int16)
        for plane, out in zip(values, hu, strict=True):
            known = np.nan_to_num(plane.astype(np.float64), nan=PADDING_HU)
            out[...] = np.rint(np.clip(known, PADDING_HU, _INT16.max))
    return np.maximum(hu, PADDING_HU, out=hu)


def check_hu(values: npt.NDArray[Any], name: str) -> None:
    """Refuse values, of a file of that name, that cannot be Hounsfield units: too narrow, or scaled to 0..1.

    Raises
    ------
    NoSeriesError
        If they cannot.
    """
    wide = values.dtype.kind in "iuf" and values.dtype.itemsize > 1
    if not (wide and np.fmax.reduce(values, axis=None) > _LOWEST_MAXIMUM_HU):
        raise NoSeriesError(f"{name} must hold Hounsfield units, its {values.dtype} values are not; use the CT itself")


_SEEN, _FEWEST = np.s_[::3, ::7, ::7], 500
"""Every so many voxels are looked at, some hundred thousand of an exam; fewer say nothing."""
_SHIFT_HU, _SOFT_HU, _AIRLESS_HU, _SHARE_SHIFTED = 1024, 150, -200, 0.1
"""What intercepts take off; soft tissue lies this near to water, air and lung below that; so much of it is shifted."""
_LEAST_GREYS, _MOST_GREY = 150, 255
_LONGEST_MM, _FINEST_MM = 3000.0, 0.02
"""A body is shorter, and voxels of the finest CT of a patient are ten times as large."""


def check_scale(hu: Hu, name: str) -> None:
    """Refuse voxels whose scale is not that of Hounsfield units: a lost intercept, grey values of a window.

    In HU a body has at most some per cent at 870-1170 (dense bone), and a crop without air or fat does not span 0-255.

    Raises
    ------
    NotHuError
        If it is not.
    """
    seen = hu[_SEEN]
    if seen.size < _FEWEST:
        return
    soft = (seen > _SHIFT_HU - _SOFT_HU) & (seen < _SHIFT_HU + _SOFT_HU)
    if not (seen < _AIRLESS_HU).any() and float(soft.mean()) > _SHARE_SHIFTED:
        raise NotHuError(
            f"{name} must hold Hounsfield units, soft tissue lies near {_SHIFT_HU} and nothing below {_AIRLESS_HU}: "
            f"the intercept of -{_SHIFT_HU} was lost; export it again"
        )
    if seen.min() >= 0 and _LEAST_GREYS < seen.max() <= _MOST_GREY:
        raise NotHuError(
            f"{name} must hold Hounsfield units, its values run from {seen.min()} to {seen.max()}: grey values of a "
            "window; export the original images"
        )


def check_extent(geometry: Geometry, name: str) -> None:
    """Refuse a grid, of a file of that name, that no part of a body fits: its unit of length is not what it says.

    Raises
    ------
    NoSeriesError
        If it is.
    """
    longest_mm, finest_mm = max(geometry.extent_mm), min(geometry.spacing_mm)
    if longest_mm > _LONGEST_MM or finest_mm < _FINEST_MM:
        size = " x ".join(f"{extent:.3g}" for extent in geometry.extent_mm)
        raise NoSeriesError(f"{name} must be in mm, it would be {size} mm large; correct its unit or its spacing")


def turned(values: npt.NDArray[Any], affine: Floats, *, unit_mm: float = 1.0) -> tuple[npt.NDArray[Any], Geometry]:
    """Turn an image so that slices grow to the head, rows to the back and columns to the left, as near as may be.

    Parameters
    ----------
    values
        Indexed like the columns of `affine`.
    affine
        4 x 4, from three indices to LPS.
    unit_mm
        Its unit of length.

    Raises
    ------
    GeometryError
        If the axes are not perpendicular.
    """
    affine = np.diag([unit_mm, unit_mm, unit_mm, 1.0]) @ affine
    steps = affine[:3, :3]
    spacing = np.linalg.norm(steps, axis=0)
    if not (np.isfinite(affine).all() and (spacing > 0).all()):
        raise GeometryError("voxels must have a size")
    directions = steps / spacing
    order = _nearest_axes(directions)
    values, directions, spacing = values.transpose(order), directions[:, order], spacing[list(order)]
    corner = np.zeros(3)
    for axis in range(3):
        if directions[2 - axis, axis] < 0:
            corner += directions[:, axis] * spacing[axis] * (values.shape[axis] - 1)
            directions[:, axis] *= -1
            values = np.flip(values, axis)
    slices, rows, columns = values.shape
    axes = (as_point(directions[:, 0]), as_point(directions[:, 1]), as_point(directions[:, 2]))
    origin = as_point(affine[:3, 3] + corner)
    return values, Geometry(shape=(slices, rows, columns), spacing_mm=as_point(spacing), origin_mm=origin, axes=axes)


def _nearest_axes(directions: Floats) -> tuple[int, int, int]:
    """Return which index axis runs most along z, y, x."""
    left = [0, 1, 2]
    order = []
    for world in (2, 1, 0):
        best = max(left, key=lambda axis: abs(float(directions[world, axis])))
        order.append(best)
        left.remove(best)
    return order[0], order[1], order[2]
