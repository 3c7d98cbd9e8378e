"""What is calcified, and to what each calcification belongs."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from ccma_seg.calcium.threshold import Blood
from ccma_seg.geometry import Bools, Geometry, Point, flat_from
from ccma_seg.reasons import Reason


class CalciumKind(StrEnum):
    """The place of a calcification; only `ANNULAR` makes MAC or CCMA."""

    ANNULAR = "annular"
    UNDECIDED = "undecided"
    """Annulus or something beside it: the images do not tell."""
    CORONARY = "coronary"
    AORTIC_VALVE = "aortic_valve"
    AORTIC_WALL = "aortic_wall"
    PAPILLARY = "papillary"
    MYOCARDIAL = "myocardial"
    PERICARDIAL = "pericardial"
    BONE = "bone"
    METAL = "metal"
    CONTRAST = "contrast"
    """Dense venous contrast: not calcium, though above the threshold."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calcification:
    """One connected component above the calcium threshold."""

    label: int
    """Its value in `CalciumMap.labels`."""
    kind: CalciumKind
    volume_mm3: float
    centroid_mm: Point
    peak_hu: int
    reason: str = ""
    """Why it is of this kind, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalciumMap:
    """Everything above the calcium threshold near the heart."""

    labels: npt.NDArray[np.integer]
    """(slice, row, column); 0 is none, others are `Calcification.label`."""

    geometry: Geometry
    """A crop of the volume's grid."""

    threshold_hu: float
    threshold_rule: str
    """The rule that gave the threshold, in words with its figures."""

    calcifications: tuple[Calcification, ...]
    """Largest first."""

    blood: Blood | None = None
    """What the threshold and the background of the calcium are told from; None where it was not measured."""

    detection_limit_mm3: float | None = None
    """The smallest compact focus, 300 HU above its surroundings, that this exam would show at the annulus in nine of
    ten cases; None without an annulus."""

    doubt: str = ""
    """One sentence on what is undecided, and what would settle it; empty where nothing is."""

    reasons: tuple[Reason, ...] = field(default=())

    calcified: npt.NDArray[np.intp] = field(init=False, repr=False)
    """Rising index into the flattened labels of what has one: looked up once, for few voxels have."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "calcified", flat_from(self.labels, 1))

    def of_kind(self, kind: CalciumKind) -> Bools:
        """Return where calcium of one kind is, as booleans on `geometry`."""
        return self.where(c.label for c in self.calcifications if c.kind == kind)

    def where(self, labels: Iterable[int]) -> Bools:
        """Return where some calcifications are, as booleans on `geometry`."""
        mask = np.zeros(self.labels.shape, bool)
        mask[tuple(self.voxels(labels).T)] = True
        return mask

    def volume_of_kind_mm3(self, kind: CalciumKind) -> float:
        """Return how much calcium of one kind there is."""
        return sum(c.volume_mm3 for c in self.calcifications if c.kind == kind)

    def voxels_of_kind(self, kind: CalciumKind) -> npt.NDArray[np.intp]:
        """List the voxels of calcium of one kind, (n, 3), in order."""
        return self.voxels(c.label for c in self.calcifications if c.kind == kind)

    def voxels(self, labels: Iterable[int]) -> npt.NDArray[np.intp]:
        """List the voxels of some calcifications, (n, 3), in order."""
        chosen = self.calcified[np.isin(self.labels.reshape(-1)[self.calcified], list(labels))]
        return np.stack(np.unravel_index(chosen, self.labels.shape), axis=-1)
