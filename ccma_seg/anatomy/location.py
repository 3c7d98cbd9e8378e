"""From a volume to its heart and mitral annulus."""

from dataclasses import dataclass, field, replace

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.blood import BloodParams, enhancement, flood, pools
from ccma_seg.anatomy.channels import Channels, channels
from ccma_seg.anatomy.coarse import CoarseGrid, coarsen
from ccma_seg.anatomy.contrast import ContrastParams, measure_contrast
from ccma_seg.anatomy.findings import Anatomy, Contrast, ContrastState
from ccma_seg.anatomy.frame import heart_frame
from ccma_seg.anatomy.hinges import HingeParams, find_step
from ccma_seg.anatomy.orifice import OrificeParams, depth_of, find_orifice
from ccma_seg.anatomy.pose import Pose
from ccma_seg.anatomy.refine import Fit, RefineParams, Region, likeness, refine
from ccma_seg.anatomy.ring import RingParams, annulus_at
from ccma_seg.anatomy.search import SearchParams, search
from ccma_seg.anatomy.template import HeartTemplate, heart_template
from ccma_seg.errors import NoHeartError, NotBuiltError
from ccma_seg.geometry import Floats, as_point
from ccma_seg.reasons import Reason
from ccma_seg.volume import LabelMap, Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class LocateParams:
    """How the heart and its annulus are found."""

    cell_mm: float = 3.0
    """Of the grid on which the heart is looked for."""

    search: SearchParams = field(default_factory=SearchParams)
    refine: RefineParams = field(default_factory=RefineParams)
    contrast: ContrastParams = field(default_factory=ContrastParams)
    ring: RingParams = field(default_factory=RingParams)
    blood: BloodParams = field(default_factory=BloodParams)
    hinges: HingeParams = field(default_factory=HingeParams)
    orifice: OrificeParams = field(default_factory=OrificeParams)

    whole: Region = field(default=Region(radius_mm=150.0, shares=(0.7, 0.3, 0.0), cells=3000, stiff=True))
    """The first fit looks at the whole heart and its surroundings."""

    plain: tuple[Region, ...] = (
        Region(radius_mm=95.0, shares=(0.5, 0.5, 0.0)),
        Region(radius_mm=80.0, shares=(0.4, 0.6, 0.0)),
        Region(radius_mm=65.0, shares=(0.3, 0.7, 0.0)),
        Region(radius_mm=52.0, shares=(0.2, 0.8, 0.0)),
        Region(radius_mm=42.0, shares=(0.2, 0.8, 0.0)),
    )
    """Regions shrink towards the annulus, and trust the fat of its groove more and more."""

    enhanced: tuple[Region, ...] = (
        Region(radius_mm=85.0, shares=(0.3, 0.2, 0.5)),
        Region(radius_mm=65.0, shares=(0.2, 0.2, 0.6)),
        Region(radius_mm=50.0, shares=(0.1, 0.2, 0.7)),
        Region(radius_mm=40.0, shares=(0.1, 0.2, 0.7)),
    )
    """The same where blood shows."""

    least_contrast_hu: float = 20.0
    """Blood must be this much above muscle for the blood picture to be used."""

    worst_misfit: float = 0.75
    """Of the whole heart; above it is no heart. Real hearts reach 0.37-0.55, abdomens 0.8-1.2."""

    least_likeness: float = 1.22
    """Correlation of tissue plus that of fat near the annulus; below it is no heart. Real hearts reach 1.30-1.67,
    heads, abdomens and a chest phantom without groove fat 0.6-1.16."""

    alike: Region = field(default=Region(radius_mm=60.0, shares=(1.0, 1.0, 0.0), cells=8000))
    """Where the likeness is judged."""

    least_correlation: float = 0.5
    """Of the tissue picture in the search; below it is no heart."""

    whole_inside: float = 0.95
    """Share of the heart that must lie within the volume, or it counts as cut off."""

    annulus_inside: float = 0.7
    """Below this share too little is left to find the annulus."""

    heart_inside: float = 0.25
    """Below this share it is no usable heart: an upper chest or an abdomen."""

    uncertainty_enhanced_mm: float = 3.0
    uncertainty_low_contrast_mm: float = 4.5
    uncertainty_plain_mm: float = 6.5
    """Standard errors of the centre seen on real CTs left out of the template."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """A heart, as far as the coarse grid shows it."""

    fit: Fit
    contrast: Contrast
    levels: tuple[float, float] | None = None
    """HU of muscle and of blood, where they can be told apart."""


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
        Given by the user: labels of the left ventricle and atrium, on the volume's grid.

    Returns
    -------
    Anatomy
        With reasons for all that could not be found.

    Raises
    ------
    NoHeartError
        If there is no heart, or too little of one.
    """
    if chambers is not None:
        raise NotBuiltError("chambers cannot be used yet; leave --chambers out")
    if annulus is None:
        return _locate(volume, params)
    try:
        return replace(_locate(volume, params), annulus=annulus)
    except NoHeartError as error:
        contrast = measure_contrast(volume, np.array([annulus.center_mm]), params=params.contrast)
        reason = Reason("heart_not_found", f"the annulus was given, but {error}", degrades=True)
        return Anatomy(contrast=contrast, heart_box_mm=None, annulus=annulus, reasons=(reason,))


