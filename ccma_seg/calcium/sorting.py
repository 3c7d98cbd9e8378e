"""To what a calcification belongs, by its place: an ordered list of rules, the first that fits decides."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ccma_seg.anatomy.findings import Anatomy, ContrastState
from ccma_seg.calcium.features import Features
from ccma_seg.calcium.findings import CalciumKind
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.threshold import Blood, Threshold, calcium_gain_of
from ccma_seg.volume import Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What all rules may ask beside the component itself."""

    params: CalciumParams
    blood: Blood | None
    """None without contrast."""
    threshold_hu: float
    uncertainty_mm: float
    """Of the annulus."""
    calcium_gain: float = 1.0
    """HU of calcium over those at 120 kVp."""
    noise_hu: float = 0.0
    """Standard deviation, next to the annulus."""


def place_of(volume: Volume, anatomy: Anatomy, threshold: Threshold, params: CalciumParams) -> Place:
    """Return what rules may ask of an exam whose annulus is known."""
    assert anatomy.annulus is not None
    return Place(
        params=params,
        blood=None if anatomy.contrast.state == ContrastState.NONE else threshold.blood,
        threshold_hu=threshold.hu,
        uncertainty_mm=anatomy.annulus.uncertainty_mm,
        calcium_gain=calcium_gain_of(volume, params),
        noise_hu=threshold.blood.sd_hu if threshold.blood else 0.0,
    )


STREAK_SDS, UNDERSHOOT = 4.0, 0.1
"""How dark fat beside dense calcium may be without a streak: by noise, the darkest of thousands of places being looked
at, and by the undershoot of a sharp kernel, a share of the peak (proposal; 0.07 seen in phantoms)."""

Rule = Callable[[Features, Place], str | None]


def sort_by_place(features: Features, place: Place) -> tuple[CalciumKind, str]:
    """Return the kind of one component, and why in a few words.

    What fits no place but lies on an annulus that blood shows, within its standard error, is not passed over: a soft
    mass may hide the blood that would tell.
    """
    for kind, rule in RULES:
        why = rule(features, place)
        if why is not None:
            return kind, why
    if place.blood is not None and features.nearest_mm <= place.uncertainty_mm:
        return CalciumKind.UNDECIDED, f"{features.nearest_mm:.0f} mm from the annulus, and fits no other place"
    return CalciumKind.UNKNOWN, "fits no place"


def near_annulus(features: Features, place: Place) -> bool:
    """Tell whether a component touches the annulus (L1), give or take twice what that is known to."""
    return features.nearest_mm <= place.params.near_annulus_mm + 2 * place.uncertainty_mm


def is_bright_blood(features: Features, place: Place) -> bool:
    """Tell whether a component may be brighter blood: mixing, motion or a kernel's overshoot at a chamber's edge.

    It lies in the midst of blood, and is no brighter than such edges get; calcium has muscle or fat on one side.
    """
    limit = place.params.bright_blood
    return place.blood is not None and features.blood >= MIXING_BLOOD and features.peak_excess < limit


def _contrast(f: Features, place: Place) -> str | None:
    if place.blood is None:
        return None
    if f.pool >= MIN_POOL_CONTACT and not (near_annulus(f, place) and f.volume_mm3 > MAX_FRINGE_MM3):
        return f"fringe of dense contrast ({f.pool:.0%} of its surroundings)"
    few = f.metal_share < place.params.metal_share
    if f.peak_hu >= place.params.streak_metal_hu and few and not near_annulus(f, place):
        return f"streak of undiluted contrast: peak {f.peak_hu:.0f} HU, most of it far less"
    return None


def _metal(f: Features, place: Place) -> str | None:
    params, gain = place.params, max(place.calcium_gain, 1.0)
    if f.peak_hu >= min(params.metal_hu * gain, params.saturated_hu):
        return f"peak {f.peak_hu:.0f} HU"
    explained_hu = STREAK_SDS * place.noise_hu + UNDERSHOOT * f.peak_hu
    streaks = f.lowest_hu < params.streak_hu - explained_hu and f.lung == 0
    denser = f.peak_hu >= params.streak_metal_hu * gain
    return f"peak {f.peak_hu:.0f} HU with dark streaks" if denser and streaks else None


def _aortic_valve(f: Features, place: Place) -> str | None:
    in_fat = f.fat >= place.params.coronary_fat_share and f.width_mm <= place.params.coronary_width_mm
    if f.root_share < MOST_IN_ROOT or in_fat:
        return None
    return f"{f.root_mm:.0f} mm from the centre of the aortic root"


def _bright_blood(f: Features, place: Place) -> str | None:
    if near_annulus(f, place) and is_bright_blood(f, place):
        return f"peak {f.peak_hu:.0f} HU in the midst of blood: no brighter than its edges and streams get"
    return None


def _annular(f: Features, place: Place) -> str | None:
    if f.annular_chance < place.params.annular_from:
        return None
    return f"{f.nearest_mm:.0f} mm from the annulus, chance {f.annular_chance:.0%}"


