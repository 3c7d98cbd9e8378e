"""From a volume to its heart and mitral annulus."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.aortic_root import RootParams
from ccma_seg.anatomy.blood import BloodParams, enhancement, flood, pools
from ccma_seg.anatomy.certainty import CertaintyParams, by_blood, by_templates
from ccma_seg.anatomy.contrast import measure_contrast
from ccma_seg.anatomy.diameters import DiameterParams, Diameters, by_heart_size, measure_diameters, weighed
from ccma_seg.anatomy.findings import Anatomy, Contrast, ContrastState
from ccma_seg.anatomy.frame import heart_frame
from ccma_seg.anatomy.heart import Heart, HeartParams, find_heart, share_inside
from ccma_seg.anatomy.hinges import HingeParams, find_depth
from ccma_seg.anatomy.known import Known, known
from ccma_seg.anatomy.orifice import OrificeParams, find_orifice
from ccma_seg.anatomy.ring import RingParams, annulus_at
from ccma_seg.anatomy.seen_contour import with_contour
from ccma_seg.anatomy.template import HeartTemplate, close_template, heart_template
from ccma_seg.anatomy.tracing import TraceParams
from ccma_seg.errors import NoHeartError
from ccma_seg.geometry import as_point
from ccma_seg.reasons import Reason
from ccma_seg.volume import LabelMap, Volume

_BY_SIZE = Reason("annulus_size_from_heart", "the diameters of the annulus do not show: they go with the heart's size")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocateParams:
    """How the heart and its annulus are found."""

    heart: HeartParams = field(default_factory=HeartParams)
    ring: RingParams = field(default_factory=RingParams)
    blood: ClassVar[BloodParams] = BloodParams()
    hinges: ClassVar[HingeParams] = HingeParams()
    orifice: ClassVar[OrificeParams] = OrificeParams()
    diameters: ClassVar[DiameterParams] = DiameterParams()
    certainty: CertaintyParams = field(default_factory=CertaintyParams, metadata={"constant": True})
    """Fitted, and varied by the script that fits it."""
    contour: ClassVar[TraceParams] = TraceParams()
    root: ClassVar[RootParams] = RootParams()

    whole_inside: float = 0.95
    """Share of the heart that must lie within the volume, or it counts as cut off. Chosen, see decision 002."""

    annulus_inside: float = 0.7
    """Below this share too little is left to find the annulus. Chosen, see decision 002."""

    cut_off_factor: ClassVar[float] = 1.5
    """By which the uncertainty grows where part of the heart is missing."""

    doubtful_mm: float = 6.0
    """With contrast, an annulus less certain than this is doubtful: it happens where the heart is cut off too. Chosen,
    see decision 002."""


def locate(
    volume: Volume,
    params: LocateParams = LocateParams(),
    *,
    annulus: MitralAnnulus | None = None,
    chambers: LabelMap | None = None,
) -> Anatomy:
    """Find the heart and its mitral annulus in a CT.

    Parameters
    ----------
    volume
        Any chest CT, with contrast or without, gated or not.
    params
        How it is looked for.
    annulus
        Given by the user: it wins.
    chambers
        Given by the user: labels of the left ventricle and atrium, as `read_chambers` lays them on the volume's
        grid.

    Returns
    -------
    Anatomy
        With reasons for all that could not be found.

    Raises
    ------
    NoHeartError
        If there is no heart, or too little of one.
    GeometryError
        If what is given lies outside the volume.
    """
    given = known(volume, annulus, chambers)
    found = locate_with(_templates(), volume, params) if given is None else _with_given(given, volume, params)
    calcium_hu = params.heart.contrast.calcium_hu
    return with_contour(found, volume, dense_hu=calcium_hu, params=params.contour, root=params.root)


def _templates() -> tuple[HeartTemplate, ...]:
    return heart_template(), close_template()


def locate_with(templates: Sequence[HeartTemplate], volume: Volume, params: LocateParams) -> Anatomy:
    """Find the heart with templates of one's own: the first finds it, all look closer at the annulus."""
    heart = find_heart(volume, templates, params=params.heart)
    plain = _by_template(heart, volume, params)
    if heart.levels is None or plain.annulus is None:
        return plain
    return _by_blood(plain, plain.annulus, volume, heart=heart, params=params)


def _with_given(given: Known, volume: Volume, params: LocateParams) -> Anatomy:
    contrast = measure_contrast(volume, given.centers_mm, params=params.heart.contrast)
    try:
        found = locate_with(_templates(), volume, params)
    except NoHeartError as error:
        reason = Reason("heart_not_found", f"the annulus was given, but: {error}", degrades=True)
        found = Anatomy(contrast=contrast, heart_box_mm=None, annulus=None, reasons=(reason,))
    return replace(
        found,
        annulus=given.annulus,
        contrast=contrast,
        blood_pools=given.pools or found.blood_pools,
        apex_mm=given.apex_mm or found.apex_mm,
        aortic_normal=given.aortic_normal or found.aortic_normal,
        reasons=tuple(
            r for r in found.reasons if r.code not in {"localisation_uncertain", "annulus_not_found", _BY_SIZE.code}
        ),
    )


