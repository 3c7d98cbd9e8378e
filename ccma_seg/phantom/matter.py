"""What a mass is made of: which material lies where, and how dense it is there."""

from collections.abc import Callable

import numpy as np

from ccma_seg.geometry import Bools, Floats
from ccma_seg.phantom.bodies import (
    ANNULAR_CALCIUM,
    CAVITY,
    CORE,
    LEAK,
    RIM,
    SUBSAMPLES,
    UNEVEN_SUBSAMPLES,
    Body,
    Codes,
    Material,
)
from ccma_seg.phantom.contrast import PLAIN_BLOOD_HU, Brightness, calcium_hu, uneven_calcium_hu
from ccma_seg.phantom.fields import Field, above, random_field, smooth_field
from ccma_seg.phantom.masses import (
    Mass,
    below_rim_mm,
    beyond_border,
    depth_mm,
    in_leak,
    in_tunnel,
    points_inside,
    straight,
)
from ccma_seg.phantom.roughness import SMOOTH

Texture = Callable[[Floats, Codes], Floats]

_RIM, _CORE, _CAVITY, _LEAK, _STREAM, _CLOT = 1, 2, 3, 4, 5, 6
"""Numbers of the materials; the stream is blood of the neck outside the mass."""

_GRAIN, _LUMPS, _CLOTS, _SWIRLS, _SETTLED, _NODULES = 41, 42, 43, 44, 45, 46
"""Streams of what is random."""

_CLOT_SIZE_MM, _CLOT_FREE_MM = 5.0, 3.0
"""Correlation length of clot, and how far from the wall of a neck blood keeps it away."""
_SWIRL_SIZE_MM, _SWIRL_STRETCH = 3.0, 2.5
"""Correlation length across swirls, and how much longer they are along the jet."""
_SETTLED_SIZE_MM, _SETTLED_SD_MM = 6.0, 0.5
"""How wavy the surface of sediment is."""
DOWN = np.array((0.0, 1.0, 0.0))
"""Where things settle in a patient who lies on the back, LPS."""

_EDGE_SD = 0.3
"""Lumps give way to paste over this much of their field's standard deviation."""
_NODULE_CLEARANCE_MM = 0.5
_NODULE_SIZES = (0.5, 1.5)
_INSIDE_POINTS = 20_000

_LEAST_PASTE_HU = -30.0
"""Lipid-rich paste; fat would be lower."""
_GRAIN_RANGE = (0.35, 1.8)
"""Density of a rim's calcium, of the nominal one."""
_BLOOD_RANGE = (0.7, 1.25)
"""Enhancement within a cavity, of the nominal one."""


def mass_body(mass: Mass, hu: Brightness, tube_voltage_kv: float, *, seed: int) -> Body:
    """Turn a mass into a body with its materials."""
    spec = mass.spec
    chamber = getattr(hu, spec.cavity.opens_to[0]) if spec.cavity.opens_to else hu.left_ventricle
    materials = (
        Material(name="rim", hu=calcium_hu(spec.rim.hu, tube_voltage_kv), label=RIM),
        Material(name="core", hu=calcium_hu(spec.core.hu, tube_voltage_kv), label=CORE),
        Material(name="cavity", hu=chamber * spec.cavity.blood_ratio, label=CAVITY),
        Material(name="leak", hu=calcium_hu(spec.leak.hu, tube_voltage_kv), label=LEAK),
        Material(name="stream", hu=chamber, label=0),
        Material(name="clot", hu=calcium_hu(spec.rough.cavity.clot_hu, tube_voltage_kv), label=CORE),
    )
    far = max([0.0, *(n.surface_mm + n.reach_mm for n in mass.necks)])
    far = max(far, mass.leak.surface_mm + max(spec.leak.diameter_mm, spec.leak.length_mm) + 2 if mass.leak else 0.0)
    size = max(mass.reach_mm, far) + 2
    return Body(
        low_mm=mass.center_mm - size,
        high_mm=mass.center_mm + size,
        classify=_classify(mass, seed),
        materials=materials,
        texture=_texture(mass, materials, tube_voltage_kv, seed=seed),
        subsamples=SUBSAMPLES if spec.rough == SMOOTH else UNEVEN_SUBSAMPLES,
    )


def stone_body(mass: Mass, tube_voltage_kv: float, *, seed: int) -> Body:
    """Fill the surface of a mass with calcium alone."""
    material = Material(name="calcium", hu=calcium_hu(mass.spec.hu, tube_voltage_kv), label=ANNULAR_CALCIUM)

    def classify(positions_mm: Floats) -> Codes:
        return np.asarray(depth_mm(mass, positions_mm) < 0, np.uint8)

    return Body(
        low_mm=mass.center_mm - mass.reach_mm,
        high_mm=mass.center_mm + mass.reach_mm,
        classify=classify,
        materials=(material,),
        texture=_calcium_texture(mass, material.hu, tube_voltage_kv, seed=seed),
        subsamples=UNEVEN_SUBSAMPLES,
    )


