"""Planes through a volume, for pictures: where they lie and what is seen on them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.measure import find_contours

from ccma_seg.anatomy import MitralAnnulus
from ccma_seg.geometry import Floats, Geometry, Point, as_point, unit
from ccma_seg.pipeline import Analysis
from ccma_seg.volume import PADDING_HU, LabelMap

WIDE_WINDOW_HU = (-400.0, 1400.0)
"""W 1800 L 500: in a soft-tissue window core and rim look alike."""

SOFT_WINDOW_HU = (-160.0, 340.0)
"""W 500 L 90: without contrast and without a mass, only fat shows where the chambers part."""

_CLOSE_WIDTH_MM, _CLOSE_PIXEL_MM = 64.0, 0.32
"""A close view: a mass of 45 mm and what lies round it."""

_FROM_ABOVE = 0.95
"""Cosine between the axes of ring and view from which on the ring is seen as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """A square view: its centre, and the patient directions of its right and lower edge."""

    title: str
    center_mm: Point
    right: Point
    down: Point
    edges: tuple[str, str, str, str]
    """What lies to the left, right, top and bottom."""
    width_mm: float = 120.0
    pixel_mm: float = 0.5

    @property
    def normal(self) -> Floats:
        """Unit vector out of the plane."""
        return np.cross(self.right, self.down)

    def positions_mm(self) -> Floats:
        """Return LPS positions of all pixels, shape (n, n, 3)."""
        steps = np.arange(-self.width_mm / 2, self.width_mm / 2 + self.pixel_mm, self.pixel_mm)
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
    x, y, feet = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)
    return [
        Plane(title="axial", center_mm=center_mm, right=x, down=y, edges=("R", "L", "A", "P")),
        Plane(title="coronal", center_mm=center_mm, right=x, down=feet, edges=("R", "L", "H", "F")),
        Plane(title="sagittal", center_mm=center_mm, right=y, down=feet, edges=("A", "P", "H", "F")),
    ]


def annular_planes(annulus: MitralAnnulus, center_mm: Point) -> list[Plane]:
    """Return the annulus en face, seen from the atrium, and two long-axis views through `center_mm`."""
    posterior, lateral, apical = (as_point(axis) for axis in annulus.axes)
    return [
        Plane(
            title="en face, from the atrium",
            center_mm=center_mm,
            right=as_point(-np.array(lateral)),
            down=posterior,
            edges=("lateral", "medial", "anterior", "posterior"),
        ),
        Plane(
            title="long axis, septal-lateral",
            center_mm=center_mm,
            right=posterior,
            down=apical,
            edges=("anterior", "posterior", "atrium", "apex"),
        ),
        Plane(
            title="long axis, intercommissural",
            center_mm=center_mm,
            right=lateral,
            down=apical,
            edges=("medial", "lateral", "atrium", "apex"),
        ),
    ]


def plane_along(direction: Point, annulus: MitralAnnulus, center_mm: Point) -> Plane:
    """Return the plane through a point that holds a direction, drawn upwards, and as much of the apical axis as can be.

    Parameters
    ----------
    direction
        Unit vector, LPS.
    annulus
        Whose axis, or else posterior direction, completes the plane.
    center_mm
        Middle of the view.
    """
    second = max(annulus.axes[[2, 0]], key=lambda axis: float(np.linalg.norm(np.cross(direction, axis))))
    right = unit(second - np.dot(second, direction) * np.array(direction))
    return close(
        Plane(
            title="through the neck",
            center_mm=center_mm,
            right=as_point(right),
            down=as_point(-np.array(direction)),
            edges=("", "", "way out", ""),
        )
    )


def close(plane: Plane) -> Plane:
    """Return the same view, closer and finer."""
    return replace(plane, width_mm=_CLOSE_WIDTH_MM, pixel_mm=_CLOSE_PIXEL_MM)


def sample(values: npt.NDArray[Any], geometry: Geometry, plane: Plane, *, linear: bool) -> npt.NDArray[Any]:
    """Look up voxels on a plane, linearly or the nearest; outside the grid is padding (HU) or 0 (labels)."""
    index = geometry.to_index(plane.positions_mm())
    outside = PADDING_HU if linear else 0
    return np.asarray(ndimage.map_coordinates(values, np.moveaxis(index, -1, 0), order=int(linear), cval=outside))


def outlines(labels: LabelMap, plane: Plane) -> dict[int, list[Floats]]:
    """Return the outlines of each label on a plane: lines of (n, 2) mm to the right and down from the centre."""
    seen = sample(labels.labels, labels.geometry, plane, linear=False)
    return {
        int(label): [line[:, ::-1] * plane.pixel_mm - plane.width_mm / 2 for line in find_contours(seen == label, 0.5)]
        for label in np.unique(seen[seen > 0])
    }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RingView:
    """The annulus on a plane, in mm to the right and down from the centre."""

    line: Floats
    """(n, 2): the whole ring, closed, on views along its axis; else empty."""
    dots: Floats
    """(m, 2): where it crosses the plane, on views from the side."""


def ring_on(plane: Plane, annulus: MitralAnnulus) -> RingView:
    """Return how the annulus is seen on a plane: as a line from above, as dots from the side."""
    ring = plane.to_plane(np.vstack([annulus.curve_mm, annulus.curve_mm[:1]]))
    if abs(float(plane.normal @ np.array(annulus.normal))) > _FROM_ABOVE:
        return RingView(line=ring[:, :2], dots=np.empty((0, 2)))
    before, after = ring[:-1], ring[1:]
    crosses = (before[:, 2] >= 0) != (after[:, 2] >= 0)
    share = before[crosses, 2] / (before[crosses, 2] - after[crosses, 2])
    dots = before[crosses] + share[:, None] * (after - before)[crosses]
    return RingView(line=np.empty((0, 2)), dots=dots[:, :2])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sight:
    """What is seen of an exam on a plane: it can be drawn in any window, and more than once."""

    plane: Plane
    hu: npt.NDArray[np.int16]
    lines: dict[int, list[Floats]]
    """The outlines of each label."""
    ring: RingView | None
    """None without an annulus."""


def look(analysis: Analysis, labels: LabelMap, plane: Plane) -> Sight:
    """Look at an exam, and at its label map, on a plane."""
    annulus = analysis.anatomy.annulus
    return Sight(
        plane=plane,
        hu=sample(analysis.volume.hu, analysis.volume.geometry, plane, linear=True),
        lines=outlines(labels, plane),
        ring=None if annulus is None else ring_on(plane, annulus),
    )
