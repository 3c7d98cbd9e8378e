"""To what a calcification belongs, by its place: an ordered list of rules, the first that fits decides."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ccma_seg.anatomy.sectors import TRIGONE_DEG
from ccma_seg.calcium.features import Features
from ccma_seg.calcium.findings import CalciumKind
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.threshold import Blood


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

    def edge_limit_hu(self, beside_hu: float) -> float:
        """Return the brightest that the edge of blood can look by motion or a sharp kernel, beside something darker."""
        blood_hu = self.threshold_hu if self.blood is None else self.blood.hu
        return blood_hu + self.params.edge_overshoot * (blood_hu - beside_hu)


Rule = Callable[[Features, Place], str | None]


def sort_by_place(features: Features, place: Place) -> tuple[CalciumKind, str]:
    """Return the kind of one component, and why in a few words."""
    for kind, rule in RULES:
        why = rule(features, place)
        if why is not None:
            return kind, why
    return CalciumKind.UNKNOWN, "fits no place"


def near_annulus(features: Features, place: Place) -> bool:
    """Tell whether a component lies on the annulus (L1), give or take the annulus' own uncertainty.

    The allowance is for masses on the posterior side: a small focus off the ring is more likely something else, and
    off the anterior side lies the aortic root.
    """
    posterior = abs(features.angle_deg) <= TRIGONE_DEG
    allowance = posterior * place.uncertainty_mm * min(features.volume_mm3 / place.params.faint_volume_mm3, 1)
    return _beyond_l1_mm(features, place.params) <= allowance


def depends_on_uncertainty(features: Features, place: Place) -> bool:
    """Tell whether a component misses the annulus itself, and counts only for the allowance."""
    return _beyond_l1_mm(features, place.params) > 0


def _beyond_l1_mm(f: Features, params: CalciumParams) -> float:
    reach = params.centroid_annulus_mm + max(f.gyration_mm - params.small_radius_mm, 0)
    return max(f.nearest_mm - params.near_annulus_mm, f.centroid_ring_mm - reach)


def is_faint(features: Features, place: Place) -> bool:
    """Tell whether a component could be the edge of bright blood, blurred by motion or overshot by the kernel.

    Motion brings the lung's edge anywhere, but not on many slices; brighter blood mixes in the midst of blood.
    """
    f, params = features, place.params
    few = f.slices < params.faint_slices or (place.blood is not None and f.volume_mm3 < params.speck_volume_mm3)
    mixing = place.blood is not None and f.blood >= MIXING_BLOOD and f.volume_mm3 < params.edge_volume_mm3
    if few or mixing:
        return f.peak_hu < place.edge_limit_hu(params.lung_reference_hu)
    return f.volume_mm3 < params.faint_volume_mm3 and f.peak_hu < place.edge_limit_hu(_darkest_near_hu(f, place))


def _darkest_near_hu(f: Features, place: Place) -> float:
    """Return the HU of the darkest that may have made an edge: lung, unless blood is enhanced and none is near."""
    lung_hu = place.params.lung_reference_hu
    return lung_hu if place.blood is None or max(f.lung, f.wide_lung) > 0 else max(f.lowest_hu, lung_hu)


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
    params = place.params
    if f.peak_hu >= params.metal_hu:
        return f"peak {f.peak_hu:.0f} HU"
    streaks = f.lowest_hu < params.streak_hu and f.lung == 0
    denser = f.peak_hu >= params.streak_metal_hu * max(place.calcium_gain, 1.0)
    return f"peak {f.peak_hu:.0f} HU with dark streaks" if denser and streaks else None


def _aortic_valve(f: Features, place: Place) -> str | None:
    in_fat = f.fat >= place.params.coronary_fat_share and f.width_mm <= place.params.coronary_width_mm
    share = place.params.min_split_share if depends_on_uncertainty(f, place) else 0.5  # some of it, or most of it
    if f.root_share < share or in_fat:
        return None
    return f"{f.root_mm:.0f} mm from the centre of the aortic root"


def _coronary_at_annulus(f: Features, place: Place) -> str | None:
    params = place.params
    if not near_annulus(f, place) or f.width_mm > params.coronary_width_mm:
        return None
    fat = max(f.fat, f.wide_fat)
    outside = f.outward_mm > params.coronary_offset_mm and fat >= params.coronary_offset_fat_share
    if fat >= params.coronary_fat_share or outside:
        return f"{f.width_mm:.0f} mm wide, in fat ({fat:.0%}), {f.outward_mm:.0f} mm outside the ring"
    return _focus_in_groove(f, place)


def _focus_in_groove(f: Features, place: Place) -> str | None:
    """Tell a focus too far outside the ring for it: the circumflex artery, where its groove shows no fat."""
    farthest_mm = place.params.coronary_offset_mm + place.uncertainty_mm
    if f.volume_mm3 >= place.params.faint_volume_mm3 or f.outward_mm <= farthest_mm:
        return None
    return (
        f"{f.volume_mm3:.0f} mm3, {f.outward_mm:.0f} mm outside the ring, which is known to {place.uncertainty_mm:.1f}"
    )


def _at_lung(f: Features, place: Place) -> str | None:
    """Tell the edge of a moving heart or a vessel of the lung, near only because the annulus is uncertain."""
    if near_annulus(f, place) and depends_on_uncertainty(f, place):
        return _pericardial(f, place)
    return None


def _faint(f: Features, place: Place) -> str | None:
    if near_annulus(f, place) and is_faint(f, place):
        return f"peak {f.peak_hu:.0f} HU, {f.volume_mm3:.0f} mm3: as faint as the edge of moving blood"
    return None


def _annular(f: Features, place: Place) -> str | None:
    if not near_annulus(f, place):
        return None
    return f"{f.nearest_mm:.0f} mm from the annulus, centroid {f.centroid_ring_mm:.0f} mm"


def _papillary(f: Features, place: Place) -> str | None:
    params = place.params
    inside = f.axis_mm <= params.cavity_radius_mm and f.fat < MAX_INNER_FAT and f.lung == 0
    in_blood = place.blood is None or (f.blood >= MIN_LAYER_BLOOD and not is_faint(f, place))
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
    if f.outside_heart_mm > place.params.heart_margin_mm / 2 or (
        f.cut and f.volume_mm3 > place.params.faint_volume_mm3
    ):
        return "outside the heart box" if f.outside_heart_mm > 0 else "goes on beyond the heart box"
    return None


def _coronary(f: Features, place: Place) -> str | None:
    params = place.params
    if (
        f.width_mm <= MAX_CURVED_WIDTH_MM
        and max(f.fat, f.wide_fat) >= params.coronary_offset_fat_share
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

MAX_CURVED_WIDTH_MM = 12.0
"""Away from the annulus a calcified coronary artery may bend (proposal)."""

MIXING_BLOOD = 0.45
"""Share of blood round a streak of brighter blood; annular calcium has muscle or fat on one side (proposal)."""

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
    (CalciumKind.CORONARY, _coronary_at_annulus),
    (CalciumKind.PERICARDIAL, _at_lung),
    (CalciumKind.UNKNOWN, _faint),
    (CalciumKind.ANNULAR, _annular),
    (CalciumKind.AORTIC_WALL, _aortic_wall),
    (CalciumKind.BONE, _bone),
    (CalciumKind.CORONARY, _coronary),
    (CalciumKind.PAPILLARY, _papillary),
    (CalciumKind.PERICARDIAL, _pericardial),
    (CalciumKind.AORTIC_WALL, _ascending),
    (CalciumKind.MYOCARDIAL, _myocardial),
)
"""In this order."""
