"""Size and form of a closed mesh or of a mask, after the Image Biomarker Standardisation Initiative (IBSI)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull
from skimage.measure import marching_cubes

from ccma_seg.geometry import Bools, Floats, Geometry
from ccma_seg.lesion.sphere import Indices


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Size and form of a body."""

    volume_mm3: float
    surface_mm2: float
    axes_mm: tuple[float, float, float]
    """Axes of the ellipsoid with the same second moments, longest first; an ellipsoid has its own."""
    max_diameter_mm: float
    """Largest distance between two points of the surface."""
    sphericity: float
    """Surface of the ball of the same volume over the surface."""
    solidity: float
    """Volume over that of the convex hull."""


def describe_mesh(points_mm: Floats, faces: Indices) -> Shape:
    """Measure a closed mesh.

    Parameters
    ----------
    points_mm
        (n, 3) corners.
    faces
        (m, 3) indices of corners, turning left as seen from outside.
    """
    volume = mesh_volume_mm3(points_mm, faces)
    surface = mesh_surface_mm2(points_mm, faces)
    hull = ConvexHull(points_mm)
    return Shape(
        volume_mm3=volume,
        surface_mm2=surface,
        axes_mm=_three(2 * np.sqrt(5 * np.linalg.eigvalsh(mesh_covariance(points_mm, faces)))[::-1]),
        max_diameter_mm=_largest_distance(points_mm[hull.vertices]),
        sphericity=sphericity(volume, surface),
        solidity=volume / float(hull.volume),
    )


def mesh_volume_mm3(points_mm: Floats, faces: Indices) -> float:
    """Return the volume within a closed mesh (IBSI RNU0)."""
    a, b, c = (points_mm[faces[:, k]] - points_mm.mean(axis=0) for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def mesh_surface_mm2(points_mm: Floats, faces: Indices) -> float:
    """Return the area of a mesh (IBSI C0JK)."""
    a, b, c = (points_mm[faces[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def mesh_covariance(points_mm: Floats, faces: Indices) -> Floats:
    """Return the second central moments (mm2) of the body within a closed mesh, from its tetrahedra."""
    middle = points_mm.mean(axis=0)
    corners = points_mm[faces] - middle
    share = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    total = corners.sum(axis=1)
    mean = (share[:, None] * total / 4).sum(axis=0) / share.sum()
    squares = np.einsum("f,fki,fkj->ij", share, corners, corners) + np.einsum("f,fi,fj->ij", share, total, total)
    return np.asarray(squares / 20 / share.sum() - np.outer(mean, mean))


def mesh_centroid_mm(points_mm: Floats, faces: Indices) -> Floats:
    """Return the centre of mass of the body within a closed mesh."""
    middle = points_mm.mean(axis=0)
    corners = points_mm[faces] - middle
    share = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    return np.asarray(middle + (share[:, None] * corners.sum(axis=1) / 4).sum(axis=0) / share.sum())


def sphericity(volume_mm3: float, surface_mm2: float) -> float:
    """Return how like a ball a body is, 1 being a ball (IBSI QCFX)."""
    return float(np.cbrt(36 * np.pi * volume_mm3**2) / surface_mm2)


def mesh_of_mask(mask: Bools, geometry: Geometry) -> tuple[Floats, Indices]:
    """Return the surface of a mask as IBSI asks for it: marching cubes at 0.5, in the grid's own axes (mm)."""
    padded = np.pad(mask, 1).astype(np.float32)
    points, faces, _, _ = marching_cubes(padded, level=0.5, spacing=geometry.spacing_mm, allow_degenerate=False)
    corners, turning = np.asarray(points, float), np.asarray(faces, np.intp)
    return corners, turning if mesh_volume_mm3(corners, turning) > 0 else turning[:, ::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskShape:
    """Size and form of a mask, with IBSI's names in brackets."""

    mesh_volume_mm3: float
    """morph_volume"""
    voxel_volume_mm3: float
    """morph_vol_approx"""
    surface_mm2: float
    """morph_area_mesh"""
    surface_to_volume: float
    """morph_av, 1/mm"""
    compactness_1: float
    """morph_comp_1"""
    compactness_2: float
    """morph_comp_2"""
    spherical_disproportion: float
    """morph_sph_dispr"""
    sphericity: float
    """morph_sphericity"""
    asphericity: float
    """morph_asphericity"""
    max_diameter_mm: float
    """morph_diam"""
    pca_axes_mm: tuple[float, float, float]
    """morph_pca_maj_axis, morph_pca_min_axis, morph_pca_least_axis"""
    elongation: float
    """morph_pca_elongation"""
    flatness: float
    """morph_pca_flatness"""
    solidity: float
    """morph_vol_dens_conv_hull"""


def describe_mask(mask: Bools, geometry: Geometry) -> MaskShape:
    """Measure a mask after IBSI (mesh by marching cubes, axes from voxel centres)."""
    points, faces = mesh_of_mask(mask, geometry)
    volume, surface = mesh_volume_mm3(points, faces), mesh_surface_mm2(points, faces)
    hull = ConvexHull(points)
    round_ = sphericity(volume, surface)
    centres = np.argwhere(mask) * np.array(geometry.spacing_mm)
    axes = 4 * np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(centres.T))[::-1], 0))
    return MaskShape(
        mesh_volume_mm3=volume,
        voxel_volume_mm3=float(mask.sum() * geometry.voxel_mm3),
        surface_mm2=surface,
        surface_to_volume=surface / volume,
        compactness_1=float(volume / np.sqrt(np.pi * surface**3)),
        compactness_2=round_**3,
        spherical_disproportion=1 / round_,
        sphericity=round_,
        asphericity=1 / round_ - 1,
        max_diameter_mm=_largest_distance(points[hull.vertices]),
        pca_axes_mm=_three(axes),
        elongation=float(axes[1] / axes[0]),
        flatness=float(axes[2] / axes[0]),
        solidity=volume / float(hull.volume),
    )


def _largest_distance(points_mm: Floats) -> float:
    """Return the largest distance between two points: only those far enough out can be its ends."""
    offset = points_mm - points_mm.mean(axis=0)
    away = np.linalg.norm(offset, axis=1)
    least = max(float(np.linalg.norm(offset - p, axis=1).max()) for p in (offset[away.argmax()], offset[0]))
    ends = offset[away >= least - away.max()]
    return max(float(np.linalg.norm(ends - p, axis=1).max()) for p in ends)


def _three(values: npt.ArrayLike) -> tuple[float, float, float]:
    first, second, third = (float(v) for v in np.asarray(values))
    return first, second, third
