"""The mitral annulus: a closed curve in space, and the frame in which everything round it is described."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccma_seg.errors import GeometryError
from ccma_seg.geometry import Floats, Point, unit

_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MitralAnnulus:
    """Where the mitral annulus lies.

    The angle runs round the annulus: 0 is mid posterior, +90 the anterolateral and -90 the posteromedial side,
    180 mid anterior (the aortic curtain).
    """

    center_mm: Point
    normal: Point
    """Unit vector from the centre towards the LV apex."""

    posterior: Point
    """Unit vector in the annular plane from the centre towards mid posterior (angle 0)."""

    curve_mm: Floats
    """(n, 3) LPS: the closed ring, from angle 0 with growing angle; the first point is not repeated."""

    method: str
    """How it was found: blood_pools, template, given or chambers."""

    uncertainty_mm: float
    """Standard error of the centre."""

    septal_lateral_mm: float | None = None
    intercommissural_mm: float | None = None
    size_method: str | None = None
    """How its diameters were found: diameters (seen, and weighed with the heart's size), heart_size, given or chambers;
    None where they are average ones."""

    def __post_init__(self) -> None:
        if abs(np.linalg.norm(self.normal) - 1) > _UNIT_TOLERANCE or abs(np.dot(self.normal, self.posterior)) > 0.01:
            raise GeometryError("an annulus needs a unit normal and a posterior direction perpendicular to it")

    @property
    def axes(self) -> Floats:
        """Rows: posterior, anterolateral, normal (a right-handed frame)."""
        return np.array([self.posterior, unit(np.cross(self.normal, self.posterior)), self.normal])

    def to_frame(self, positions_mm: npt.ArrayLike) -> Floats:
        """Turn LPS mm, shape (..., 3), into mm along posterior, anterolateral and apical, from the centre."""
        return (np.asarray(positions_mm, float) - self.center_mm) @ self.axes.T

    def to_patient(self, positions_mm: npt.ArrayLike) -> Floats:
        """Turn mm along posterior, anterolateral and apical, shape (..., 3), into LPS mm."""
        return np.asarray(positions_mm, float) @ self.axes + self.center_mm

    def angle_deg(self, positions_mm: npt.ArrayLike) -> Floats:
        """Return the angle round the annulus of positions, shape (..., 3) LPS mm, in (-180, 180]."""
        frame = self.to_frame(positions_mm)
        return np.asarray(np.degrees(np.arctan2(frame[..., 1], frame[..., 0])))

    def outward_mm(self, positions_mm: npt.ArrayLike) -> Floats:
        """Return how far positions, shape (..., 3) LPS mm, lie outward of the curve in its plane; negative inside."""
        own, ring = self.to_frame(positions_mm), self.to_frame(self.curve_mm)
        angles_deg = self.angle_deg(positions_mm), self.angle_deg(self.curve_mm)
        radius_mm = np.interp(*angles_deg, np.hypot(ring[:, 0], ring[:, 1]), period=360.0)
        return np.asarray(np.hypot(own[..., 0], own[..., 1]) - radius_mm)
