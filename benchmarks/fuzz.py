"""What damaged input does: `python -m benchmarks.fuzz [--files 5000] [--series 500] [--seed 1]`.

Files: one slice of a series of four is damaged at random: bits, bytes, lengths, cuts, stretches copied or left out,
sequences nested without end. Series: an element is changed by its meaning: places, directions, spacing, rescaling,
orders, copies, slices left out. Each is read in a process with a limit of memory and of time. Right is: refused in
words, or read as it was, or read with a reason that says what is the matter. Wrong is anything else: an uncaught error,
a hang, memory without end, and above all another geometry without a word.
"""

import argparse
import multiprocessing
import random
import resource
import shutil
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest

from ccma_seg.errors import CcmaError
from ccma_seg.series import read_series
from ccma_seg.volume import Volume

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from make_dicom import write_ct

SLICES = 6
LIMIT_S, LIMIT_BYTES = 20, 2 << 30
ENOUGH_WRONG = 20

Damage = Callable[[Path, random.Random], None]


def change_bytes(data: bytearray, dice: random.Random) -> bytearray:
    for _ in range(dice.choice((1, 3, 30))):
        data[dice.randrange(132, 1200)] = dice.randrange(256)
    return data


def flip_bits(data: bytearray, dice: random.Random) -> bytearray:
    for _ in range(dice.choice((1, 5, 50))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return data


def cut(data: bytearray, dice: random.Random) -> bytearray:
    return data[: dice.randrange(len(data))]


def copy_stretch(data: bytearray, dice: random.Random) -> bytearray:
    start, at, length = dice.randrange(132, 1200), dice.randrange(132, 1200), dice.randrange(1, 200)
    return data[:at] + data[start : start + length] + data[at:]


def leave_out(data: bytearray, dice: random.Random) -> bytearray:
    at = dice.randrange(132, 1200)
    return data[:at] + data[at + dice.randrange(1, 200) :]


def change_length(data: bytearray, dice: random.Random) -> bytearray:
    """Make one element claim to be of another length."""
    at = data.find(dice.choice((b"CS", b"UI", b"DS", b"LO", b"IS", b"US")), 132) + 2
    data[at : at + 2] = struct.pack("<H", dice.choice((0, 1, 0xFFFF, dice.randrange(65536))))
    return data


def nest(data: bytearray, dice: random.Random) -> bytearray:
    """Begin a thousand sequences and end none."""
    opened = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    at = data.find(b"\x08\x00\x60\x00")
    return data[:at] + opened * dice.choice((1, 31, 40, 1000)) + data[at:]


BYTES = (change_bytes, flip_bits, cut, copy_stretch, leave_out, change_length, nest)


def damage_file(folder: Path, dice: random.Random) -> str:
    how, path = dice.choice(BYTES), dice.choice(sorted(folder.iterdir()))
    path.write_bytes(how(bytearray(path.read_bytes()), dice))
    return how.__name__


def some(folder: Path, dice: random.Random, change: Callable[[pydicom.Dataset], None]) -> None:
    """Change one slice or two; what all headers agree on is no damage that could be seen."""
    for path in dice.sample(sorted(folder.iterdir()), dice.choice((1, 1, 2))):
        image = pydicom.dcmread(path)
        change(image)
        image.save_as(path, enforce_file_format=True)


def shifted(name: str, most: float) -> Damage:
    def change(folder: Path, dice: random.Random) -> None:
        at, by = dice.randrange(3), dice.uniform(-most, most)

        def move(image: pydicom.Dataset) -> None:
            values = [float(value) for value in image[name].value]
            values[at % len(values)] += by
            image[name].value = [f"{value:.6g}" for value in values]

        some(folder, dice, move)

    return change


def set_to(name: str, values: tuple[object, ...]) -> Damage:
    def change(folder: Path, dice: random.Random) -> None:
        value = dice.choice(values)
        some(folder, dice, lambda image: setattr(image, name, value) if value is not None else image.pop(name, None))

    return change


def drop(folder: Path, dice: random.Random) -> None:
    for path in dice.sample(sorted(folder.iterdir()), dice.randrange(1, SLICES)):
        path.unlink()


def copy(folder: Path, dice: random.Random) -> None:
    shutil.copy(dice.choice(sorted(folder.iterdir())), folder / "copy")


SERIES: dict[str, Damage] = {
    "position": shifted("ImagePositionPatient", 20),
    "position, a little": shifted("ImagePositionPatient", 0.5),
    "direction": shifted("ImageOrientationPatient", 1),
    "spacing": shifted("PixelSpacing", 0.3),
    "no position": set_to("ImagePositionPatient", (None,)),
    "no direction": set_to("ImageOrientationPatient", (None, [0, 0, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0])),
    "odd spacing": set_to("PixelSpacing", (None, [0, 0], [-1, 1], [1e-9, 1e-9], [1e9, 1e9])),
    "rescaling": set_to("RescaleSlope", (None, 0, 2, -1)),
    "matrix": set_to("Rows", (0, 1, 20, 39, 41, 80, 65535)),
    "columns": set_to("Columns", (0, 1, 24, 47, 49, 96, 65535)),
    "tilt": set_to("GantryDetectorTilt", (10, -30)),
    "modality": set_to("Modality", ("MR", "OT", "")),
    "bits": set_to("BitsAllocated", (8, 12, 32, 64)),
    "sign": set_to("PixelRepresentation", (1,)),
    "series": set_to("SeriesInstanceUID", ("1.2.3", "")),
    "left out": drop,
    "copied": copy,
}


def damage_series(folder: Path, dice: random.Random) -> str:
    how = dice.choice(list(SERIES))
    SERIES[how](folder, dice)
    return how


def judge(folder: Path, whole: Volume) -> str:
    """Read it, and say what came of it; `WRONG` is the only bad news."""
    try:
        volume = read_series(folder)
    except CcmaError as error:
        return f"refused ({error.code})"
    except MemoryError:
        return "WRONG: memory"
    except Exception as error:  # noqa: BLE001  what is looked for
        return f"WRONG: {type(error).__name__}: {error}"
    told = sorted({reason.code for reason in volume.reasons} - {reason.code for reason in whole.reasons})
    if volume.geometry.shape == whole.geometry.shape and place_of(volume) == pytest.approx(place_of(whole), abs=1e-3):
        same = np.array_equal(volume.hu, whole.hu)
        return "read as it was" if same else f"in its place, with other values ({', '.join(told)})"
    if told:
        return f"read with a reason ({', '.join(told)})"
    return "read in part, in its place" if is_part(volume, whole) else f"WRONG: silently moved: {volume.geometry}"


def is_part(volume: Volume, whole: Volume) -> bool:
    """Tell whether each slice lies where it lay in the whole."""
    ours, theirs = volume.geometry, whole.geometry
    if ours.shape[1:] != theirs.shape[1:] or ours.axes != theirs.axes:
        return False
    corners = np.array([[index, 0, 0] for index in range(ours.shape[0])], float)
    places = theirs.to_index(ours.to_patient(corners))
    rows = np.rint(places[:, 0]).astype(int)
    return bool(np.allclose(places, np.c_[rows, 0 * rows, 0 * rows], atol=1e-3) and np.ptp(rows) < theirs.shape[0])


def place_of(volume: Volume) -> list[float]:
    geometry = volume.geometry
    return [*geometry.spacing_mm, *geometry.origin_mm, *(value for axis in geometry.axes for value in axis)]


def work(base: Path, kind: str, seeds: range, answers: "multiprocessing.Queue[tuple[int, str, str, float]]") -> None:
    """Damage and read, one seed after the other, with a limit of memory."""
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))
    template = write_ct(base / "whole", count=SLICES)
    whole = read_series(template)
    for seed in seeds:
        folder = base / f"{kind}{seed}"
        shutil.copytree(template, folder)
        how = (damage_file if kind == "files" else damage_series)(folder, random.Random(f"{kind}{seed}"))
        answers.put((seed, how, "", 0.0))
        began = time.perf_counter()
        told = judge(folder, whole)
        answers.put((seed, how, told, time.perf_counter() - began))
        shutil.rmtree(folder)


