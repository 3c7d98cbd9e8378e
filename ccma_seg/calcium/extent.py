"""How far annular calcium reaches: round the ring, radially, apically."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.sectors import TRIGONE_DEG
from ccma_seg.calcium.findings import CalciumMap
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.ring import dense_ring, ring_radius_at
from ccma_seg.geometry import Bools, Floats

ARC_BIN_DEG = 2.0
"""Resolution of the arc; voxels are taken as bricks, so that coarse ones leave no holes."""

_PEAK = 95.0
"""Percentile of HU that stands for the peak of a sector's calcium."""

PART_MM = 0.5
"""Voxels are cut into parts no longer than this, and thickness is counted in steps of it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bricks:
    """Parts of calcified voxels, in the frame of the annulus."""

    angle_deg: Floats
    radius_mm: Floats
    outward_mm: Floats
    """Further from the axis than the ring at the same angle."""
    depth_mm: Floats
    """Apical of the ring at the same angle."""
    hu: Floats
    part_mm3: float

    def parts_of(self, calcium: CalciumMap) -> int:
        """Return how many parts a voxel is cut into: they follow each other."""
        return round(calcium.geometry.voxel_mm3 / self.part_mm3)

    def where(self, keep: Bools | npt.NDArray[np.intp]) -> "Bricks":
        """Keep some of them."""
        return Bricks(
            angle_deg=self.angle_deg[keep],
            radius_mm=self.radius_mm[keep],
            outward_mm=self.outward_mm[keep],
            depth_mm=self.depth_mm[keep],
            hu=self.hu[keep],
            part_mm3=self.part_mm3,
        )


def make_bricks(
    hu: npt.NDArray[np.int16], index: npt.NDArray[np.intp], calcium: CalciumMap, annulus: MitralAnnulus
) -> Bricks:
    """Cut voxels, (n, 3), into parts, and describe each in the frame of the annulus."""
    counts = np.ceil(np.array(calcium.geometry.spacing_mm) / PART_MM).astype(int)
    parts = np.array(list(product(*((np.arange(n) + 0.5) / n - 0.5 for n in counts))))
    positions = calcium.geometry.to_patient((index[:, None] + parts[None]).reshape(-1, 3))
    frame = annulus.to_frame(positions)
    angle = np.degrees(np.arctan2(frame[:, 1], frame[:, 0]))
    radius = np.hypot(frame[:, 0], frame[:, 1])
    ring_radius, ring_depth = ring_radius_at(annulus.to_frame(dense_ring(annulus.curve_mm)), angle)
    return Bricks(
        angle_deg=angle,
        radius_mm=radius,
        outward_mm=radius - ring_radius,
        depth_mm=frame[:, 2] - ring_depth,
        hu=np.repeat(hu[tuple(index.T)].astype(float), len(parts)),
        part_mm3=calcium.geometry.voxel_mm3 / len(parts),
    )


def round_the_ring(bricks: Bricks, params: CalciumParams) -> Bricks:
    """Leave out what lies near the axis: its angle means nothing."""
    ring_radius = bricks.radius_mm - bricks.outward_mm
    return bricks.where(bricks.radius_mm >= params.inner_share * ring_radius)


def _bins(angle_deg: Floats, width_deg: float) -> npt.NDArray[np.intp]:
    return np.asarray(np.floor((angle_deg + 180) / width_deg), np.intp) % int(360 / width_deg)


def calcified_deg(bricks: Bricks) -> Floats:
    """Return the angles round the annulus at which there is calcium, in steps of `ARC_BIN_DEG`."""
    return np.asarray((np.unique(_bins(bricks.angle_deg, ARC_BIN_DEG)) + 0.5) * ARC_BIN_DEG - 180)


def thickness_mm(bricks: Bricks, *, threshold_hu: float, background_hu: float, params: CalciumParams) -> Floats:
    """Return the radial thickness in each calcified sector, at half of the local calcium (T3)."""
    if not bricks.hu.size:
        return np.zeros(0)
    _, sector = np.unique(_bins(bricks.angle_deg, params.thickness_bin_deg), return_inverse=True)
    level = np.maximum((_percentile_by(sector, bricks.hu, _PEAK) + background_hu) / 2, threshold_hu)
    dense = bricks.hu >= level[sector]
    return _longest_chords_mm(sector[dense], bricks.where(dense))


def _percentile_by(group: npt.NDArray[np.intp], values: Floats, percent: float) -> Floats:
    """Return a percentile of the values of each group 0, 1, ..., as `numpy.percentile` interpolates it."""
    ranked = values[np.lexsort((values, group))]
    counts = np.bincount(group)
    place = np.cumsum(counts) - counts + percent / 100 * (counts - 1)
    below = place.astype(int)
    above = np.minimum(below + 1, ranked.size - 1)
    return np.asarray(ranked[below] + (place - below) * (ranked[above] - ranked[below]))


def _longest_chords_mm(sector: npt.NDArray[np.intp], bricks: Bricks) -> Floats:
    """Return for each sector the longest radial line through calcium at any one depth."""
    depth, outward = (np.floor(v / PART_MM).astype(int) for v in (bricks.depth_mm, bricks.outward_mm))
    depths, widths = np.ptp(depth) + 1, np.ptp(outward) + 1
    cells = np.unique((sector * depths + depth - depth.min()) * widths + outward - outward.min())
    lines, chords = np.unique(cells // widths, return_counts=True)
    starts = np.flatnonzero(np.diff(lines // depths, prepend=-1))
    return np.asarray(np.maximum.reduceat(chords, starts) * PART_MM, float)


def leaflets(bricks: Bricks, params: CalciumParams) -> dict[str, bool]:
    """Tell which leaflets carry calcium, well inside the ring."""
    inner = bricks.where(bricks.outward_mm < -params.leaflet_inward_mm)
    posterior = np.abs(inner.angle_deg) <= TRIGONE_DEG
    volumes = {"posterior": posterior.sum() * inner.part_mm3, "anterior": (~posterior).sum() * inner.part_mm3}
    return {name: bool(volume >= params.min_leaflet_mm3) for name, volume in volumes.items()}


def extension_mm(bricks: Bricks) -> float | None:
    """Return how far calcium outside the ring reaches apical of it."""
    outside = bricks.depth_mm[bricks.outward_mm >= 0]
    return float(max(outside.max(), 0)) if outside.size else None
