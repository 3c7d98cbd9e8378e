"""What we compute on the phantoms of the Image Biomarker Standardisation Initiative, beside its reference values."""

import csv
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import numpy.typing as npt

from ccma_seg.geometry import Geometry
from ccma_seg.lesion.intensity import Intensity, describe_hu
from ccma_seg.lesion.shape import MaskShape, describe_mask

PHANTOMS = {
    "digital": ("digital", "ibsi_1_dig_phantom.csv", (-np.inf, np.inf)),
    "CT, configuration A": ("ct", "ibsi_1_chest_config_a.csv", (-500, 400)),
}
"""Files, and the HU range to which configuration A limits intensities."""

SHAPE = {
    "morph_volume": "mesh_volume_mm3",
    "morph_vol_approx": "voxel_volume_mm3",
    "morph_area_mesh": "surface_mm2",
    "morph_av": "surface_to_volume",
    "morph_comp_1": "compactness_1",
    "morph_comp_2": "compactness_2",
    "morph_sph_dispr": "spherical_disproportion",
    "morph_sphericity": "sphericity",
    "morph_asphericity": "asphericity",
    "morph_diam": "max_diameter_mm",
    "morph_pca_elongation": "elongation",
    "morph_pca_flatness": "flatness",
    "morph_vol_dens_conv_hull": "solidity",
}
AXES = ("morph_pca_maj_axis", "morph_pca_min_axis", "morph_pca_least_axis")
INTENSITY = {
    "stat_mean": "mean_hu",
    "stat_skew": "skewness",
    "stat_kurt": "kurtosis",
    "stat_median": "median_hu",
    "stat_min": "min_hu",
    "stat_p10": "p10_hu",
    "stat_p90": "p90_hu",
    "stat_max": "max_hu",
    "stat_iqr": "interquartile_hu",
    "stat_mad": "mean_absolute_deviation_hu",
}
TAGS = (*SHAPE, *AXES, "stat_var", *INTENSITY)


class Reference(NamedTuple):
    """A value of IBSI, with the tolerance it allows; values are given to three digits."""

    value: float
    tolerance: float

    @property
    def limit(self) -> float:
        """Largest difference allowed: the tolerance, and what rounding to three digits may hide."""
        digit = 10.0 ** (np.floor(np.log10(abs(self.value))) - 2) if self.value else 0.0
        return self.tolerance + 0.5001 * digit


def references(folder: Path, phantom: str) -> dict[str, Reference]:
    """Read IBSI's values for a phantom, by tag."""
    with (folder / PHANTOMS[phantom][1]).open() as file:
        rows = [r for r in csv.DictReader(file, delimiter=";") if r["reference value"]]
    return {r["tag"]: Reference(float(r["reference value"]), float(r["tolerance"])) for r in rows}


def ours(folder: Path, phantom: str) -> dict[str, float]:
    """Compute the same on the phantom's image and mask."""
    stem, _, (low, high) = PHANTOMS[phantom]
    image, geometry = _read(folder / f"{stem}_image.nii.gz")
    mask = _read(folder / f"{stem}_mask.nii.gz")[0] > 0
    hu = describe_hu(image[mask & (image >= low) & (image <= high)])
    assert hu is not None
    return by_tag(describe_mask(mask, geometry), hu)


def by_tag(shape: MaskShape, hu: Intensity) -> dict[str, float]:
    """Return features by IBSI's tags."""
    return {
        **{tag: getattr(shape, name) for tag, name in SHAPE.items()},
        **dict(zip(AXES, shape.pca_axes_mm, strict=True)),
        "stat_var": hu.sd_hu**2,
        **{tag: getattr(hu, name) for tag, name in INTENSITY.items()},
    }


def _read(path: Path) -> tuple[npt.NDArray[np.float64], Geometry]:
    image = nibabel.load(path)
    values = np.asarray(image.dataobj, float).transpose(2, 1, 0)
    columns, rows, slices = (float(v) for v in image.header.get_zooms())
    slices_, rows_, columns_ = values.shape
    return values, Geometry(shape=(slices_, rows_, columns_), spacing_mm=(slices, rows, columns))