def _locate(volume: Volume, params: LocateParams) -> Anatomy:
    template = heart_template()
    grid = coarsen(volume, cell_mm=params.cell_mm)
    found = _find(volume, grid, template, params)
    return _describe(volume, found, template, params)


def _find(volume: Volume, grid: CoarseGrid, template: HeartTemplate, params: LocateParams) -> _Found:
    plain = channels(grid)
    whole = _whole_heart(plain, template, params)
    near = _zoom(plain, whole, template, regions=params.plain[:2], params=params)
    rest = _zoom(plain, near, template, regions=params.plain[2:], params=params)
    _check_likeness(plain, rest, template, params)
    contrast = _blood_of(volume, rest.pose, template, params)
    levels = _levels(contrast, params)
    if levels is None:
        return _Found(fit=rest, contrast=contrast)
    fit = _zoom(channels(grid, blood=levels), near, template, regions=params.enhanced, params=params)
    contrast = _blood_of(volume, fit.pose, template, params)
    return _Found(fit=fit, contrast=contrast, levels=_levels(contrast, params))


def _check_likeness(pictures: Channels, fit: Fit, template: HeartTemplate, params: LocateParams) -> None:
    found = likeness(pictures, template, fit.pose, region=params.alike, params=params.refine)
    if found < params.least_likeness:
        raise NoHeartError(
            f"no usable heart: the likeliest place has a likeness of {found:.2f}, hearts have at least"
            f" {params.least_likeness:.2f}; give a CT of the whole heart"
        )


def _levels(contrast: Contrast, params: LocateParams) -> tuple[float, float] | None:
    """Return the HU of muscle and blood, where they can be told apart."""
    if contrast.blood_pool_hu is None or contrast.state == ContrastState.NONE:
        return None
    muscle_hu = params.contrast.muscle_hu(contrast.blood_pool_hu)
    return (
        (muscle_hu, contrast.blood_pool_hu) if contrast.blood_pool_hu - muscle_hu > params.least_contrast_hu else None
    )


def _whole_heart(pictures: Channels, template: HeartTemplate, params: LocateParams) -> Fit:
    places = search(pictures, template, params.search)
    if not places or places[0][0] < params.least_correlation:
        raise NoHeartError("no usable heart: nothing in the volume looks like one; give a CT of the whole heart")
    fits = [refine(pictures, template, pose, region=params.whole, params=params.refine) for _, pose in places]
    best = min(fits, key=lambda fit: fit.cost)
    if best.misfit > params.worst_misfit:
        raise NoHeartError(
            f"no usable heart: the likeliest place differs from a heart by {best.misfit:.2f}"
            f" (at most {params.worst_misfit:.2f}); give a CT of the whole heart"
        )
    return best


def _zoom(
    pictures: Channels, fit: Fit, template: HeartTemplate, *, regions: tuple[Region, ...], params: LocateParams
) -> Fit:
    for region in regions:
        fit = refine(pictures, template, fit.pose, region=region, params=params.refine)
    return fit


