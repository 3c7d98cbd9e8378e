"""What is true of a phantom, in the words of the record."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.geometry import Bools, Floats
from ccma_seg.phantom.bands import Beads
from ccma_seg.phantom.bodies import CAVITY, CORE, RIM, Filling, fill
from ccma_seg.phantom.contrast import Brightness
from ccma_seg.phantom.heart import Heart
from ccma_seg.phantom.lesions import Built
from ccma_seg.phantom.masses import Mass, depth_mm, surface_slope, thickness_mm
from ccma_seg.phantom.patches import surface_points
from ccma_seg.phantom.rendering import Grid
from ccma_seg.phantom.roughness import SMOOTH
from ccma_seg.phantom.spec import LesionKind, Recipe
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
from ccma_seg.volume import Volume

_TRUTH_STEP_MM = (0.3, 0.75)
_TRUTH_STEPS = 60
"""Volumes are summed on a grid of about so many steps across the lesion, with subsamples at surfaces."""

_P10 = 1.2815515655446004
"""10th percentile of a normal distribution, in standard deviations."""

_NEARLY_ALL = 99
"""Percentile that stands for the largest value."""

_ANNULAR = {LesionKind.MASS, LesionKind.BAND, LesionKind.STONE}

_SERIOUS = ("no_calcification", "mac", "other", "indeterminate", "ccma", "ruptured_ccma")


def exam_truth(
    recipe: Recipe,
    annulus: MitralAnnulus,
    heart: Heart,
    *,
    hu: Brightness,
    lesions: Sequence[Built],
    volume: Volume,
    seed: int,
) -> dict[str, Any]:
    """Tell everything that is true of an exam."""
    return {
        "schema_version": "1.0",
        "recipe": recipe.name,
        "description": recipe.description,
        "seed": seed,
        "series": series_truth(volume),
        "contrast": {
            "state": "none" if recipe.contrast.state == "none" else "enhanced",
            "blood_pool_hu": round(0.5 * (hu.left_ventricle + hu.left_atrium), 2),
            "blood_pool_sd_hu": recipe.scanner.noise_sd_hu,
            "left_ventricle_hu": round(hu.left_ventricle, 2),
            "left_atrium_hu": round(hu.left_atrium, 2),
            "myocardium_hu": round(hu.myocardium, 2),
        },
        "heart": {"box_mm": _box(heart)},
        **_findings(
            lesions,
            annulus,
            noise_sd_hu=recipe.scanner.noise_sd_hu,
            blood_hu=0.5 * (hu.left_ventricle + hu.left_atrium),
        ),
    }


def insertion_truth(
    lesions: Sequence[Built], annulus: MitralAnnulus, volume: Volume, *, noise_sd_hu: float, blood_hu: float
) -> dict[str, Any]:
    """Tell what is true of lesions put into a CT."""
    findings = _findings(lesions, annulus, noise_sd_hu=noise_sd_hu, blood_hu=blood_hu)
    return {"schema_version": "1.0", "series": series_truth(volume), **findings}


def _findings(
    lesions: Sequence[Built], annulus: MitralAnnulus, *, noise_sd_hu: float, blood_hu: float
) -> dict[str, Any]:
    own = [b for b in lesions if b.spec.kind in _ANNULAR and not b.spec.other_kind]
    rest = [b for b in lesions if b not in own]
    truths = [
        lesion_truth(b, annulus, number, noise_sd_hu=noise_sd_hu, blood_hu=blood_hu) for number, b in enumerate(own, 1)
    ]
    verdicts = [t["verdict"] for t in truths] + [b.spec.verdict for b in rest if b.spec.verdict]
    return {
        "verdict": max(verdicts, key=_SERIOUS.index) if verdicts else "no_calcification",
        "annulus": annulus_truth(annulus),
        "calcium": _calcium(truths),
        "lesions": truths,
        "other_calcium": [_other(b) for b in rest],
    }


def lesion_truth(
    built: Built, annulus: MitralAnnulus, number: int, *, noise_sd_hu: float, blood_hu: float
) -> dict[str, Any]:
    """Tell everything that is true of one lesion."""
    if built.spec.rough != SMOOTH or built.spec.kind is LesionKind.STONE:
        truth = _counted_truth(built, annulus, noise_sd_hu=noise_sd_hu, blood_hu=blood_hu)
    elif built.mass:
        truth = _mass_truth(built, annulus, _sampled(built).volumes_mm3, noise_sd_hu=noise_sd_hu)
    else:
        truth = _band_truth(built, annulus, _sampled(built).volumes_mm3)
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
        "centroid_mm": _rounded(built.mass.center_mm),
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
        "centroid_mm": _rounded(mass.center_mm),
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
                {"width_mm": 2 * n.radius_mm, "direction": _rounded(n.direction), "faces": n.chamber} for n in gaps
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
        "centroid_mm": _rounded(beads.centers_mm.mean(axis=0)),
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


def _sampled(built: Built) -> Filling:
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


def series_truth(volume: Volume) -> dict[str, Any]:
    """Tell how a volume was scanned."""
    seen = volume.acquisition
    return {
        "study_uid": seen.study_uid,
        "series_uid": seen.series_uid,
        "description": seen.description,
        "shape": list(volume.geometry.shape),
        "spacing_mm": _rounded(volume.geometry.spacing_mm, 6),
        "slice_thickness_mm": seen.slice_thickness_mm,
        "tube_voltage_kv": seen.tube_voltage_kv,
        "kernel": seen.kernel,
        "cardiac_phase_percent": seen.cardiac_phase_percent,
    }


def annulus_truth(annulus: MitralAnnulus) -> dict[str, Any]:
    """Tell where an annulus lies."""
    return {
        "center_mm": _rounded(annulus.center_mm),
        "normal": _rounded(annulus.normal, 5),
        "posterior": _rounded(annulus.posterior, 5),
        "septal_lateral_mm": round(annulus.septal_lateral_mm or 0, 3),
        "intercommissural_mm": round(annulus.intercommissural_mm or 0, 3),
        "curve_mm": [_rounded(p, 2) for p in annulus.curve_mm[::10]],
    }


def _box(heart: Heart) -> list[list[float]]:
    return [_rounded(heart.cardiac.low_mm, 1), _rounded(heart.cardiac.high_mm, 1)]


def _calcium(truths: Sequence[dict[str, Any]]) -> dict[str, Any]:
    bands = [t for t in truths if t["kind"] != "mass"]
    rims = [t["rim"]["volume_mm3"] for t in truths if t["kind"] == "mass"]
    return {
        "annular_volume_mm3": round(sum(t["volume_mm3"] for t in bands) + sum(rims), 1),
        "arc_deg": min(sum(t["arc_deg"] for t in bands), 360.0),
        "max_thickness_mm": max((t["thickness_max_mm"] for t in bands), default=None),
    }


def _other(built: Built) -> dict[str, Any]:
    return {
        "kind": built.spec.other_kind or "unknown",
        "hu": round(built.body.materials[-1].hu, 1),
        "volume_mm3": round(float(sum(_sampled(built).volumes_mm3)), 1),
        "centroid_mm": _rounded((built.body.low_mm + built.body.high_mm) / 2),
    }


def _rounded(values: Any, digits: int = 3) -> list[float]:
    return [round(float(v), digits) for v in values]
