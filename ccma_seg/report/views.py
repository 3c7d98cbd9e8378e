"""Planes through a volume, for pictures: where they lie and what is seen on them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg.anatomy import MitralAnnulus
from ccma_seg.geometry import Floats, Geometry, Point, as_point
from ccma_seg.volume import PADDING_HU

_PIXEL_MM = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """A square view: its centre, and the patient directions of its right and lower edge."""

    title: str
    center_mm: Point
    right: Point
    down: Point
    width_mm: float = 120.0

    @property
    def normal(self) -> Floats:
        """Unit vector out of the plane."""
        return np.cross(self.right, self.down)

    def positions_mm(self) -> Floats:
        """Return LPS positions of all pixels, shape (n, n, 3)."""
        steps = np.arange(-self.width_mm / 2, self.width_mm / 2 + _PIXEL_MM, _PIXEL_MM)
        rows, columns = np.meshgrid(steps, steps, indexing="ij")
        return np.asarray(
            self.center_mm + columns[..., None] * np.array(self.right) + rows[..., None] * np.array(self.down)
        )

    def to_plane(self, positions_mm: npt.ArrayLike) -> Floats:
        """Turn LPS mm, shape (n, 3), into mm to the right, down and out of the plane."""
        offset = np.asarray(positions_mm, float) - self.center_mm
        return np.asarray(offset @ np.array([self.right, self.down, self.normal]).T)


def orthogonal_planes(center_mm: Point) -> list[Plane]:
    """Return the axial, coronal and sagittal view, in radiological orientation."""
    return [
        Plane(title="axial", center_mm=center_mm, right=(1, 0, 0), down=(0, 1, 0)),
        Plane(title="coronal", center_mm=center_mm, right=(1, 0, 0), down=(0, 0, -1)),
        Plane(title="sagittal", center_mm=center_mm, right=(0, 1, 0), down=(0, 0, -1)),
    ]


def annular_planes(annulus: MitralAnnulus, center_mm: Point) -> list[Plane]:
    """Return the annulus en face, seen from the atrium, and two long-axis views through `center_mm`."""
    posterior, anterolateral, apical = (as_point(axis) for axis in annulus.axes)
    return [
        Plane(
            title="en face, from the atrium",
            center_mm=center_mm,
            right=as_point(-np.array(anterolateral)),
            down=posterior,
        ),
        Plane(title="long axis, septal-lateral", center_mm=center_mm, right=posterior, down=apical),
        Plane(title="long axis, intercommissural", center_mm=center_mm, right=anterolateral, down=apical),
    ]


def sample(values: npt.NDArray[Any], geometry: Geometry, plane: Plane, *, linear: bool) -> npt.NDArray[Any]:
    """Look up voxels on a plane, linearly or the nearest; outside the grid is padding (HU) or 0 (labels)."""
    index = geometry.to_index(plane.positions_mm())
    outside = PADDING_HU if linear else 0
    return np.asarray(ndimage.map_coordinates(values, np.moveaxis(index, -1, 0), order=int(linear), cval=outside))
