"""Masks grown, shrunk and filled, cell by cell or by millimetres: the same as scipy's, but ten times as quick."""

from itertools import product

import numpy as np
from scipy import ndimage

from ccma_seg.geometry import Bools, Point

_TIE = 1e-9
"""Cells that are exactly as far away as asked for count as near, whatever rounding does."""


def grown(mask: Bools, cells: int = 1) -> Bools:
    """Add what touches a mask, as often as told."""
    for _ in range(cells):
        wider = mask.copy()
        for axis in range(mask.ndim):
            into, of = np.moveaxis(wider, axis, 0), np.moveaxis(mask, axis, 0)
            into[:-1] |= of[1:]
            into[1:] |= of[:-1]
        mask = wider
    return mask


def shrunk(mask: Bools, cells: int = 1) -> Bools:
    """Take off what touches anything else, as often as told; nothing lies beyond the grid."""
    for _ in range(cells):
        inner = mask.copy()
        for axis in range(mask.ndim):
            into, of = np.moveaxis(inner, axis, 0), np.moveaxis(mask, axis, 0)
            into[:-1] &= of[1:]
            into[1:] &= of[:-1]
            into[[0, -1]] = False
        mask = inner
    return mask


def opened(mask: Bools, cells: int = 1) -> Bools:
    """Leave out what is thinner than twice so many cells."""
    return grown(shrunk(mask, cells), cells)


def closed(mask: Bools, cells: int = 1) -> Bools:
    """Bridge gaps of up to twice so many cells; what lies at the edge of the grid is lost."""
    return shrunk(grown(mask, cells), cells)


def filled(mask: Bools) -> Bools:
    """Add what a mask encloses."""
    labels, _ = ndimage.label(np.pad(~mask, 1, constant_values=True))
    return np.asarray(labels[(slice(1, -1),) * mask.ndim] != labels.flat[0])


def near(mask: Bools, reach_mm: float, spacing_mm: Point) -> Bools:
    """Tell which cells lie within a distance of a mask, (slice, row, column), from centre to centre."""
    slices, rows, columns = (int(reach_mm / step + _TIE) for step in spacing_mm)
    wider = [np.pad(mask, ((slices, slices), (rows, rows), (0, 0)))]
    for _ in range(columns):
        wider.append(_wider(wider[-1]))
    found = np.zeros_like(mask)
    for z, y in product(range(-slices, slices + 1), range(-rows, rows + 1)):
        left = reach_mm**2 - (z * spacing_mm[0]) ** 2 - (y * spacing_mm[1]) ** 2
        if left >= -_TIE:
            cells = int(max(left, 0.0) ** 0.5 / spacing_mm[2] + _TIE)
            found |= wider[cells][slices + z :, rows + y :][: mask.shape[0], : mask.shape[1]]
    return found


def _wider(mask: Bools) -> Bools:
    """Add the neighbours within each row."""
    wider = mask.copy()
    wider[..., :-1] |= mask[..., 1:]
    wider[..., 1:] |= mask[..., :-1]
    return wider
