"""Masses over tube voltages and kernels, of odd forms, several at once; and the time they take beside reading.

Run: python -m benchmarks.lesion_grids >> benchmarks/lesion.md
"""

import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.lesion import true_anatomy
from benchmarks.reading import read_with_simpleitk
from benchmarks.speed import SMALL, exam_recipe
from ccma_seg import locate, read_series
from ccma_seg.calcium import find_calcium
from ccma_seg.lesion import Measurements, measure, segment
from ccma_seg.phantom import CoreSpec, LesionSpec, Recipe, RimSpec, ScannerSpec, make_phantom, write_phantom

VOLTAGES_KV = (80.0, 100.0, 120.0, 140.0)
KERNELS = ("soft", "medium", "sharp")
COUNTS = (2, 3, 6, 9)
MASS = LesionSpec(rim=RimSpec(coverage_pct=85.0), core=CoreSpec(hu=100.0))
FORMS = {
    "ovoid": MASS,
    "3 lobes of 1.5 mm": replace(MASS, lobes=3, lobe_mm=1.5),
    "4 lobes of 2.5 mm": replace(MASS, lobes=4, lobe_mm=2.5),
    "bent along the ring": replace(MASS, bend=1.0),
}
CLOSE = ScannerSpec(matrix=160, field_of_view_mm=72.0, slices=120, center_offset_mm=(14.0, 14.0, -8.0))
WIDE = ScannerSpec(matrix=224, field_of_view_mm=100.0, slices=180, center_offset_mm=(0.0, 0.0, 0.0))
"""Round the posterior annulus, and round all of it."""
SEED = 1


def look(lesions: tuple[LesionSpec, ...], scanner: ScannerSpec) -> list[tuple[dict, Measurements | None]]:
    """Return each mass's truth and what was found nearest to it, if anything."""
    phantom = make_phantom(Recipe(name="grid", scanner=scanner, lesions=lesions), seed=SEED)
    anatomy = true_anatomy(phantom)
    calcium = find_calcium(phantom.volume, anatomy)
    found = [measure(phantom.volume, anatomy, lesion) for lesion in segment(phantom.volume, anatomy, calcium)]
    return [(truth, _nearest(truth, found)) for truth in phantom.truth["lesions"]]


def _nearest(truth: dict, found: list[Measurements]) -> Measurements | None:
    apart = [float(np.linalg.norm(np.subtract(m.centroid_mm, truth["centroid_mm"]))) for m in found]
    return found[int(np.argmin(apart))] if apart and min(apart) < truth["short_axis_mm"] / 2 else None


def by_voltage_and_kernel() -> str:
    """Write the errors of one patchy mass of 30 mm."""
    lines = ["| kV | kernel | long axis (mm) | volume (%) | coverage (%) | rim (mm) | core (HU) |", "|---" * 7 + "|"]
    for voltage in VOLTAGES_KV:
        for kernel in KERNELS:
            ((truth, found),) = look((MASS,), replace(CLOSE, tube_voltage_kv=voltage, kernel=kernel))
            lines.append(f"| {voltage:.0f} | {kernel} | {_errors(truth, found)} |")
    return "\n".join(lines) + "\n"


def _errors(truth: dict, found: Measurements | None) -> str:
    if found is None:
        return "not found | | | | "
    size = f"{found.long_axis_mm - truth['long_axis_mm']:+.2f} | {_volume_pct(truth, found):+.1f}"
    rim = f"{found.rim.coverage_pct - truth['rim']['coverage_pct']:+.1f} | {found.rim.thickness_mm - 2:+.2f}"
    core = "-" if found.core.mean_hu is None else f"{found.core.mean_hu - truth['core']['mean_hu']:+.1f}"
    return f"{size} | {rim} | {core}"


def _volume_pct(truth: dict, found: Measurements) -> float:
    return 100 * (found.volume_mm3 / truth["volume_mm3"] - 1)


def by_form() -> str:
    """Write the errors of masses that are no ellipsoids."""
    lines = ["| form | slices (mm) | volume (%) | coverage (points) | core (HU) |", "|---" * 5 + "|"]
    for name, lesion in FORMS.items():
        for slice_mm, slices in ((0.75, 80), (3.0, 20)):
            scanner = replace(CLOSE, slice_spacing_mm=slice_mm, slice_thickness_mm=slice_mm, slices=slices)
            ((truth, found),) = look((lesion,), scanner)
            cells = "not found | | " if found is None else _of_form(truth, found)
            lines.append(f"| {name} | {slice_mm:g} | {cells} |")
    return "\n".join(lines) + "\n"


def _of_form(truth: dict, found: Measurements) -> str:
    coverage = found.rim.coverage_pct - truth["rim"]["coverage_pct"]
    core = "-" if found.core.mean_hu is None else f"{found.core.mean_hu - truth['core']['mean_hu']:+.1f}"
    return f"{_volume_pct(truth, found):+.1f} | {coverage:+.1f} | {core}"


def by_count() -> str:
    """Write how many masses of 12 x 10 mm are found round the ring, and their largest errors."""
    lines = ["| masses | found | largest error of the long axis (mm) | of the volume (%) |", "|---" * 4 + "|"]
    for count in COUNTS:
        lesions = tuple(replace(SMALL, angle_deg=360 * k / max(COUNTS) - 160) for k in range(count))
        pairs = [(t, m) for t, m in look(lesions, WIDE) if m is not None]
        long = max((abs(m.long_axis_mm - t["long_axis_mm"]) for t, m in pairs), default=np.nan)
        volume = max((abs(_volume_pct(t, m)) for t, m in pairs), default=np.nan)
        lines.append(f"| {count} | {len(pairs)} | {long:.2f} | {volume:.1f} |")
    return "\n".join(lines) + "\n"


def beside_reading(runs: int = 3) -> str:
    """Write the CPU time of `segment` and `measure` over that of SimpleITK's reading: 30 mm at voxels of 0.4 mm."""
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(make_phantom(exam_recipe(), seed=SEED), folder)
        series = Path(folder) / "dicom"
        volume = read_series(series)
        anatomy = locate(volume)
        calcium = find_calcium(volume, anatomy)
        ratios = []
        for _ in range(runs):
            read = _cpu(lambda: read_with_simpleitk(series))
            own = _cpu(lambda: [measure(volume, anatomy, lesion) for lesion in segment(volume, anatomy, calcium)])
            ratios.append(own / read)
    return f"Lesion stage over SimpleITK's reading, CPU time in turns, {runs} runs: {statistics.median(ratios):.2f}."


def _cpu(action) -> float:
    started = time.process_time()
    action()
    return time.process_time() - started


def grids() -> str:
    """Write all of it."""
    parts = [
        f"## Tube voltages and kernels: a mass of 30 mm, rim of 2 mm, 85 % complete\n\n{by_voltage_and_kernel()}",
        f"## Forms\n\n{by_form()}",
        f"## Several masses of 12 x 10 mm\n\n{by_count()}",
        f"## Time\n\n{beside_reading()}\n",
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    print(grids())
