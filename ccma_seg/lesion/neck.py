"""The neck: the narrowest place of the widest way from a cavity to a chamber."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

from ccma_seg.anatomy.findings import Anatomy
from ccma_seg.geometry import Bools, Floats, as_point, unit
from ccma_seg.lesion import sphere
from ccma_seg.lesion.channel import Channel, Surroundings, find_channel, look_round
from ccma_seg.lesion.findings import Envelope, Lesion, Passage
from ccma_seg.lesion.gaps import CHAMBERS
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.stations import blur_sigma_mm
from ccma_seg.volume import Volume

_OPENINGS = 4
"""Most openings that are looked at, the largest first."""
_BESIDE_MM = 0.5
"""What is looked at beside the narrowest place of a way, beyond its clearance."""
_LOOK_OUT_MM = (0.0, 6.0)
"""How far beyond the end of a way the label of a chamber is looked for."""
_SOFT_HU = 60.0
"""Paste and wall next to blood: between core (20-130) and unenhanced myocardium (45)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Way:
    """A way out through one opening."""

    channel: Channel
    direction: Floats
    chamber: int
    """Label of the blood pool it leads to; 0 if to none."""
    outside_hu: float


def find_passage(volume: Volume, anatomy: Anatomy, lesion: Lesion, *, params: LesionParams) -> Passage | None:
    """Return the widest way from inside a mass to a chamber; None if there is none as wide as `neck_possible_mm`.

    Blood is what lies between the half-maxima towards soft tissue and towards the rim. The clearance at a place is
    its distance to what is not blood; the width of a way is twice the least clearance on it. Blur narrows the
    half-maximum contour of a channel of radius R by sigma^2 / (2 R), which is put back.
    """
    blood_hu = anatomy.contrast.blood_pool_hu
    if blood_hu is None or anatomy.blood_pools is None:
        return None
    openings = _openings(lesion.envelope, blood_hu)[:_OPENINGS]
    found = (_way_through(volume, anatomy, lesion, places, params=params) for places in openings)
    ways = sorted((w for w in found if w is not None and w.chamber), key=lambda w: -w.channel.clearance_mm)
    if not ways:
        return None
    widest, smoothing_mm = ways[0], _smoothing_mm(anatomy, params)
    neck = neck_mm(volume, widest.channel, widest.direction, smoothing_mm=smoothing_mm, params=params)
    if neck < params.neck_possible_mm:
        return None
    wide = [way for way in ways if 2 * way.channel.clearance_mm >= params.neck_possible_mm]
    reached = {way.chamber for way in (widest, *wide)}  # a pore in a noisy rim leads nowhere
    return Passage(
        neck_mm=neck,
        chamber_hu=widest.outside_hu,
        direction=as_point(widest.direction),
        chambers=tuple(name for label, name in CHAMBERS.items() if label in reached),
    )


def neck_mm(volume: Volume, channel: Channel, direction: Floats, *, smoothing_mm: float, params: LesionParams) -> float:
    """Return the width of a channel, what blur took from its half-maximum contour put back."""
    across = np.linalg.svd(direction[None])[2][1:]
    variance = float((blur_sigma_mm(volume, across, params) ** 2).mean()) + smoothing_mm**2
    return 2 * channel.clearance_mm + variance / channel.clearance_mm


def _way_through(
    volume: Volume, anatomy: Anatomy, lesion: Lesion, places: Bools, *, params: LesionParams
) -> _Way | None:
    """Follow the way through an opening; where the grid over all of it is coarse, again round its narrowest place."""
    envelope, smoothing_mm = lesion.envelope, _smoothing_mm(anatomy, params)
    around = look_round(volume, envelope, places, smoothing_mm=smoothing_mm, params=params)
    channel = find_channel(around, _blood(anatomy, envelope, around), goal=around.outside)
    if channel is not None and around.step_mm > params.neck_step_mm:
        close = _near(envelope, channel)
        around = look_round(volume, envelope, close, smoothing_mm=smoothing_mm, params=params)
        channel = find_channel(around, _blood(anatomy, envelope, around), goal=around.outside)
    if channel is None:
        return None
    outside = channel.filled & around.outside
    direction = unit(channel.narrowest_mm - np.array(envelope.center_mm))
    return _Way(
        channel=channel,
        direction=direction,
        chamber=_chamber(anatomy, around, outside, direction),
        outside_hu=float(np.median(around.hu[outside])),
    )


