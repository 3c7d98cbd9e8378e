"""Directions evenly over the sphere, how they neighbour each other, and smooth functions of them."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.spatial import ConvexHull
from scipy.special import sph_harm_y

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


def harmonics(unit_vectors: Floats, degree: int) -> Floats:
    """Return the real spherical harmonics up to a degree, shape (n, (degree + 1)^2)."""
    polar = np.arccos(np.clip(unit_vectors[:, 2], -1, 1))
    turn = np.arctan2(unit_vectors[:, 1], unit_vectors[:, 0])
    columns = []
    for level in range(degree + 1):
        for order in range(-level, level + 1):
            value = sph_harm_y(level, abs(order), polar, turn)
            columns.append((value.imag if order < 0 else value.real) * (np.sqrt(2) if order else 1))
    return np.stack(columns, axis=1)


def degrees(degree: int) -> Indices:
    """Return the level of each column of `harmonics`."""
    return np.repeat(np.arange(degree + 1), 2 * np.arange(degree + 1) + 1)
