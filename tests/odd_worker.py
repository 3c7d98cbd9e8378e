"""A process that reads as the real one does and only pretends to analyse; what a folder is called, it then does.

`python odd_worker.py SCRATCH`
"""

import errno
import os
import signal
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from ccma_seg.anatomy.contour import ContourSizes
from ccma_seg.cohort import analysing, storing, worker

MEMORY_BYTES = 1 << 30
PARTS = ("report.json", "report.html", "labels.nii.gz")


def record(volume, config):
    series = {"series_uid": volume.acquisition.series_uid, "shape": list(volume.hu.shape), "spacing_mm": [1, 1, 1]}
    names = ("study_uid", "description", "slice_thickness_mm", "tube_voltage_kv", "kernel", "cardiac_phase_percent")
    volumes = ("annular_volume_mm3", "undecided_volume_mm3", "detection_limit_mm3")
    calcium = ("threshold_hu", *volumes, "agatston", "mass_mg", "arc_deg", "max_thickness_mm")
    return {
        "status": "ok",
        "verdict": "mac",
        "explanation": "=1+1",
        "annulus": {"contour": asdict(ContourSizes())},
        "reasons": [{"code": reason.code, "text": reason.text} for reason in volume.reasons],
        "series": series | {name: getattr(volume.acquisition, name) for name in names},
        "calcium": dict.fromkeys(calcium, float(volume.hu.mean().round(3))),
        "contrast": {"state": "enhanced", "blood_pool_hu": 300.0},
        "lesions": [],
        "software": {"config_sha256": config.sha256()},
    }


def first_time(name, scratch):
    try:
        (scratch / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def act(name, scratch):
    if name.startswith("slow"):
        time.sleep(0.4)
    if name.startswith("dies") or (name.startswith("once") and first_time(name, scratch)):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith("hangs"):
        time.sleep(600)
    if name.startswith("eats"):
        bytearray(MEMORY_BYTES)
    if name.startswith("odd"):
        raise RuntimeError("Name^Of^A^Person")


def write(analysis, folder):
    for name in PARTS:
        (folder / name).write_text(analysis.words * 100, "utf-8")
        time.sleep(0.02 if analysis.name.startswith("slow") else 0)
    if analysis.name.startswith("full") and first_time(analysis.name, analysis.scratch):
        raise OSError(errno.ENOSPC, "No space left on device")


def analyse(case, job, *, scratch):
    name = Path(case.folders[0]).name
    with (scratch / "log").open("a", encoding="utf-8") as log:
        log.write(f"{name}\n")

    def pretend(volume, config):
        act(name, scratch)
        found = record(volume, config)
        words = found["series"]["series_uid"]
        return SimpleNamespace(record=lambda: found, name=name, words=words, scratch=scratch)

    with patch.object(analysing, "analyze", pretend), patch.object(storing, "write_files", write):
        return analysing.analyse_case(case, job)


if __name__ == "__main__":
    worker.serve(partial(analyse, scratch=Path(sys.argv[1])), memory_bytes=MEMORY_BYTES)
