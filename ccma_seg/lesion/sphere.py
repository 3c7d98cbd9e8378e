"""Directions evenly over the sphere, how they neighbour each other, and smooth functions of them."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.spatial import ConvexHull

from ccma_seg.geometry import Floats

Indices = npt.NDArray[np.intp]


@lru_cache(maxsize=8)
def directions(count: int) -> Floats:
    """Return `count` unit vectors spread evenly (Fibonacci lattice), shape (count, 3), read-only."""
    height = 1 - (2 * np.arange(count) + 1) / count
    turn = np.pi * (1 + np.sqrt(5)) * np.arange(count)
    ring = np.sqrt(1 - height**2)
    points = np.stack([ring * np.cos(turn), ring * np.sin(turn), height], axis=1)
    points.flags.writeable = False
    return np.asarray(points)


@lru_cache(maxsize=8)
def triangles(count: int) -> Indices:
    """Return the triangles between the `directions`, corners turning left as seen from outside."""
    points = directions(count)
    faces = ConvexHull(points).simplices.astype(np.intp)
    a, b, c = (points[faces[:, k]] for k in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), a) < 0
    faces[inward] = faces[inward][:, ::-1]
    faces.flags.writeable = False
    return np.asarray(faces, np.intp)


@lru_cache(maxsize=8)
def neighbours(count: int) -> csr_array:
    """Return the graph of `directions` that share an edge, as a sparse matrix of ones."""
    faces = triangles(count)
    start, end = (np.concatenate([faces[:, i] for i in order]) for order in ((0, 1, 2), (1, 2, 0)))
    ones = np.ones(2 * start.size)
    graph = coo_array((ones, (np.r_[start, end], np.r_[end, start])), shape=(count, count)).tocsr()
    graph.data[:] = 1.0
    return graph


@lru_cache(maxsize=8)
def lattice_harmonics(count: int, degree: int) -> Floats:
    """Return the `harmonics` of `directions`, read-only."""
    values = harmonics(directions(count), degree)
    values.flags.writeable = False
    return values


def harmonics(unit_vectors: Floats, degree: int) -> Floats:
    """Return the real spherical harmonics up to a degree, shape (n, (degree + 1)^2), by level and rising order.

    Orthonormal on the sphere; by the usual recurrence of associated Legendre functions, without sin^order, which the
    powers of x + iy bring in.
    """
    x, y, z = unit_vectors.T
    columns = np.empty((len(x), (degree + 1) ** 2))
    real, imaginary = np.ones_like(x), np.zeros_like(x)
    diagonal = np.sqrt(1 / (4 * np.pi))
    for order in range(degree + 1):
        before, legendre = np.zeros_like(z), np.full_like(z, diagonal)
        for level in range(order, degree + 1):
            middle = level * (level + 1)
            if order:
                columns[:, middle - order] = np.sqrt(2) * legendre * imaginary
            columns[:, middle + order] = (np.sqrt(2) if order else 1) * legendre * real
            before, legendre = legendre, _next_legendre(z, (before, legendre), level + 1, order)
        diagonal *= np.sqrt((2 * order + 3) / (2 * order + 2))
        real, imaginary = real * x - imaginary * y, real * y + imaginary * x
    return columns


def _next_legendre(z: Floats, last: tuple[Floats, Floats], level: int, order: int) -> Floats:
    before, legendre = last
    scale = np.sqrt((4 * level**2 - 1) / (level**2 - order**2))
    share = np.sqrt(((level - 1) ** 2 - order**2) / (4 * (level - 1) ** 2 - 1)) if level - 1 > order else 0.0
    return np.asarray(scale * (z * legendre - share * before))


def degrees(degree: int) -> Indices:
    """Return the level of each column of `harmonics`."""
    return np.repeat(np.arange(degree + 1), 2 * np.arange(degree + 1) + 1)
