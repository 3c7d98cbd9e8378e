"""From a volume and its anatomy to everything that is calcified, each with its kind."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.findings import Anatomy
from ccma_seg.calcium.chance import annular_chance
from ccma_seg.calcium.components import Components, Integers, find_components, make_components, without_specks
from ccma_seg.calcium.doubt import doubt_of
from ccma_seg.calcium.features import Features, Level, find_features, in_root
from ccma_seg.calcium.findings import Calcification, CalciumKind, CalciumMap
from ccma_seg.calcium.limit import FAT_BELOW_HU, detection_limit_mm3
from ccma_seg.calcium.mass import gather_patches
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.pools import Pools, find_dense_pools
from ccma_seg.calcium.ring import dense_ring, distance_to_ring
from ccma_seg.calcium.sorting import Place, place_of, sort_by_place
from ccma_seg.calcium.surroundings import find_surroundings
from ccma_seg.calcium.threshold import Threshold, find_threshold
from ccma_seg.calcium.visibility import Visibility, find_visibility
from ccma_seg.errors import GeometryError
from ccma_seg.geometry import Geometry, as_point, flat_from
from ccma_seg.reasons import Reason
from ccma_seg.volume import Volume

Kinds = list[tuple[CalciumKind, str]]


def find_calcium(volume: Volume, anatomy: Anatomy, params: CalciumParams = CalciumParams()) -> CalciumMap:
    """Find everything above the calcium threshold near the heart, and sort it by place.

    Parameters
    ----------
    volume
        Cardiac CT, (slice, row, column) HU; only a crop round heart and annulus is looked at.
    anatomy
        Of this volume. Without an annulus every kind is unknown.
    params
        Thresholds and distances.

    Returns
    -------
    CalciumMap
        On a crop of the volume's grid, calcifications by falling volume.

    Raises
    ------
    GeometryError
        If the anatomy lies outside the volume, or names neither heart nor annulus.
    """
    threshold = find_threshold(volume, anatomy, params)
    crop = region_of(volume, anatomy, params)
    if anatomy.annulus is None:
        above = flat_from(crop.hu, math.ceil(threshold.hu))
        components = without_specks(find_components(crop.hu, crop.geometry, above), params)
        reason = Reason("no_annulus", "Without a mitral annulus no calcium can be assigned a place.", degrades=True)
        kinds = [(CalciumKind.UNKNOWN, "no annulus")] * components.count
        return _as_map(components, kinds, threshold, (reason,))
    place = place_of(volume, anatomy, threshold, params)
    found = find_calcified(crop, anatomy, anatomy.annulus, threshold, place)
    return replace(
        _sorted_map(found, threshold, exam=volume),
        detection_limit_mm3=detection_limit_mm3(
            volume.geometry,
            found.visibility,
            above_hu=threshold.hu - _blood_hu(threshold, params),
            step_hu=FAT_BELOW_HU if place.blood is None else anatomy.contrast.enhancement_hu or FAT_BELOW_HU,
            params=params,
        ),
    )


def region_of(volume: Volume, anatomy: Anatomy, params: CalciumParams) -> Volume:
    """Crop a volume to where calcium is looked for: round the heart box and the annulus, as far as they are known."""
    geometry, corners = volume.geometry, []
    if anatomy.heart_box_mm is not None:
        low, high = np.array(anatomy.heart_box_mm)
        corners.append(low + np.indices((2, 2, 2)).reshape(3, 8).T * (high - low))
    if anatomy.annulus is not None:
        ring, margin = anatomy.annulus.curve_mm, params.annulus_margin_mm - params.heart_margin_mm
        corners.append(np.concatenate([ring - margin, ring + margin]))
    if not corners:
        raise GeometryError("calcium is looked for round the heart: the anatomy must have a heart box or an annulus")
    return volume.crop(geometry.slices_around(np.concatenate(corners), margin_mm=params.heart_margin_mm))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """What is calcified, or seems so, before it is given a kind."""

    components: Components
    features: list[Features]
    """Entry 0 belongs to label 1."""
    pooled: Components
    """Pools of dense contrast."""
    visibility: Visibility
    place: Place


def find_calcified(
    crop: Volume, anatomy: Anatomy, annulus: MitralAnnulus, threshold: Threshold, place: Place
) -> Candidates:
    """Find what stands out above the threshold, and measure size, place and surroundings of each."""
    ring, hu, params = dense_ring(annulus.curve_mm), crop.hu, place.params
    with ThreadPoolExecutor(1) as beside:
        above = beside.submit(flat_from, hu, math.ceil(threshold.hu))
        pools = _dense_pools(hu, crop.geometry, annulus, place)
        visibility = _visibility(crop, threshold, params)
    components, pooled = _parted(crop, above.result(), pools, visibility)
    components = visibility.seen(without_specks(components, params))
    components = replace(components, ring_mm=distance_to_ring(components.positions_mm, ring, annulus=annulus))
    components = _split_at_root(components, anatomy=anatomy, annulus=annulus, params=params)
    sample = partial(
        find_surroundings,
        components,
        hu,
        annulus=annulus,
        threshold_hu=threshold.hu,
        pools=pools,
        blood=place.blood,
        params=params,
    )
    features = find_features(
        components,
        sample(distance_mm=params.shell_mm),
        sample(distance_mm=params.wide_shell_mm),
        anatomy=anatomy,
        annulus=annulus,
        ring_mm=ring,
        level=Level(blood_hu=_blood_hu(threshold, params), noise_hu=visibility.voxel_sd_hu),
        params=params,
    )
    chance = partial(annular_chance, uncertainty_mm=place.uncertainty_mm, enhanced=place.blood is not None)
    features = [replace(f, annular_chance=chance(f)) for f in features]
    return Candidates(components=components, features=features, pooled=pooled, visibility=visibility, place=place)


def _sorted_map(found: Candidates, threshold: Threshold, *, exam: Volume) -> CalciumMap:
    components, features, place = found.components, found.features, found.place
    kinds = gather_patches(components, features, [sort_by_place(f, place) for f in features], place)
    undecided = [f for f, (kind, _) in zip(features, kinds, strict=True) if kind == CalciumKind.UNDECIDED]
    doubt = doubt_of(undecided, enhanced=place.blood is not None, slice_mm=exam.geometry.spacing_mm[0])
    reasons = (Reason("calcium_undecided", doubt),) if doubt else ()
    kinds += [(CalciumKind.CONTRAST, "pool of dense contrast")] * found.pooled.count
    return replace(_as_map(components.joined(found.pooled), kinds, threshold, reasons), doubt=doubt)


def _visibility(crop: Volume, threshold: Threshold, params: CalciumParams) -> Visibility:
    return find_visibility(crop.hu, crop.geometry, blood_hu=_blood_hu(threshold, params), params=params)


def _blood_hu(threshold: Threshold, params: CalciumParams) -> float:
    return threshold.hu - params.above_blood_hu if threshold.blood is None else threshold.blood.hu


def _parted(crop: Volume, flat: Integers, pools: Pools | None, visibility: Visibility) -> tuple[Components, Components]:
    """Return what is connected above the threshold and stands out of the noise, and pools of dense contrast apart."""
    place = np.unravel_index(flat, crop.hu.shape)
    label = np.zeros(flat.size, np.intp) if pools is None else pools.at(place).astype(np.intp)
    pooled = make_components(crop.hu, crop.geometry, flat[label > 0], label[label > 0], count=int(label.max(initial=0)))
    free = flat[(label == 0) & visibility.near(place)]
    return find_components(crop.hu, crop.geometry, free), pooled.relabelled(pooled.label)


def _dense_pools(hu: npt.NDArray[np.int16], geometry: Geometry, annulus: MitralAnnulus, place: Place) -> Pools | None:
    if place.blood is None:
        return None
    level = (place.blood.hu + place.threshold_hu) / 2
    pools = find_dense_pools(hu, geometry, level_hu=level, annulus=annulus, params=place.params)
    return pools if pools.blocks.any() else None


def _split_at_root(
    components: Components, *, anatomy: Anatomy, annulus: MitralAnnulus, params: CalciumParams
) -> Components:
    """Give the part of a calcification that lies in the aortic root a label of its own."""
    root = in_root(components, anatomy=anatomy, annulus=annulus, params=params)
    share = components.mean(root)
    touches = components.min(components.ring_mm) <= params.near_annulus_mm
    mixed = touches & (share >= params.min_split_share) & (share <= 1 - params.min_split_share)
    apart = root & mixed[components.label - 1] if components.count else root
    return components.relabelled(components.label + components.count * apart)


def _as_map(components: Components, kinds: Kinds, threshold: Threshold, reasons: tuple[Reason, ...]) -> CalciumMap:
    order = np.argsort(-components.voxels, kind="stable")
    rank = np.empty(components.count, int)
    rank[order] = np.arange(components.count)
    ranked = replace(components, label=rank[components.label - 1] + 1)
    centroid, peak, volume = ranked.mean(ranked.positions_mm), ranked.max(ranked.hu), ranked.volume_mm3
    calcifications = tuple(
        Calcification(
            label=new + 1,
            kind=kinds[old][0],
            reason=kinds[old][1],
            volume_mm3=float(volume[new]),
            centroid_mm=as_point(centroid[new]),
            peak_hu=int(peak[new]),
        )
        for new, old in enumerate(order)
    )
    return CalciumMap(
        labels=ranked.image(),
        geometry=components.geometry,
        threshold_hu=threshold.hu,
        threshold_rule=threshold.rule,
        blood=threshold.blood,
        calcifications=calcifications,
        reasons=(*threshold.reasons, *reasons),
    )
