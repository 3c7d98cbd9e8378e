"""How long an exam takes, beside what peers need to read it: `python -m benchmarks.speed [--series FOLDER] [--runs N]`.

Makes a phantom of 400 slices of 512 x 512 with a mass of 30 mm (or takes an uncompressed series), runs everything in
turns with SimpleITK on the same files, and writes `benchmarks/speed.md` and `speed.png`.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.reading import peak_mib, read_with_simpleitk
from benchmarks.speed_peers import peer_rows
from ccma_seg import analyze, make_phantom, read_series
from ccma_seg.geometry import as_point
from ccma_seg.phantom import LesionSpec, Recipe, ScannerSpec, read_recipe, write_phantom
from ccma_seg.series.writing import write_series
from ccma_seg.volume import Volume

SCANNER = ScannerSpec(slices=400, slice_spacing_mm=0.4, slice_thickness_mm=0.6)
LONG_AXIS_MM = 30.0
SLICES = (100, 200, 400, 800, 1600)
LESIONS = (1, 3, 6, 9)
SMALL = LesionSpec(long_axis_mm=12.0, short_axis_mm=10.0, outward_mm=4.0)
"""Nine of them fit round the ring."""

MIB = 2**20
RUN = [sys.executable, "-c", "from ccma_seg.cli import main; main()", "run"]
READ = "import SimpleITK as s; r = s.ImageSeriesReader(); r.SetFileNames(r.GetGDCMSeriesFileNames({!r})); "
READ += "s.GetArrayFromImage(r.Execute())"


def exam_recipe() -> Recipe:
    recipe = read_recipe("ccma")
    lesion = replace(recipe.lesions[0], long_axis_mm=LONG_AXIS_MM)
    return replace(recipe, scanner=replace(recipe.scanner, **_changes(SCANNER)), lesions=(lesion,))


def _changes(scanner: ScannerSpec) -> dict[str, float]:
    return {name: getattr(scanner, name) for name in ("slices", "slice_spacing_mm", "slice_thickness_mm")}


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def processes(folder: Path, out: Path, runs: int) -> dict[str, list[float]]:
    """Time whole processes in turns; the first, which is not counted, leaves its bytecode as an installation does."""
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    run = partial(subprocess.run, check=True, capture_output=True, env=surroundings)
    commands = {
        "SimpleITK reads": [sys.executable, "-c", READ.format(str(folder))],
        "record and labels": [*RUN, str(folder), "-o", str(out), "--force", "--set", "output.quick=true"],
        "all outputs": [*RUN, str(folder), "-o", str(out), "--force"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs + 1):
        for name, command in commands.items():
            times[name].append(seconds(partial(run, command)))
    return {name: taken[1:] for name, taken in times.items()}


def in_process(folder: Path, runs: int) -> dict[str, list[float]]:
    """Time reading with analysis against SimpleITK's reading, in turns."""
    analyze(read_series(folder))
    read_with_simpleitk(folder)
    times: dict[str, list[float]] = {"SimpleITK reads": [], "read": [], "read and analyse": []}
    for _ in range(runs):
        times["SimpleITK reads"].append(seconds(lambda: read_with_simpleitk(folder)))
        started = time.perf_counter()
        volume = read_series(folder)
        times["read"].append(time.perf_counter() - started)
        analyze(volume)
        times["read and analyse"].append(time.perf_counter() - started)
    return times


def compressed(folder: Path, scratch: Path, runs: int) -> float:
    """Return reading and analysis over reading alone, JPEG 2000."""
    packed = scratch / "jpeg2000"
    write_series(read_series(folder), packed, compression="jpeg_2000")
    ratios = []
    for _ in range(runs):
        started = time.perf_counter()
        volume = read_series(packed)
        read = time.perf_counter() - started
        ratios.append((read + seconds(lambda v=volume: analyze(v))) / read)
    return statistics.median(ratios)


def sliced(volume: Volume, slices: int) -> Volume:
    """Cut the same body into more or fewer slices."""
    index = (np.arange(slices) * volume.geometry.shape[0]) // slices
    step = volume.geometry.extent_mm[0] / slices
    spacing = (step, *volume.geometry.spacing_mm[1:])
    geometry = replace(volume.geometry, shape=(slices, *volume.geometry.shape[1:]), spacing_mm=as_point(spacing))
    acquisition = replace(volume.acquisition, sop_instance_uids=())
    return Volume(hu=volume.hu[index], geometry=geometry, acquisition=acquisition)


def by_slices(volume: Volume, scratch: Path) -> list[tuple[int, float]]:
    rows = []
    for slices in SLICES:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            write_series(sliced(volume, slices), Path(folder))
            taken = min(seconds(lambda f=folder: analyze(read_series(f))) for _ in range(3))
        rows.append((slices, taken))
    return rows


