"""Whether there is a heart, and how it lies."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from ccma_seg.anatomy.beside import BesideParams, lung_beside
from ccma_seg.anatomy.channels import Channels, channels
from ccma_seg.anatomy.coarse import CoarseGrid, coarsen, dense_parts
from ccma_seg.anatomy.contrast import ContrastParams, measure_contrast
from ccma_seg.anatomy.findings import Contrast, ContrastState
from ccma_seg.anatomy.pose import PARAMETERS, Pose, mean_pose
from ccma_seg.anatomy.refine import Fit, RefineParams, Region, likeness, refine
from ccma_seg.anatomy.search import SearchParams, search
from ccma_seg.anatomy.silhouette import SilhouetteParams, follow
from ccma_seg.anatomy.template import HeartTemplate, with_mean_places
from ccma_seg.errors import HeartNotFoundError, NoHeartError
from ccma_seg.geometry import Bools, Floats, unit
from ccma_seg.tissue import CLEAR_CONTRAST_HU
from ccma_seg.volume import PADDING_HU, Volume

_ADVICE = "give a CT of the whole heart"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartParams:
    """How a heart is looked for, and what counts as one."""

    cell_mm: ClassVar[float] = 3.0
    """Of the grid on which the heart is looked for."""

    search: ClassVar[SearchParams] = SearchParams()
    refine: ClassVar[RefineParams] = RefineParams()
    contrast: ContrastParams = field(default_factory=ContrastParams)
    silhouette: ClassVar[SilhouetteParams] = SilhouetteParams()

    whole: ClassVar[Region] = Region(radius_mm=150.0, shares=(0.7, 0.3, 0.0), cells=1500, stiff=True)
    """The first fit looks at the whole heart and its surroundings."""

    glance_steps: ClassVar[int] = 5
    """Steps of that fit after which the likeliest of the places found is chosen."""

    plain: ClassVar[tuple[Region, ...]] = (
        Region(radius_mm=95.0, shares=(0.5, 0.5, 0.0), cells=1500),
        Region(radius_mm=80.0, shares=(0.4, 0.6, 0.0), cells=1500),
        Region(radius_mm=65.0, shares=(0.3, 0.7, 0.0), cells=1500),
        Region(radius_mm=52.0, shares=(0.2, 0.8, 0.0), cells=1500),
        Region(radius_mm=42.0, shares=(0.2, 0.8, 0.0)),
    )
    """Regions shrink towards the annulus, and trust the fat of its groove more and more; the last ones, with the most
    cells, decide."""

    wide: ClassVar[int] = 2
    """How many of them come before those with blood, where blood shows."""

    enhanced: ClassVar[tuple[Region, ...]] = (
        Region(radius_mm=85.0, shares=(0.3, 0.2, 0.5), cells=1500),
        Region(radius_mm=65.0, shares=(0.2, 0.2, 0.6), cells=1500),
        Region(radius_mm=50.0, shares=(0.1, 0.2, 0.7)),
        Region(radius_mm=40.0, shares=(0.1, 0.2, 0.7)),
    )
    """The same where blood shows."""

    restarts_mm: ClassVar[tuple[float, ...]] = (9.0,)
    """A closer look starts once more from here along the axis, towards the apex, and what fits better is kept: along it
    small regions creep. On left-out CTs without contrast that took 0.5 mm off the mean error."""

    restarted: ClassVar[int] = 2
    """With so many of the last regions."""

    farther: ClassVar[float] = 0.2
    """Where blood shows, a closer look goes on by this share of its way from where the heart as a whole fits: its
    surroundings hold it back. Left-out CTs ask for 0.19 to 0.32, whichever is left out; without contrast it gains
    nothing."""

    mass_reach_mm: ClassVar[float] = 36.0
    """Calcified masses are left out of the fit within this distance of the annulus; the spine lies beyond."""

    mass_margin_cells: ClassVar[int] = 3
    """And so much round them, which the blur of the pictures reaches."""

    annulus_between: ClassVar[float] = 0.51
    """Where the annulus lies between the right and the left border: 0.51 +- 0.03 in 14 hand-marked CTs."""

    border_weight: ClassVar[float] = 0.3
    """Of that against the templates, without contrast: standard errors of 3.2 and 2.3 mm on left-out CTs."""

    least_contrast_hu: ClassVar[float] = 20.0
    """Blood must be this much above muscle for the blood picture to be used."""

    low_contrast_uncertainty_mm: float = 3.0
    """Least standard error of the annulus where blood is less than `CLEAR_CONTRAST_HU` above muscle. Chosen, see
    decision 002."""

    beside: ClassVar[BesideParams] = BesideParams()

    worst_misfit: ClassVar[float] = 0.8
    """Of the whole heart; above it is no heart. Real hearts reach 0.23-0.72 (one pushed aside by a raised diaphragm),
    limbs, heads and abdomens 0.5-1.2: what lies beside it decides between them."""

    worst_misfit_alone: ClassVar[float] = 0.6
    """The same where too little is seen of what lies beside it."""

    least_size: ClassVar[float] = 0.8
    """Diameter over the mean heart's: of 35 hearts of adults 0.89-1.34; a squeezed reformat has 0.76."""

    least_likeness: ClassVar[float] = 1.15
    """Correlation of tissue plus that of fat near the annulus; below it is no heart. Real hearts reach 1.22 (a slim
    woman with little fat) to 1.8, heads and abdomens 0.5-1.16."""

    stretch: ClassVar[tuple[float, float]] = (0.65, 1.5)
    """Length along an axis of the patient over that along the others, the mean heart's being 1: real hearts have
    0.82-1.29; 0.5-0.57 or up to 2.1 where slices are said to be half or twice as far apart."""

    alike: ClassVar[Region] = Region(radius_mm=60.0, shares=(1.0, 1.0, 0.0), cells=8000)
    """Where the likeness is judged."""

    least_correlation: ClassVar[float] = 0.5
    """Of the tissue picture in the search; below it is no heart."""

    heart_inside: ClassVar[float] = 0.25
    """Below this share of the heart within the volume it is no usable one: an upper chest or an abdomen."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heart:
    """A heart, as the coarse grid shows it."""

    pose: Pose
    template: HeartTemplate
    """Whose parts the pose places."""
    apart_mm: float
    """How far the centres that single templates find lie from their mean."""
    moved_mm: float
    """By how much the closer look moved the centre from where the heart as a whole fits."""
    box_mm: Floats
    """Lower and upper corner, (2, 3)."""
    contrast: Contrast
    muscle_hu: float | None
    levels: tuple[float, float] | None
    """HU of muscle and of blood, where they can be told apart."""
    least_uncertainty_mm: float
    """Standard error that the annulus has at least, for lack of contrast."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Look:
    """What several templates say of a heart, each for itself."""

    poses: tuple[Pose, ...]

    @property
    def pose(self) -> Pose:
        return mean_pose(self.poses)

    @property
    def apart_mm(self) -> float:
        centers = np.array([pose.center_mm for pose in self.poses])
        return float(np.sqrt(((centers - centers.mean(axis=0)) ** 2).sum(axis=1).mean()))


