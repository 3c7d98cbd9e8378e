"""An independent check of the image-domain scanner: one slice, projected and reconstructed.

A polychromatic beam of 120 kV through water, calcified tissue and iodine, with Poisson noise; corrected for water;
filtered back projection. Blur and noise of the image-domain model are set on a rod in the lung and in the right
ventricle; then both are compared at the lesion. Mass attenuation: NIST XCOM (water, cortical bone ICRU-44, iodine).

Run: python -m benchmarks.simulator [OUT]
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from scipy.ndimage import map_coordinates
from scipy.optimize import minimize_scalar
from skimage.transform import iradon, radon

from ccma_seg.phantom import AnatomySpec, CoreSpec, LesionSpec, Recipe, RimSpec, ScannerSpec
from ccma_seg.phantom.bodies import fill
from ccma_seg.phantom.generation import Scene, build_scene
from ccma_seg.phantom.rendering import Grid, Painted, paint
from ccma_seg.phantom.ring import make_annulus
from ccma_seg.phantom.scanner import blur_plane
from ccma_seg.phantom.shapes import elliptic_column

mpl.use("Agg")
from matplotlib import pyplot as plt

EDGE_TOLERANCE = 0.10
"""Of the width of the rim's outer edge, 10 to 90 per cent."""
NOISE_TOLERANCE = 0.25
"""Of the noise in core and LV: filtered back projection varies over the field, the model does not."""
HU_TOLERANCE = 40.0
"""Of core and blood: beam hardening is in the simulator only."""

PIXELS, PIXEL_MM = 640, 0.5
ANGLES = 800
PHOTONS = 4e5
"""A ray, over all energies."""

ENERGY_KEV = np.array([40.0, 50.0, 60.0, 80.0, 100.0, 120.0])
SPECTRUM = np.array([0.10, 0.24, 0.28, 0.24, 0.11, 0.03])
"""Share of photons detected: a filtered 120 kV beam, about 63 keV in the mean."""
WATER = np.array([0.2683, 0.2269, 0.2059, 0.1837, 0.1707, 0.1614])
"""cm2/g"""
BONE = np.array([0.6655, 0.4242, 0.3148, 0.2229, 0.1855, 0.1660])
IODINE = np.array([22.10, 12.32, 7.579, 3.510, 1.942, 1.190])

