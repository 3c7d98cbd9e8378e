"""Patches of one mass: a broken shell is several components, and its far side does not touch the annulus."""

import numpy as np
from scipy.spatial import ConvexHull, QhullError, cKDTree

from ccma_seg.calcium.components import Components
from ccma_seg.calcium.features import Features
from ccma_seg.calcium.findings import CalciumKind
from ccma_seg.calcium.sorting import Place, is_bright_blood
from ccma_seg.geometry import Bools, Floats

MIN_SEED_MM3 = 50.0
"""Smallest annular calcification that others may belong to (proposal)."""

HULL_MARGIN_MM = 2.0
"""Within the convex hull of annular calcium, or this far outside: a patch of the same mass (proposal)."""

GAP_MM = 3.0
"""Gap across which any patch belongs: a neck is 2-3 mm (Restivo 2023, Hamasaki 2017)."""

GAP_SHARE = 0.75
"""Of the radius of gyration of the calcium found so far: the shell of a mass may lack large patches (proposal)."""

MAX_GAP_MM = 12.0
"""Never across more: patches of a broken rim are about 14 mm (proposal)."""

MAX_PATCHED_MM = 60.0
"""Patches further from the annulus belong to something else: the largest mass reported has 53 mm."""

JOINING = frozenset(
    {
        CalciumKind.UNKNOWN,
        CalciumKind.UNDECIDED,
        CalciumKind.CORONARY,
        CalciumKind.PAPILLARY,
        CalciumKind.MYOCARDIAL,
        CalciumKind.PERICARDIAL,
    }
)
"""Kinds given by place alone, which a neighbouring mass may overrule."""

MAX_ROUNDS = 10
"""Each round adds the patches next to those found so far."""

Kinds = list[tuple[CalciumKind, str]]


def gather_patches(components: Components, features: list[Features], kinds: Kinds, place: Place) -> Kinds:
    """Make annular what belongs to an annular mass: what its hull holds, and strong patches across a small gap."""
    result = list(kinds)
    for _ in range(MAX_ROUNDS):
        seeds = _labels(result, features)
        added = _patches(components, features, result, seeds, place) if seeds else []
        if not added:
            break
        for label in added:
            result[label - 1] = CalciumKind.ANNULAR, "patch of a mass at the annulus"
    return result


def _labels(kinds: Kinds, features: list[Features]) -> list[int]:
    annular = [i + 1 for i, (kind, _) in enumerate(kinds) if kind == CalciumKind.ANNULAR]
    large = [i for i in annular if features[i - 1].volume_mm3 >= MIN_SEED_MM3]
    return annular if large else []


def _patches(
    components: Components, features: list[Features], kinds: Kinds, seeds: list[int], place: Place
) -> list[int]:
    candidates = [i + 1 for i, (kind, _) in enumerate(kinds) if _may_be_patch(features[i], kind, place)]
    if not candidates:
        return []
    positions = components.positions_mm
    seed = positions[np.isin(components.label, seeds)]
    chosen = np.isin(components.label, candidates)
    ask, label = positions[chosen], components.label[chosen]
    inside = np.bincount(label, _in_hull(ask, seed), components.count + 1)
    size = float(np.sqrt(seed.var(axis=0).sum()))
    reach = float(np.clip(GAP_SHARE * size, GAP_MM, MAX_GAP_MM))
    gap, _ = cKDTree(seed).query(ask, distance_upper_bound=reach)
    beside = np.bincount(label, np.isfinite(gap), components.count + 1) > 0
    voxels = components.voxels
    return [
        c
        for c in candidates
        if inside[c] >= voxels[c - 1] / 2
        or (beside[c] and voxels[c - 1] < len(seed) and not is_bright_blood(features[c - 1], place))
    ]


def _may_be_patch(features: Features, kind: CalciumKind, place: Place) -> bool:
    in_fat = kind == CalciumKind.CORONARY or features.fat >= place.params.coronary_fat_share
    vessel = in_fat and features.width_mm <= place.params.coronary_width_mm
    return kind in JOINING and features.nearest_mm < MAX_PATCHED_MM and not vessel


def _in_hull(positions: Floats, points: Floats) -> Bools:
    try:
        planes = ConvexHull(points).equations
    except QhullError:  # flat or too few
        return np.zeros(len(positions), bool)
    return np.asarray((positions @ planes[:, :3].T + planes[:, 3]).max(axis=1) <= HULL_MARGIN_MM)
