"""The annulus as a clock: which part of it is calcified."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy.sectors import TRIGONE_DEG, Sector, sector
from ccma_seg.calcium import CalciumKind
from ccma_seg.calcium.extent import ARC_BIN_DEG, calcified_deg, make_bricks, round_the_ring
from ccma_seg.calcium.scores import hu_on_grid
from ccma_seg.geometry import Floats, voxels_in
from ccma_seg.pipeline import Analysis, covered_by
from ccma_seg.report.pictures import svg_path

_RADIUS = 80.0
"""Of the ring, in the clock's own units; masses lie within it, names outside."""
_MASS_RADIUS, _NAME_RADIUS, _TRIGONE_RADIUS = 66.0, 108.0, 96.0
_BORDER = (72.0, 90.0)
_NAMES = {Sector.ANTEROLATERAL_COMMISSURE: "AL", Sector.POSTEROMEDIAL_COMMISSURE: "PM"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The annulus seen from the atrium, anterior up and lateral to the left; centre at 0, 0."""

    radius: float
    names: tuple[tuple[str, float, float], ...]
    """Of each segment, and where it stands."""
    borders: str
    """SVG path: between segments."""
    trigones: tuple[tuple[float, float], ...]
    band: str
    """SVG path: annular calcium without masses."""
    masses: str
    """SVG path: masses."""


def make_clock(analysis: Analysis) -> Clock | None:
    """Return the calcified arc round the annulus and its segments; None without an annulus."""
    if analysis.calcium is None or analysis.anatomy.annulus is None:
        return None
    annular = analysis.calcium.voxels_of_kind(CalciumKind.ANNULAR)
    covered = covered_by(analysis.masses, analysis.calcium.geometry)
    band = annular[~covered[tuple(annular.T)]]
    segments = {name: np.array(list(run)) for name, run in groupby(range(-_half_of_p2(), 360 - _half_of_p2()), sector)}
    return Clock(
        radius=_RADIUS,
        names=tuple((_NAMES.get(Sector(n), n), *_at(float(run.mean()), _NAME_RADIUS)) for n, run in segments.items()),
        borders="".join(svg_path(np.array([_at(run[0] - 0.5, r) for r in _BORDER])) for run in segments.values()),
        trigones=(_at(TRIGONE_DEG, _TRIGONE_RADIUS), _at(-TRIGONE_DEG, _TRIGONE_RADIUS)),
        band=_arcs(_angles_deg(analysis, band), _RADIUS),
        masses=_arcs(_angles_deg(analysis, voxels_in(covered)), _MASS_RADIUS),
    )


def _half_of_p2() -> int:
    """Return the angle (degrees) up to which the middle segment reaches."""
    return next(angle for angle in range(180) if sector(angle + 1) != Sector.P2)


def _angles_deg(analysis: Analysis, voxels: npt.NDArray[np.intp]) -> Floats:
    calcium, annulus = analysis.calcium, analysis.anatomy.annulus
    assert calcium is not None
    assert annulus is not None
    bricks = make_bricks(hu_on_grid(analysis.volume, calcium), voxels, calcium, annulus)
    return calcified_deg(round_the_ring(bricks, analysis.config.calcium))


def _arcs(angles_deg: Floats, radius: float) -> str:
    """Return each angle's bin as a short stroke along a circle; neighbours overlap a little."""
    ends = np.linspace(-0.55, 0.55, 3) * ARC_BIN_DEG
    return "".join(svg_path(np.array([_at(angle + end, radius) for end in ends])) for angle in angles_deg)


def _at(angle_deg: float, radius: float) -> tuple[float, float]:
    """Return where an angle round the annulus lies: 0 (posterior) at the bottom, +90 (lateral) to the left."""
    angle = np.radians(angle_deg)
    return round(float(-radius * np.sin(angle)), 1), round(float(radius * np.cos(angle)), 1)