LESION = LesionSpec(
    outward_mm=4.0,
    long_axis_mm=30.0,
    short_axis_mm=26.0,
    third_axis_mm=26.0,
    rim=RimSpec(thickness_mm=3.0, hu=900.0),
    core=CoreSpec(hu=90.0),
)
ROD_MM, ROD_RADIUS_MM, ROD_HU = (-75.0, 30.0), 8.0, 900.0
"""A rod in the right lung, from the annulus: there the blur is measured."""
RIGHT_MM = (-36.0, -42.0)
"""The right ventricle, from the annulus: there the noise is measured."""
HARDENED_CM = 22.0
"""Water that the beam has crossed where HU are set."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """The object, and where things are in it."""

    hu: np.ndarray
    lesion_px: np.ndarray
    """Row and column of the middle of the lesion."""
    rod_px: np.ndarray
    right_px: np.ndarray
    blood_px: np.ndarray


def make_slice() -> Slice:
    """Paint one axial slice through the lesion, without blur or noise."""
    recipe = Recipe(
        anatomy=AnatomySpec(variation=0.0, body_scale=0.8), lesions=(LESION,), scanner=ScannerSpec(noise_sd_hu=0.0)
    )
    annulus = make_annulus(recipe.anatomy.annulus, (0, 0, 0))
    scene = build_scene(recipe, annulus, seed=1)
    built = scene.lesions[0]
    assert built.mass is not None
    middle = built.mass.center_mm
    center = np.array((-25.0, 0.0))
    line = (np.arange(PIXELS) - (PIXELS - 1) / 2) * PIXEL_MM
    grid = Grid(
        x=(line + center[0])[None, None],
        y=(line + center[1])[None, :, None],
        z=np.array([middle[2]])[:, None, None],
        voxel_mm=(PIXEL_MM, PIXEL_MM, PIXEL_MM),
    )
    return Slice(
        hu=_painted(scene, grid),
        lesion_px=_pixel(middle[:2], center),
        rod_px=_pixel(np.array(ROD_MM), center),
        right_px=_pixel(np.array(RIGHT_MM), center),
        blood_px=_pixel(annulus.to_patient((0, 0, 30))[:2], center),
    )


def _painted(scene: Scene, grid: Grid) -> np.ndarray:
    image = np.full(grid.shape, -1000, np.float32)
    paint(image, grid, scene.layers)
    paint(image, grid, [Painted(solid=elliptic_column(ROD_MM, (ROD_RADIUS_MM, ROD_RADIUS_MM)), hu=ROD_HU)])
    filling = fill(scene.lesions[0].body, grid)
    assert filling is not None
    filling.put_into(image)
    return image[0]


def _pixel(position_mm: np.ndarray, center: np.ndarray) -> np.ndarray:
    return ((np.asarray(position_mm) - center) / PIXEL_MM + (PIXELS - 1) / 2)[::-1]


def simulate(hu: np.ndarray, *, blood: np.ndarray, seed: int | None) -> np.ndarray:
    """Project and reconstruct; without a seed there is no noise."""
    water, bone, iodine = _materials(hu, blood)
    angles = np.linspace(0, 180, ANGLES, endpoint=False)
    paths = [radon(m.astype(np.float32), theta=angles, circle=True) * PIXEL_MM / 10 for m in (water, bone, iodine)]
    reading = _reading(paths, seed)
    corrected = _water_corrected(reading)
    image = iradon(corrected, theta=angles, filter_name="hann", circle=True) / (PIXEL_MM / 10)
    mu = float(SPECTRUM @ WATER)
    return (image / mu - 1) * 1000


def _materials(hu: np.ndarray, blood: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split HU into densities (g/cm3) of water, bone and iodine that give them at the mean of the beam."""
    hard = SPECTRUM * np.exp(-WATER * HARDENED_CM)
    mu = float(hard @ WATER)
    base = np.minimum(hu, 60.0)
    above = hu - base
    water = 1 + base / 1000
    bone_gain, iodine_gain = float(hard @ BONE), float(hard @ IODINE)
    bone = np.where(blood, 0, above) / 1000 * mu / bone_gain
    iodine = np.where(blood, above, 0) / 1000 * mu / iodine_gain
    return np.maximum(water, 0), bone, iodine


def _reading(paths: list[np.ndarray], seed: int | None) -> np.ndarray:
    counts = np.zeros_like(paths[0], dtype=float)
    for share, w, b, i in zip(SPECTRUM, WATER, BONE, IODINE, strict=True):
        counts += PHOTONS * share * np.exp(-(w * paths[0] + b * paths[1] + i * paths[2]))
    if seed is not None:
        counts = np.random.default_rng(seed).poisson(counts)
    return -np.log(np.maximum(counts, 1) / PHOTONS)


def _water_corrected(reading: np.ndarray) -> np.ndarray:
    """Undo beam hardening as if everything were water."""
    length = np.linspace(0, 50, 400)
    polychromatic = -np.log(sum(s * np.exp(-w * length) for s, w in zip(SPECTRUM, WATER, strict=True)))
    return np.interp(reading, polychromatic, length) * float(SPECTRUM @ WATER)


def edge_width_mm(image: np.ndarray, middle: np.ndarray, *, inner_mm: float, outer_mm: float) -> float:
    """Return the 10-90 % width of the edge from the rim outwards, along rays; the median over directions."""
    radii = np.arange(inner_mm, outer_mm, 0.05)
    widths = []
    for angle in np.radians(np.arange(0, 360, 5)):
        at = middle[:, None] + np.array((np.sin(angle), np.cos(angle)))[:, None] * radii / PIXEL_MM
        profile = map_coordinates(image, at, order=3)
        peak = int(np.argmax(profile[: np.searchsorted(radii, outer_mm - 3)]))
        outside = float(np.median(profile[-20:]))
        fall = (profile[peak:] - outside) / (profile[peak] - outside)
        if fall[-1] < 0.1 and fall[0] > 0.9:
            widths.append((np.argmax(fall < 0.1) - np.argmax(fall < 0.9)) * 0.05)
    return float(np.median(widths))


