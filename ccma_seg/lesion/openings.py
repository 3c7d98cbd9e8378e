"""What fills the openings of the rim, and what lines it: blood needs a wall where there is no rim, paste does not."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import eye_array

from ccma_seg.geometry import Bools, Floats, Geometry
from ccma_seg.lesion import sphere
from ccma_seg.lesion.findings import Envelope
from ccma_seg.lesion.gaps import distance_to_rim_mm
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.rays import roughly_at
from ccma_seg.lesion.surface import envelope_points, vertex_areas
from ccma_seg.volume import Volume

_LOOK_IN_MM = (1.0, 1.75, 2.5)
"""Below the inner surface: where an opening has what it would let out."""
_DEPTHS_MM = (0.75, 1.0, 1.25, 1.5, 2.0, 2.5)
"""Where a layer of paste is looked for below the rim: clear of its blur of 0.8 mm, and before the inside proper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Openings:
    """Surface of openings before a bright part of the inside, by what is in place of the rim, in mm2."""

    dark: float
    """Something darker than midway between that part and soft tissue: wall or paste that keeps it in."""
    wall: float
    """Of that, with something brighter outside: what keeps blood from blood."""
    alike: float
    """As bright as that part, and dark outside: blood would not stop there, paste does."""
    way: float
    """As bright as that part, and bright outside: a neck, or paste next to a chamber."""


def faces_part(envelope: Envelope, part: Bools, geometry: Geometry) -> Bools:
    """Tell which directions, (n,), have a part of the inside, on some grid, just below the inner surface."""
    lines = sphere.directions(envelope.covered.size)
    found = np.zeros(envelope.covered.size, bool)
    for depth in _LOOK_IN_MM:
        places = envelope.center_mm + np.maximum(envelope.inner_radius_mm - depth, 0.0)[:, None] * lines
        index = np.clip(np.rint(geometry.to_index(places)).astype(int), 0, np.array(geometry.shape) - 1)
        found |= part[tuple(index.T)]
    return found


def openings_before(envelope: Envelope, faces: Bools, between_hu: tuple[float, float], *, clear_mm: float) -> Openings:
    """Return what fills the openings before a part of the inside.

    Parameters
    ----------
    envelope
        Of the mass.
    faces
        (n,): which directions have that part just below the inner surface.
    between_hu
        Midway between that part and soft tissue, and the most that can be of that part: what is denser is thin rim.
    clear_mm
        Places nearer to the rim than this do not count: it brightens what lies beside it.
    """
    points, open_ = envelope_points(envelope), ~envelope.covered
    if not open_.any():
        return Openings(dark=0.0, wall=0.0, alike=0.0, way=0.0)
    away = distance_to_rim_mm(points, open_)
    rim, outside = (_averaged(hu, open_) for hu in (envelope.rim_hu, envelope.outside_hu))
    cut_hu, most_hu = between_hu
    before = open_ & faces & (away >= clear_mm) & (rim <= most_hu)
    bright_out, dark = outside >= cut_hu, rim < cut_hu
    areas = vertex_areas(points, open_.size)
    kinds = (before & dark, before & dark & bright_out, before & ~dark & ~bright_out, before & ~dark & bright_out)
    return Openings(**{name: float(areas[k].sum()) for name, k in zip(Openings.__slots__, kinds, strict=True)})


def lining_mm2(volume: Volume, envelope: Envelope, bright_hu: float, *, params: LesionParams) -> float:
    """Return on how much of the rim something darker than both lies between it and an inside as bright as blood.

    Blur cannot make it, and the undershoot of a sharp kernel is a share of the step to the rim: it is a layer of paste.
    """
    lines = sphere.directions(envelope.covered.size)
    radii = np.maximum(envelope.inner_radius_mm[:, None] - np.array(_DEPTHS_MM), 0.0)
    hu = roughly_at(volume, envelope.center_mm + radii[..., None] * lines[:, None, :])
    near = sphere.neighbours(lines.shape[0]) + eye_array(lines.shape[0], format="csr")
    twice = (near @ near).astype(bool).astype(float)
    darkest = (twice @ hu / twice.sum(axis=1)[:, None]).min(axis=1)
    step_hu = envelope.usual_rim_hu - bright_hu
    least_hu = max(params.leak_below_blood_hu, params.undershoot * step_hu)
    walled = near @ (~envelope.covered).astype(float) == 0
    areas = vertex_areas(envelope_points(envelope), envelope.covered.size)
    return float(areas[walled & (bright_hu - darkest >= least_hu)].sum())


def _averaged(hu: Floats, open_: Bools) -> Floats:
    """Average over neighbouring open directions, against noise."""
    near = sphere.neighbours(open_.size) + eye_array(open_.size, format="csr")
    count = near @ open_.astype(float)
    return np.asarray(near @ np.where(open_, hu, 0.0) / np.maximum(count, 1.0), float)
