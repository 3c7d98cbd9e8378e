"""The chance that what is as bright as blood inside a mass is blood: that the mass has a cavity.

A logistic model of what a reader looks at; its coefficients, in `filling.json`, are fitted to uneven and even masses by
`benchmarks/filling.py`, which judges each by a fit without it.
"""

import numpy as np

from ccma_seg.anatomy.findings import Anatomy
from ccma_seg.lesion.bright import Bright
from ccma_seg.lesion.findings import CORE, Lesion, Passage
from ccma_seg.lesion.openings import faces_part, lining_mm2, openings_before
from ccma_seg.lesion.params import LesionParams
from ccma_seg.lesion.surface import envelope_points, vertex_areas
from ccma_seg.logistic import logistic_models
from ccma_seg.volume import Volume

_OPENINGS = ("shut", "clearly_shut", "walled_off")
_AGAINST, _EVEN = -0.5, 0.5
"""Log odds by which openings speak for paste, beyond what measuring them errs (proposal), and the chance that is left.
"""
_SOFT_HU = 90.0
"""Paste, clot and wall in place of a rim: between myocardium (95-110 with contrast) and the softest paste (40)."""
_NEAR_MM, _CLEAR_MM = 1.0, 1.5
"""Openings are looked at this far from the rim: the nearer, the more there is to see, and the more the rim brightens
it."""
_NEAR_MM2, _CLEAR_MM2, _WAY_MM2 = 20.0, 15.0, 10.0
"""As much surface, added to both sides of a comparison, makes little surface say little (proposal)."""
_BETWEEN = 0.4
"""What lies nearer to midway between bright and dark than this share of half their difference is neither."""
_ALL_BETWEEN, _NO_REST = 0.3, 1.0
"""Where nothing darker lies beside it: as if as much as in a core of one kind, and as bright."""
_USUAL_RATIO = 0.95
"""HU of a cavity over that of its chamber: 0.85-1.05 (proposal)."""
_MOST_WAY_MM = 4.0
"""Necks of 2-5 mm are known (Restivo 2023, Hamasaki 2017): a wider way is no surer."""
_FACES_OVER_SURFACE = 1.5
"""Area of the faces of voxels over that of the surface they make, for one that faces all ways evenly."""
_MOST_LINING = 0.3
"""Share of the surface from which on more lining says no more."""


def blood_chance(
    volume: Volume, anatomy: Anatomy, lesion: Lesion, bright: Bright, passage: Passage | None, *, params: LesionParams
) -> float:
    """Return the chance that the bright part of an inside is enhanced blood, blood and paste being as likely before.

    Lumps of paste can be as sharp, as even and as large as a cavity: where the openings speak for paste, whatever else
    is seen leaves it even at most.
    """
    evidence = evidence_of(volume, anatomy, lesion, bright, passage, params=params)
    model = logistic_models("ccma_seg.lesion", "filling.json")["blood"]
    openings = sum(model.weights[name] * evidence[name] for name in _OPENINGS)
    return min(model(evidence), _EVEN) if openings < _AGAINST else model(evidence)


def evidence_of(
    volume: Volume, anatomy: Anatomy, lesion: Lesion, bright: Bright, passage: Passage | None, *, params: LesionParams
) -> dict[str, float]:
    """Return what the model weighs, by name."""
    envelope, geometry = lesion.envelope, lesion.parts.geometry
    faces = faces_part(envelope, bright.mask, geometry)
    between_hu = ((bright.hu + _SOFT_HU) / 2, params.blood_like[1] * bright.hu)
    close, clear = (openings_before(envelope, faces, between_hu, clear_mm=mm) for mm in (_NEAR_MM, _CLEAR_MM))
    facing_mm2 = float(vertex_areas(envelope_points(envelope), faces.size)[faces].sum())
    lining = lining_mm2(volume, envelope, bright.hu, params=params)
    chamber_hu = passage.chamber_hu if passage else anatomy.contrast.blood_pool_hu or bright.hu
    return {
        "shut": _log_ratio(close.dark, close.alike, _NEAR_MM2),
        "clearly_shut": _log_ratio(clear.dark, clear.alike, _CLEAR_MM2),
        "walled_off": _log_ratio(clear.wall, clear.way, _WAY_MM2),
        "lined": min(lining / max(facing_mm2, 1.0), _MOST_LINING),
        "between": _share_between(bright),
        "rest": _NO_REST if bright.rest_hu is None else bright.rest_hu / bright.hu,
        "share": bright.share,
        "unlike_chamber": abs(bright.hu / chamber_hu - _USUAL_RATIO),
        "way": min(passage.neck_mm, _MOST_WAY_MM) if passage else 0.0,
        "border": _border(bright, lesion),
    }


def _log_ratio(first: float, second: float, little: float) -> float:
    return float(np.log((first + little) / (second + little)))


def _share_between(bright: Bright) -> float:
    """Return how much of the inside is neither bright nor dark: blood ends sharply, lumps of paste fade."""
    if bright.rest_hu is None:
        return _ALL_BETWEEN
    middle, reach = (bright.hu + bright.rest_hu) / 2, _BETWEEN * (bright.hu - bright.rest_hu) / 2
    return float(np.mean(np.abs(bright.smooth_hu[bright.clear] - middle) < reach))


def _border(bright: Bright, lesion: Lesion) -> float:
    """Return the surface towards the rest of the inside, over that of a ball of the same volume: lumps have more."""
    spacing, rest = lesion.parts.geometry.spacing_mm, lesion.parts.mask(CORE) & ~bright.mask
    area = 0.0
    for axis in range(3):
        part, other = np.moveaxis(bright.mask, axis, 0), np.moveaxis(rest, axis, 0)
        faces = int((part[:-1] & other[1:]).sum()) + int((other[:-1] & part[1:]).sum())
        area += faces * float(np.prod(spacing)) / spacing[axis]
    volume_mm3 = float(bright.mask.sum() * np.prod(spacing))
    return float(area / _FACES_OVER_SURFACE / (np.pi ** (1 / 3) * (6 * volume_mm3) ** (2 / 3)))
