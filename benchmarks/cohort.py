"""How a cohort bears up: `python -m benchmarks.cohort mix|soak|walk|disk|cluster|speed`; writes lines to stdout.

`mix`      300 series, 60 of them damaged in eight ways: each gets the row it must.
`soak`     A run killed at 20 random moments, each time going on: nothing lost, half-written or done twice.
`walk`     A million small files: memory and time of the walk.
`disk`     A disk that fills up (a small tmpfs; needs root): nothing half-written, the next run goes on.
`cluster`  Dask workers and the scheduler killed in the middle.
`speed`    -j 2 beside -j 1, and a Dask cluster of two, on copies of the sample exam; memory of a process.

All but `speed`, `cluster` and `mix --real` only pretend to analyse (tests/odd_worker.py); the rest is real.
"""

import argparse
import csv
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pydicom

HERE = Path(__file__).resolve().parents[1]
SAMPLE = HERE / "sample_data" / "dicom"
ODD_BATCH = HERE / "tests" / "odd_batch.py"
ROOT_UID = "1.2.826.0.1.3680043.8.498.77"
SLICES = 12
CASE_FILES = {"case.json", "report.json", "report.html", "labels.nii.gz"}


def write_series(folder: Path, number: int, *, slices: int | None = SLICES, name: str | None = None) -> Path:
    """Copy the sample under UIDs of its own."""
    folder = folder / (name or f"exam{number:04d}")
    folder.mkdir(parents=True)
    for index, path in enumerate(sorted(SAMPLE.iterdir())[:slices]):
        image = pydicom.dcmread(path)
        image.StudyInstanceUID, image.SeriesInstanceUID = f"{ROOT_UID}.1.{number}", f"{ROOT_UID}.2.{number}"
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"{ROOT_UID}.3.{number}.{index}"
        image.save_as(folder / f"{index:03d}", enforce_file_format=True)
    return folder


def edit(folder: Path, **elements: object) -> None:
    for path in folder.iterdir():
        image = pydicom.dcmread(path)
        for keyword, value in elements.items():
            setattr(image, keyword, value)
        image.save_as(path, enforce_file_format=True)


