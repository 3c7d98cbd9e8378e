"""Where, along which lines and with how much blur a surface is looked at across."""

from dataclasses import dataclass

import numpy as np

from ccma_seg.geometry import Floats
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.surface import Surface, mesh_normals
from ccma_seg.spread import FWHM_TO_SD
from ccma_seg.volume import Volume


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stations:
    """Where a surface is looked at across."""

    points_mm: Floats
    normals: Floats
    """(n, 3): square to the surface."""
    lines: Floats
    """(n, 3): along which HU is sampled; the normals, or where slices are thick their direction within the slice."""
    sigma_mm: Floats
    """(n,): blur along the lines."""

    @property
    def slant(self) -> Floats:
        """Return the cosine between line and normal."""
        return np.asarray(np.einsum("ij,ij->i", self.normals, self.lines))


def find_stations(volume: Volume, surface: Surface, count: int, *, params: LesionParams) -> Stations:
    """Choose where to look across a surface: all over it, or on the slices themselves where these are thick.

    Between thick slices HU would have to be made up; within them a wall's slant only adds a known blur.
    """
    if volume.geometry.spacing_mm[0] <= params.section_slice_mm:
        points, normals = mesh_normals(surface, count)
        sigma = blur_sigma_mm(volume, normals, params)
        return Stations(points_mm=points, normals=normals, lines=normals, sigma_mm=sigma)
    return _on_slices(volume, surface, count, params=params)


def _on_slices(volume: Volume, surface: Surface, count: int, *, params: LesionParams) -> Stations:
    points, normals = mesh_normals(surface, count)
    up = np.array(volume.geometry.axes[0])
    spacing = volume.geometry.spacing_mm[0]
    index = volume.geometry.to_index(points)
    tilt = normals @ up
    flat = normals - tilt[:, None] * up
    level = np.maximum(np.linalg.norm(flat, axis=1), 1e-6)
    lines = flat / level[:, None]
    # slide along the surface, straight up or down, to the nearest slice
    rise = (np.rint(index[:, 0]) - index[:, 0]) * spacing
    moved = points + rise[:, None] * (up - (tilt / level)[:, None] * lines)
    steep = np.abs(tilt) < params.section_tilt
    thickness = max(volume.acquisition.slice_thickness_mm or spacing, spacing)
    within = blur_sigma_mm(volume, lines, params)
    sigma = np.sqrt(within**2 + (thickness * tilt / level) ** 2 / 12)
    return Stations(points_mm=moved[steep], normals=normals[steep], lines=lines[steep], sigma_mm=sigma[steep])


def blur_sigma_mm(volume: Volume, directions: Floats, params: LesionParams) -> Floats:
    """Return the standard deviation of the scanner's blur along unit vectors, shape (n, 3).

    Within slices the point spread and the size of a pixel, across them the slice's thickness.
    """
    spacing = np.array(volume.geometry.spacing_mm)
    thickness = volume.acquisition.slice_thickness_mm or spacing[0]
    across = max(thickness, spacing[0]) ** 2 / 12
    within = (params.psf_fwhm_mm * FWHM_TO_SD) ** 2 + spacing[1:] ** 2 / 12
    share = (directions @ np.array(volume.geometry.axes).T) ** 2
    return np.asarray(np.sqrt(share @ np.array([max(across, 0.25 * within[0]), *within])))
