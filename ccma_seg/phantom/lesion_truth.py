"""What is true of one lesion, in the words of the record."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.geometry import Bools, Floats
from ccma_seg.phantom.bands import Beads
from ccma_seg.phantom.bodies import CAVITY, CORE, RIM, Filling, fill
from ccma_seg.phantom.lesions import Built
from ccma_seg.phantom.masses import Mass, depth_mm, surface_slope, thickness_mm
from ccma_seg.phantom.patches import surface_points
from ccma_seg.phantom.rendering import Grid
from ccma_seg.phantom.roughness import SMOOTH
from ccma_seg.phantom.spec import LesionKind
from ccma_seg.phantom.voxels import (
    Voxels,
    arc_deg,
    axes_mm,
    core_truth,
    coverage_pct,
    max_diameter_mm,
    outer_faces,
    sector_truth,
    thickest_mm,
    voxels,
)

_TRUTH_STEP_MM = (0.3, 0.75)
_TRUTH_STEPS = 60
"""Volumes are summed on a grid of about so many steps across the lesion, with subsamples at surfaces."""

_P10 = 1.2815515655446004
"""10th percentile of a normal distribution, in standard deviations."""

_NEARLY_ALL = 99
"""Percentile that stands for the largest value."""


def lesion_truth(
    built: Built, annulus: MitralAnnulus, number: int, *, noise_sd_hu: float, blood_hu: float
) -> dict[str, Any]:
    """Tell everything that is true of one lesion."""
    if built.spec.rough != SMOOTH or built.spec.kind is LesionKind.STONE:
        truth = _counted_truth(built, annulus, noise_sd_hu=noise_sd_hu, blood_hu=blood_hu)
    elif built.mass:
        truth = _mass_truth(built, annulus, sampled(built).volumes_mm3, noise_sd_hu=noise_sd_hu)
    else:
        truth = _band_truth(built, annulus, sampled(built).volumes_mm3)
    return {"id": number, **truth}


def _counted_truth(built: Built, annulus: MitralAnnulus, *, noise_sd_hu: float, blood_hu: float) -> dict[str, Any]:
    """Tell what is true of an uneven lesion: what holds of even ones, and over it what voxels say."""
    seen = voxels(built.body)
    volumes = seen.volumes_mm3(len(built.body.materials))
    if built.spec.kind is LesionKind.STONE:
        return {**_stone_truth(built, annulus, seen), **_calcium_truth(seen, annulus)}
    if built.mass is None:
        return {**_band_truth(built, annulus, volumes), **_calcium_truth(seen, annulus)}
    even = _mass_truth(built, annulus, volumes, noise_sd_hu=noise_sd_hu)
    return _uneven(even, built, annulus, seen, noise_sd_hu=noise_sd_hu, blood_hu=blood_hu)


def _uneven(
    even: dict[str, Any], built: Built, annulus: MitralAnnulus, seen: Voxels, *, noise_sd_hu: float, blood_hu: float
) -> dict[str, Any]:
    """Put what voxels say into the truth of a mass."""
    rim, core, cavity = (np.isin(seen.codes, _codes(built, label)) for label in (RIM, CORE, CAVITY))
    inside = core | cavity
    blood = seen.hu[cavity]
    uneven_core = core_truth(seen, core, inside=inside, noise_sd_hu=noise_sd_hu, blood_hu=blood_hu)
    return {
        **even,
        **_size(seen, rim | inside),
        "rim": {**even["rim"], **_rim(built, seen, rim, inside)},
        "core": {**even["core"], **uneven_core},
        "cavity": {**even["cavity"], **(_blood(blood, blood_hu) if blood.size else {})},
        "sectors": sector_truth(seen, rim, annulus),
    }


def _size(seen: Voxels, whole: Bools) -> dict[str, Any]:
    axes = [round(float(a), 3) for a in axes_mm(seen, whole)]
    return {
        **dict(zip(("long_axis_mm", "short_axis_mm", "third_axis_mm"), axes, strict=True)),
        "max_diameter_mm": round(max_diameter_mm(seen, whole), 2),
    }


def _rim(built: Built, seen: Voxels, rim: Bools, inside: Bools) -> dict[str, Any]:
    """Tell what is true of an uneven rim; its thickness is normal to the bumpy surface, by area."""
    assert built.mass is not None
    if not rim.any():
        return {"coverage_pct": 0.0}
    outer = np.vstack([seen.positions_mm(face & rim) for face in outer_faces(rim | inside)])
    thickness = thickness_mm(built.mass, outer - built.mass.center_mm) / surface_slope(built.mass, outer)
    return {
        "coverage_pct": round(coverage_pct(rim, inside), 2),
        "thickness_mm": round(float(np.median(thickness)), 2),
        "thickness_max_mm": round(float(np.percentile(thickness, _NEARLY_ALL)), 2),
        "mean_hu": round(float(seen.hu[rim].mean()), 1),
        "peak_hu": round(float(np.percentile(seen.hu[rim], _NEARLY_ALL)), 1),
    }


def _blood(hu: Floats, blood_hu: float) -> dict[str, Any]:
    mean = float(hu.mean())
    return {
        "mean_hu": round(mean, 1),
        "sd_hu": round(float(hu.std()), 1),
        "ratio_to_blood_pool": round(mean / blood_hu, 3),
    }


def _codes(built: Built, label: int) -> list[int]:
    return [number for number, material in enumerate(built.body.materials, 1) if material.label == label]


def _stone_truth(built: Built, annulus: MitralAnnulus, seen: Voxels) -> dict[str, Any]:
    assert built.mass is not None
    return {
        "kind": "stone",
        "verdict": built.spec.verdict or "mac",
        "centroid_mm": rounded(built.mass.center_mm),
        **_place(annulus, built.mass.center_mm),
        **_size(seen, seen.codes > 0),
        "volume_mm3": round(seen.volume_mm3(seen.codes > 0), 1),
    }


def _calcium_truth(seen: Voxels, annulus: MitralAnnulus) -> dict[str, Any]:
    """Tell what voxels say of solid calcium."""
    sectors = sector_truth(seen, seen.codes > 0, annulus)
    return {
        "arc_deg": arc_deg(seen, seen.codes > 0, annulus),
        "thickness_max_mm": thickest_mm(sectors),
        "mean_hu": round(float(seen.hu[seen.codes > 0].mean()), 1),
        "sectors": sectors,
    }


def _mass_truth(
    built: Built, annulus: MitralAnnulus, volumes_mm3: Sequence[float], *, noise_sd_hu: float
) -> dict[str, Any]:
    mass, spec = built.mass, built.spec
    assert mass is not None
    volumes = dict(zip((m.name for m in built.body.materials), volumes_mm3, strict=True))
    hu = {m.name: m.hu for m in built.body.materials}
    axes = sorted(_axes_mm(mass), reverse=True)
    volumes["core"] += volumes["clot"]
    total = volumes["rim"] + volumes["core"] + volumes["cavity"]
    filled, leaks = spec.cavity.fraction > 0, mass.leak is not None
    gaps = [*mass.necks, *([mass.leak] if mass.leak else [])]
    return {
        "kind": "mass",
        "verdict": spec.verdict or ("ruptured_ccma" if filled or leaks else "ccma"),
        "centroid_mm": rounded(mass.center_mm),
        **_place(annulus, mass.center_mm),
        "long_axis_mm": round(axes[0], 3),
        "short_axis_mm": round(axes[1], 3),
        "third_axis_mm": round(axes[2], 3),
        "volume_mm3": round(total, 1),
        "rim": {
            "coverage_pct": round(_coverage_pct(mass), 2),
            "thickness_mm": spec.rim.thickness_mm,
            "mean_hu": round(hu["rim"], 1),
            "peak_hu": round(hu["rim"], 1),
            "volume_mm3": round(volumes["rim"], 1),
            "gaps": [
                {"width_mm": 2 * n.radius_mm, "direction": rounded(n.direction), "faces": n.chamber} for n in gaps
            ],
        },
        "core": _core(float(np.hypot(spec.core.texture_sd_hu, noise_sd_hu)), hu["core"], volumes["core"]),
        "cavity": {
            "present": filled,
            "volume_mm3": round(volumes["cavity"], 1) if filled else None,
            "mean_hu": round(hu["cavity"], 1) if filled else None,
            "ratio_to_blood_pool": spec.cavity.blood_ratio if filled else None,
            "fraction": spec.cavity.fraction,
            "neck_mm": spec.cavity.neck_mm if filled else None,
            "communicates_with": list(spec.cavity.opens_to) if filled else [],
        },
        "leak": {
            "present": leaks,
            "volume_mm3": round(volumes["leak"], 1) if leaks else None,
            "mean_hu": round(hu["leak"], 1) if leaks else None,
        },
    }


def _core(sd_hu: float, mean_hu: float, volume_mm3: float) -> dict[str, Any]:
    """Tell what is true of a core; its spread is as scanned, with the noise."""
    if volume_mm3 <= 0:
        return {
            "mean_hu": None,
            "sd_hu": None,
            "p10_hu": None,
            "p90_hu": None,
            "volume_mm3": 0.0,
            "enhancement_hu": None,
        }
    return {
        "mean_hu": round(mean_hu, 1),
        "sd_hu": round(sd_hu, 2),
        "p10_hu": round(mean_hu - _P10 * sd_hu, 1),
        "p90_hu": round(mean_hu + _P10 * sd_hu, 1),
        "volume_mm3": round(volume_mm3, 1),
        "enhancement_hu": 0.0,
    }


def _band_truth(built: Built, annulus: MitralAnnulus, volumes_mm3: Sequence[float]) -> dict[str, Any]:
    beads, spec = built.beads, built.spec
    assert beads is not None
    middle = beads.centers_mm[
        int(spec.arc_deg) if len(beads.centers_mm) > int(spec.arc_deg) else len(beads.centers_mm) // 2
    ]
    return {
        "kind": "band",
        "verdict": spec.verdict or "mac",
        "centroid_mm": rounded(beads.centers_mm.mean(axis=0)),
        **_place(annulus, middle),
        "arc_deg": _arc_deg(beads, annulus),
        "thickness_mm": round(float(2 * np.median(beads.radii_mm)), 3),
        "thickness_max_mm": round(float(2 * beads.radii_mm.max()), 3),
        "volume_mm3": round(float(sum(volumes_mm3)), 1),
        "mean_hu": round(built.body.materials[0].hu, 1),
    }


def _arc_deg(beads: Beads, annulus: MitralAnnulus) -> float:
    """Return how many degrees round the annulus hold calcium, the round ends of the band with them."""
    frame = annulus.to_frame(beads.centers_mm)
    away = np.linalg.norm(frame[:, :2], axis=1)
    middle = np.degrees(np.arctan2(frame[:, 1], frame[:, 0]))
    half = np.degrees(np.arcsin(np.clip(beads.radii_mm / away, 0, 1)))
    steps = np.arange(-180, 180, 0.5)
    apart = np.abs((steps[None] - middle[:, None] + 180) % 360 - 180)
    return float((apart <= half[:, None]).any(axis=0).mean() * 360)


def sampled(built: Built) -> Filling:
    """Sum up the volumes of the parts on a fine grid of their own."""
    body = replace(built.body, texture=None)
    across = float((body.high_mm - body.low_mm).min())
    step = float(np.clip(across / _TRUTH_STEPS, *_TRUTH_STEP_MM))
    x, y, z = (np.arange(a - step, b + step, step) for a, b in zip(body.low_mm, body.high_mm, strict=True))
    grid = Grid(x=x[None, None], y=y[None, :, None], z=z[:, None, None], voxel_mm=(step, step, step))
    filling = fill(body, grid)
    assert filling is not None
    return filling


def _axes_mm(mass: Mass) -> Floats:
    """Return the extents along the three axes: in closed form, or measured on the surface when bent or lobed."""
    if mass.spec.lobes == 0 and not np.isfinite(mass.bend_radius_mm):
        return np.asarray(2 * mass.radii_mm)
    points = _surface_cloud(mass)
    _, axes = np.linalg.eigh(np.cov(points.T))
    extent = points @ axes
    return np.asarray(extent.max(axis=0) - extent.min(axis=0))


def _surface_cloud(mass: Mass) -> Floats:
    """Return positions inside a mass, dense enough for its extents."""
    step, size = 0.6, float(mass.radii_mm.max()) * 1.3 + mass.spec.lobe_mm
    line = np.arange(-size, size, step)
    points = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    return points[depth_mm(mass, points + mass.center_mm) < 0]


def _coverage_pct(mass: Mass) -> float:
    """Return the calcified share of the outer surface, after necks and gaps were cut, by area."""
    points, areas = surface_points(mass.radii_mm)
    covered = mass.patches.covered(points)
    directions = points @ mass.axes
    for neck in (*mass.necks, *([mass.leak] if mass.leak else [])):
        along = directions @ neck.direction
        away2 = (directions**2).sum(axis=1) - along**2
        covered &= ~((along > 0) & (away2 < neck.radius_mm**2))
    return float(areas[covered].sum() / areas.sum() * 100)


def _place(annulus: MitralAnnulus, position_mm: Floats) -> dict[str, Any]:
    angle = float(annulus.angle_deg(position_mm))
    away = np.linalg.norm(annulus.curve_mm - position_mm, axis=1).min()
    return {"annulus_angle_deg": round(angle, 1), "centroid_distance_mm": round(float(away), 2)}


def rounded(values: Any, digits: int = 3) -> list[float]:
    """Round the numbers of an array."""
    return [round(float(v), digits) for v in values]