def disc(shape: tuple[int, int], middle: np.ndarray, radius_mm: float) -> np.ndarray:
    """Mark a disc."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    return (y - middle[0]) ** 2 + (x - middle[1]) ** 2 < (radius_mm / PIXEL_MM) ** 2


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "benchmarks/results")
    out.mkdir(parents=True, exist_ok=True)
    scene = make_slice()
    dense = disc(scene.hu.shape, scene.lesion_px, 19) & (scene.hu > 400)
    blood = (scene.hu > 150) & ~dense & _not_bone(scene)
    clean = simulate(scene.hu, blood=blood, seed=None)
    noisy = [simulate(scene.hu, blood=blood, seed=s) for s in (1, 2)]
    noise = (noisy[0] - noisy[1]) / np.sqrt(2)
    rod = edge_width_mm(clean, scene.rod_px, inner_mm=3.0, outer_mm=12.0)
    fwhm = _matching_fwhm(scene, rod)
    model = blur_plane(scene.hu[None], fwhm, PIXEL_MM)[0]
    rows = _compare(scene, clean, model, noise)
    text = _report(rows, rod=rod, fwhm=fwhm)
    (out / "simulator.md").write_text(text, encoding="utf-8")
    _draw(scene, clean, model, noisy[0], out / "simulator.png")
    print(text)


def _not_bone(scene: Slice) -> np.ndarray:
    """Keep the middle of the chest: outside it, what is dense is bone."""
    y, x = np.mgrid[: scene.hu.shape[0], : scene.hu.shape[1]]
    dy, dx = (y - scene.blood_px[0]) * PIXEL_MM, (x - scene.blood_px[1]) * PIXEL_MM
    return ((dy - 12) / 62) ** 2 + ((dx + 15) / 75) ** 2 < 1


def _matching_fwhm(scene: Slice, rod_mm: float) -> float:
    """Find the blur of the model that gives the rod the same edge."""

    def away(fwhm: float) -> float:
        blurred = blur_plane(scene.hu[None], fwhm, PIXEL_MM)[0]
        return abs(edge_width_mm(blurred, scene.rod_px, inner_mm=3.0, outer_mm=12.0) - rod_mm)

    return float(minimize_scalar(away, bounds=(0.4, 3.0), method="bounded", options={"xatol": 0.01}).x)


def _compare(
    scene: Slice, clean: np.ndarray, model: np.ndarray, noise: np.ndarray
) -> list[tuple[str, float, float, bool]]:
    shape = scene.hu.shape
    core, lv = disc(shape, scene.lesion_px, 7), disc(shape, scene.blood_px, 9)
    tissue = noise[disc(shape, scene.right_px, 8)].std()
    edges = [edge_width_mm(i, scene.lesion_px, inner_mm=7.0, outer_mm=22.0) for i in (clean, model)]
    rows = [("edge of the rim, 10-90 %, mm", *edges, abs(edges[0] / edges[1] - 1) <= EDGE_TOLERANCE)]
    for name, region in (("core", core), ("blood", lv)):
        sd = float(noise[region].std())
        rows.append((f"noise in {name}, HU", sd, float(tissue), abs(sd / tissue - 1) <= NOISE_TOLERANCE))
        hu = float(clean[region].mean()), float(model[region].mean())
        rows.append((f"mean of {name}, HU", *hu, abs(hu[0] - hu[1]) <= HU_TOLERANCE))
    return rows


def _report(rows: list[tuple[str, float, float, bool]], *, rod: float, fwhm: float) -> str:
    lines = [
        "# Image-domain scanner against projection and reconstruction\n",
        f"Set on a rod in the lung (edge {rod:.2f} mm, so a point spread of {fwhm:.2f} mm)",
        "and on the noise of the right ventricle.",
        f"Tolerances: edge {EDGE_TOLERANCE:.0%}, noise {NOISE_TOLERANCE:.0%}, mean {HU_TOLERANCE:.0f} HU.\n",
        "| quantity | projected and reconstructed | image-domain model | within tolerance |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| {name} | {first:.2f} | {second:.2f} | {'yes' if ok else 'NO'} |" for name, first, second, ok in rows]
    return "\n".join(lines) + "\n"


def _draw(scene: Slice, clean: np.ndarray, model: np.ndarray, noisy: np.ndarray, path: Path) -> None:
    figure, axes = plt.subplots(1, 4, figsize=(20, 5.4))
    for axis, image, name in zip(
        axes, (scene.hu, model, clean, noisy), ("object", "model", "reconstructed", "with noise"), strict=True
    ):
        axis.imshow(image, cmap="gray", vmin=-300, vmax=900)
        axis.set_title(name)
        axis.set_axis_off()
    figure.tight_layout()
    figure.savefig(path, dpi=60)
    plt.close(figure)


if __name__ == "__main__":
    main()