def by_lesions(runs: int) -> list[tuple[int, int, float]]:
    """Return how many masses there are, how many were found, and the seconds of the analysis."""
    rows = []
    for count in LESIONS:
        lesions = tuple(replace(SMALL, angle_deg=360 * k / max(LESIONS) - 160) for k in range(count))
        recipe = replace(read_recipe("ccma"), lesions=lesions)
        volume = make_phantom(recipe).volume
        found = len(analyze(volume).masses)
        rows.append((count, found, min(seconds(lambda v=volume: analyze(v)) for _ in range(runs))))
    return rows


def memory(folder: Path) -> tuple[float, float]:
    """Return the peak above an interpreter with its libraries, and that over the int16 volume."""
    start = "import ccma_seg.report, ccma_seg.series.reading as r, ccma_seg.pipeline as p; "
    peak = peak_mib(f"{start}p.analyze(r.read_series({str(folder)!r}))") - peak_mib(start + "pass")
    return peak, peak * MIB / read_series(folder).hu.nbytes


def ratio(times: dict[str, list[float]], name: str) -> float:
    pairs = zip(times[name], times["SimpleITK reads"], strict=True)
    return statistics.median(own / other for own, other in pairs)


def _range(times: list[float]) -> str:
    return f"{statistics.median(times):.2f} ({min(times):.2f}..{max(times):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=Path, help="an uncompressed series to use instead of the phantom")
    parser.add_argument("--runs", type=int, default=7, help="pairs of each comparison")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        if given.series is None:
            write_phantom(make_phantom(exam_recipe()), scratch)
        text = report(given.series or scratch / "dicom", scratch, given.runs)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)


def report(folder: Path, scratch: Path, runs: int) -> str:
    inside, whole = in_process(folder, runs), processes(folder, scratch / "out", runs)
    volume = read_series(folder)
    analysis = analyze(volume)
    slices, lesions = by_slices(volume, scratch), by_lesions(min(runs, 3))
    draw(slices, lesions, Path(__file__).with_suffix(".png"))
    peak, share = memory(folder)
    size = " x ".join(str(n) for n in volume.geometry.shape)
    lines = [
        "# The time of an exam\n",
        f"{size} voxels, files in the page cache, bytecode cached, {os.cpu_count()} cores; seconds, median and",
        f"(best..worst) of {runs} runs in turns; ratios are medians of pairs with SimpleITK's ImageSeriesReader on the",
        "same uncompressed files.\n",
        "| what | seconds | of SimpleITK's reading | target |\n|---|---:|---:|---:|",
        *_rows(inside, "in one process: ", {"read and analyse": "0.80"}),
        *_rows(whole, "whole process: ", {"record and labels": "1.00", "all outputs": "4.00"}),
        "",
        f"- JPEG 2000: reading and analysis take {compressed(folder, scratch, 3):.2f} of reading alone (target 1.15).",
        f"- Peak memory above the libraries: {peak:.0f} MiB, {share:.2f} of the int16 volume (target 1.60).",
        f"- {_growth(slices)}",
        f"- From 1 to {LESIONS[-1]} masses: {lesions[-1][2] / lesions[0][2] - 1:+.0%} (target +15 %).\n",
        "| slices | read and analyse, s | ms a slice |\n|---:|---:|---:|",
        *(f"| {n} | {s:.2f} | {1000 * s / n:.2f} |" for n, s in slices),
        "\n| masses | found | analyse, s |\n|---:|---:|---:|",
        *(f"| {n} | {found} | {s:.2f} |" for n, found, s in lesions),
        "\n![by slices and by masses](speed.png)\n",
        *peer_rows(folder, analysis),
    ]
    return "\n".join(lines) + "\n"


def _rows(times: dict[str, list[float]], prefix: str, targets: dict[str, str]) -> list[str]:
    return [
        f"| {prefix}{name} | {_range(taken)} | {ratio(times, name):.2f} | {targets.get(name, '-')} |"
        for name, taken in times.items()
    ]


def _growth(rows: list[tuple[int, float]]) -> str:
    """Say how far the cost departs from a straight line through all points."""
    count, taken = (np.array(column) for column in zip(*rows, strict=True))
    line = np.polyfit(count, taken, 1)
    worst = np.abs(np.polyval(line, count) / taken - 1).max()
    return (
        f"From {count[0]} to {count[-1]} slices: {line[1]:.2f} s + {1000 * line[0]:.2f} ms a slice, within {worst:.0%}."
    )


def draw(slices: list[tuple[int, float]], lesions: list[tuple[int, int, float]], path: Path) -> None:
    figure = Figure(figsize=(8, 3.2), dpi=80, layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(*zip(*slices, strict=True), "o-")
    left.set(xlabel="slices", ylabel="read and analyse, s", xlim=(0, None), ylim=(0, None))
    right.plot([n for n, _, _ in lesions], [s for _, _, s in lesions], "o-")
    right.set(xlabel="masses", ylabel="analyse, s", xlim=(0, None), ylim=(0, None))
    figure.savefig(path, metadata={"Software": None})


if __name__ == "__main__":
    main()
