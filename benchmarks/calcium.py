"""Calcium scoring against the QRM cardiac phantom: scanned, and synthetic over tube voltages.

Run: python -m benchmarks.calcium --qrm FOLDER_OF_THE_SCANNED_PHANTOM > benchmarks/calcium.md
"""

import argparse

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ccma_seg.calcium import CalciumParams
from ccma_seg.calcium.components import find_components, without_noise
from ccma_seg.calcium.scores import MassFactor, agatston_of, mass_factor, mass_mg_of
from ccma_seg.calcium.threshold import threshold_at
from ccma_seg.geometry import Bools, Floats, Geometry
from ccma_seg.series import read_series

WIDTHS_MM = (5.0, 3.0, 1.0)
DENSITIES = (800.0, 400.0, 200.0)
TRUE_MG = 168.2
"""Nine cylinders as long as wide: 1, 3, 5 mm; 200, 400, 800 mg/cm3 of hydroxyapatite."""

INSERT_CENTER_MM = (-2.6, 0.6)
"""Axis of the scanned phantom's insert, (x, y) LPS."""
INSERT_SLICES = slice(20, 25)
"""Of the scanned phantom: where the cylinders lie, looked up on the images."""
ROD_SLICES = slice(31, 34)
ROD_MM, WATER_MM = (-2.6, 0.4), (-10.9, -22.1)
"""The calibration rods, (x, y) LPS."""
CYLINDERS_MM = {
    (5.0, 800.0): (-40.7, 1.8),
    (3.0, 800.0): (-28.5, 1.8),
    (1.0, 800.0): (-15.8, 1.3),
    (5.0, 400.0): (13.0, -32.3),
    (3.0, 400.0): (8.6, -21.6),
    (5.0, 200.0): (15.9, 31.1),
    (3.0, 200.0): (10.1, 20.4),
}
"""Where the cylinders lie, (x, y) LPS; the other two of 1 mm do not stand out of the noise."""
SEARCH_MM = 6.0


def scanned(folder: str) -> None:
    volume = read_series(folder)
    x, y = np.moveaxis(volume.geometry.to_patient(np.moveaxis(np.indices((1, *volume.hu.shape[1:])), 0, -1))[0], -1, 0)[
        :2
    ]

    def rod_hu(center_mm: tuple[float, float], radius_mm: float) -> float:
        return float(volume.hu[ROD_SLICES][:, np.hypot(x - center_mm[0], y - center_mm[1]) < radius_mm].mean())

    water, bone = rod_hu(WATER_MM, 4.0), rod_hu(ROD_MM, 7.0)
    factor = MassFactor(mg_per_cm3_per_hu=200 / (bone - water), calibrated=True)
    usual = mass_factor(120.0)
    crop = volume.crop((INSERT_SLICES, slice(0, volume.hu.shape[1]), slice(0, volume.hu.shape[2])))
    inside = np.hypot(x - INSERT_CENTER_MM[0], y - INSERT_CENTER_MM[1]) < 48
    params = CalciumParams()
    components = without_noise(
        find_components(crop.hu, crop.geometry, np.flatnonzero((crop.hu >= 130) & inside)), params
    )
    labels = components.image()
    print("## Scanned phantom\n")
    print(f"Canon Aquilion ONE, FC12, 120 kVp, 3 mm. Rods: water {water:.0f} HU, 200 mg/cm3 {bone:.0f} HU, so")
    print(
        f"{factor.mg_per_cm3_per_hu:.3f} mg/cm3 per HU; uncalibrated the usual {usual.mg_per_cm3_per_hu:.3f} is used.\n"
    )
    tissue = float(volume.hu[INSERT_SLICES.stop + 1][np.hypot(x - ROD_MM[0], y - ROD_MM[1]) < 40].mean())
    print(f"Tissue round the cylinders has {tissue:.0f} HU; the definition (factor x mean HU x volume) counts it in.\n")
    print("| cylinder | true mm3 | mm3 | peak HU | true mg | mg, calibrated | mg, uncalibrated | Agatston |")
    print("|---|---|---|---|---|---|---|---|")
    total, counted_mm3 = np.zeros(4), 0.0
    for width in WIDTHS_MM:
        for density in DENSITIES:
            true_mm3 = np.pi * width**3 / 4
            true_mg = true_mm3 * density / 1000
            mask = near(labels, CYLINDERS_MM.get((width, density)), x, y)
            name = f"{width:.0f} mm, {density:.0f} mg/cm3"
            total[0] += true_mg
            if not mask.any():
                print(f"| {name} | {true_mm3:.1f} | - | - | {true_mg:.1f} | - | - | - |")
                continue
            figures = [mass_mg_of(crop.hu, mask, crop.geometry, f) for f in (factor, usual)]
            score = agatston_of(crop.hu, mask, crop.geometry, 120.0, params)
            total[1:] += [*figures, score]
            volume_mm3 = mask.sum() * crop.geometry.voxel_mm3
            counted_mm3 += volume_mm3
            print(
                f"| {name} | {true_mm3:.1f} | {volume_mm3:.1f} | {crop.hu[mask].max()} | {true_mg:.1f} "
                f"| {figures[0]:.1f} | {figures[1]:.1f} | {score:.0f} |"
            )
    share = (total[1:3] / TRUE_MG - 1) * 100
    print(
        f"| all |  |  |  | {total[0]:.1f} | {total[1]:.1f} ({share[0]:+.0f} %) "
        f"| {total[2]:.1f} ({share[1]:+.0f} %) | {total[3]:.0f} |"
    )
    from_water, from_tissue = (total[1] - factor.mg_per_cm3_per_hu * hu * counted_mm3 / 1000 for hu in (water, tissue))
    print(
        f"\nThe definition takes water for 0 HU. Counted from the water rod the calibrated mass is {from_water:.1f} mg "
        f"({100 * (from_water / TRUE_MG - 1):+.0f} %), from the tissue round the cylinders {from_tissue:.1f} mg "
        f"({100 * (from_tissue / TRUE_MG - 1):+.0f} %): the excess is what lies round the calcium, not calcium."
    )


