"""What is true of a phantom, in the words of the record."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.contour import measure_contour
from ccma_seg.geometry import as_point
from ccma_seg.phantom.contrast import Brightness
from ccma_seg.phantom.heart import Heart, root_axis
from ccma_seg.phantom.lesion_truth import lesion_truth, rounded, sampled
from ccma_seg.phantom.lesions import Built
from ccma_seg.phantom.spec import AnatomySpec, LesionKind, Orifice, Recipe
from ccma_seg.volume import Volume

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
        **_with_contour(
            _findings(
                lesions,
                annulus,
                noise_sd_hu=recipe.scanner.noise_sd_hu,
                blood_hu=0.5 * (hu.left_ventricle + hu.left_atrium),
            ),
            annulus,
            recipe.anatomy,
        ),
    }


def _with_contour(findings: dict[str, Any], annulus: MitralAnnulus, anatomy: AnatomySpec) -> dict[str, Any]:
    """Add the sizes of the whole ring, each by the definition of the record, where the walls show that ring."""
    if anatomy.orifice == Orifice.ROUND:
        return findings
    apex = as_point(annulus.to_patient((0, 0, anatomy.lv_length_mm)))
    sizes = measure_contour(annulus, annulus.curve_mm, apex_mm=apex, aortic_normal=root_axis(anatomy, annulus))
    told = {k: rounded(v, 5) if k == "normal" else round(v, 2) for k, v in asdict(sizes).items()}
    return {**findings, "annulus": {**findings["annulus"], "contour": told}}


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


def series_truth(volume: Volume) -> dict[str, Any]:
    """Tell how a volume was scanned."""
    seen = volume.acquisition
    return {
        "study_uid": seen.study_uid,
        "series_uid": seen.series_uid,
        "description": seen.description,
        "shape": list(volume.geometry.shape),
        "spacing_mm": rounded(volume.geometry.spacing_mm, 6),
        "slice_thickness_mm": seen.slice_thickness_mm,
        "tube_voltage_kv": seen.tube_voltage_kv,
        "kernel": seen.kernel,
        "cardiac_phase_percent": seen.cardiac_phase_percent,
    }


def annulus_truth(annulus: MitralAnnulus) -> dict[str, Any]:
    """Tell where an annulus lies."""
    return {
        "center_mm": rounded(annulus.center_mm),
        "normal": rounded(annulus.normal, 5),
        "posterior": rounded(annulus.posterior, 5),
        "septal_lateral_mm": round(annulus.septal_lateral_mm or 0, 3),
        "intercommissural_mm": round(annulus.intercommissural_mm or 0, 3),
        "curve_mm": [rounded(p, 2) for p in annulus.curve_mm[::10]],
    }


def _box(heart: Heart) -> list[list[float]]:
    return [rounded(heart.cardiac.low_mm, 1), rounded(heart.cardiac.high_mm, 1)]


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
        "volume_mm3": round(float(sum(sampled(built).volumes_mm3)), 1),
        "centroid_mm": rounded((built.body.low_mm + built.body.high_mm) / 2),
    }
