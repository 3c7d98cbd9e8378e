"""Uneven recipes drawn at random: nastier than most pathology, but within what is seen."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ccma_seg.errors import ConfigError
from ccma_seg.phantom.chance import choose, draw_arterial, draw_contrast, draw_mass, draw_scanner
from ccma_seg.phantom.contrast import PLAIN_BLOOD_HU, brightness, calcium_hu
from ccma_seg.phantom.roughness import (
    CavityRoughness,
    CoreRoughness,
    NoduleRoughness,
    RimRoughness,
    RoughnessSpec,
    SurfaceRoughness,
)
from ccma_seg.phantom.spec import CavitySpec, ContrastSpec, LeakSpec, LesionKind, LesionSpec, Recipe, ScannerSpec

ROUGH_KINDS = {
    "normal": 0.05,
    "intact": 0.33,
    "like_blood": 0.13,
    "solid": 0.2,
    "ruptured": 0.2,
    "narrow": 0.05,
    "leak": 0.04,
}
"""Kinds, and their shares where none is asked for: intact masses; cores as dense as blood; bands and stones; ruptures
that one exam shows beyond doubt; ruptures that it may not show; leaked material."""

_ENHANCED_ONLY = {"like_blood", "ruptured", "narrow"}

_CLEAR_NECK_MM, _CLEAR_SLICE_MM = 3.0, 1.0
"""A rupture that must be seen."""
_PATCH_OVER_LENGTH = 1.8
"""`patch_mm` over the correlation length of the openings that it makes."""
_LENGTHS_MM = (0.6, 4.5)
"""Correlation lengths of rims."""
_STONE_SHARE = 0.3
_RING_MM = 115.0
"""Once round the annulus."""
_ON_BAND_SHARE = 0.15
"""Intact masses that sit on a band."""
_STONE_MM = ((18.0, 40.0), (0.5, 0.75), (0.85, 1.0))
"""Long axis; short over long, third over short: 31 x 17 x 16 mm lies amid them."""


def rough_recipe(seed: int, kind: str = "") -> Recipe:
    """Draw an uneven lesion, contrast and scanner; the same seed and kind give the same recipe.

    Parameters
    ----------
    seed
        Of everything.
    kind
        One of `ROUGH_KINDS`; drawn if it is empty.

    Raises
    ------
    ConfigError
        If there is no such kind.

    Examples
    --------
    >>> rough_recipe(1, "solid") == rough_recipe(1, "solid")
    True
    """
    if kind not in {"", *ROUGH_KINDS}:
        raise ConfigError(f"an uneven lesion is one of {', '.join(ROUGH_KINDS)}, got {kind!r}")
    rng = np.random.Generator(np.random.Philox(key=(seed, 29)))
    drawn = choose(rng, ROUGH_KINDS)
    own = kind or drawn
    contrast = draw_arterial(rng) if own in _ENHANCED_ONLY else draw_contrast(rng)
    scanner = _scanner(rng, enhanced=contrast.state != "none", clear=own == "ruptured")
    return Recipe(
        name=f"rough_{own}_{seed}",
        description=f"{own}, uneven, drawn with seed {seed}",
        contrast=contrast,
        scanner=scanner,
        lesions=_LESIONS[own](rng, _blood_as_paste(contrast, scanner)),
    )


def _scanner(rng: np.random.Generator, *, enhanced: bool, clear: bool) -> ScannerSpec:
    """Draw a scanner whose kernel may overshoot or bloom, with beam hardening in four of ten exams."""
    drawn = draw_scanner(rng, enhanced=enhanced)
    tail = rng.uniform(-0.35, 0.0) if drawn.kernel == "sharp" else rng.uniform(-0.1, 0.2)
    hardened = rng.uniform(20, 80) * (rng.random() < 0.4)
    spec = replace(drawn, tail=round(float(tail), 2), hardening_hu=round(float(hardened), 1))
    if not clear:
        return spec
    thickness = min(spec.slice_thickness_mm, _CLEAR_SLICE_MM)
    spacing = min(spec.slice_spacing_mm, thickness)
    slices = int(spec.slices * spec.slice_spacing_mm / spacing)
    return replace(spec, slice_thickness_mm=thickness, slice_spacing_mm=spacing, slices=slices, motion_mm=0.0)


def _blood_as_paste(contrast: ContrastSpec, scanner: ScannerSpec) -> float:
    """Return the HU at 120 kV of paste that is as bright as the blood of an exam."""
    blood = brightness(contrast, scanner.tube_voltage_kv).left_ventricle
    gain = (calcium_hu(1000 + PLAIN_BLOOD_HU, scanner.tube_voltage_kv) - PLAIN_BLOOD_HU) / 1000
    return PLAIN_BLOOD_HU + (blood - PLAIN_BLOOD_HU) / gain


def _rounded(rng: np.random.Generator, low: float, high: float, digits: int = 1) -> float:
    return round(float(rng.uniform(low, high)), digits)


def _length(rng: np.random.Generator) -> float:
    """Draw a correlation length, short ones as often as long ones."""
    return round(float(np.exp(rng.uniform(*np.log(_LENGTHS_MM)))), 2)


def _uneven(rng: np.random.Generator, mass: LesionSpec, blood_hu: float, **core: float) -> LesionSpec:
    """Make a mass uneven in all its parts."""
    opening_mm = max(_length(rng), mass.rim.thickness_mm / 2)
    rim = replace(mass.rim, coverage_pct=_rounded(rng, 60, 90), patch_mm=round(_PATCH_OVER_LENGTH * opening_mm, 2))
    return replace(
        mass,
        lobes=int(rng.integers(0, 5)),
        lobe_mm=_rounded(rng, 0.3, 1.5),
        rim=rim,
        core=replace(mass.core, texture_sd_hu=_rounded(rng, 20, 120), texture_mm=_rounded(rng, 3, 12), **core),
        rough=RoughnessSpec(
            surface=SurfaceRoughness(bumps_mm=_rounded(rng, 0.2, 1.0, 2), bump_size_mm=_rounded(rng, 3, 8)),
            rim=_rim(rng),
            core=_core(rng, blood_hu),
        ),
    )


def _rim(rng: np.random.Generator) -> RimRoughness:
    return RimRoughness(
        thickness_sd_pct=_rounded(rng, 10, 30),
        hu_sd_pct=_rounded(rng, 10, 30),
        grain_size_mm=_length(rng),
        inner_blur_mm=_rounded(rng, 0, 1, 2),
    )


def _core(rng: np.random.Generator, blood_hu: float) -> CoreRoughness:
    """Draw paste of which each kind of unevenness is there in about half of the masses."""
    lumps, sediment, gradient, nodules = rng.random(4) < (0.6, 0.35, 0.35, 0.5)
    lump_hu = blood_hu * rng.uniform(0.8, 1.2) if rng.random() < 0.5 else rng.uniform(50, 500)
    return CoreRoughness(
        lumps_pct=_rounded(rng, 5, 35) * lumps,
        lumps_hu=round(float(lump_hu), 1),
        lump_size_mm=_rounded(rng, 1.5, 4.5),
        sediment_pct=_rounded(rng, 10, 40) * sediment,
        sediment_hu=_rounded(rng, 150, 450),
        gradient_hu=_rounded(rng, -150, 150) * gradient,
        nodules=int(rng.integers(1, 7)) * int(nodules),
        nodule_mm=_rounded(rng, 1.5, 4.0),
        nodule_hu=_rounded(rng, 500, 1100),
    )


def _intact(rng: np.random.Generator, blood_hu: float) -> tuple[LesionSpec, ...]:
    core_hu = float(rng.uniform(20, 130) if rng.random() < 0.5 else rng.uniform(200, 500))
    mass = _uneven(rng, draw_mass(rng, core_hu=core_hu), blood_hu)
    if rng.random() >= _ON_BAND_SHARE:
        return (mass,)
    return (replace(_band(rng), angle_deg=mass.angle_deg, thickness_mm=_rounded(rng, 3, 6)), mass)


def _like_blood(rng: np.random.Generator, blood_hu: float) -> tuple[LesionSpec, ...]:
    mass = _uneven(rng, draw_mass(rng, core_hu=blood_hu * float(rng.uniform(0.9, 1.1))), blood_hu)
    calm = replace(mass.rough.core, sediment_pct=0.0, gradient_hu=0.0)
    core = replace(mass.core, texture_sd_hu=_rounded(rng, 10, 50))
    return (replace(mass, core=core, rough=replace(mass.rough, core=calm)),)


def _open(rng: np.random.Generator, blood_hu: float, *, necks_mm: tuple[float, float]) -> tuple[LesionSpec, ...]:
    opens = (("left_ventricle",), ("left_atrium",), ("left_ventricle", "left_atrium"))
    cavity = CavitySpec(
        fraction=_rounded(rng, 0.4, 1.0, 2),
        neck_mm=_rounded(rng, *necks_mm),
        opens_to=opens[int(rng.choice(3, p=[0.6, 0.25, 0.15]))],
        blood_ratio=_rounded(rng, 0.85, 1.05, 2),
    )
    mass = _uneven(rng, draw_mass(rng, core_hu=float(rng.uniform(50, 120)), cavity=cavity), blood_hu)
    clot, swirl, layering, jet = rng.random(4) < (0.5, 0.6, 0.4, 0.5)
    blood = CavityRoughness(
        clot_pct=_rounded(rng, 5, 35) * clot,
        clot_hu=_rounded(rng, 40, 90),
        swirl_pct=_rounded(rng, 3, 12) * swirl,
        layering_pct=_rounded(rng, -15, 15) * layering,
        jet_pct=_rounded(rng, -12, 12) * jet,
        border_mm=_rounded(rng, 0, 1.5, 2),
    )
    return (replace(mass, rough=replace(mass.rough, cavity=blood)),)


def _ruptured(rng: np.random.Generator, blood_hu: float) -> tuple[LesionSpec, ...]:
    return _open(rng, blood_hu, necks_mm=(_CLEAR_NECK_MM, 6.0))


def _narrow(rng: np.random.Generator, blood_hu: float) -> tuple[LesionSpec, ...]:
    return _open(rng, blood_hu, necks_mm=(1.2, _CLEAR_NECK_MM))


def _leaking(rng: np.random.Generator, blood_hu: float) -> tuple[LesionSpec, ...]:
    leak = LeakSpec(diameter_mm=_rounded(rng, 6, 20), hu=_rounded(rng, 50, 120), gap_mm=_rounded(rng, 3, 6))
    return (_uneven(rng, draw_mass(rng, core_hu=float(rng.uniform(40, 120)), leak=leak), blood_hu),)


def _solid(rng: np.random.Generator, _: float) -> tuple[LesionSpec, ...]:
    return (_stone(rng) if rng.random() < _STONE_SHARE else _band(rng),)


def _band(rng: np.random.Generator) -> LesionSpec:
    arc, thickness = _rounded(rng, 30, 300), _rounded(rng, 3, 14)
    return LesionSpec(
        kind=LesionKind.BAND,
        angle_deg=round(float(rng.normal(0, 25)), 1),
        arc_deg=arc,
        thickness_mm=thickness,
        irregular=_rounded(rng, 0.2, 0.5, 2),
        outward_mm=_rounded(rng, 0.5, 3, 2),
        hu=_rounded(rng, 600, 1400),
        rough=RoughnessSpec(
            surface=SurfaceRoughness(
                bumps_mm=_rounded(rng, 0.3, 0.6 + 0.08 * thickness, 2), bump_size_mm=_rounded(rng, 1.5, 5)
            ),
            rim=_rim(rng),
            band=NoduleRoughness(
                nodules=max(int(arc / 360 * rng.uniform(1.0, 3.5) * _RING_MM / thickness), 2),
                strand_pct=_rounded(rng, 30, 80),
                spiky_pct=_rounded(rng, 0, 60),
                spike_mm=_rounded(rng, 2, 6),
                reach_mm=_rounded(rng, 3, 12) * bool(rng.random() < 0.5),
            ),
        ),
    )


def _stone(rng: np.random.Generator) -> LesionSpec:
    longs, shorts, thirds = _STONE_MM
    long = float(rng.uniform(*longs))
    short = long * float(rng.uniform(*shorts))
    return LesionSpec(
        kind=LesionKind.STONE,
        angle_deg=round(float(np.clip(rng.normal(0, 35), -80, 80)), 1),
        outward_mm=round(float(rng.uniform(0.5, 2.0) + 0.08 * short), 2),
        apical_mm=round(float(rng.normal(0, 3)), 2),
        long_axis_mm=round(long, 2),
        short_axis_mm=round(short, 2),
        third_axis_mm=round(short * float(rng.uniform(*thirds)), 2),
        lobes=int(rng.integers(0, 5)),
        lobe_mm=_rounded(rng, 0.3, 1.5),
        hu=_rounded(rng, 700, 1400),
        rough=RoughnessSpec(
            surface=SurfaceRoughness(bumps_mm=_rounded(rng, 0.3, 1.2, 2), bump_size_mm=_rounded(rng, 2, 6)),
            rim=_rim(rng),
        ),
    )


def _nothing(_: np.random.Generator, __: float) -> tuple[LesionSpec, ...]:
    return ()


_LESIONS: dict[str, Callable[[np.random.Generator, float], tuple[LesionSpec, ...]]] = {
    "normal": _nothing,
    "intact": _intact,
    "like_blood": _like_blood,
    "solid": _solid,
    "ruptured": _ruptured,
    "narrow": _narrow,
    "leak": _leaking,
}