def _calcium_texture(mass: Mass, hu: float, kv: float, *, seed: int) -> Texture | None:
    added = _grain(mass, hu, kv, seed=seed)
    return None if added is None else lambda positions_mm, codes: added(positions_mm - mass.center_mm) * (codes > 0)


def _classify(mass: Mass, seed: int) -> Callable[[Floats], Codes]:
    clot = _clot(mass, seed)

    def classify(positions_mm: Floats) -> Codes:
        codes = np.zeros(len(positions_mm), np.uint8)
        relative = positions_mm - mass.center_mm
        depth = depth_mm(mass, positions_mm)
        if mass.leak is not None:
            codes[in_leak(mass, mass.leak, relative)] = _LEAK
        inside = depth < 0
        codes[inside] = _CORE
        below = below_rim_mm(mass, relative, depth)
        if mass.necks:
            lumen = np.flatnonzero(below < 0)
            codes[lumen[beyond_border(mass, relative[lumen])]] = _CAVITY
        if clot is not None:
            blood = np.flatnonzero(codes == _CAVITY)
            codes[blood[clot(relative[blood])]] = _CLOT
        shell = inside & (below >= 0)
        covered = np.zeros_like(inside)
        covered[shell] = _covered(mass, relative[shell])
        codes[covered] = _RIM
        for neck in mass.necks:
            tunnel = in_tunnel(neck, relative)
            codes[tunnel & inside] = np.where(codes[tunnel & inside] == _RIM, _CAVITY, codes[tunnel & inside])
            codes[tunnel & inside & (below >= -1)] = _CAVITY
            codes[tunnel & ~inside] = _STREAM
        if mass.leak is not None:
            codes[in_tunnel(mass.leak, relative) & inside & (below >= 0)] = _CORE
        return codes

    return classify


def _covered(mass: Mass, relative: Floats) -> Bools:
    return mass.patches.covered(straight(mass, relative @ mass.axes.T))


def _clot(mass: Mass, seed: int) -> Callable[[Floats], Bools] | None:
    """Make clot in the cavity, but for a way from each neck to its middle."""
    share = mass.spec.rough.cavity.clot_pct
    if share <= 0 or not mass.necks:
        return None
    field = random_field(length_mm=_CLOT_SIZE_MM, seed=seed, stream=_CLOTS)
    limit = above(share)

    def clot(relative: Floats) -> Bools:
        free = np.zeros(len(relative), bool)
        for neck in mass.necks:
            along = relative @ neck.direction
            away2 = (relative**2).sum(axis=1) - along**2
            free |= (along > 0) & (away2 < (neck.radius_mm + _CLOT_FREE_MM) ** 2)
        return (field(relative) > limit) & ~free

    return clot


def _texture(mass: Mass, materials: tuple[Material, ...], kv: float, *, seed: int) -> Texture | None:
    """Make what is added to the HU of each material; None where all are even."""
    even = _even_paste(mass, seed)
    if mass.spec.rough == SMOOTH:
        return even
    rim_hu, core_hu, cavity_hu = (m.hu for m in materials[:3])
    paste, blood = _paste(mass, core_hu, kv, seed=seed), _blood(mass, cavity_hu, seed)
    grain, blur_mm = _grain(mass, rim_hu, kv, seed=seed), mass.spec.rough.rim.inner_blur_mm

    def texture(positions_mm: Floats, codes: Codes) -> Floats:
        added = np.zeros(len(positions_mm))
        relative = positions_mm - mass.center_mm
        rim, core, cavity = (np.flatnonzero(codes == c) for c in (_RIM, _CORE, _CAVITY))
        if grain is not None:
            added[rim] = grain(relative[rim])
        added[core] = paste(relative[core])
        added[cavity] = blood(relative[cavity])
        for own, own_hu, other_hu in ((rim, rim_hu, core_hu), (core, core_hu, rim_hu)) if blur_mm > 0 else ():
            share = _mixed_in(mass, positions_mm[own], blur_mm)
            added[own] += share * (other_hu - own_hu - added[own])
        return added

    return texture


def _mixed_in(mass: Mass, positions_mm: Floats, blur_mm: float) -> Floats:
    """Return how much of the other side, paste or calcium, is mixed in near the inner border of the rim."""
    relative = positions_mm - mass.center_mm
    off = np.abs(below_rim_mm(mass, relative, depth_mm(mass, positions_mm)))
    share = np.maximum(0.5 - off / blur_mm, 0)
    near = np.flatnonzero(share)
    share[near] *= _covered(mass, relative[near])
    return np.asarray(share)


