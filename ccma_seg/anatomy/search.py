"""Where in the volume a heart could be: the template laid over the coarse grid at every place."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from ccma_seg.anatomy.channels import Channels
from ccma_seg.anatomy.pose import Pose
from ccma_seg.anatomy.template import HeartTemplate
from ccma_seg.geometry import Floats, Floats32, as_point

Spectrum = npt.NDArray[np.complex64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchParams:
    """How the whole volume is searched for a heart."""

    cell_mm: float = 9.0
    """Cells of the search; a heart is ten or more of them wide."""

    log_sizes: tuple[float, ...] = (-0.15, 0.0, 0.15)
    """Sizes tried, as log of the mean heart's; adult hearts vary by 10-12 % in diameter."""

    overlap: float = 0.5
    """Least share of the template that must lie within the volume."""

    keep: int = 3
    """How many places go on to be refined."""

    apart_mm: float = 14.0
    """Places nearer to each other than this are one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Picture:
    values: Floats32
    weight: Floats32
    first_mm: Floats
    """Position (x, y, z) of cell (0, 0, 0)."""


def search(pictures: Channels, template: HeartTemplate, params: SearchParams) -> tuple[tuple[float, Pose], ...]:
    """Return the likeliest places for a heart, with their correlation, best first."""
    image = _coarse(pictures, params.cell_mm)
    found: list[tuple[float, Pose]] = []
    for log_size in params.log_sizes:
        heart = _resized(template, np.exp(log_size), params.cell_mm)
        score = _correlate(image, heart, params.overlap)
        for index in _peaks(score):
            shift = [i if i < n else i - m for i, n, m in zip(index, image.values.shape, score.shape, strict=True)]
            center = image.first_mm - heart.first_mm + params.cell_mm * np.array(shift[::-1])
            strain = np.array([log_size, 0, 0, 0, 0, 0])
            pose = Pose(center_mm=as_point(center), rotation=np.eye(3), strain=strain)
            found.append((float(score[index]), pose))
    found.sort(key=lambda scored: -scored[0])
    return _distinct(found, params)


def _distinct(found: list[tuple[float, Pose]], params: SearchParams) -> tuple[tuple[float, Pose], ...]:
    kept: list[tuple[float, Pose]] = []
    for score, pose in found:
        near = (np.linalg.norm(np.subtract(pose.center_mm, other.center_mm)) < params.apart_mm for _, other in kept)
        if score > 0 and not any(near):
            kept.append((score, pose))
    return tuple(kept[: params.keep])


def _coarse(pictures: Channels, cell_mm: float) -> _Picture:
    step = pictures.geometry.spacing_mm[0]
    factor = min(max(1, round(cell_mm / step)), *pictures.geometry.shape)
    tissue, measured = _blocks(pictures.values[0], factor), _blocks(pictures.measured, factor) > 0.99
    first = pictures.geometry.to_patient(np.full(3, (factor - 1) / 2))
    return _Picture(values=np.where(measured, tissue, 0), weight=measured.astype(np.float32), first_mm=first)


def _blocks(values: Floats32, factor: int) -> Floats32:
    z, y, x = (n // factor for n in values.shape)
    cut = values[: z * factor, : y * factor, : x * factor]
    return np.asarray(cut.reshape(z, factor, y, factor, x, factor).mean(axis=(1, 3, 5)))


def _resized(template: HeartTemplate, size: float, cell_mm: float) -> _Picture:
    """Lay the tissue picture of a heart of another size on the cells of the search."""
    grid = template.geometry
    first = np.ceil(np.array(grid.origin_mm) * size / cell_mm)
    last = np.floor(grid.to_patient(np.array(grid.shape) - 1) * size / cell_mm)
    axes = [np.arange(a, b + 1) * cell_mm / size for a, b in zip(first, last, strict=True)]
    z, y, x = np.meshgrid(*axes[::-1], indexing="ij")
    index = np.moveaxis(grid.to_index(np.stack([x, y, z], axis=-1)), -1, 0)
    blur = cell_mm / size / grid.spacing_mm[0] / 4
    values, weight = (
        ndimage.map_coordinates(ndimage.gaussian_filter(p[0], blur), index, order=1)
        for p in (template.mean, template.weight)
    )
    return _Picture(values=values, weight=weight, first_mm=first * cell_mm)


def _correlate(image: _Picture, heart: _Picture, overlap: float) -> Floats32:
    """Weighted correlation coefficient for every shift, over the cells that both pictures know."""
    shape = [fft.next_fast_len(a + b, real=True) for a, b in zip(image.values.shape, heart.values.shape, strict=True)]

    def transform(values: Floats32) -> Spectrum:
        return np.asarray(fft.rfftn(values.astype(np.float32), shape, workers=2))

    def both(first: Spectrum, second: Spectrum) -> Floats32:
        return np.asarray(fft.irfftn(first * np.conj(second), shape, workers=2))

    known, seen, seen_squared = (transform(v) for v in (image.weight, image.values, image.values**2))
    w, wt, wtt = (transform(heart.weight * heart.values**power) for power in (0, 1, 2))
    total = both(known, w)
    enough = total > overlap * heart.weight.sum()
    total = np.maximum(total, 1e-3)
    mean_seen, mean_heart = both(seen, w) / total, both(known, wt) / total
    covariance = both(seen, wt) / total - mean_seen * mean_heart
    variances = (both(seen_squared, w) / total - mean_seen**2) * (both(known, wtt) / total - mean_heart**2)
    return np.where(enough, covariance / np.sqrt(np.maximum(variances, 1e-6)), -1.0).astype(np.float32)


def _peaks(score: Floats32) -> list[tuple[int, ...]]:
    """Return the ten best local maxima, as indices."""
    local = (score == ndimage.maximum_filter(score, 3, mode="wrap")) & (score > 0)
    indices = np.argwhere(local)
    return [tuple(int(n) for n in i) for i in indices[np.argsort(-score[local], kind="stable")[:10]]]