def run(kind: str, seeds: range) -> int:
    """Run all seeds; a process that hangs or dies is itself the finding."""
    counts, slowest, wrong, left = Counter(), 0.0, 0, seeds
    with tempfile.TemporaryDirectory() as base:
        while left:
            answers = multiprocessing.Queue()
            process = multiprocessing.Process(target=work, args=(Path(tempfile.mkdtemp(dir=base)), kind, left, answers))
            process.start()
            seed, how = left.start, "start"
            while seed < left.stop:
                try:
                    seed, how, told, took = answers.get(timeout=LIMIT_S)
                except Exception:  # noqa: BLE001  queue.Empty: it hangs, or is dead
                    told, took = "WRONG: hangs or died", LIMIT_S
                    process.kill()
                slowest = max(slowest, took)
                if told.startswith("WRONG"):
                    wrong += 1
                    print(f"  {kind} {seed}, {how}: {told[:300]}", flush=True)
                if told:
                    counts[told.partition(":")[0]] += 1
                if took == LIMIT_S or (told and seed == left.stop - 1):
                    break
            process.join(1)
            left = range(seed + 1, left.stop)
    print(f"{kind}: {sum(counts.values())} tried, {wrong} wrong, slowest {slowest:.2f} s")
    for told, count in counts.most_common():
        print(f"  {count:>5}  {told}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    first = arguments.seed * 1_000_000
    wrong = run("series", range(first, first + arguments.series))
    wrong += run("files", range(first, first + arguments.files))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
