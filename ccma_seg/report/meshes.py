"""Surfaces of rim and core, for 3D printing and rendering (trimesh's only door)."""

from pathlib import Path

import numpy as np
import trimesh
from scipy import ndimage
from skimage import measure

from ccma_seg.lesion import CORE, RIM
from ccma_seg.pipeline import Analysis
from ccma_seg.report.labels import LABEL_NAMES
from ccma_seg.report.names import rgb
from ccma_seg.volume import LabelMap

_SMOOTHING_MM = 0.4
"""Takes the steps off voxels of half a millimetre, and leaves a rim of 1 mm standing."""
_PAD = 4
_STL_SPACE = b"SPACE=LPS"
"""How 3D Slicer writes, and reads, the coordinate system of an STL file."""
_STL_HEADER_BYTES = 80


def write_meshes(analysis: Analysis, folder: Path) -> dict[str, str]:
    """Write rim and core of each lesion as STL, and all of them in colour as one GLB file.

    Positions are LPS millimetres, as everywhere in DICOM; the STL header says so, GLB cannot.

    Returns
    -------
    dict
        The names of the files, by what they are.
    """
    scene, names = trimesh.Scene(), {}
    for mass in analysis.masses:
        for label in (RIM, CORE):
            surface = make_mesh(mass.lesion.parts, label)
            if surface is None:
                continue
            name = f"lesion_{mass.lesion.id}_{LABEL_NAMES[label].split()[-1]}"
            (folder / f"{name}.stl").write_bytes(_stl(surface))
            names[name] = f"{name}.stl"
            surface.visual.face_colors = (*rgb(label), 255)
            scene.add_geometry(surface, node_name=name, geom_name=name)
    if names:
        (folder / "lesions.glb").write_bytes(scene.export(file_type="glb"))
        names["meshes"] = "lesions.glb"
    return names


def make_mesh(parts: LabelMap, label: int) -> trimesh.Trimesh | None:
    """Return the closed surface of a part in LPS mm, its normals pointing outwards; None if it has no voxel."""
    mask = np.pad(parts.mask(label), _PAD)
    if not mask.any():
        return None
    sigma = [_SMOOTHING_MM / step for step in parts.geometry.spacing_mm]
    inside = ndimage.gaussian_filter(mask.astype(np.float32), sigma)
    index, faces, _, _ = measure.marching_cubes(inside, level=0.5)
    surface = trimesh.Trimesh(parts.geometry.to_patient(index - _PAD), faces, process=False)
    if surface.volume < 0:
        surface.invert()
    return surface


def _stl(surface: trimesh.Trimesh) -> bytes:
    plain: bytes = surface.export(file_type="stl")
    return _STL_SPACE.ljust(_STL_HEADER_BYTES) + plain[_STL_HEADER_BYTES:]