def _blood_of(volume: Volume, pose: Pose, template: HeartTemplate, params: LocateParams) -> Contrast:
    chambers = pose.to_patient(np.stack([template.left_ventricle, template.left_atrium]))
    return measure_contrast(volume, chambers, params=params.contrast)


def _describe(volume: Volume, found: _Found, template: HeartTemplate, params: LocateParams) -> Anatomy:
    pose = found.fit.pose
    box = np.array(pose.center_mm) + np.exp(pose.size) * template.box
    ring = pose.to_patient(template.ring)
    inside = float(volume.geometry.contains(_filling(box)).mean())
    if inside < params.heart_inside:
        raise NoHeartError(
            f"no usable heart: only {100 * inside:.0f} % of it lies within the volume; give a CT of the whole heart"
        )
    shown = inside >= params.annulus_inside and bool(volume.geometry.contains(ring).all())
    reasons = () if inside >= params.whole_inside else (_cut_off(inside),)
    anatomy = Anatomy(
        contrast=found.contrast,
        heart_box_mm=(as_point(box[0]), as_point(box[1])),
        annulus=_annulus(found, template, params) if shown else None,
        apex_mm=as_point(pose.to_patient(template.apex)),
        aortic_root_mm=as_point(pose.to_patient(template.aortic_root)),
        myocardium_hu=_muscle_hu(found.contrast, params),
        reasons=reasons,
    )
    return anatomy if found.levels is None or not shown else _with_blood(anatomy, volume, found, params)


def _with_blood(anatomy: Anatomy, volume: Volume, found: _Found, params: LocateParams) -> Anatomy:
    """Sharpen the annulus where blood shows, and part its pools."""
    assert found.levels is not None
    assert anatomy.annulus is not None
    frame = heart_frame(found.fit.pose, heart_template())
    enhanced = enhancement(volume, frame, found.levels, params=params.blood)
    depth = depth_of(find_step(enhanced, frame, params=params.hinges), params=params.orifice)
    frame = frame.moved_along(depth.mm)
    basins = flood(enhanced, frame, params=params.blood)
    orifice = find_orifice(basins, frame, depth, params=params.orifice)
    annulus = annulus_at(
        orifice.center_mm,
        orifice.normal,
        np.array(anatomy.annulus.posterior),
        params=params.ring,
        method="blood_pools",
        uncertainty_mm=orifice.uncertainty_mm,
    )
    return replace(
        anatomy,
        annulus=annulus,
        apex_mm=as_point(orifice.apex_mm),
        blood_pools=pools(volume, basins, found.levels, params=params.blood),
    )


def _muscle_hu(contrast: Contrast, params: LocateParams) -> float | None:
    return None if contrast.blood_pool_hu is None else params.contrast.muscle_hu(contrast.blood_pool_hu)


def _cut_off(inside: float) -> Reason:
    text = f"only {100 * inside:.0f} % of the heart lies within the volume"
    return Reason("heart_cut_off", text, degrades=True)


def _filling(box: Floats) -> Floats:
    """Return evenly spread points of the ellipsoid that fills a box: a heart has no corners."""
    steps = np.linspace(-0.95, 0.95, 12)
    points = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    points = points[np.linalg.norm(points, axis=1) < 1]
    return np.asarray(box.mean(axis=0) + points * (box[1] - box[0]) / 2)


def _annulus(found: _Found, template: HeartTemplate, params: LocateParams) -> MitralAnnulus:
    pose = found.fit.pose
    return annulus_at(
        np.array(pose.center_mm),
        pose.matrix @ template.axis,
        pose.matrix @ template.ring[0],
        params=params.ring,
        method="template",
        uncertainty_mm=_uncertainty_mm(found.contrast, params),
    )


def _uncertainty_mm(contrast: Contrast, params: LocateParams) -> float:
    if contrast.state == ContrastState.ENHANCED:
        return params.uncertainty_enhanced_mm
    return (
        params.uncertainty_low_contrast_mm if contrast.state == ContrastState.UNCERTAIN else params.uncertainty_plain_mm
    )