def _blood(anatomy: Anatomy, envelope: Envelope, around: Surroundings) -> Bools:
    """Tell what lies between the half-maxima towards soft tissue and towards the rim."""
    blood_hu = anatomy.contrast.blood_pool_hu or 0.0
    rim_hu = envelope.usual_rim_hu
    soft_hu = min(anatomy.myocardium_hu or _SOFT_HU, _SOFT_HU)
    return np.asarray((around.hu > (blood_hu + soft_hu) / 2) & (around.hu < (blood_hu + rim_hu) / 2))


def _near(envelope: Envelope, channel: Channel) -> Bools:
    """Return the directions of the envelope that lie close to the narrowest place of a channel."""
    towards = channel.narrowest_mm - np.array(envelope.center_mm)
    turn = (channel.clearance_mm + _BESIDE_MM) / np.linalg.norm(towards)
    cosine = np.asarray(sphere.directions(envelope.covered.size) @ unit(towards))
    return np.asarray(cosine >= np.cos(min(float(turn), np.pi)))


def _openings(envelope: Envelope, blood_hu: float) -> list[Bools]:
    """Return the connected places where the rim is thin or missing and not filled with soft tissue, largest first."""
    usual = envelope.usual_rim_hu
    thin = np.logical_or(~envelope.covered, envelope.rim_hu < (usual + blood_hu) / 2)
    open_ = np.logical_and(thin, envelope.rim_hu > (blood_hu + _SOFT_HU) / 2)
    count, group = connected_components(sphere.neighbours(open_.size)[open_][:, open_], directed=False)
    where = np.flatnonzero(open_)
    sizes = np.bincount(group, minlength=count)
    return [_marked(where[group == k], open_.size) for k in np.argsort(-sizes, kind="stable")]


def _marked(where: sphere.Indices, count: int) -> Bools:
    marked = np.zeros(count, bool)
    marked[where] = True
    return marked


def _chamber(anatomy: Anatomy, around: Surroundings, outside: Bools, direction: Floats) -> int:
    """Return the blood pool that most of the blood outside belongs to, or that lies straight ahead; 0 if none."""
    ends = around.grid.to_patient(np.argwhere(outside))
    labels = pool_labels(anatomy, ends)
    if not labels.any():
        far = ends[(ends @ direction).argmax()]
        ahead = far + np.arange(*_LOOK_OUT_MM, 0.5)[:, None] * direction
        labels = pool_labels(anatomy, ahead)
    votes = np.bincount(labels[labels > 0])
    return int(votes.argmax()) if votes.size else 0


def _smoothing_mm(anatomy: Anatomy, params: LesionParams) -> float:
    return params.neck_smoothing * (anatomy.contrast.blood_pool_sd_hu or 0.0)


def pool_labels(anatomy: Anatomy, points_mm: Floats) -> npt.NDArray[np.uint8]:
    """Return the blood-pool label at positions, shape (n, 3); 0 beyond the labels."""
    pools = anatomy.blood_pools
    if pools is None:
        return np.zeros(len(points_mm), np.uint8)
    index = np.rint(pools.geometry.to_index(points_mm)).astype(int)
    valid = np.asarray(((index >= 0) & (index < pools.labels.shape)).all(axis=1))
    index = np.where(valid[:, None], index, 0)
    return np.where(valid, pools.labels[tuple(index.T)], 0).astype(np.uint8)
