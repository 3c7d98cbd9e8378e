"""How long a gated phantom of 300 x 512 x 512 takes, against evaluating every solid at every voxel.

The plain way is timed on every tenth slab of planes and multiplied. CPU seconds, one process.

Run: python -m benchmarks.phantom_speed [OUT]
"""

import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from ccma_seg.phantom import Recipe, ScannerSpec, make_phantom, read_recipe, write_phantom
from ccma_seg.phantom.generation import build_scene, object_grid, volume_geometry
from ccma_seg.phantom.ring import make_annulus
from ccma_seg.phantom.scanner import slice_profile

EVERY = 10
SLAB = 4
SCANNER = ScannerSpec(slices=300, matrix=512, slice_spacing_mm=0.4, slice_thickness_mm=0.6, field_of_view_mm=200.0)


def plain_seconds(recipe: Recipe) -> float:
    """Time the evaluation of all solids at all voxels, with the share of voxels at surfaces."""
    geometry = volume_geometry(recipe.scanner)
    scene = build_scene(recipe, make_annulus(recipe.anatomy.annulus, (32.0, -118.0, -196.0)), seed=1)
    profile, taken = slice_profile(recipe.scanner), 0.0
    for first in range(0, recipe.scanner.slices, EVERY * SLAB):
        grid = object_grid(geometry, profile, first=first, slices=SLAB)
        image = np.full(grid.shape, -1000, np.float32)
        start = time.process_time()
        for item in scene.layers:
            share = np.clip(0.5 - item.solid.level(grid.x, grid.y, grid.z) / 0.4, 0, 1)
            image += share * (item.hu - image)
        taken += (time.process_time() - start) * SLAB / grid.shape[0]
    return taken * recipe.scanner.slices / len(range(0, recipe.scanner.slices, EVERY * SLAB)) / SLAB


def main() -> None:
    recipe = replace(read_recipe("ruptured"), scanner=SCANNER)
    start = time.process_time()
    phantom = make_phantom(recipe)
    made = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(phantom, folder)
    written = time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    del phantom
    plain = plain_seconds(recipe)
    lines = [
        "# Making a phantom of 300 x 512 x 512\n",
        "| step | CPU seconds |",
        "| --- | --- |",
        f"| make, with truth, blur and noise | {made - start:.1f} |",
        f"| write as DICOM | {written - made:.1f} |",
        f"| every solid at every voxel, without lesion, blur, noise or writing | {plain:.1f} |",
        f"\nShare of the plain way: {(written - start) / plain:.2f}. Peak memory {memory:.2f} GiB.\n",
    ]
    text = "\n".join(lines)
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "benchmarks/results")
    out.mkdir(parents=True, exist_ok=True)
    (out / "phantom_speed.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
