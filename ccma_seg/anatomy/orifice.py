"""The annulus where contrast shows the blood: template, hinges and the pools' interface weighed together."""

from dataclasses import dataclass

import numpy as np

from ccma_seg.anatomy.blood import Basins, interface
from ccma_seg.anatomy.findings import BLOOD_POOL_LV
from ccma_seg.anatomy.frame import HeartFrame
from ccma_seg.anatomy.hinges import Depth
from ccma_seg.geometry import Bools, Floats, unit


@dataclass(frozen=True, slots=True, kw_only=True)
class OrificeParams:
    """How much each view of the annulus is trusted."""

    interface_sd_mm: float = 9.0
    """Depth of the interface of the pools: leaflets tent up to 10 mm into the ventricle, and noise moves it."""
    near_mm: float = 26.0
    """The interface is looked at within this distance of the axis."""
    clip_mm: float = 12.0
    """The interface may move the annulus by this much along the axis."""
    least_points: int = 100
    """Of the interface, or it is not used."""
    mass_mm3: float = 1000.0
    """Of calcium near the annulus, with its margin; from there on it hides the interface."""
    far_share: float = 0.985
    """The part of the ventricle's blood beyond this share of it along the axis is its apex."""
    apex_aside_mm: float = 20.0
    """The apex lies within this distance of the template's axis."""
    apex_weight: float = 0.5
    """Of the direction to that apex against the templates' axis: off by 5.0 and 6.8 degrees on left-out CTs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Orifice:
    """The annulus in the patient."""

    center_mm: Floats
    normal: Floats
    apex_mm: Floats
    depth_sd_mm: float
    """Standard error of the centre along the axis."""


def find_orifice(basins: Basins, dense: Bools, frame: HeartFrame, *, depth: Depth, params: OrificeParams) -> Orifice:
    """Weigh the interface of the pools in, and look for the apex in the ventricle's blood.

    `frame` begins at `depth`. The interface does not count where a calcified mass bends it.
    """
    near = np.linalg.norm(basins.positions[dense], axis=-1) < params.near_mm
    clear = int(near.sum()) * basins.geometry.voxel_mm3 < params.mass_mm3
    rim = _outer_half(interface(basins, within_mm=params.near_mm), params) if clear else None
    center = np.zeros(3)
    if rim is not None:
        found = Depth(mm=float(np.clip(rim, -params.clip_mm, params.clip_mm)), sd_mm=params.interface_sd_mm)
        depth = Depth(mm=0.0, sd_mm=depth.sd_mm).and_also(found)
        center = np.array([depth.mm, 0.0, 0.0])
    place = frame.to_patient(center)
    apex = _apex(basins, frame, params)
    normal = unit((1 - params.apex_weight) * frame.axes[0] + params.apex_weight * unit(apex - place))
    return Orifice(center_mm=place, normal=normal, apex_mm=apex, depth_sd_mm=depth.sd_mm)


def _outer_half(points: Floats, params: OrificeParams) -> float | None:
    """Return the depth of the rim of the interface; its middle tents."""
    if len(points) < params.least_points:
        return None
    distance = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    return float(points[distance > np.median(distance), 0].mean())


def _apex(basins: Basins, frame: HeartFrame, params: OrificeParams) -> Floats:
    ventricle = basins.positions[basins.labels == BLOOD_POOL_LV].astype(float)
    ventricle = ventricle[np.hypot(ventricle[:, 1], ventricle[:, 2]) < params.apex_aside_mm]
    if not len(ventricle):
        return frame.to_patient(np.array([frame.length_mm, 0, 0]))
    far = ventricle[ventricle[:, 0] >= np.quantile(ventricle[:, 0], params.far_share)]
    return frame.to_patient(far.mean(axis=0))
