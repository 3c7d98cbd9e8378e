"""All recipes as pictures: axial, coronal, sagittal, two long axes and the short axis through the lesion.

Run: python -m benchmarks.contact_sheet [OUT] [RECIPE ...]
"""

import sys
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
from scipy.ndimage import map_coordinates

from ccma_seg.phantom import Phantom, make_phantom, read_recipe, recipe_names

mpl.use("Agg")
from matplotlib import pyplot as plt

WINDOW_HU = (-300, 1100)
HALF_MM = 45.0
STEP_MM = 0.4
ROWS = 10
MATRIX = 288


def views(phantom: Phantom) -> list[np.ndarray]:
    """Cut six planes through the lesion, or through the annulus when there is none."""
    annulus, truth = phantom.annulus, phantom.truth
    seen = [*truth["lesions"], *truth["other_calcium"]]
    middle = annulus.to_frame(seen[0]["centroid_mm"] if seen else annulus.center_mm)
    turn = np.arctan2(middle[1], middle[0])
    outward, along = np.array((np.cos(turn), np.sin(turn), 0)), np.array((-np.sin(turn), np.cos(turn), 0))
    apical = np.array((0, 0, 1.0))
    across, back, up = (annulus.axes @ np.array(v) for v in ((1.0, 0, 0), (0, 1.0, 0), (0, 0, -1.0)))
    pairs = ((across, back), (across, up), (back, up), (outward, apical), (along, apical), (outward, along))
    return [_plane(phantom, middle, *pair) for pair in pairs]


def _plane(phantom: Phantom, middle: np.ndarray, right: np.ndarray, down: np.ndarray) -> np.ndarray:
    line = np.arange(-HALF_MM, HALF_MM, STEP_MM)
    at = phantom.annulus.to_patient(
        middle + line[:, None, None] * down[None, None] + line[None, :, None] * right[None, None]
    )
    index = np.moveaxis(phantom.volume.geometry.to_index(at), -1, 0)
    return map_coordinates(phantom.volume.hu.astype(np.float32), index, order=1, mode="nearest")


def sheet(names: list[str], path: Path) -> None:
    """Draw some recipes, one a row."""
    figure, axes = plt.subplots(len(names), 6, figsize=(15, 2.6 * len(names)), squeeze=False)
    for name, row in zip(names, axes, strict=True):
        recipe = read_recipe(name)
        small = replace(recipe.scanner, matrix=min(recipe.scanner.matrix, MATRIX))
        phantom = make_phantom(replace(recipe, scanner=small))
        for axis, image in zip(row, views(phantom), strict=True):
            axis.imshow(image, cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1])
            axis.set_axis_off()
        row[0].set_title(f"{name}: {phantom.truth['verdict']}", fontsize=8, loc="left")
        print(name, phantom.truth["verdict"], file=sys.stderr)
    figure.tight_layout(pad=0.3)
    figure.savefig(path, dpi=56, pil_kwargs={"quality": 72})
    plt.close(figure)


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "benchmarks")
    out.mkdir(parents=True, exist_ok=True)
    names = sys.argv[2:] or list(recipe_names())
    for page, start in enumerate(range(0, len(names), ROWS), 1):
        sheet(names[start : start + ROWS], out / f"recipes_{page}.jpg")


if __name__ == "__main__":
    main()
