"""The same figures by peers, written straightforwardly; for `benchmarks.speed`."""

import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
from scipy import ndimage
from skimage.measure import regionprops_table

from ccma_seg import analyze, read_series
from ccma_seg.lesion import measure
from ccma_seg.pipeline import Analysis, Mass

RUNS = 3
MIRP_NEEDED = "not installed here: `pip install mirp`, then run again"


def with_simpleitk(folder: Path, threshold_hu: float) -> dict[int, tuple[float, float, float]]:
    """Read, threshold, label, and measure what is labelled."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    label = sitk.ConnectedComponentImageFilter()
    label.FullyConnectedOn()
    parts = label.Execute(image >= threshold_hu)
    shapes, values = sitk.LabelShapeStatisticsImageFilter(), sitk.LabelIntensityStatisticsImageFilter()
    shapes.Execute(parts)
    values.Execute(parts, image)
    return {k: (shapes.GetPhysicalSize(k), values.GetMaximum(k), values.GetMean(k)) for k in shapes.GetLabels()}


def with_skimage(folder: Path, threshold_hu: float) -> dict[str, np.ndarray]:
    """Do the same with scipy and scikit-image."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    hu = sitk.GetArrayFromImage(reader.Execute())
    labels, _ = ndimage.label(hu >= threshold_hu, np.ones((3, 3, 3)))
    return regionprops_table(labels, hu, properties=("area", "centroid", "intensity_max", "intensity_mean"))


def with_mirp(analysis: Analysis, mass: Mass) -> object:
    """Extract the shape and intensity features of one mass."""
    extract_features = import_module("mirp").extract_features
    box = mass.lesion.parts.slices_in(analysis.volume.geometry)
    return extract_features(
        image=analysis.volume.hu[box].astype(float),
        mask=(mass.lesion.parts.labels > 0).astype(int),
        image_spacing=analysis.volume.geometry.spacing_mm,
        base_feature_families=["morphological", "statistical"],
    )


def best(action: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return min(times)


def peer_rows(folder: Path, analysis: Analysis) -> list[str]:
    """Time the peers, and return the lines of a table."""
    threshold = analysis.calcium.threshold_hu if analysis.calcium is not None else 130.0
    rows = [
        "## Beside peers\n",
        f"Seconds, best of {RUNS}, from the files on. SimpleITK and scikit-image label all that is above the same",
        "threshold in the whole volume and give size, mean and peak of each part: no heart, no annulus, no place, no",
        "mass, no verdict. All of these are in ccma-seg's time.\n",
        "| what | seconds |\n|---|---:|",
        f"| ccma-seg: read, find, measure, explain | {best(lambda: analyze(read_series(folder))):.2f} |",
        f"| SimpleITK: read, label, statistics | {best(lambda: with_simpleitk(folder, threshold)):.2f} |",
        f"| scipy, scikit-image: label, regionprops | {best(lambda: with_skimage(folder, threshold)):.2f} |",
    ]
    if analysis.masses:
        rows += _mass_rows(analysis, analysis.masses[0])
    rows += [
        "",
        "TotalSegmentator was not run: its weights do not come with it. Its authors publish the times of their",
        "1.5 mm and 3 mm models in Wasserthal 2023 (10.1148/ryai.230024).",
    ]
    return rows


def _mass_rows(analysis: Analysis, mass: Mass) -> list[str]:
    params = analysis.config.lesion
    own = best(lambda: measure(analysis.volume, analysis.anatomy, mass.lesion, params=params))
    mirp = f"{best(lambda: with_mirp(analysis, mass)):.2f}" if find_spec("mirp") else MIRP_NEEDED
    return [
        f"| one mass: ccma-seg's measures, uncertainties with them | {own:.2f} |",
        f"| one mass: MIRP's morphological and statistical features | {mirp} |",
        "\nNearly all of MIRP's time goes into Moran's I and Geary's C, which compare each voxel with every other.",
    ]
