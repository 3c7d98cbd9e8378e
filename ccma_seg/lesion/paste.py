"""Paste at the rim: what shows whether an inside as bright as blood is blood, or paste that looks like it."""

import numpy as np
from scipy.sparse import csr_array, eye_array

from ccma_seg.geometry import Bools, Floats
from ccma_seg.lesion import sphere
from ccma_seg.lesion.findings import Envelope
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.rays import roughly_at
from ccma_seg.lesion.surface import envelope_points, vertex_areas
from ccma_seg.volume import Volume

_DEPTHS_MM = (0.75, 1.0, 1.25, 1.5, 2.0, 2.5)
"""Where a layer of paste is looked for below the rim: clear of its blur of 0.8 mm, and before the inside proper."""


def paste_in_openings_mm2(envelope: Envelope, params: LesionParams) -> float:
    """Return how much of the surface has something darker than both its inside and its outside in place of a rim.

    Blur cannot make it: it is a layer of paste that keeps blood from blood.
    """
    darker = np.minimum(envelope.inside_hu, envelope.outside_hu) - envelope.rim_hu >= params.leak_below_blood_hu
    return _area_mm2(envelope, darker & ~envelope.covered)


def paste_behind_rim_mm2(volume: Volume, envelope: Envelope, bright_hu: float, *, params: LesionParams) -> float:
    """Return on how much of the rim something darker than both lies between it and an inside as bright as blood.

    Blur cannot make it, and the undershoot of a sharp kernel is a share of the step to the rim: it is a layer of paste.
    """
    lines = sphere.directions(envelope.covered.size)
    radii = np.maximum(envelope.inner_radius_mm[:, None] - np.array(_DEPTHS_MM), 0.0)
    near = sphere.neighbours(lines.shape[0]) + eye_array(lines.shape[0], format="csr")
    hu = roughly_at(volume, envelope.center_mm + radii[..., None] * lines[:, None, :])
    darkest = _averaged(near @ near, hu).min(axis=1)
    step_hu = float(np.median(envelope.rim_hu[envelope.covered])) - bright_hu
    least_hu = max(params.leak_below_blood_hu, params.undershoot * step_hu)
    walled = near @ (~envelope.covered).astype(float) == 0
    return _area_mm2(envelope, walled & (bright_hu - darkest >= least_hu))


def paste_like_blood_mm2(envelope: Envelope, bright_hu: float, *, params: LesionParams) -> float:
    """Return how much of the surface has no rim, tissue outside, and what is as bright as the inside up to it.

    Blood would not stop there without a wall: it is paste as bright as blood.
    """
    return _area_mm2(envelope, _before_tissue(envelope, bright_hu, params) & ~_dark(envelope, bright_hu))


def wall_in_openings_mm2(envelope: Envelope, bright_hu: float, *, params: LesionParams) -> float:
    """Return how much of the surface has no rim, tissue outside, and something as dark in place of the rim.

    What is as bright as blood stops short of the surface, as blood does at a wall of paste.
    """
    darker = bright_hu - envelope.rim_hu >= params.leak_below_blood_hu
    return _area_mm2(envelope, _before_tissue(envelope, bright_hu, params) & _dark(envelope, bright_hu) & darker)


def _before_tissue(envelope: Envelope, bright_hu: float, params: LesionParams) -> Bools:
    return np.asarray(~envelope.covered & (bright_hu - envelope.outside_hu >= params.leak_below_blood_hu))


def _dark(envelope: Envelope, bright_hu: float) -> Bools:
    """Tell what is nearer to the tissue outside than to the inside; fat counts as water, which paste does not reach."""
    return np.asarray(envelope.rim_hu < (bright_hu + np.maximum(envelope.outside_hu, 0.0)) / 2)


def _averaged(near: csr_array, hu: Floats) -> Floats:
    """Average HU, (directions, depths), over neighbouring directions, against noise."""
    linked = near.astype(bool).astype(float)
    return np.asarray(linked @ hu / linked.sum(axis=1)[:, None], float)


def _area_mm2(envelope: Envelope, where: Bools) -> float:
    return float(vertex_areas(envelope_points(envelope), envelope.covered.size)[where].sum())
