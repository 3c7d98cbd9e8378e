"""The annulus where contrast shows the blood: template, hinges and the pools' interface weighed together."""

from dataclasses import dataclass

import numpy as np

from ccma_seg.anatomy.blood import Basins, interface
from ccma_seg.anatomy.findings import BLOOD_POOL_LV
from ccma_seg.anatomy.frame import HeartFrame
from ccma_seg.anatomy.hinges import Step
from ccma_seg.geometry import Floats, unit


@dataclass(frozen=True, slots=True, kw_only=True)
class OrificeParams:
    """How much each view of the annulus is trusted."""

    template_sd_mm: float = 5.0
    """Depth of the fitted template: closed leaflets and the annulus look alike."""
    interface_sd_mm: float = 5.0
    """Depth of the interface of the pools: leaflets tent up to 10 mm into the ventricle."""
    step_sd_mm: float = 1.5
    """Depth of the hinges where the step is clear."""
    clear_step: float = 0.42
    """Contrast of a clear step; the standard error grows with the fourth power of what lacks."""
    faint_step: float = 0.3
    """Below this the step tells nothing: its standard error would exceed 6 mm."""
    best_sd_mm: float = 1.2
    near_mm: float = 26.0
    """The interface is looked at within this distance of the axis."""
    aside_mm: float = 3.0
    """The interface may move the centre sideways by this much."""
    least_points: int = 100
    """Of the interface, or it is not used."""
    far_share: float = 0.985
    """The part of the ventricle's blood beyond this share of it along the axis is its apex."""
    apex_aside_mm: float = 20.0
    """The apex lies within this distance of the template's axis."""
    apex_weight: float = 0.35
    """Of the direction to that apex against the template's axis, which is the steadier of the two."""
    lateral_sd_mm: float = 2.0
    """Standard error of the centre across the axis."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Orifice:
    """The annulus in the patient."""

    center_mm: Floats
    normal: Floats
    apex_mm: Floats
    uncertainty_mm: float


def find_orifice(basins: Basins, frame: HeartFrame, step: Step, *, params: OrificeParams) -> Orifice:
    """Weigh the three views of the annulus, and look for the apex in the ventricle's blood."""
    rim = _outer_half(interface(basins, within_mm=params.near_mm), params)
    depths, errors = [0.0], [params.template_sd_mm]
    aside = np.zeros(2)
    if rim is not None:
        depths.append(float(np.clip(rim[0], -12, 12)))
        errors.append(params.interface_sd_mm)
        aside = np.clip(rim[1:] / 2, -params.aside_mm, params.aside_mm)
    if step.contrast > params.faint_step:
        depths.append(step.depth_mm)
        errors.append(max(params.best_sd_mm, params.step_sd_mm * (params.clear_step / step.contrast) ** 4))
    weights = 1 / np.square(errors)
    depth, depth_sd = float(weights @ depths / weights.sum()), float(weights.sum() ** -0.5)
    center = frame.to_patient(np.array([depth, *aside]))
    apex = _apex(basins, frame, params)
    normal = unit((1 - params.apex_weight) * frame.axes[0] + params.apex_weight * unit(apex - center))
    return Orifice(
        center_mm=center,
        normal=normal,
        apex_mm=apex,
        uncertainty_mm=float(np.hypot(depth_sd, params.lateral_sd_mm)),
    )


def _outer_half(points: Floats, params: OrificeParams) -> Floats | None:
    """Return the middle of the rim of the interface; its middle tents."""
    if len(points) < params.least_points:
        return None
    distance = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    return np.asarray(points[distance > np.median(distance)].mean(axis=0))


def _apex(basins: Basins, frame: HeartFrame, params: OrificeParams) -> Floats:
    ventricle = basins.positions[basins.labels == BLOOD_POOL_LV].astype(float)
    ventricle = ventricle[np.hypot(ventricle[:, 1], ventricle[:, 2]) < params.apex_aside_mm]
    if not len(ventricle):
        return frame.to_patient(np.array([frame.length_mm, 0, 0]))
    far = ventricle[ventricle[:, 0] >= np.quantile(ventricle[:, 0], params.far_share)]
    return frame.to_patient(far.mean(axis=0))