def _undecided(f: Features, place: Place) -> str | None:
    if f.annular_chance < place.params.annular_below:
        return None
    return f"{f.nearest_mm:.0f} mm from the annulus, which may hold it: chance {f.annular_chance:.0%}"


def _elsewhere(f: Features, place: Place) -> str | None:
    """Tell what goes on beyond the region looked at and does not touch the ring: bone, or the stomach's contrast."""
    large = f.volume_mm3 > place.params.bone_volume_mm3
    if f.cut and large and f.nearest_mm > place.params.near_annulus_mm:
        return "goes on beyond the heart"
    return None


def _papillary(f: Features, place: Place) -> str | None:
    params = place.params
    inside = f.axis_mm <= params.cavity_radius_mm and f.fat < MAX_INNER_FAT and f.lung == 0
    in_blood = place.blood is None or (f.blood >= MIN_LAYER_BLOOD and not is_bright_blood(f, place))
    if params.papillary_depth_mm < f.depth_mm <= MAX_LV_DEPTH_MM and inside and in_blood:
        return f"{f.depth_mm:.0f} mm apical of the annulus, within the LV"
    return None


def _aortic_wall(f: Features, place: Place) -> str | None:
    params = place.params
    descending = np.linalg.norm(np.subtract(f.frame_mm, params.descending_aorta_mm)[:2]) <= params.aorta_radius_mm
    if descending and f.depth_mm < DESCENDING_DEPTH_MM and f.gyration_mm <= params.aorta_radius_mm:
        return "where the descending aorta runs"
    return None


def _ascending(f: Features, place: Place) -> str | None:
    params = place.params
    beside = np.sqrt(max(f.root_mm**2 - f.above_root_mm**2, 0))
    if 0 < f.above_root_mm <= MAX_ASCENDING_MM and beside <= params.aorta_radius_mm:
        return f"{f.above_root_mm:.0f} mm above the aortic root"
    return None


def _bone(f: Features, place: Place) -> str | None:
    if f.outside_heart_mm > place.params.heart_margin_mm / 2:
        return "outside the heart box"
    return None


def _coronary(f: Features, place: Place) -> str | None:
    params = place.params
    if (
        f.width_mm <= MAX_CURVED_WIDTH_MM
        and max(f.fat, f.wide_fat) >= params.coronary_wide_fat_share
        and f.lung < params.pericardial_lung_share
    ):
        return f"{f.width_mm:.0f} mm wide, in epicardial fat ({max(f.fat, f.wide_fat):.0%})"
    return None


def _pericardial(f: Features, place: Place) -> str | None:
    lung = max(f.lung, f.wide_lung)
    if lung >= place.params.pericardial_lung_share:
        return f"at the border with the lung ({lung:.0%})"
    return None


def _myocardial(f: Features, place: Place) -> str | None:
    params = place.params
    inside = f.axis_mm <= params.cavity_radius_mm + params.wall_mm and f.fat < MAX_INNER_FAT
    return "in the wall of the LV" if inside and 0 < f.depth_mm <= MAX_LV_DEPTH_MM else None


MIN_POOL_CONTACT = 0.15
"""Share of a component's surroundings in dense contrast from which it is the fringe of it (proposal)."""

MAX_FRINGE_MM3 = 500.0
"""At the annulus a larger component is not just a fringe (proposal)."""

MIN_LAYER_BLOOD = 0.3
"""Share of blood round what lies within a chamber (proposal)."""

MOST_IN_ROOT = 0.5
"""Share of its volume in the aortic root from which on a component is the root's."""

MAX_CURVED_WIDTH_MM = 12.0
"""Away from the annulus a calcified coronary artery may bend (proposal)."""

MIXING_BLOOD = 0.7
"""Share of blood round a streak of brighter blood: 0.82-1 seen; annular calcium has muscle or fat on one side
(proposal)."""

MAX_INNER_FAT = 0.15
"""Share of fat round what lies within muscle or blood (proposal)."""

MAX_LV_DEPTH_MM = 90.0
"""From annulus to apex 67-98 mm in six hand-marked CTs."""

MAX_ASCENDING_MM = 70.0
"""Length of the ascending aorta (textbook: 5-7 cm)."""

DESCENDING_DEPTH_MM = -20.0
"""The descending aorta lies behind the left atrium: 28-48 mm basal of the annular plane in six CTs."""

RULES: tuple[tuple[CalciumKind, Rule], ...] = (
    (CalciumKind.CONTRAST, _contrast),
    (CalciumKind.METAL, _metal),
    (CalciumKind.AORTIC_VALVE, _aortic_valve),
    (CalciumKind.BONE, _elsewhere),
    (CalciumKind.UNKNOWN, _bright_blood),
    (CalciumKind.ANNULAR, _annular),
    (CalciumKind.UNDECIDED, _undecided),
    (CalciumKind.AORTIC_WALL, _aortic_wall),
    (CalciumKind.BONE, _bone),
    (CalciumKind.CORONARY, _coronary),
    (CalciumKind.PAPILLARY, _papillary),
    (CalciumKind.PERICARDIAL, _pericardial),
    (CalciumKind.AORTIC_WALL, _ascending),
    (CalciumKind.MYOCARDIAL, _myocardial),
)
"""In this order."""