def near(labels: npt.NDArray[np.int32], center_mm: tuple[float, float] | None, x: Floats, y: Floats) -> Bools:
    if center_mm is None:
        return np.zeros(labels.shape, bool)
    close = np.hypot(x - center_mm[0], y - center_mm[1]) < SEARCH_MM
    found = np.unique(labels[:, close])
    counts = [np.count_nonzero(labels[:, close] == k) if k else 0 for k in found]
    return labels == found[int(np.argmax(counts))] if max(counts, default=0) else np.zeros(labels.shape, bool)


def synthetic() -> None:
    print("\n## Synthetic phantom\n")
    print("Tissue of 40 HU, PSF 0.8 mm, noise 10 HU; six positions of the slices each.")
    print(f"Truth {TRUE_MG} mg; error of the uncalibrated mass in %.\n")
    print("| kVp | slices of 3 mm: mean (range) | slices of 1 mm: mean (range) |")
    print("|---|---|---|")
    for voltage in (80.0, 100.0, 120.0, 140.0):
        cells = []
        for slice_mm in (3.0, 1.0):
            errors = [(synthetic_mass(voltage, slice_mm, shift) / TRUE_MG - 1) * 100 for shift in np.arange(0, 3, 0.5)]
            cells.append(f"{np.mean(errors):+.1f} ({min(errors):+.1f} to {max(errors):+.1f})")
        print(f"| {voltage:.0f} | {cells[0]} | {cells[1]} |")


def synthetic_mass(voltage: float, slice_mm: float, shift_mm: float) -> float:
    factor = mass_factor(voltage)
    hu, grid = synthetic_phantom(1 / factor.mg_per_cm3_per_hu, slice_mm, shift_mm)
    return mass_mg_of(hu, hu >= threshold_at(voltage), grid, factor)


def synthetic_phantom(hu_per_mg: float, slice_mm: float, shift_mm: float) -> tuple[npt.NDArray[np.int16], Geometry]:
    fine = 0.25
    z, y, x = (np.arange(round(size / fine)) * fine + fine / 2 for size in (24.0, 48.0, 48.0))
    hu = np.full((len(z), len(y), len(x)), 40.0)
    for row, width in enumerate(WIDTHS_MM):
        for column, density in enumerate(DENSITIES):
            away = np.hypot(y[:, None] - 8 - 16 * row, x[None] - 8 - 16 * column)
            along = np.abs(z - 10.5 - shift_mm) <= width / 2
            hu[along[:, None, None] & (away <= width / 2)[None]] = density * hu_per_mg
    hu = ndimage.gaussian_filter(hu, 0.8 / 2.355 / fine)
    thick = round(slice_mm / fine)
    coarse = hu.reshape(len(z) // thick, thick, len(y) // 2, 2, len(x) // 2, 2).mean(axis=(1, 3, 5))
    coarse += np.random.default_rng(0).normal(0, 10, coarse.shape)
    grid = Geometry(shape=coarse.shape, spacing_mm=(slice_mm, 2 * fine, 2 * fine))
    return coarse.astype(np.int16), grid


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qrm", help="folder of the scanned phantom")
    options = parser.parse_args()
    print("# Calcium scoring against the QRM cardiac phantom\n")
    if options.qrm:
        scanned(options.qrm)
    synthetic()
