"""Recipes drawn at random, within published ranges."""

from collections.abc import Callable

import numpy as np

from ccma_seg.phantom.spec import (
    CavitySpec,
    ContrastSpec,
    CoreSpec,
    LeakSpec,
    LesionKind,
    LesionSpec,
    Recipe,
    RimSpec,
    ScannerSpec,
)

_COVER_MM = 125.0
"""Height of a gated exam."""

_KINDS = {
    "normal": 0.08,
    "mac": 0.26,
    "ccma_soft": 0.16,
    "ccma_dense": 0.16,
    "ruptured": 0.2,
    "leak": 0.07,
    "other": 0.07,
}
_CONTRAST = {"arterial": 0.65, "none": 0.25, "late": 0.1}


def random_recipe(seed: int) -> Recipe:
    """Draw a lesion, contrast and scanner; the same seed gives the same recipe.

    >>> random_recipe(1) == random_recipe(1)
    True
    """
    rng = np.random.Generator(np.random.Philox(key=(seed, 23)))
    kind = choose(rng, _KINDS)
    contrast = draw_contrast(rng)
    return Recipe(
        name=f"random_{kind}_{seed}",
        description=f"{kind} drawn with seed {seed}",
        contrast=contrast,
        scanner=draw_scanner(rng, enhanced=contrast.state != "none"),
        lesions=_LESIONS[kind](rng),
    )


def choose(rng: np.random.Generator, shares: dict[str, float]) -> str:
    """Draw one of several by their shares."""
    return str(rng.choice(list(shares), p=list(shares.values())))


def draw_contrast(rng: np.random.Generator) -> ContrastSpec:
    """Draw a contrast phase, arterial in most exams."""
    state = choose(rng, _CONTRAST)
    return draw_arterial(rng) if state == "arterial" else ContrastSpec(state=state)


def draw_arterial(rng: np.random.Generator) -> ContrastSpec:
    """Draw how bright blood is in an arterial phase."""
    lv = float(np.clip(rng.normal(340, 85), 200, 650))
    return ContrastSpec(state="arterial", lv_hu=round(lv, 1), la_offset_hu=round(float(rng.uniform(0, 60)), 1))


def draw_scanner(rng: np.random.Generator, *, enhanced: bool) -> ScannerSpec:
    """Draw how an exam is scanned; without contrast slices are thicker."""
    thickness = float(rng.choice([0.5, 0.75, 1.0, 1.5, 3.0], p=[0.2, 0.3, 0.2, 0.15, 0.15]))
    if not enhanced:
        thickness = float(rng.choice([0.75, 1.5, 3.0]))
    spacing = thickness if thickness >= 1.5 else max(0.5, thickness * float(rng.choice([0.7, 1.0])))
    return ScannerSpec(
        tube_voltage_kv=float(rng.choice([80.0, 100.0, 120.0, 140.0], p=[0.1, 0.25, 0.55, 0.1])),
        kernel=str(rng.choice(["soft", "medium", "sharp"], p=[0.35, 0.45, 0.2])),
        matrix=384,
        field_of_view_mm=round(float(rng.uniform(170, 230)), 1),
        slices=int(_COVER_MM / spacing),
        slice_spacing_mm=round(spacing, 3),
        slice_thickness_mm=thickness,
        noise_sd_hu=round(float(rng.uniform(10, 35)), 1),
        motion_mm=round(float(rng.choice([0.0, 1.0, 2.0], p=[0.7, 0.2, 0.1])), 1),
    )


def draw_mass(rng: np.random.Generator, *, core_hu: float, **parts: CavitySpec | LeakSpec) -> LesionSpec:
    """Draw the size, place and rim of a mass."""
    long = float(np.clip(rng.lognormal(np.log(29), 0.3), 15, 50))
    aspect = float(np.clip(rng.normal(1.33, 0.2), 1.0, 2.1))
    short = long / aspect
    return LesionSpec(
        angle_deg=round(float(np.clip(rng.normal(0, 30), -75, 75)), 1),
        outward_mm=round(float(rng.uniform(0.5, 2.0) + 0.08 * short), 2),
        apical_mm=round(float(rng.normal(0, 3)), 2),
        long_axis_mm=round(long, 2),
        short_axis_mm=round(short, 2),
        third_axis_mm=round(short * float(rng.uniform(0.88, 1.0)), 2),
        rim=RimSpec(
            thickness_mm=round(float(rng.uniform(1.2, 3.5)), 2),
            hu=round(float(rng.uniform(700, 1400)), 1),
            coverage_pct=round(float(rng.uniform(60, 100)), 1),
            patch_mm=round(float(rng.uniform(8, 16)), 1),
        ),
        core=CoreSpec(hu=round(core_hu, 1), texture_sd_hu=round(float(rng.uniform(0, 25)), 1)),
        **parts,  # type: ignore[arg-type]
    )


