"""An ellipsoid through points that lie on it for the most part."""

from dataclasses import dataclass

import numpy as np

from ccma_seg.geometry import Floats

_ROWS, _COLUMNS = np.tril_indices(3)
_ITERATIONS = 12
_SETTLED = 1e-4
"""Millimetres, and shares of the radius: a fit that moves by less has ended."""
_RIDGE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ellipsoid:
    """All points x for which shape (x - center) has length 1."""

    center_mm: Floats
    shape: Floats
    """3 x 3, lower triangular, 1/mm."""

    def radius_mm(self, directions: Floats) -> Floats:
        """Return the distance from the centre to the surface along unit vectors, shape (n, 3)."""
        return np.asarray(1 / np.linalg.norm(directions @ self.shape.T, axis=-1))

    def semi_axes_mm(self) -> Floats:
        """Return half the axes, longest first."""
        return np.asarray(1 / np.sqrt(np.linalg.eigvalsh(self.shape.T @ self.shape)))

    def points_mm(self, directions: Floats) -> Floats:
        """Return the surface along unit vectors from the centre, shape (n, 3)."""
        return np.asarray(self.center_mm + self.radius_mm(directions)[:, None] * directions)


def sphere(center_mm: Floats, radius_mm: float) -> Ellipsoid:
    """Return a ball's surface."""
    return Ellipsoid(center_mm=np.asarray(center_mm, float), shape=np.eye(3) / radius_mm)


def fit_ellipsoid(
    points_mm: Floats, start: Ellipsoid, *, tolerance_mm: float, prior: float = 1.0, trust: Floats | None = None
) -> Ellipsoid:
    """Fit an ellipsoid to points of which some lie elsewhere.

    Gauss-Newton on radial distances, with Geman-McClure weights, which forget points far from the surface.
    The tolerance starts wide and narrows.

    Parameters
    ----------
    points_mm
        (n, 3) LPS.
    start
        Where to begin; its form is what a few poorly spread points are drawn to.
    tolerance_mm
        Distance at which a point's weight has fallen to a quarter.
    prior
        Strength of the pull towards the form of `start`, in points.
    trust
        (n,): how much each point counts; all the same by default.
    """
    radius = float(np.cbrt(1 / np.linalg.det(start.shape)))
    state = np.concatenate([start.center_mm, (start.shape * radius)[_ROWS, _COLUMNS]])
    anchor = state.copy()
    pull = np.diag(np.r_[np.full(3, _RIDGE), np.full(6, prior * radius**2)])
    belief = np.ones(len(points_mm)) if trust is None else trust
    for step in range(_ITERATIONS):
        widened = max(1.0, 4.0 * 0.6**step)
        residual, slope = _radial(points_mm, state, radius)
        weight = belief / (1 + (residual / (tolerance_mm * widened)) ** 2) ** 2
        normal = slope.T @ (weight[:, None] * slope) + pull
        move = np.linalg.solve(normal, slope.T @ (weight * residual) + pull @ (state - anchor))
        state = state - move
        if widened == 1.0 and np.abs(move).max() < _SETTLED:
            break
    return Ellipsoid(center_mm=state[:3], shape=_lower(state[3:]) / radius)


def agreement(points_mm: Floats, ellipsoid: Ellipsoid, *, tolerance_mm: float) -> float:
    """Return how many points lie on an ellipsoid, less those well inside it, where no wall should be met."""
    state = np.concatenate([ellipsoid.center_mm, ellipsoid.shape[_ROWS, _COLUMNS]])
    residual, _ = _radial(points_mm, state, 1.0)
    on_it = 1 / (1 + (residual / tolerance_mm) ** 2) ** 2
    return float(on_it.sum() - (residual < -2 * tolerance_mm).sum())


def triangular(ellipsoid: Ellipsoid) -> Ellipsoid:
    """Return the same ellipsoid with a lower triangular shape."""
    quadric = ellipsoid.shape.T @ ellipsoid.shape
    flipped = np.linalg.cholesky(quadric[::-1, ::-1])[::-1, ::-1]
    return Ellipsoid(center_mm=ellipsoid.center_mm, shape=np.asarray(flipped.T, float))


def grown(ellipsoid: Ellipsoid, by_mm: float) -> Ellipsoid:
    """Return an ellipsoid with longer semi-axes."""
    squares, axes = np.linalg.eigh(ellipsoid.shape.T @ ellipsoid.shape)
    quadric = axes @ np.diag((1 / np.sqrt(squares) + by_mm) ** -2) @ axes.T
    return triangular(Ellipsoid(center_mm=ellipsoid.center_mm, shape=np.linalg.cholesky(quadric).T))


def _lower(values: Floats) -> Floats:
    matrix = np.zeros((3, 3))
    matrix[_ROWS, _COLUMNS] = values
    return matrix


def _radial(points_mm: Floats, state: Floats, radius: float) -> tuple[Floats, Floats]:
    """Return radial distances to the surface and their derivatives with respect to the state."""
    offset = points_mm - state[:3]
    matrix = _lower(state[3:]) / radius
    mapped = offset @ matrix.T
    length = np.maximum(np.linalg.norm(offset, axis=1), 1e-6)
    scaled = np.maximum(np.linalg.norm(mapped, axis=1), 1e-6)
    residual = length - length / scaled
    by_scaled = (length / scaled**2)[:, None]
    unit = mapped / scaled[:, None]
    by_center = -offset / length[:, None] * (1 - 1 / scaled)[:, None] - by_scaled * (unit @ matrix)
    by_shape = by_scaled * unit[:, _ROWS] * offset[:, _COLUMNS] / radius
    return residual, np.concatenate([by_center, by_shape], axis=1)
