"""Size, form and HU of the same masks, measured by us and by others."""

import importlib.util
import sys
import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813

from ccma_seg.geometry import Bools, Geometry
from ccma_seg.lesion.intensity import describe_hu
from ccma_seg.lesion.shape import describe_mask
from ccma_seg.phantom import Phantom

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from ibsi import by_tag

_PARTS = {"mass": (2, 3, 4), "rim": (2,), "core": (3,)}
"""Labels of a phantom that make up each mask."""


def itk_table(phantom: Phantom) -> str:
    """Write our shape of a mass beside SimpleITK's."""
    mask, geometry, _ = _masks(phantom)["mass"]
    found = describe_mask(mask, geometry)
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(geometry.spacing_mm[::-1])
    stats = sitk.LabelShapeStatisticsImageFilter()
    stats.ComputeFeretDiameterOn()
    stats.Execute(image)
    moments = sorted(stats.GetPrincipalMoments(1), reverse=True)
    pairs = {
        "volume of voxels (mm3)": (found.voxel_volume_mm3, stats.GetPhysicalSize(1)),
        "surface (mm2)": (found.surface_mm2, stats.GetPerimeter(1)),
        "sphericity": (found.sphericity, stats.GetRoundness(1)),
        "largest diameter (mm)": (found.max_diameter_mm, stats.GetFeretDiameter(1)),
        **{
            f"axis {k + 1} (mm)": (axis, 4 * np.sqrt(m))
            for k, (axis, m) in enumerate(zip(found.pca_axes_mm, moments, strict=True))
        },
    }
    return _table("measure of the mass", "SimpleITK", pairs)


def mirp_table(phantom: Phantom) -> str:
    """Write our features of a mass, its rim and its core beside those of MIRP; say so where MIRP is not installed."""
    if importlib.util.find_spec("mirp") is None:
        return "Not compared: MIRP is not installed (`pip install mirp`).\n"
    pairs: dict[str, tuple[float, float]] = {}
    for name, (mask, geometry, hu) in _masks(phantom).items():
        intensity = describe_hu(hu[mask])
        if intensity is None:
            continue
        theirs = _by_mirp(hu, mask, geometry)
        found = by_tag(describe_mask(mask, geometry), intensity)
        pairs |= {f"{name}: {tag}": (value, theirs[tag]) for tag, value in found.items() if tag in theirs}
    return _table("feature", "MIRP", pairs)


def _masks(phantom: Phantom) -> "dict[str, tuple[Bools, Geometry, np.ndarray]]":
    parts = phantom.label()
    hu = phantom.volume.hu[parts.slices_in(phantom.volume.geometry)]
    box = parts.geometry.slices_around(parts.geometry.to_patient(np.argwhere(np.isin(parts.labels, (2, 3, 4)))))
    return {
        name: (np.isin(parts.labels[box], labels), parts.geometry.crop(box), hu[box]) for name, labels in _PARTS.items()
    }


def _by_mirp(hu: np.ndarray, mask: Bools, geometry: Geometry) -> dict[str, float]:
    """Return the features of MIRP, by IBSI's tags."""
    from mirp import extract_features  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name, array in {"image": hu.astype(np.float32), "mask": mask.astype(np.uint8)}.items():
            image = sitk.GetImageFromArray(np.pad(array, 2, mode="edge" if name == "image" else "constant"))
            image.SetSpacing(geometry.spacing_mm[::-1])
            files[name] = str(Path(folder) / f"{name}.nii.gz")
            sitk.WriteImage(image, files[name])
        families = ["morphology", "statistics"]
        table = extract_features(**files, image_modality="ct", base_feature_families=families, num_cpus=1)[0]
    return {tag: float(table[tag].iloc[0]) for tag in table.columns if tag.startswith(("morph_", "stat_"))}


def _table(heading: str, other: str, pairs: dict[str, tuple[float, float]]) -> str:
    lines = [f"| {heading} | ours | {other} | difference |", "|---" * 4 + "|"]
    lines += [f"| {k} | {a:.4g} | {b:.4g} | {100 * (a / b - 1):+.2f} % |" for k, (a, b) in pairs.items() if b]
    return "\n".join(lines) + "\n"