def _soft(rng: np.random.Generator) -> tuple[LesionSpec, ...]:
    return (draw_mass(rng, core_hu=float(rng.uniform(20, 130))),)


def _dense(rng: np.random.Generator) -> tuple[LesionSpec, ...]:
    return (draw_mass(rng, core_hu=float(rng.uniform(200, 500))),)


def _ruptured(rng: np.random.Generator) -> tuple[LesionSpec, ...]:
    opens = (("left_ventricle",), ("left_atrium",), ("left_ventricle", "left_atrium"))
    cavity = CavitySpec(
        fraction=round(float(rng.uniform(0.4, 1.0)), 2),
        neck_mm=round(float(rng.uniform(1.5, 5.0)), 1),
        opens_to=opens[int(rng.choice(3, p=[0.6, 0.25, 0.15]))],
        blood_ratio=round(float(rng.uniform(0.85, 1.05)), 2),
    )
    return (draw_mass(rng, core_hu=float(rng.uniform(50, 120)), cavity=cavity),)


def _leaking(rng: np.random.Generator) -> tuple[LesionSpec, ...]:
    leak = LeakSpec(
        diameter_mm=round(float(rng.uniform(6, 20)), 1),
        hu=round(float(rng.uniform(50, 120)), 1),
        gap_mm=round(float(rng.uniform(3, 6)), 1),
    )
    return (draw_mass(rng, core_hu=float(rng.uniform(40, 120)), leak=leak),)


def _band(rng: np.random.Generator) -> tuple[LesionSpec, ...]:
    return (
        LesionSpec(
            kind=LesionKind.BAND,
            angle_deg=round(float(rng.normal(0, 25)), 1),
            arc_deg=round(float(rng.uniform(30, 330)), 1),
            thickness_mm=round(float(rng.uniform(2, 9)), 2),
            irregular=round(float(rng.uniform(0.05, 0.3)), 2),
            blobs=int(rng.integers(0, 6)),
            outward_mm=round(float(rng.uniform(0.5, 3)), 2),
            hu=round(float(rng.uniform(500, 1400)), 1),
        ),
    )


def _other(rng: np.random.Generator) -> tuple[LesionSpec, ...]:
    """Calcium of the circumflex artery, of a papillary muscle, or of the aortic valve."""
    hu = round(float(rng.uniform(600, 1200)), 1)
    vessel = LesionSpec(
        kind=LesionKind.TUBE,
        angle_deg=round(float(rng.uniform(50, 100)), 1),
        arc_deg=round(float(rng.uniform(15, 50)), 1),
        outward_mm=8.5,
        apical_mm=-2.0,
        thickness_mm=round(float(rng.uniform(2, 4.5)), 1),
        hu=hu,
        other_kind="coronary",
        verdict="other",
    )
    size = round(float(rng.uniform(3, 8)), 1)
    places = (("papillary", 60.0, -1.0, 40.0), ("aortic_valve", 180.0, 13.0, -2.0))
    balls = [
        LesionSpec(
            kind=LesionKind.BALL,
            angle_deg=angle,
            outward_mm=out,
            apical_mm=apical,
            long_axis_mm=size,
            short_axis_mm=0.7 * size,
            hu=hu,
            other_kind=kind,
            verdict="other",
        )
        for kind, angle, out, apical in places
    ]
    return ((vessel, *balls)[int(rng.integers(3))],)


def _nothing(_: np.random.Generator) -> tuple[LesionSpec, ...]:
    return ()


_LESIONS: dict[str, Callable[[np.random.Generator], tuple[LesionSpec, ...]]] = {
    "normal": _nothing,
    "mac": _band,
    "ccma_soft": _soft,
    "ccma_dense": _dense,
    "ruptured": _ruptured,
    "leak": _leaking,
    "other": _other,
}