def find_heart(volume: Volume, templates: Sequence[HeartTemplate], *, params: HeartParams) -> Heart:
    """Find the heart in a volume with the first of some templates, and look closer with all of them.

    Raises
    ------
    NoHeartError
        If there is none, or too little of one.
    """
    template = with_mean_places(templates)
    grid = coarsen(volume, cell_mm=params.cell_mm)
    pictures = channels(grid)
    whole = _whole(pictures, template, params)
    near = _zoom(pictures, whole, template, params.plain[: params.wide], params=params)
    look, contrast = _Look(poses=(near.pose,)), _blood(volume, near.pose, template, params)
    if _levels(contrast, params) is None:
        masked = pictures.without(_masses(grid, near.pose, contrast, params))
        look = _closer(masked, near, templates, params.plain[params.wide :], params=params)
        contrast = _blood(volume, look.pose, template, params)
    levels = _levels(contrast, params)
    if levels is not None:
        with_blood = channels(grid, blood=levels).without(_masses(grid, look.pose, contrast, params))
        look = _closer(with_blood, near, templates, params.enhanced, params=params)
        look = _Look(poses=tuple(_farther(pose, near.pose, params) for pose in look.poses))
        contrast = _blood(volume, look.pose, template, params)
    pose = look.pose
    _check(pictures, (pose,) if levels is None else (near.pose, pose), volume, template=template, params=params)
    _check_surroundings(grid, near.pose, whole.misfit, template=template, params=params)
    box_mm = follow(grid, _box(pose, template), np.array(pose.center_mm), params=params.silhouette)
    if levels is None:
        pose = _amid(pose, box_mm, params)
    blood_hu = contrast.blood_pool_hu
    levels = _levels(contrast, params)
    clear = levels is not None and levels[1] - levels[0] >= CLEAR_CONTRAST_HU
    return Heart(
        pose=pose,
        template=template,
        apart_mm=look.apart_mm,
        moved_mm=float(np.linalg.norm(np.subtract(look.pose.center_mm, near.pose.center_mm))),
        box_mm=box_mm,
        contrast=contrast,
        muscle_hu=None if blood_hu is None else params.contrast.muscle_hu(blood_hu),
        levels=levels,
        least_uncertainty_mm=0.0 if clear else params.low_contrast_uncertainty_mm,
    )


