"""How fast series are read, beside SimpleITK on the same files: `python -m benchmarks.reading`.

Makes series of 400 slices of 512 x 512, reads each with both in turns, and writes `benchmarks/reading.md`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from ccma_seg.series import read_series

SLICES, SIDE = 400, 512
DISTINCT = 16
"""Slices that differ; the others repeat them, so that packing does not take minutes."""

NOISE_HU = 25.0
SERIES = {
    "uncompressed": (ExplicitVRLittleEndian, 11, 0.35),
    "JPEG-LS": (JPEGLSLossless, 3, 1.0),
    "JPEG 2000": (JPEG2000Lossless, 3, 1.0),
    "RLE": (RLELossless, 3, None),
}
"""Transfer syntax, number of paired runs, target ratio."""

MIB = 2**20


def make_slices() -> list[np.ndarray]:
    """Draw a body with two lungs and a heart, and noise, as stored values."""
    rng = np.random.default_rng(0)
    y, x = (np.mgrid[:SIDE, :SIDE] - SIDE / 2) / SIDE
    plane = np.where((x / 0.42) ** 2 + (y / 0.32) ** 2 < 1, 40.0, -1000.0)
    for side in (-0.2, 0.2):
        plane[((x - side) / 0.14) ** 2 + (y / 0.2) ** 2 < 1] = -850
    plane[(x / 0.12) ** 2 + ((y + 0.02) / 0.13) ** 2 < 1] = 350
    noisy = plane + rng.normal(0, NOISE_HU, (DISTINCT, SIDE, SIDE))
    return [np.clip(np.rint(one) + 1024, 0, 4095).astype(np.uint16) for one in noisy]


def make_series(folder: Path, syntax: str) -> None:
    images = [_image(stored, syntax) for stored in make_slices()]
    for index in range(SLICES):
        image = images[index % DISTINCT]
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.4.{index + 1}"
        image.ImagePositionPatient, image.InstanceNumber = [-100, -100, index / 2], index + 1
        image.save_as(folder / f"{(index * 7919) % SLICES:03d}.dcm", enforce_file_format=True)


def _image(stored: np.ndarray, syntax: str) -> Dataset:
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = CTImageStorage
    image.SOPInstanceUID, image.StudyInstanceUID, image.SeriesInstanceUID = "1.2.3.4.0", "1.2.3.1", "1.2.3.2"
    image.FrameOfReferenceUID, image.Modality, image.ImageType = "1.2.3.3", "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.PatientID, image.SeriesDescription, image.ConvolutionKernel = "BENCH", "Cor CTA", "Bv40"
    image.Rows = image.Columns = SIDE
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.PixelSpacing, image.SliceThickness, image.ImageOrientationPatient = [0.4, 0.4], 0.5, [1, 0, 0, 0, 1, 0]
    image.RescaleSlope, image.RescaleIntercept, image.RescaleType = 1, -1024, "HU"
    private = image.private_block(0x0029, "BENCHMARK", create=True)
    private.add_new(0, "OB", bytes(6000))
    for number in range(1, 81):
        private.add_new(number, "LO", f"value {number}")
    image.PixelData = stored.tobytes()
    image["PixelData"].VR = "OW"
    if syntax != ExplicitVRLittleEndian:
        image.compress(syntax, generate_instance_uid=False)
    return image


def read_with_simpleitk(folder: Path) -> np.ndarray:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    return sitk.GetArrayFromImage(reader.Execute())


def seconds(read: Callable[[Path], object], folder: Path) -> float:
    started = time.perf_counter()
    read(folder)
    return time.perf_counter() - started


def peak_mib(code: str) -> float:
    """Return the peak memory of a fresh interpreter that runs `code`; on Linux, where the kernel tells it."""
    report = "; import re; print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    done = subprocess.run([sys.executable, "-c", code + report], check=True, capture_output=True, text=True)
    return int(done.stdout) * 1024 / MIB


def compare(name: str, scratch: Path) -> str:
    syntax, runs, target = SERIES[name]
    folder = scratch / name.replace(" ", "-")
    folder.mkdir()
    make_series(folder, syntax)
    assert np.array_equal(read_series(folder).hu, read_with_simpleitk(folder)), "the two readers must agree"
    pairs = [(seconds(read_series, folder), seconds(read_with_simpleitk, folder)) for _ in range(runs)]
    ours, theirs = (sorted(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    start = "import ccma_seg.series.reading as r, numpy as np; "
    peak = peak_mib(f"{start}r.read_series({str(folder)!r})") - peak_mib(start + "pass")
    volume = SLICES * SIDE * SIDE * 2 / MIB
    wanted = "-" if target is None else f"{target:.2f}"
    return (
        f"| {name} | {_range(ours)} | {_range(theirs)} | {ratio:.2f} | {wanted} | "
        f"{ours[0] / theirs[0]:.2f} | {peak / volume:.2f} |"
    )


def _range(times: list[float]) -> str:
    return f"{statistics.median(times) * 1e3:.0f} ({times[0] * 1e3:.0f}..{times[-1] * 1e3:.0f})"


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        rows = [compare(name, Path(scratch)) for name in sys.argv[1:] or SERIES]
    table = [
        "# Reading a series",
        "",
        f"{SLICES} slices of {SIDE} x {SIDE}; milliseconds, median (best..worst) of paired runs in turns, files in the",
        f"page cache, {os.cpu_count()} cores. Both sort the slices and give the same voxels.",
        "",
        "| series | ccma-seg | SimpleITK | ratio of pairs | target | ratio of the best | peak memory / volume |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *rows,
        "",
    ]
    Path(__file__).with_suffix(".md").write_text("\n".join(table))
    print("\n".join(table))


if __name__ == "__main__":
    main()