def _grain(mass: Mass, hu: float, kv: float, *, seed: int) -> Field | None:
    """Return HU that calcium has more or less here than on average, by position from the centre."""
    rough = mass.spec.rough.rim
    if rough.hu_sd_pct <= 0:
        return None
    field = random_field(length_mm=rough.grain_size_mm, seed=seed, stream=_GRAIN)

    def added(relative: Floats) -> Floats:
        factor = np.clip(1 + rough.hu_sd_pct / 100 * field(relative), *_GRAIN_RANGE)
        return uneven_calcium_hu(hu, factor, kv)

    return added


def _even_paste(mass: Mass, seed: int) -> Texture | None:
    """Make paste with the texture of `CoreSpec` alone."""
    spec = mass.spec.core
    if spec.texture_sd_hu <= 0:
        return None
    noise = smooth_field(wavelength_mm=spec.texture_mm, seed=seed)

    def texture(positions_mm: Floats, codes: Codes) -> Floats:
        added = np.zeros(len(positions_mm))
        core = codes == _CORE
        added[core] = spec.texture_sd_hu * noise(positions_mm[core] - mass.center_mm)
        return added

    return texture


def _paste(mass: Mass, core_hu: float, kv: float, *, seed: int) -> Field:
    """Make paste with texture, gradient, sediment, lumps and nodules: HU to add, by position from the centre."""
    core, rough = mass.spec.core, mass.spec.rough.core
    fine = smooth_field(wavelength_mm=core.texture_mm, seed=seed)
    lumps = random_field(length_mm=rough.lump_size_mm, seed=seed, stream=_LUMPS)
    wavy = random_field(length_mm=_SETTLED_SIZE_MM, seed=seed, stream=_SETTLED)
    inside = points_inside(mass, seed=seed, number=_INSIDE_POINTS)
    surface_mm = float(np.quantile(inside @ DOWN, 1 - rough.sediment_pct / 100)) if len(inside) else 0.0
    nodules = _nodules(mass, inside, seed)
    lump_hu, sediment_hu, nodule_hu = (
        calcium_hu(v, kv) - core_hu for v in (rough.lumps_hu, rough.sediment_hu, rough.nodule_hu)
    )

    def paste(relative: Floats) -> Floats:
        added = core.texture_sd_hu * fine(relative) if core.texture_sd_hu > 0 else np.zeros(len(relative))
        if rough.gradient_hu:
            added += rough.gradient_hu * (relative @ mass.axes[0]) / (2 * float(mass.radii_mm[0]))
        if rough.sediment_pct > 0:
            settled = relative @ DOWN + _SETTLED_SD_MM * wavy(relative) > surface_mm
            added += settled * sediment_hu
        if rough.lumps_pct > 0:
            share = np.clip(0.5 + (lumps(relative) - above(rough.lumps_pct)) / _EDGE_SD, 0, 1)
            added += share * (lump_hu - added)
        added = np.maximum(added, _LEAST_PASTE_HU - core_hu)
        for middle, radius in zip(*nodules, strict=True):
            added[((relative - middle) ** 2).sum(axis=1) < radius**2] = nodule_hu
        return np.asarray(added)

    return paste


def _nodules(mass: Mass, inside: Floats, seed: int) -> tuple[Floats, Floats]:
    """Place calcified nodules in the core, clear of the rim: middles and radii."""
    rough = mass.spec.rough.core
    rng = np.random.Generator(np.random.Philox(key=(seed, _NODULES)))
    radii = rough.nodule_mm / 2 * rng.uniform(*_NODULE_SIZES, rough.nodules)
    if not len(inside) or not rough.nodules:
        return np.zeros((0, 3)), np.zeros(0)
    below = -below_rim_mm(mass, inside, depth_mm(mass, inside + mass.center_mm))
    fits = [np.flatnonzero(below > r + _NODULE_CLEARANCE_MM) for r in radii]
    at = [int(rng.choice(f)) if len(f) else int(np.argmax(below)) for f in fits]
    return inside[at], radii


def _blood(mass: Mass, cavity_hu: float, seed: int) -> Field:
    """Make blood with swirls, layers and a jet behind each neck: HU to add, by position from the centre."""
    rough = mass.spec.rough.cavity
    field = random_field(length_mm=_SWIRL_SIZE_MM, seed=seed, stream=_SWIRLS)
    opening = mass.opening

    def blood(relative: Floats) -> Floats:
        along = relative @ opening
        swirl = field(relative - (1 - 1 / _SWIRL_STRETCH) * along[:, None] * opening) if rough.swirl_pct > 0 else 0.0
        factor = 1 + rough.swirl_pct / 100 * swirl
        factor = factor + rough.layering_pct / 100 * (relative @ DOWN) / (2 * float(mass.radii_mm.min()))
        for neck in mass.necks if rough.jet_pct else ():
            factor = factor + rough.jet_pct / 100 * in_tunnel(neck, relative)
        return np.asarray((cavity_hu - PLAIN_BLOOD_HU) * (np.clip(factor, *_BLOOD_RANGE) - 1))

    return blood