def _amid(pose: Pose, box_mm: Floats, params: HeartParams) -> Pose:
    """Weigh in that the annulus lies midway between the heart's right and left border."""
    low, high = box_mm[:, 0]
    offset = low + params.annulus_between * (high - low) - pose.center_mm[0]
    step = np.zeros(PARAMETERS)
    step[0] = offset * params.border_weight
    return pose.moved(step)


def _masses(grid: CoarseGrid, pose: Pose, contrast: Contrast, params: HeartParams) -> Bools:
    """Return where calcified masses near the annulus hide what lies beneath."""
    masked = np.zeros(grid.hu.shape, bool)
    if contrast.blood_pool_hu is not None and grid.geometry.contains(pose.center_mm):
        region = grid.geometry.slices_around(pose.center_mm, margin_mm=params.mass_reach_mm)
        above_hu = params.contrast.calcium_hu(contrast.blood_pool_hu)
        near = _distance_mm(grid, region, pose) < params.mass_reach_mm
        hu = np.where(near, grid.hu[region], np.float32(PADDING_HU))
        masked[region] = dense_parts(hu, above_hu=above_hu, margin_cells=params.mass_margin_cells)
    return masked


def _distance_mm(grid: CoarseGrid, region: tuple[slice, slice, slice], pose: Pose) -> Floats:
    part = grid.geometry.crop(region)
    positions = part.to_patient(np.moveaxis(np.indices(part.shape), 0, -1))
    return np.asarray(np.linalg.norm(positions - pose.center_mm, axis=-1))


def _box(pose: Pose, template: HeartTemplate) -> Floats:
    """Size and move the box of the mean heart, but leave it upright."""
    return np.asarray(np.array(pose.center_mm) + np.exp(pose.size) * template.box)


def _whole(pictures: Channels, template: HeartTemplate, params: HeartParams) -> Fit:
    places = search(pictures, template, params.search)
    if not places or places[0][0] < params.least_correlation:
        raise NoHeartError(f"no usable heart: nothing in the volume looks like one; {_ADVICE}")
    glance = replace(params.whole, steps=params.glance_steps)
    fits = [refine(pictures, template, pose, region=glance, params=params.refine) for _, pose in places]
    likeliest = min(fits, key=lambda fit: fit.cost).pose
    return refine(pictures, template, likeliest, region=params.whole, params=params.refine)


def _zoom(
    pictures: Channels, fit: Fit, template: HeartTemplate, regions: tuple[Region, ...], *, params: HeartParams
) -> Fit:
    for region in regions:
        fit = refine(pictures, template, fit.pose, region=region, params=params.refine)
    return fit


def _closer(
    pictures: Channels,
    near: Fit,
    templates: Sequence[HeartTemplate],
    regions: tuple[Region, ...],
    *,
    params: HeartParams,
) -> _Look:
    return _Look(poses=tuple(_restarted(pictures, near, t, regions, params=params).pose for t in templates))


def _farther(pose: Pose, start: Pose, params: HeartParams) -> Pose:
    step = np.zeros(PARAMETERS)
    step[:3] = params.farther * np.subtract(pose.center_mm, start.center_mm)
    return pose.moved(step)


