"""One mass in two phases, the second brought onto the first."""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ccma_seg import grids
from ccma_seg.anatomy import Anatomy
from ccma_seg.calcium.threshold import PLAIN_BLOOD_HU, threshold_at
from ccma_seg.errors import GeometryError
from ccma_seg.geometry import Bools, Floats32
from ccma_seg.lesion import CAVITY, CORE, RIM, Lesion, LesionParams
from ccma_seg.lesion.bright import smooth_hu
from ccma_seg.lesion.inside import erosion_mm
from ccma_seg.lesion.parts import depth_mm
from ccma_seg.phases.alignment import align_mass
from ccma_seg.phases.findings import Alignment, SecondPhase
from ccma_seg.phases.fitting import USUAL_KV, calcium_above_hu
from ccma_seg.phases.params import PhaseParams
from ccma_seg.volume import PADDING_HU, Volume

_MARGIN_MM = 4.0
"""More than a thick slice, so that interpolation does not end at the border of a crop."""

_Values = TypeVar("_Values", float, Floats32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """A mass in two phases."""

    first: Volume
    second: Volume
    """Brought back onto the first."""
    anatomies: tuple[Anatomy, Anatomy]
    alignment: Alignment
    seen_hu: Floats32
    """HU of the second phase on the grid of the parts of the mass."""
    params: PhaseParams

    @property
    def blood_change_hu(self) -> float | None:
        """How much brighter blood is in the first phase; None where too little to tell blood by."""
        one, other = (a.contrast.blood_pool_hu for a in self.anatomies)
        if one is None or other is None or abs(one - other) < self.params.blood_change_min_hu:
            return None
        return one - other


def pair_up(first: Volume, anatomy: Anatomy, lesion: Lesion, other: SecondPhase, *, phases: PhaseParams) -> Pair | None:
    """Bring the second phase onto one mass of the first; None where it does not fit or reach."""
    if other.alignment is None:
        return None
    anatomies = (anatomy, replace(anatomy, contrast=other.contrast))
    above_hu = max(map(calcium_above_hu, (first, other.volume), anatomies))
    try:
        found = align_mass(first, other.volume, lesion, other.alignment, calcium_hu=above_hu, params=phases)
        back = found.brought_back(other.volume)
        seen = _on_grid_of(lesion, back)
    except GeometryError:
        return None
    return Pair(first=first, second=back, anatomies=anatomies, alignment=found, seen_hu=seen, params=phases)


def _on_grid_of(lesion: Lesion, volume: Volume) -> Floats32:
    """Return the HU of a volume on the grid of a lesion's parts."""
    grid = lesion.parts.geometry
    part = volume.crop(volume.geometry.slices_around(grid.corners_mm(), margin_mm=_MARGIN_MM))
    return grids.resample(part.hu.astype(np.float32), part.geometry, onto=grid, outside=PADDING_HU)


def rim_seen(lesion: Lesion, pair: Pair) -> float:
    """Return which share of the denser half of the rim is calcified in the second phase."""
    rim = lesion.parts.mask(RIM)
    own = pair.first.hu[lesion.parts.slices_in(pair.first.geometry)]
    dense = rim & (own >= np.median(own[rim]))
    return float(np.mean(pair.seen_hu[dense] >= calcium_above_hu(pair.second, pair.anatomies[1])))


def shows(lesion: Lesion, pair: Pair) -> bool:
    """Tell whether the second phase shows a mass where it was brought to."""
    return rim_seen(lesion, pair) >= pair.params.rim_seen_min


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shares:
    """How far each voxel inside a mass takes part in the blood's change."""

    values: Floats32
    clear: Bools
    """Inside, clear of the rim."""


def blood_shares(lesion: Lesion, pair: Pair, params: LesionParams) -> Shares | None:
    """Return the change of the inside over that of the blood; None where blood changes too little."""
    change = pair.blood_change_hu
    if change is None:
        return None
    grid = lesion.parts.geometry
    own = smooth_hu(pair.first, lesion, params)
    other = smooth_hu(Volume(hu=np.rint(pair.seen_hu).astype(np.int16), geometry=grid), lesion, params)
    inside = lesion.parts.mask(CORE) | lesion.parts.mask(CAVITY)
    clear = inside & (depth_mm(grid, lesion.envelope) >= margin_mm(pair, params))
    return Shares(values=(own - at_voltage(other, pair)) / np.float32(change), clear=clear)


def margin_mm(pair: Pair, params: LesionParams) -> float:
    """Return how far from the rim an inside is measured: the wider margin of the two phases."""
    return max(erosion_mm(volume, params) for volume in (pair.first, pair.second))


def at_voltage(hu: _Values, pair: Pair) -> _Values:
    """Turn HU of the second phase into those at the tube voltage of the first.

    Half of what exceeds unenhanced blood is taken for calcium, which follows the tube voltage (Graeni 2018): the truth
    lies between none of it, as in soft paste, and all.
    """
    return hu + (hu - PLAIN_BLOOD_HU) * 0.5 * (voltage_gain(pair) - 1)


def voltage_gain(pair: Pair) -> float:
    """Return the HU of calcium at the tube voltage of the first phase over those at that of the second."""
    one, other = (threshold_at(v.acquisition.tube_voltage_kv or USUAL_KV) for v in (pair.first, pair.second))
    return one / other
