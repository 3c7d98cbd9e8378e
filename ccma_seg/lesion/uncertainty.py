"""How sure each figure is: half the width of its 95 % interval.

The forms follow from what limits each figure: slices, noise, how much of the surface has no rim, all the more the
smaller the mass. The factors are the 95th percentiles of the errors on 90 phantoms (quantile regression) with rims of
1-4 mm, coverage 50-100 %, sizes 10-45 mm, noise 10-60 HU, slices 0.5-3 mm and sharpness 0.6-1.0 mm;
of the thickness a tenth of a millimetre more, as in real images the blur is not known. What uneven masses add to that
(`UNEVEN`) is fitted by `benchmarks/intervals.py` to 157 rough ones, so that the interval score is best.
"""

from dataclasses import dataclass

import numpy as np

from ccma_seg.anatomy.findings import Anatomy
from ccma_seg.lesion.findings import Core, Measurements
from ccma_seg.volume import Volume

_USUAL_NOISE_HU = 25.0
"""Where noise is not known."""
_CIRCUMFLEX_MM = 1.0
"""What lies within 0.8 mm of a mass is not looked at, and voxels are thinned to about as much."""
_MERGED = 5.0
"""What a rim's excess thickness may add to an axis (computed on masses merged with a band)."""
_THIN_MM = 0.75
"""Thinner slices add nothing to the error."""
UNEVEN = {"max_diameter_mm": 18.0, "rim.coverage_pct": 64.0, "rim.thickness_mm": 0.11}
"""By key path: times `uneven`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """What limits the figures of a mass."""

    thick_mm: float
    """Slice thickness beyond a thin one."""
    size_mm: float
    """Its shortest axis."""
    open: float
    """Share of the surface without a rim."""
    noise: float
    """Noise over the height of the rim."""
    excess_mm: float
    """How much thicker than usual the rim is: a band beside it, or not."""
    uneven: dict[str, float]
    """What an uneven rim and surface add."""


def uneven(path: str, *, solidity: float, long_mm: float, short_mm: float) -> float:
    """Return what the error of a figure of an uneven mass grows with.

    Dents hide how far lobes reach; a patch is a larger share of a small surface; a rim is as uneven on any mass.
    """
    return {
        "max_diameter_mm": (1 - solidity) * long_mm,
        "rim.coverage_pct": 1 / short_mm,
        "rim.thickness_mm": 1.0,
    }[path]


def half_widths(volume: Volume, anatomy: Anatomy, measured: Measurements) -> dict[str, float]:
    """Return half the width of the 95 % interval of each figure that was measured, by its key path."""
    limits = _limits(volume, anatomy, measured)
    if limits is None:
        return {}
    found = {**_size(measured, limits), **_rim(measured, limits), **_inside(measured, limits)}
    return {key: float(value) for key, value in found.items() if value is not None}


def _limits(volume: Volume, anatomy: Anatomy, measured: Measurements) -> _Limits | None:
    size, coverage, rim_hu = measured.third_axis_mm, measured.rim.coverage_pct, measured.rim.mean_hu
    if size is None or coverage is None or rim_hu is None:
        return None
    spacing = volume.geometry.spacing_mm[0]
    thickness = max(spacing, volume.acquisition.slice_thickness_mm or spacing)
    noise = anatomy.contrast.blood_pool_sd_hu or _USUAL_NOISE_HU
    shape = {"solidity": measured.solidity or 1.0, "long_mm": measured.long_axis_mm or size, "short_mm": size}
    return _Limits(
        thick_mm=max(0.0, thickness - _THIN_MM),
        size_mm=size,
        open=1 - coverage / 100,
        noise=noise / max(rim_hu - 100, 100),
        excess_mm=measured.rim.excess_mm or 0.0,
        uneven={path: factor * uneven(path, **shape) for path, factor in UNEVEN.items()},
    )


def _size(measured: Measurements, limits: _Limits) -> dict[str, float | None]:
    thick, size = limits.thick_mm, limits.size_mm
    axis = 0.06 + 0.16 * thick + 1.2 * thick**2 / size + 22 * limits.open / size + 62 * limits.noise / size
    axis += _MERGED * limits.excess_mm + limits.uneven["max_diameter_mm"]
    share = 0.004 + (0.25 * thick + 1.6 * thick**2 / size + 1.6 * limits.open) / size + 3.8 / size**2
    share = min(1.0, share + _MERGED * limits.excess_mm / size)
    volume, surface = measured.volume_mm3, measured.surface_mm2
    axes = dict.fromkeys(("long_axis_mm", "short_axis_mm", "third_axis_mm", "max_diameter_mm"), axis)
    return {
        **axes,
        "circumflex_distance_mm": None if measured.circumflex_distance_mm is None else _CIRCUMFLEX_MM,
        "volume_mm3": None if volume is None else share * volume,
        "surface_mm2": None if surface is None else share * surface,
    }


def _rim(measured: Measurements, limits: _Limits) -> dict[str, float | None]:
    thick, size, rim = limits.thick_mm, limits.size_mm, measured.rim
    edge = np.sqrt(max(limits.open * (1 - limits.open), 0.0))
    thickness = 0.15 + 1.0 * thick**2 / size + 1.3 * limits.noise + limits.uneven["rim.thickness_mm"]
    share = 0.02 + 0.07 * thick + 0.11 / max(rim.thickness_mm or 1.0, 0.5)
    hu, volume = rim.mean_hu, rim.volume_mm3
    coverage = 0.5 + 0.07 * thick + 16 * thick / size + 196 * edge / size + 407 * limits.noise / size
    coverage += limits.uneven["rim.coverage_pct"]
    of_volume = 0.03 + thickness / (rim.thickness_mm or 1.0) + coverage / max(100 * (1 - limits.open), 1.0)
    return {
        "rim.coverage_pct": float(coverage),
        "rim.thickness_mm": thickness,
        "rim.mean_hu": None if hu is None else share * hu,
        "rim.volume_mm3": None if volume is None else volume * of_volume,
    }


def _inside(measured: Measurements, limits: _Limits) -> dict[str, float | None]:
    core, cavity = measured.core, measured.cavity
    mean = _mean_hu(core.sd_hu, core.volume_mm3)
    if mean is not None and core.mean_hu is not None and measured.rim.mean_hu is not None:
        spill = (limits.thick_mm / _radius_mm(core.volume_mm3 or 1.0)) ** 2
        mean += 0.1 * spill * max(0.0, measured.rim.mean_hu - core.mean_hu)
    return {
        "core.mean_hu": mean,
        "core.median_hu": mean,
        "core.volume_mm3": _volume(core.volume_mm3, limits),
        "cavity.volume_mm3": _volume(cavity.volume_mm3, limits),
        "cavity.mean_hu": None if cavity.mean_hu is None else 8 + 0.03 * cavity.mean_hu,
        "cavity.neck_mm": None if cavity.neck_mm is None else 0.5 + 15 * limits.open,
    }


def core_width_hu(core: Core) -> float:
    """Return the half-width of the 95 % interval of a core's mean, where only noise, texture and spill count."""
    return _mean_hu(core.sd_hu, core.volume_mm3) or 0.0


def _radius_mm(volume_mm3: float) -> float:
    return float(np.cbrt(volume_mm3 * 3 / (4 * np.pi)))


def _mean_hu(sd_hu: float | None, volume_mm3: float | None) -> float | None:
    """Return the error of a mean over a ball of a volume; its SD holds noise, texture and what spills in."""
    if sd_hu is None or not volume_mm3:
        return None
    return float(1.0 + 5.7 * sd_hu / _radius_mm(volume_mm3) ** 1.5)


def _volume(volume_mm3: float | None, limits: _Limits) -> float | None:
    """Return the error of an inner volume: its border is known to a fraction of a millimetre."""
    if not volume_mm3:
        return None
    border = 0.15 + 0.13 * limits.thick_mm + 10 * limits.open / limits.size_mm
    return float(volume_mm3 * min(1.0, 3 * border / _radius_mm(volume_mm3)))