def _restarted(
    pictures: Channels, near: Fit, template: HeartTemplate, regions: tuple[Region, ...], *, params: HeartParams
) -> Fit:
    """Fit from where the heart is known to lie, and once more from farther along its axis: keep what fits better."""
    step = np.zeros(PARAMETERS)
    step[:3] = unit(near.pose.matrix @ template.axis)
    starts = (replace(near, pose=near.pose.moved(mm * step)) for mm in params.restarts_mm)
    fits = [
        _zoom(pictures, near, template, regions, params=params),
        *(_zoom(pictures, start, template, regions[-params.restarted :], params=params) for start in starts),
    ]
    return min(fits, key=lambda fit: fit.cost)


def _check(
    pictures: Channels, poses: tuple[Pose, ...], volume: Volume, *, template: HeartTemplate, params: HeartParams
) -> None:
    """Refuse what looks like a heart at none of some poses, or lies outside the volume at the last."""
    found = max(likeness(pictures, template, pose, region=params.alike, params=params.refine) for pose in poses)
    if found < params.least_likeness:
        raise NoHeartError(
            f"no usable heart: the likeliest place has a likeness of {found:.2f}, hearts have at least"
            f" {params.least_likeness:.2f}; {_ADVICE}"
        )
    inside = share_inside(volume, _box(poses[-1], template))
    if inside < params.heart_inside:
        raise NoHeartError(f"no usable heart: only {100 * inside:.0f} % of it lies within the volume; {_ADVICE}")


def _check_surroundings(
    grid: CoarseGrid, pose: Pose, misfit: float, *, template: HeartTemplate, params: HeartParams
) -> None:
    """Refuse what is no heart's size, has no lungs beside it, or, where these are not seen, does not fit well."""
    size = float(np.exp(pose.size))
    if size < params.least_size:
        raise NoHeartError(
            f"no usable heart: the likeliest place is {100 * size:.0f} % as wide as the mean heart (at least"
            f" {100 * params.least_size:.0f} %); check the distances of slices and pixels"
        )
    along = np.linalg.norm(pose.matrix, axis=1)
    stretch = np.sqrt(along**3 / along.prod())
    low, high = params.stretch
    if stretch.min() < low or stretch.max() > high:
        worst = float(stretch[np.abs(np.log(stretch)).argmax()])
        raise NoHeartError(
            f"no usable heart: the likeliest place is {worst:.2f} times as long along one axis as along the others"
            f" ({low:g} to {high:g}); check the distances of slices and pixels"
        )
    lung = lung_beside(grid, pose, template, params=params.beside)
    if lung is None and misfit > params.worst_misfit_alone:
        raise NoHeartError(
            f"no usable heart: no lung is seen, and the likeliest place differs from a heart by {misfit:.2f}"
            f" (at most {params.worst_misfit_alone:.2f}); {_ADVICE}"
        )
    if lung is not None and lung < params.beside.least_share:
        raise NoHeartError(
            f"no usable heart: beside the likeliest place lies {100 * lung:.0f} % lung (at least"
            f" {100 * params.beside.least_share:.0f} %); {_ADVICE}"
        )
    if misfit > params.worst_misfit:
        raise HeartNotFoundError(
            f"no usable heart: the likeliest place lies between lungs, but differs from a heart by {misfit:.2f}"
            f" (at most {params.worst_misfit:.2f}); {_ADVICE}"
        )


def share_inside(volume: Volume, box_mm: Floats) -> float:
    """Return how much of the ellipsoid that fills a box lies in the volume: a heart has no corners."""
    steps = np.linspace(-0.95, 0.95, 12)
    points = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    points = points[np.linalg.norm(points, axis=1) < 1]
    inside: Bools = volume.geometry.contains(box_mm.mean(axis=0) + points * (box_mm[1] - box_mm[0]) / 2)
    return float(inside.mean())


def _blood(volume: Volume, pose: Pose, template: HeartTemplate, params: HeartParams) -> Contrast:
    centers = pose.to_patient(np.stack([template.left_ventricle, template.left_atrium]))
    return measure_contrast(volume, centers, params=params.contrast)


def _levels(contrast: Contrast, params: HeartParams) -> tuple[float, float] | None:
    """Return the HU of muscle and blood, where they can be told apart."""
    blood_hu = contrast.blood_pool_hu
    if blood_hu is None or contrast.state == ContrastState.NONE:
        return None
    muscle_hu = params.contrast.muscle_hu(blood_hu)
    return (muscle_hu, blood_hu) if blood_hu - muscle_hu > params.least_contrast_hu else None
