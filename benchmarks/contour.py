"""Hold the traced contour of the annulus against phantoms whose walls meet along a ring of known size and saddle.

Run: python -m benchmarks.contour

Writes `benchmarks/contour.md`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ccma_seg.anatomy import locate
from ccma_seg.anatomy.contour import angle_deg
from ccma_seg.phantom import ScannerSpec, make_phantom, read_recipe
from ccma_seg.phantom.spec import Orifice

RINGS = (
    (22.0, 30.0, 3.0, 120.0),
    (26.9, 34.7, 5.0, 140.0),
    (31.4, 39.3, 6.0, 130.0),
    (35.9, 43.9, 9.0, 125.0),
    (31.4, 48.0, 8.0, 135.0),
    (42.0, 50.0, 11.0, 145.0),
)
"""Septal-lateral, intercommissural and height in mm, angle to the aortic annulus: 5-16 cm2, the mean and one standard
deviation to either side, oval and large."""
_THIN = ScannerSpec(
    matrix=200, field_of_view_mm=160.0, slices=150, slice_spacing_mm=1.0, slice_thickness_mm=1.0, noise_sd_hu=20.0
)
SCANS = {
    "1 mm": _THIN,
    "1 mm, noise 60 HU": replace(_THIN, noise_sd_hu=60.0),
    "3 mm": replace(_THIN, slices=50, slice_spacing_mm=3.0, slice_thickness_mm=3.0),
}
SHARES = (
    "saddle_area_mm2",
    "d_shape_area_mm2",
    "saddle_perimeter_mm",
    "d_shape_perimeter_mm",
    "saddle_perimeter_3d_mm",
)
LENGTHS = (
    "saddle_septal_lateral_mm",
    "d_shape_septal_lateral_mm",
    "intercommissural_mm",
    "intertrigonal_mm",
    "height_mm",
)
HEAD = """# The whole contour of the annulus, on phantoms

Hearts whose walls meet along the ring, each of another size, saddle and attitude (`variation` 1). Errors of what is
traced: areas and perimeters in percent, distances in mm, directions in degrees; +- is the stated standard error of one
point. Written by `python -m benchmarks.contour`.

"""


def errors(ring: tuple[float, ...], scanner: ScannerSpec, *, seed: int) -> tuple[float, dict[str, float]] | str:
    """Return the stated standard error and the errors of one phantom, or why no contour was traced."""
    recipe = read_recipe("normal")
    septal_lateral_mm, intercommissural_mm, height_mm, aortic_deg = ring
    spec = replace(
        recipe.anatomy.annulus,
        septal_lateral_mm=septal_lateral_mm,
        intercommissural_mm=intercommissural_mm,
        saddle_height_mm=height_mm,
    )
    anatomy = replace(recipe.anatomy, annulus=spec, orifice=Orifice.RING, aortic_angle_deg=aortic_deg)
    phantom = make_phantom(replace(recipe, scanner=scanner, anatomy=anatomy), seed=seed)
    found, true = locate(phantom.volume), phantom.truth["annulus"]["contour"]
    if found.contour is None:
        return next(reason.text for reason in found.reasons if reason.code == "annulus_contour_not_shown")
    sizes = found.contour.sizes
    off = {name: 100 * (getattr(sizes, name) / true[name] - 1) for name in SHARES}
    off |= {name: getattr(sizes, name) - true[name] for name in LENGTHS}
    off["normal"] = angle_deg(np.array(sizes.normal), np.array(true["normal"]))
    angle = sizes.aortic_angle_deg
    off["aortic_angle_deg"] = np.nan if angle is None else angle - true["aortic_angle_deg"]
    return found.contour.uncertainty_mm, off


def rows() -> Iterator[str]:
    names = (*SHARES, *LENGTHS, "normal", "aortic_angle_deg")
    yield f"| slices | ring mm | +- mm | {' | '.join(f'`{name}`' for name in names)} |"
    yield "|---" * (len(names) + 3) + "|"
    worst: dict[str, float] = {}
    for scan, scanner in SCANS.items():
        for seed, ring in enumerate(RINGS, start=1):
            place = f"| {scan} | {ring[0]:.0f} x {ring[1]:.0f} x {ring[2]:.0f} |"
            match errors(ring, scanner, seed=seed):
                case str(why):
                    yield f"{place} - | {why} |" + " |" * (len(names) - 1)
                case stated_mm, off:
                    worst |= {n: max(abs(v), worst.get(n, 0.0)) for n, v in off.items() if np.isfinite(v)}
                    cells = " | ".join(f"{off[n]:+.1f}" if np.isfinite(off[n]) else "-" for n in names)
                    yield f"{place} {stated_mm:.1f} | {cells} |"
    yield f"| | **worst** | | {' | '.join(f'**{worst[n]:.1f}**' for n in names)} |"


def main() -> None:
    (Path(__file__).parent / "contour.md").write_text(HEAD + "\n".join(rows()) + "\n", "utf-8")


if __name__ == "__main__":
    main()