def _by_template(heart: Heart, volume: Volume, params: LocateParams) -> Anatomy:
    """Describe what the fitted templates say."""
    template = heart.template
    inside = share_inside(volume, heart.box_mm)
    shown = inside >= params.annulus_inside and bool(
        volume.geometry.contains(heart.pose.to_patient(template.ring)).all()
    )
    lower, upper = heart.box_mm
    annulus = _template_annulus(heart, inside, params=params) if shown else None
    return Anatomy(
        contrast=heart.contrast,
        heart_box_mm=(as_point(lower), as_point(upper)),
        annulus=annulus,
        apex_mm=as_point(heart.pose.to_patient(template.apex)),
        aortic_root_mm=as_point(heart.pose.to_patient(template.aortic_root)),
        myocardium_hu=heart.muscle_hu,
        cut_off=inside < params.whole_inside,
        reasons=_reasons(heart, inside, annulus, params=params),
    )


def _template_annulus(heart: Heart, inside: float, *, params: LocateParams) -> MitralAnnulus:
    uncertainty_mm = by_templates(heart, params.certainty)
    septal_lateral_mm, intercommissural_mm = _by_heart(heart, params)
    return annulus_at(
        np.array(heart.pose.center_mm),
        heart.pose.matrix @ heart.template.axis,
        heart.pose.matrix @ heart.template.ring[0],
        params=params.ring,
        method="template",
        uncertainty_mm=uncertainty_mm * (1 if inside >= params.whole_inside else params.cut_off_factor),
        septal_lateral_mm=septal_lateral_mm,
        intercommissural_mm=intercommissural_mm,
        size_method="heart_size",
    )


def _by_heart(heart: Heart, params: LocateParams) -> Diameters:
    return by_heart_size(float(np.exp(heart.pose.size)), params=params.diameters)


def _by_blood(
    plain: Anatomy,
    ring: MitralAnnulus,
    volume: Volume,
    *,
    heart: Heart,
    params: LocateParams,
) -> Anatomy:
    """Sharpen the annulus where blood shows, and part its pools."""
    assert heart.levels is not None
    frame = heart_frame(heart.pose, heart.template)
    dense_hu = params.heart.contrast.calcium_hu(heart.levels[1])
    enhanced = enhancement(volume, frame, heart.levels, dense_hu=dense_hu, params=params.blood)
    depth = find_depth(enhanced, frame, params=params.hinges)
    frame = frame.moved_along(depth.mm)
    basins = flood(enhanced, frame, params=params.blood)
    orifice = find_orifice(basins, enhanced.dense, frame, depth=depth, params=params.orifice)
    uncertainty_mm = by_blood(heart, orifice.depth_sd_mm, params.certainty)
    if plain.cut_off:
        uncertainty_mm *= params.cut_off_factor
    noise_hu = heart.contrast.blood_pool_sd_hu or 0.0
    parted = pools(volume, basins, heart.levels, noise_hu=noise_hu, params=params.blood)
    place = orifice.center_mm, orifice.normal, np.array(ring.posterior)
    ring_at = partial(annulus_at, *place, params=params.ring, method="blood_pools", uncertainty_mm=uncertainty_mm)
    sizes, size_method, reasons = _by_heart(heart, params), "heart_size", plain.reasons
    seen = parted and measure_diameters(parted, ring_at(), volume, dense_hu=dense_hu, params=params.diameters)
    if seen:
        sizes, size_method = weighed(sizes, seen, params=params.diameters), "diameters"
        reasons = tuple(reason for reason in reasons if reason != _BY_SIZE)
    annulus = ring_at(septal_lateral_mm=sizes[0], intercommissural_mm=sizes[1], size_method=size_method)
    return replace(
        plain,
        annulus=annulus,
        apex_mm=as_point(orifice.apex_mm),
        blood_pools=parted,
        reasons=reasons if uncertainty_mm <= params.doubtful_mm else (*reasons, _doubtful(uncertainty_mm)),
    )


def _reasons(heart: Heart, inside: float, annulus: MitralAnnulus | None, *, params: LocateParams) -> tuple[Reason, ...]:
    reasons = []
    if inside < params.whole_inside:
        text = f"only {100 * inside:.0f} % of the heart lies within the volume"
        reasons.append(Reason("heart_cut_off", text, degrades=True))
    if annulus is None:
        reasons.append(
            Reason("annulus_not_found", "too little of the heart is there to find the annulus", degrades=True)
        )
    if heart.contrast.state == ContrastState.UNCERTAIN:
        reasons.append(_low_contrast(heart.contrast))
    if annulus is not None:
        reasons.append(_BY_SIZE)
    if annulus is not None and heart.contrast.state == ContrastState.NONE:
        text = f"without contrast the annulus is known to {annulus.uncertainty_mm:.1f} mm only"
        reasons.append(Reason("localisation_uncertain", text))
    return tuple(reasons)


def _low_contrast(contrast: Contrast) -> Reason:
    if contrast.blood_pool_hu is None:
        return Reason("low_contrast", "the blood of the left heart could not be measured", degrades=True)
    text = f"the blood of the left heart has {contrast.blood_pool_hu:.0f} HU: neither plain nor well enhanced"
    return Reason("low_contrast", text, degrades=True)


def _doubtful(uncertainty_mm: float) -> Reason:
    text = f"the annulus is known to {uncertainty_mm:.1f} mm only: its hinges do not show clearly"
    return Reason("localisation_uncertain", text, degrades=True)
