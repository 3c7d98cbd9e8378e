"""Where the slices of a stack lie: their grid, and how far they are from one."""

from dataclasses import dataclass

import numpy as np

from ccma_seg.errors import GeometryError
from ccma_seg.geometry import Floats, Geometry, as_point, unit
from ccma_seg.series.images import Image
from ccma_seg.series.params import ReadParams

_MOST_GAPS_TOLD = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """The places of slices, in order along the normal."""

    positions_mm: Floats
    """(slices, 3): centre of the first pixel of each."""

    heights_mm: Floats
    """Along the normal."""

    row_direction: Floats
    column_direction: Floats
    normal: Floats
    pixel_spacing_mm: tuple[float, float]
    rows: int
    columns: int
    header_tilt_deg: float

    @property
    def step_mm(self) -> float:
        """The usual distance between slices along the normal."""
        steps = np.diff(self.heights_mm)
        return float(np.median(steps)) if len(steps) else 0.0

    @property
    def even_count(self) -> int:
        """How many slices an even grid of the usual distance takes."""
        return round(float(np.ptp(self.heights_mm)) / self.step_mm) + 1 if self.step_mm else len(self.heights_mm)

    @property
    def off_grid_mm(self) -> float:
        """How far the slice that fits worst lies from an even grid through the first and the last."""
        even = np.linspace(self.heights_mm[0], self.heights_mm[-1], len(self.heights_mm))
        return float(np.abs(self.heights_mm - even).max())

    @property
    def drift_mm(self) -> Floats:
        """How far slices drift sideways per mm of height, as a vector in the slice plane."""
        moved = self.positions_mm[-1] - self.positions_mm[0]
        height = float(moved @ self.normal)
        return np.asarray((moved - height * self.normal) / height) if height else np.zeros(3)

    @property
    def stray_mm(self) -> float:
        """How far the slice that fits worst lies beside the line from the first to the last."""
        along = np.outer(self.heights_mm - self.heights_mm[0], self.normal + self.drift_mm)
        return float(np.abs(self.positions_mm - self.positions_mm[0] - along).max())

    @property
    def tilt_deg(self) -> float:
        """The angle between the normal and the line through the slices."""
        return float(np.degrees(np.arctan(np.linalg.norm(self.drift_mm))))

    def is_even(self, params: ReadParams) -> bool:
        """Tell whether slices lie on an even grid, but for rounding."""
        return self.off_grid_mm <= params.rounding_tolerance_mm

    def is_tilted(self, params: ReadParams) -> bool:
        """Tell whether slices drift sideways, or the header says that the gantry was tilted alone shows it."""
        height = float(np.ptp(self.heights_mm))
        drifts = float(np.linalg.norm(self.drift_mm)) * height > params.tilt_tolerance_px * min(self.pixel_spacing_mm)
        return drifts or self.hides_tilt(params)

    def hides_tilt(self, params: ReadParams) -> bool:
        """Tell whether the header names a tilt that the directions of the slices do not show."""
        upright = bool(np.isclose(np.abs(self.normal).max(), 1, atol=params.orientation_tolerance**2))
        return upright and abs(self.header_tilt_deg) > params.header_tilt_tolerance_deg

    def gaps(self, params: ReadParams) -> str:
        """Say where the distance between slices differs from the usual one."""
        steps = np.diff(self.heights_mm)
        odd = np.flatnonzero(np.abs(steps - self.step_mm) > params.position_tolerance_mm)
        told = [f"{steps[i]:.2f} mm after slice {i + 1} ({self._place(i)})" for i in odd[:_MOST_GAPS_TOLD].tolist()]
        more = f" and {len(odd) - _MOST_GAPS_TOLD} more" if len(odd) > _MOST_GAPS_TOLD else ""
        return f"usual distance {self.step_mm:.2f} mm, but {', '.join(told)}{more}"

    def geometry(self) -> Geometry:
        """Return the even upright grid with the same first and last slice.

        Raises
        ------
        GeometryError
            If there are fewer than two slices.
        """
        count = len(self.heights_mm)
        if count < 2:
            raise GeometryError("a grid needs at least two slices")
        return Geometry(
            shape=(count, self.rows, self.columns),
            spacing_mm=(float(np.ptp(self.heights_mm)) / (count - 1), *self.pixel_spacing_mm),
            origin_mm=as_point(self.positions_mm[0]),
            axes=(as_point(self.normal), as_point(self.column_direction), as_point(self.row_direction)),
        )

    def _place(self, index: int) -> str:
        axis = int(np.abs(self.normal).argmax())
        return f"{'xyz'[axis]} = {self.positions_mm[index, axis]:.2f}"


def lay_out(images: tuple[Image, ...], params: ReadParams) -> Layout | str:
    """Read the places of the images of one stack, or say what is wrong with them."""
    first = images[0]
    if first.row_direction is None or first.column_direction is None or any(i.position_mm is None for i in images):
        return "has no positions in the patient (ImagePositionPatient, ImageOrientationPatient)"
    if first.pixel_spacing_mm is None:
        return "has no usable pixel spacing (PixelSpacing)"
    row, column = np.array(first.row_direction), np.array(first.column_direction)
    skew = float(np.abs([row @ row - 1, column @ column - 1, row @ column]).max())
    if skew > params.orientation_tolerance:
        return f"has no perpendicular unit directions: {first.row_direction}, {first.column_direction}"
    row = unit(row)
    column = unit(column - (column @ row) * row)
    normal = np.cross(row, column)
    positions = np.array([image.position_mm for image in images], float)
    return Layout(
        positions_mm=positions,
        heights_mm=positions @ normal,
        row_direction=row,
        column_direction=column,
        normal=normal,
        pixel_spacing_mm=first.pixel_spacing_mm,
        rows=first.coding.rows,
        columns=first.coding.columns,
        header_tilt_deg=first.tilt_deg,
    )
