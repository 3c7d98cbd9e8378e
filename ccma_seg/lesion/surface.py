"""Smooth closed surfaces, and meshes of them."""

import math
from dataclasses import dataclass

import numpy as np

from ccma_seg.geometry import Floats
from ccma_seg.lesion import sphere
from ccma_seg.lesion.ellipsoid import Ellipsoid, fit_ellipsoid
from ccma_seg.lesion.findings import Envelope

_DEGREE = 8
_WAVE_COST = 2e-4
"""Cost of waves on the surface, growing with the fourth power of their number."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """A smooth closed surface: an ellipsoid with waves on it."""

    ellipsoid: Ellipsoid
    waves: Floats
    """Spherical harmonics of the logarithm of the radius over the ellipsoid's."""

    def radius_mm(self, directions: Floats) -> Floats:
        """Return the distance from the ellipsoid's centre along unit vectors, shape (n, 3)."""
        return np.asarray(
            self.ellipsoid.radius_mm(directions) * np.exp(sphere.harmonics(directions, self.degree) @ self.waves)
        )

    @property
    def degree(self) -> int:
        """Return the degree of the waves."""
        return math.isqrt(self.waves.size) - 1

    def points_mm(self, count: int) -> Floats:
        """Return the surface along `sphere.directions(count)`, shape (count, 3)."""
        directions, waves = sphere.directions(count), sphere.lattice_harmonics(count, self.degree) @ self.waves
        radius = self.ellipsoid.radius_mm(directions) * np.exp(waves)
        return np.asarray(self.ellipsoid.center_mm + radius[:, None] * directions)


def smooth_surface(points_mm: Floats, start: Ellipsoid, *, trust: Floats, pull: float) -> Surface:
    """Fit an ellipsoid, then waves of which short ones cost more, through points on a surface.

    The form of `start` counts as many points as `pull` says.
    """
    ellipsoid = fit_ellipsoid(points_mm, start, tolerance_mm=1.0, prior=pull, trust=trust)
    offset = points_mm - ellipsoid.center_mm
    distance = np.linalg.norm(offset, axis=1)
    directions = offset / distance[:, None]
    target = np.log(distance / ellipsoid.radius_mm(directions))
    basis = sphere.harmonics(directions, _DEGREE)
    cost = np.diag(1e-3 + _WAVE_COST * sphere.degrees(_DEGREE).astype(float) ** 4) * float(trust.sum()) * 1e-1
    weight = trust
    scale = float(np.mean(ellipsoid.semi_axes_mm()))
    waves = np.zeros(basis.shape[1])
    for _ in range(4):
        waves = np.linalg.solve(basis.T @ (weight[:, None] * basis) + cost, basis.T @ (weight * target))
        weight = trust / (1 + ((target - basis @ waves) * scale / 0.7) ** 2) ** 2
    return Surface(ellipsoid=ellipsoid, waves=waves)


def mesh_normals(surface: Surface, count: int) -> tuple[Floats, Floats]:
    """Return points of a surface along `count` directions, and its outward unit normals there."""
    points = surface.points_mm(count)
    return points, vertex_normals(points, count)


def vertex_normals(points: Floats, count: int) -> Floats:
    """Return outward unit normals at the corners of a mesh over `sphere.triangles(count)`."""
    faces = sphere.triangles(count)
    a, b, c = (points[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    corners = faces.ravel()
    columns = [np.bincount(corners, weights=np.repeat(cross[:, k], 3), minlength=count) for k in range(3)]
    normals = np.stack(columns, axis=1)
    return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True))


def vertex_areas(points: Floats, count: int) -> Floats:
    """Return the share of a mesh's area round each of its corners (mm2)."""
    faces = sphere.triangles(count)
    a, b, c = (points[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    return np.asarray(np.bincount(faces.ravel(), weights=np.repeat(area, 3), minlength=count), float)


def envelope_points(envelope: Envelope) -> Floats:
    """Return the outer surface of a mass as points, shape (n, 3) LPS mm."""
    directions = sphere.directions(envelope.covered.size)
    return np.asarray(envelope.center_mm + envelope.outer_radius_mm[:, None] * directions)
