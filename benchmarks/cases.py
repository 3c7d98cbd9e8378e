"""What the accuracy bench runs: random phantoms, a grid, the recipes of the package, lesions in real CTs."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ccma_seg import read_series
from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.ring import RingParams, annulus_at
from ccma_seg.geometry import Floats, as_point, unit
from ccma_seg.phantom import (
    CavitySpec,
    ContrastSpec,
    CoreSpec,
    LesionKind,
    LesionSpec,
    Phantom,
    Recipe,
    RimSpec,
    ScannerSpec,
    insert,
    make_phantom,
    random_recipe,
    read_recipe,
    recipe_names,
    rough_recipe,
)

_SCANNER = ScannerSpec(matrix=384, slices=166, slice_spacing_mm=0.75)
_HEIGHT_MM = 125.0
_ISO = "ccma_iso_dense"
"""A caseous calcification whose core is as bright as the blood of the CT that it is put into."""
_MARKED_TO_MM = 3.0
"""Landmarks are uncertain by 2-5 mm."""
_INSERTED = ("mac", "ccma_soft", _ISO, "ruptured", "leak")
_INSERTED_ROUGH = ("intact", "solid", "ruptured")
"""Kinds of uneven lesions that do not ask for the blood of the CT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One exam to analyse."""

    id: str
    group: str
    recipe: Recipe
    seed: int = 1
    factors: dict[str, Any] = field(default_factory=dict)
    folder: str | None = None
    """A real CT to insert the lesions into."""
    landmarks: dict[str, Any] | None = None


def make_case(case: Case) -> Phantom:
    """Make the exam of a case."""
    if case.folder is None or case.landmarks is None:
        return make_phantom(case.recipe, seed=case.seed)
    volume = read_series(case.folder, series_uid=case.landmarks.get("series_uid"))
    return insert(volume, marked_annulus(case.landmarks), case.recipe.lesions, seed=case.seed)


def random_cases(count: int, *, smooth: bool = False) -> list[Case]:
    """Draw phantoms at random: uneven lesions, or even ones."""
    if not smooth:
        return [Case(id=f"rough-{s}", group="rough", recipe=rough_recipe(s), seed=s) for s in range(1, count + 1)]
    return [Case(id=f"random-{s}", group="random", recipe=random_recipe(s), seed=s) for s in range(1, count + 1)]


def recipe_cases() -> list[Case]:
    """Take the recipes of the package."""
    return [Case(id=f"recipe-{name}", group="recipes", recipe=read_recipe(name)) for name in recipe_names()]


def grid_cases() -> list[Case]:
    """Vary one factor at a time round a middle case, for each kind of lesion."""
    return [
        Case(id=f"grid-{kind}-{factor}-{value}", group="grid", recipe=recipe, factors={"kind": kind, factor: value})
        for kind, base in _bases().items()
        for factor, value, recipe in _varied(base)
    ]


def inserted_cases(folder: Path, landmarks: Path) -> list[Case]:
    """Put lesions into each real CT that has landmarks; a CT without a path lies in a folder of its name.

    Uneven lesions differ from CT to CT.
    """
    known = json.loads(landmarks.read_text(encoding="utf-8"))
    return [
        Case(
            id=f"inserted-{name}-{lesion}",
            group="inserted",
            recipe=recipe,
            factors={"ct": name},
            folder=str(_place(folder, name, marks)),
            landmarks=marks,
        )
        for number, (name, marks) in enumerate(known.items(), 1)
        if _place(folder, name, marks).is_dir()
        for lesion, recipe in _inserted(marks, seed=number).items()
    ]


def _inserted(marks: dict[str, Any], *, seed: int) -> dict[str, Recipe]:
    even = {name: _iso_dense(marks) if name == _ISO else read_recipe(name) for name in _INSERTED}
    return even | {f"rough_{kind}": rough_recipe(seed, kind) for kind in _INSERTED_ROUGH}


def _place(folder: Path, name: str, marks: dict[str, Any]) -> Path:
    return folder / (marks["path"] or name)


def _iso_dense(marks: dict[str, Any]) -> Recipe:
    dense = read_recipe("ccma_dense")
    core = CoreSpec(hu=marks["blood_pool_hu"]["LV"]["mean"], texture_sd_hu=dense.lesions[0].core.texture_sd_hu)
    return replace(dense, lesions=(replace(dense.lesions[0], core=core),))


def marked_annulus(marks: dict[str, Any]) -> MitralAnnulus:
    """Build an annulus from hand-placed landmarks; one of its diameters where no curve was traced."""
    points = {name: np.array(value["lps"], float) for name, value in marks["landmarks"].items()}
    center = points["annulus_center"]
    normal = unit(points["lv_apex"] - center)
    toward = points["annulus_posterior"] - center
    if "annulus_curve_lps" not in marks:
        return annulus_at(
            center,
            normal,
            toward,
            params=RingParams(),
            method="given",
            uncertainty_mm=_MARKED_TO_MM,
            septal_lateral_mm=_apart_mm(points, "annulus_anterior", "annulus_posterior"),
            intercommissural_mm=_apart_mm(points, "annulus_anterolateral", "annulus_posteromedial"),
        )
    posterior = unit(toward - (toward @ normal) * normal)
    curve = np.array([p["lps"] for p in marks["annulus_curve_lps"]], float)
    frame = (curve - center) @ np.array([posterior, np.cross(normal, posterior), normal]).T
    order = np.argsort(np.arctan2(frame[:, 1], frame[:, 0]) % (2 * np.pi))
    return MitralAnnulus(
        center_mm=as_point(center),
        normal=as_point(normal),
        posterior=as_point(posterior),
        curve_mm=curve[order],
        method="given",
        uncertainty_mm=_MARKED_TO_MM,
    )


def _apart_mm(points: dict[str, Floats], first: str, second: str) -> float:
    return float(np.linalg.norm(points[first] - points[second]))


def _bases() -> dict[str, LesionSpec]:
    soft = LesionSpec(long_axis_mm=28.0, short_axis_mm=21.0, rim=RimSpec(coverage_pct=90.0), core=CoreSpec(hu=80.0))
    return {
        "mac": LesionSpec(kind=LesionKind.BAND, arc_deg=120.0, thickness_mm=5.0),
        "ccma_soft": soft,
        "ccma_dense": replace(soft, core=CoreSpec(hu=400.0)),
        "ruptured": replace(soft, cavity=CavitySpec(fraction=0.6, neck_mm=3.5)),
    }


def _varied(lesion: LesionSpec) -> list[tuple[str, Any, Recipe]]:
    base = Recipe(name="grid", scanner=_SCANNER, lesions=(lesion,))
    rows: list[tuple[str, Any, Recipe]] = [("base", 0, base)]
    rows += [("size_pct", s, replace(base, lesions=(_scaled(lesion, s / 100),))) for s in (50, 75, 150)]
    if lesion.kind is LesionKind.MASS:
        rows += [("coverage_pct", c, _with_rim(base, coverage_pct=float(c))) for c in (50, 70, 100)]
        rows += [("rim_mm", t, _with_rim(base, thickness_mm=t)) for t in (1.0, 3.0)]
    rows += [("contrast", c, replace(base, contrast=ContrastSpec(state=c))) for c in ("none", "late")]
    rows += [("kv", k, replace(base, scanner=replace(_SCANNER, tube_voltage_kv=float(k)))) for k in (80, 100, 140)]
    rows += [("thickness_mm", t, replace(base, scanner=_thick(t))) for t in (0.5, 1.5, 3.0)]
    rows += [("noise_hu", n, replace(base, scanner=replace(_SCANNER, noise_sd_hu=float(n)))) for n in (10, 40, 60)]
    rows += [("kernel", k, replace(base, scanner=replace(_SCANNER, kernel=k))) for k in ("soft", "sharp")]
    return rows


def _scaled(lesion: LesionSpec, factor: float) -> LesionSpec:
    if lesion.kind is LesionKind.BAND:
        return replace(lesion, thickness_mm=lesion.thickness_mm * factor)
    return replace(
        lesion,
        long_axis_mm=lesion.long_axis_mm * factor,
        short_axis_mm=lesion.short_axis_mm * factor,
        third_axis_mm=None,
    )


def _with_rim(recipe: Recipe, **changes: float) -> Recipe:
    lesion = recipe.lesions[0]
    return replace(recipe, lesions=(replace(lesion, rim=replace(lesion.rim, **changes)),))


def _thick(thickness_mm: float) -> ScannerSpec:
    return replace(
        _SCANNER,
        slice_thickness_mm=thickness_mm,
        slice_spacing_mm=thickness_mm,
        slices=int(_HEIGHT_MM / thickness_mm),
    )
