"""Phases of one exam, brought together."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy import Contrast
from ccma_seg.geometry import Floats, Geometry, as_point
from ccma_seg.reasons import Reason
from ccma_seg.volume import Volume


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alignment:
    """Where the points of one phase lie in the other, and how well that fits."""

    matrix: Floats
    """4 x 4, rigid: from LPS mm of the first phase to those of the second."""
    correlation: float
    """Of what contrast does not change, over the region that was aligned: 1 is the same image."""
    residual_mm: float
    """How far edges still lie apart (median)."""
    residual_hu: float
    """How much what contrast does not change still differs (median)."""

    @property
    def turn_deg(self) -> float:
        """Angle of the turn."""
        cosine = (np.trace(self.matrix[:3, :3]) - 1) / 2
        return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))

    def to_second(self, positions_mm: npt.ArrayLike) -> Floats:
        """Turn LPS mm of the first phase, shape (..., 3), into those of the second."""
        return np.asarray(np.asarray(positions_mm, float) @ self.matrix[:3, :3].T + self.matrix[:3, 3])

    def brought_back(self, volume: Volume) -> Volume:
        """Return the second phase on a grid that is turned and shifted onto the first: no voxel is interpolated."""
        return Volume(
            hu=volume.hu,
            geometry=_moved(volume.geometry, np.asarray(np.linalg.inv(self.matrix), np.float64)),
            acquisition=volume.acquisition,
            reasons=volume.reasons,
        )


def _moved(grid: Geometry, matrix: Floats) -> Geometry:
    turn, shift = matrix[:3, :3], matrix[:3, 3]
    first, second, third = (as_point(turn @ axis) for axis in np.array(grid.axes))
    origin = as_point(turn @ np.array(grid.origin_mm) + shift)
    return Geometry(shape=grid.shape, spacing_mm=grid.spacing_mm, origin_mm=origin, axes=(first, second, third))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SecondPhase:
    """Another phase of the exam that was analysed."""

    volume: Volume
    contrast: Contrast
    alignment: Alignment | None
    """Of the base of the heart; None if the two do not fit."""
    reasons: tuple[Reason, ...] = ()


def name_of(phase: Volume) -> str:
    """Return what to call another phase in a sentence."""
    percent = phase.acquisition.cardiac_phase_percent
    return "the second phase" if percent is None else f"the phase at {percent:g} % of the R-R interval"
