"""Which lesion of one exam is which of the other: by their place in the frames of the two annuli."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ccma_seg.geometry import Floats

Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a lesion lies in the frame of its annulus."""

    angle_deg: float
    """0 = mid posterior, + towards anterolateral."""
    radial_mm: float
    """From the axis of the annulus."""
    apical_mm: float
    """From its plane, towards the apex."""

    @property
    def point_mm(self) -> Floats:
        """Along posterior, anterolateral and apical."""
        angle = np.radians(self.angle_deg)
        return np.array([self.radial_mm * np.cos(angle), self.radial_mm * np.sin(angle), self.apical_mm])


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One lesion in two exams; None where an exam does not have it."""

    baseline: Record | None
    followup: Record | None
    distance_mm: float | None = None


def place_of(record: Record, lesion: Record) -> Place | None:
    """Return the place of a lesion of a record; None without an annulus."""
    center, normal, angle = record["annulus"]["center_mm"], record["annulus"]["normal"], lesion["annulus_angle_deg"]
    if center is None or normal is None or angle is None:
        return None
    offset = np.array(lesion["centroid_mm"]) - center
    apical = float(offset @ np.array(normal))
    radial = float(np.linalg.norm(offset - apical * np.array(normal)))
    return Place(angle_deg=angle, radial_mm=radial, apical_mm=apical)


def match_lesions(baseline: Record, followup: Record, *, within_mm: float) -> tuple[Match, ...]:
    """Pair the lesions of two records, the nearest first; what is left is new or gone.

    Parameters
    ----------
    baseline, followup
        As in `report.json`.
    within_mm
        How far apart the same lesion may lie.
    """
    before, after = ([(x, place_of(r, x)) for x in r["lesions"]] for r in (baseline, followup))
    apart = sorted(
        (float(np.linalg.norm(p.point_mm - q.point_mm)), i, j)
        for (i, (_, p)), (j, (_, q)) in product(enumerate(before), enumerate(after))
        if p is not None and q is not None
    )
    pairs: dict[int, tuple[int, float]] = {}
    for distance, i, j in apart:
        if distance <= within_mm and i not in pairs and j not in {k for k, _ in pairs.values()}:
            pairs[i] = (j, distance)
    found = [Match(baseline=before[i][0], followup=after[j][0], distance_mm=d) for i, (j, d) in sorted(pairs.items())]
    gone = [Match(baseline=x, followup=None) for i, (x, _) in enumerate(before) if i not in pairs]
    taken = {j for j, _ in pairs.values()}
    new = [Match(baseline=None, followup=x) for j, (x, _) in enumerate(after) if j not in taken]
    return (*found, *gone, *new)
