"""The same patient scanned twice: without contrast, in another phase, moved a little, with other noise."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ccma_seg.geometry import Floats, Point, as_point
from ccma_seg.phantom.generation import Phantom, make_phantom
from ccma_seg.phantom.recipe_files import read_recipe
from ccma_seg.phantom.spec import ContrastSpec, Recipe, ScannerSpec
from ccma_seg.volume import Volume

_OTHER_NOISE = 104_729


def make_pair(
    recipe: str | Path | Recipe,
    *,
    seed: int = 1,
    contrast: ContrastSpec = ContrastSpec(state="none"),
    scanner: ScannerSpec | None = None,
) -> tuple[Phantom, Phantom]:
    """Make an exam, and the same patient in a second phase with other noise.

    Parameters
    ----------
    recipe
        Of the first phase.
    seed
        Of the patient, as in `make_phantom`.
    contrast
        Of the second phase.
    scanner
        Of the second phase; as the first if not given.
    """
    given = recipe if isinstance(recipe, Recipe) else read_recipe(recipe)
    again = replace(given, contrast=contrast, scanner=scanner or given.scanner)
    return make_phantom(given, seed=seed), make_phantom(again, seed=seed, noise_seed=seed + _OTHER_NOISE)


def moved(volume: Volume, *, shift_mm: Point = (0.0, 0.0, 0.0), turn_deg: float = 0.0) -> Volume:
    """Move a patient between two scans: a turn about the long axis of the body through the middle, then a shift.

    The grid moves, not the voxels, so nothing is interpolated.
    """
    grid = volume.geometry
    turn = _about_z(np.radians(turn_deg))
    middle = grid.corners_mm().mean(axis=0)
    origin = turn @ (np.array(grid.origin_mm) - middle) + middle + shift_mm
    first, second, third = (as_point(turn @ axis) for axis in np.array(grid.axes))
    return replace(volume, geometry=replace(grid, origin_mm=as_point(origin), axes=(first, second, third)))


def _about_z(angle: float) -> Floats:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