def middle(folder: Path) -> Path:
    files = sorted(folder.iterdir())
    return files[len(files) // 2]


def flip_bits(folder: Path) -> None:
    """Damage the header of one slice, where its tags and lengths are."""
    data, dice = bytearray(middle(folder).read_bytes()), random.Random(folder.name)
    for _ in range(40):
        data[dice.randrange(132, 700)] ^= 1 << dice.randrange(8)
    middle(folder).write_bytes(data)


def empty_all(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(b"")


def forbid(folder: Path) -> None:
    folder.chmod(0)


DAMAGE: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "truncated": (lambda folder: os.truncate(middle(folder), middle(folder).stat().st_size - 900), {"corrupt_input"}),
    "cut_header": (lambda folder: os.truncate(middle(folder), 400), {"corrupt_input", "incomplete_volume"}),
    "zero_bytes": (empty_all, {"damaged_file"}),
    "wrong_modality": (
        lambda folder: edit(folder, Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4"),
        {"wrong_modality"},
    ),
    "missing_slices": (lambda folder: middle(folder).unlink(), {"missing_slices"}),
    "bit_flips": (flip_bits, {"corrupt_input", "incomplete_volume", "unexpected"}),
    "no_permission": (forbid, {"unreadable_file"}),
}
"""How each is damaged, and which codes say so."""

POWERS = "-dac_override,-dac_read_search"
POWERLESS = ("setpriv", f"--bounding-set={POWERS}", f"--inh-caps={POWERS}") if os.getuid() == 0 else ()
"""Makes permissions count for root too."""

TWICE = "twice"
"""Copies under the same UIDs are analysed, and told as such."""


def python(*arguments: object, before: tuple[str, ...] = (), cwd: Path | None = None) -> subprocess.Popen[str]:
    command = [*before, sys.executable, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd)


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "series.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def mix(base: Path, arguments: argparse.Namespace) -> None:
    """Judge 300 series with 60 damaged ones by their rows."""
    root, out = base / "root", base / "out"
    kinds = [*DAMAGE, TWICE]
    damaged = arguments.count // 5
    slices = None if arguments.real else SLICES
    for number in range(arguments.count - damaged):
        write_series(root / f"good{number % 7}", number, slices=slices)
    for number in range(damaged):
        kind = kinds[number % len(kinds)]
        folder = write_series(root / "bad", 100_000 + number, slices=slices, name=f"{kind}{number}")
        if kind == TWICE:
            shutil.copytree(folder, folder.with_name(f"{kind}{number}copy"))
        else:
            DAMAGE[kind][0](folder)
    scratch = base / "scratch"
    scratch.mkdir()
    start = ["-c", RUN, "batch"] if arguments.real else [ODD_BATCH, scratch]
    began = time.perf_counter()
    batch = python(*start, root, "-o", out, "-j", arguments.jobs, "--with-folders", before=POWERLESS)
    _, said = batch.communicate()
    print(f"exit code {batch.returncode}, {time.perf_counter() - began:.0f} s; {said.splitlines()[-1]}")
    found = {row["folder"]: row for row in rows(out)}
    wrong = Counter()
    for folder, row in found.items():
        kind = re.sub(r"\d+(copy)?$", "", Path(folder).name) if folder.startswith("bad/") else "good"
        codes = set(row["reason_codes"].split(";"))
        if kind == "good":
            right = row["status"] != "failed"
        elif kind.startswith("twice"):
            right = row["status"] != "failed" and "duplicate_series" in codes
        else:
            right = row["status"] == "failed" and bool(codes & DAMAGE[kind][1])
        wrong[kind, "right" if right else "WRONG"] += 1
        if not right:
            print("wrong:", folder, row["status"], row["reason_codes"], row["reasons"][:120])
    for (kind, how), count in sorted(wrong.items()):
        print(f"  {kind:<16} {how:<6} {count:>4}")
    print(f"{len(found)} rows")


def soak(base: Path, arguments: argparse.Namespace) -> None:
    """Kill a run, or one of its processes, again and again."""
    root, out, dice = base / "root", base / "out", random.Random(arguments.seed)
    for number in range(arguments.count):
        write_series(root, number, name=f"slow{number:04d}")
    scratch = base / "scratch"
    scratch.mkdir()
    kills, again = Counter(), set()
    while kills.total() < arguments.kills:
        batch = python(ODD_BATCH, scratch, root, "-o", out, "-j", 2, "--existing", "skip")
        times = {path.parent.name: path.stat().st_mtime_ns for path in out.glob("cases/case-*/case.json")}
        before = count_lines(scratch / "log")
        while count_lines(scratch / "log") <= before and batch.poll() is None:
            time.sleep(0.05)
        time.sleep(dice.uniform(0.0, 3.0))
        children = subprocess.run(["pgrep", "-P", str(batch.pid)], capture_output=True, text=True, check=False).stdout
        if batch.poll() is not None:
            print(f"ended by itself: {batch.communicate()[1]}")
            break
        if children and dice.random() < 0.4:
            os.kill(int(dice.choice(children.split())), signal.SIGKILL)
            kills["process"] += 1
            time.sleep(dice.uniform(0.2, 1.0))
        batch.kill()
        batch.communicate()
        kills["run"] += 1
        check_whole(out)
        for case_id, made in times.items():
            again |= {case_id} if (out / "cases" / case_id / "case.json").stat().st_mtime_ns != made else set()
    print(f"killed: {dict(kills)}; {len(list(out.glob('cases/case-*')))} of {arguments.count} were done by then")
    python(ODD_BATCH, scratch, root, "-o", out, "-j", 2, "--existing", "skip").communicate()
    check_whole(out)
    begun = Counter((scratch / "log").read_text("utf-8").split())
    print(f"{len(rows(out))} rows, {Counter(row['status'] for row in rows(out))}")
    print(f"begun {begun.total()} times for {len(begun)} series, none of the done ones again: {not again}")
    print(f"left over: {len(list(out.rglob('.*')))}")


def count_lines(path: Path) -> int:
    return len(path.read_text("utf-8").split()) if path.exists() else 0


def check_whole(out: Path) -> None:
    for folder in out.glob("cases/case-*"):
        assert {path.name for path in folder.iterdir()} == CASE_FILES, folder
        json.loads((folder / "case.json").read_text("utf-8"))


def walk(base: Path, arguments: argparse.Namespace) -> None:
    """Walk many small files, one in a hundred of them a slice, two slices a series."""
    first = 1_000_000
    slice_ = (write_series(base / "one", first, slices=1) / "000").read_bytes()
    for number in range(arguments.count):
        folder = base / "root" / f"{number // 20_000:03d}" / f"{number // 500:05d}"
        if number % 500 == 0:
            folder.mkdir(parents=True)
        uid = f".2.{first + number // 200}".encode()
        (folder / str(number)).write_bytes(b"x" * 100 if number % 100 else slice_.replace(f".2.{first}".encode(), uid))
    began = time.perf_counter()
    batch = python("-c", RUN, "batch", base / "root", "-o", base / "out", "--dry-run")
    listed, _ = batch.communicate()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{arguments.count} files in {time.perf_counter() - began:.0f} s, peak {peak:.0f} MiB")
    print(f"{len(listed.splitlines())} cases")


def disk(base: Path, arguments: argparse.Namespace) -> None:
    """Let the disk fill up, then make room."""
    root, room, scratch = base / "root", base / "room", base / "scratch"
    for folder in (room, scratch):
        folder.mkdir()
    for number in range(arguments.count):
        write_series(root, number)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", room], check=True)
    try:
        batch = python(ODD_BATCH, scratch, root, "-o", room / "out", "-j", 2)
        _, said = batch.communicate()
        print(f"exit code {batch.returncode}: {said.splitlines()[-1]}")
        check_whole(room / "out")
        done = len(list(room.glob("out/cases/case-*")))
        subprocess.run(["mount", "-o", "remount,size=100m", room], check=True)
        batch = python(ODD_BATCH, scratch, root, "-o", room / "out", "-j", 2, "--existing", "skip")
        batch.communicate()
        check_whole(room / "out")
        print(f"{done} done before; then exit code {batch.returncode}, {len(rows(room / 'out'))} rows")
        print(f"left over: {len(list((room / 'out').rglob('.*')))}")
    finally:
        subprocess.run(["umount", room], check=True)


def cluster(base: Path, arguments: argparse.Namespace) -> None:
    """Kill a Dask worker, then the scheduler, and go on."""
    root, out = base / "root", base / "out"
    for number in range(arguments.count):
        write_series(root, number, slices=None)
    servers = start_cluster(base)
    batch = python("-c", RUN, "batch", root, "-o", out, "--scheduler", address(base))
    wait_for(lambda: len(list(out.glob("cases/case-*"))) >= 2)
    servers[1].kill()
    print(f"a worker was killed after {len(list(out.glob('cases/case-*')))} cases")
    servers.append(start_worker(base))
    wait_for(lambda: len(list(out.glob("cases/case-*"))) >= 5 or batch.poll() is not None)
    servers[0].kill()
    print(f"the scheduler was killed after {len(list(out.glob('cases/case-*')))} cases")
    _, said = batch.communicate(timeout=300)
    print(f"exit code {batch.returncode}: {said.splitlines()[-1]}; {len(rows(out))} rows")
    end(servers)
    batch = python("-c", RUN, "batch", root, "-o", out, "--existing", "skip")
    batch.communicate()
    print(f"then exit code {batch.returncode}, {len(rows(out))} rows, {Counter(r['status'] for r in rows(out))}")
    print(f"left over: {len(list(out.rglob('.*')))}")


def start_cluster(base: Path) -> list[subprocess.Popen[str]]:
    """Start a scheduler and two workers of one thread each."""
    scheduler = python(
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        0,
        "--no-dashboard",
        "--scheduler-file",
        base / "scheduler.json",
        cwd=base,
    )
    wait_for((base / "scheduler.json").exists)
    return [scheduler, start_worker(base), start_worker(base)]


def start_worker(base: Path) -> subprocess.Popen[str]:
    return python(
        "-m",
        "distributed.cli.dask_worker",
        address(base),
        "--host",
        "127.0.0.1",
        "--nthreads",
        1,
        "--no-dashboard",
        "--no-nanny",
        "--local-directory",
        base / "dask",
        cwd=base,
    )


def address(base: Path) -> str:
    return str(json.loads((base / "scheduler.json").read_text("utf-8"))["address"])


def end(servers: list[subprocess.Popen[str]]) -> None:
    for server in servers:
        server.kill()
        server.communicate()


def wait_for(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.1)


def speed(base: Path, arguments: argparse.Namespace) -> None:
    """Time two at a time, on this machine and on a cluster of two, beside one at a time."""
    root = base / "root"
    for number in range(arguments.count):
        write_series(root, number, slices=None)
    servers = start_cluster(base)
    ways = {"-j 1": ("-j", 1), "-j 2": ("-j", 2), "Dask, 2 workers": ("--scheduler", address(base))}
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, options in ways.items():
        began = time.perf_counter()
        out = base / f"out{name.split(',')[0]}"
        batch = python("-c", RUN, "batch", root, "-o", out, *options)
        _, said = batch.communicate()
        assert batch.returncode == 0, said
        took = time.perf_counter() - began
        peak = max(float(row["peak_memory_mib"]) for row in rows(out))
        print(f"{name:<16} {took:6.1f} s, {arguments.count / took * 60:5.1f} series a minute, at most {peak:.0f} MiB")
    end(servers)


RUN = "import sys; from ccma_seg.cli import main; sys.argv[0] = 'ccma-seg'; main()"

PARTS = {
    "mix": (mix, 300),
    "soak": (soak, 60),
    "walk": (walk, 1_000_000),
    "disk": (disk, 60),
    "cluster": (cluster, 12),
    "speed": (speed, 12),
}
"""What to do, and with how many series or files."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--count", type=int, help="how many series or files")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", action="store_true", help="analyse, too")
    arguments = parser.parse_args()
    do, count = PARTS[arguments.part]
    arguments.count = arguments.count or count
    print(f"== {arguments.part}, {arguments.count}", flush=True)
    with tempfile.TemporaryDirectory() as base:
        do(Path(base), arguments)


if __name__ == "__main__":
    main()
