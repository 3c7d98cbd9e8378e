"""How sharp and how noisy a real CT is, so that what is inserted looks the same."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import correlate1d, maximum_filter, minimum_filter, uniform_filter

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.geometry import Floats, Geometry
from ccma_seg.spread import FWHM_TO_SD
from ccma_seg.volume import Volume

_AIR_SIDE_HU, _TISSUE_SIDE_HU = -600.0, -150.0
"""An edge between lung or air and tissue has both within reach."""
_BETWEEN_HU = -400.0
_STRAIGHT = (0.38, 0.62)
"""Share of tissue round a straight edge between two wide regions; vessels of the lung have less."""
_EDGE_REACH_PX = 9
_EDGE_PERCENTILE = 15.0
"""Of the widths: the sharpest edges are those without motion, cut straight across."""
_FWHM_RANGE_MM = (0.5, 2.2)
_FEWEST_EDGES = 200
_USUAL_FWHM_MM = 0.9

_NOISE_HALF_MM = 7.0
_NOISE_PLACES_MM = ((0.0, 0.0, 24.0), (0.0, 0.0, 36.0), (-3.0, 3.0, -22.0), (-30.0, 2.0, -8.0))
"""Blood of ventricle, atrium and aortic root, in the frame of the annulus."""
_SMOOTH_MM = 6.0
"""What varies over more than this is anatomy."""
_NOISE_LAGS = 7
"""Pixels over which noise is correlated."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageQuality:
    """Sharpness and noise of a CT."""

    psf_fwhm_mm: float
    """In the plane."""
    slice_thickness_mm: float
    noise_sd_hu: float
    correlation: Floats
    """Of the noise, by rows and columns apart; lags -n..n."""
    slice_correlation: float
    """Of the noise of neighbouring slices."""


def image_quality(volume: Volume, annulus: MitralAnnulus) -> ImageQuality:
    """Measure how sharp and noisy a CT is round its annulus."""
    noise = _noise_cube(volume, annulus)
    sd = float(noise.std())
    correlation, across = _correlation(noise)
    thickness = volume.acquisition.slice_thickness_mm or volume.geometry.spacing_mm[0]
    return ImageQuality(
        psf_fwhm_mm=edge_width_mm(volume, annulus),
        slice_thickness_mm=thickness,
        noise_sd_hu=sd,
        correlation=correlation,
        slice_correlation=across,
    )


def edge_width_mm(volume: Volume, annulus: MitralAnnulus) -> float:
    """Estimate the in-plane width of the point spread from the steepest edges between lung or air and tissue.

    The slope of a Gaussian edge at its middle is its height over (sd times the root of two pi). A central
    difference widens an edge along the grid by a third of a pixel squared, a diagonal one by a sixth: taken off.
    """
    widths = [w for k in _slices_near(volume.geometry, annulus) for w in _edge_widths_px(volume.hu[k])]
    if len(widths) < _FEWEST_EDGES:
        return _USUAL_FWHM_MM
    sd_px = float(np.percentile(widths, _EDGE_PERCENTILE))
    pixel = volume.geometry.spacing_mm[1]
    return float(np.clip(sd_px * pixel / FWHM_TO_SD, *_FWHM_RANGE_MM))


def noise_like(quality: ImageQuality, shape: tuple[int, int, int], *, seed: int) -> npt.NDArray[np.float32]:
    """Draw noise of the same standard deviation and correlation, shape (slices, rows, columns)."""
    rng = np.random.Generator(np.random.Philox(key=(seed, 17)))
    white = rng.standard_normal(shape)
    power = np.maximum(np.fft.rfft2(_wrapped(quality.correlation, shape[1:])).real, 0)
    smooth = np.fft.irfft2(np.fft.rfft2(white, axes=(1, 2)) * np.sqrt(power), s=shape[1:], axes=(1, 2))
    share = _neighbour_weight(quality.slice_correlation)
    mixed = correlate1d(smooth, [share, 1.0, share], axis=0, mode="wrap") / np.sqrt(1 + 2 * share**2)
    return np.asarray(mixed * (quality.noise_sd_hu / max(float(mixed.std()), 1e-9)), np.float32)


def blood_hu(
    volume: Volume, annulus: MitralAnnulus, frame_mm: tuple[float, float, float], *, radius_mm: float
) -> float:
    """Return the median HU of a ball at a place in the frame of the annulus."""
    line = np.arange(-radius_mm, radius_mm + 0.1, 1.0)
    ball = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    ball = ball[(ball**2).sum(axis=1) <= radius_mm**2]
    index = np.rint(volume.geometry.to_index(annulus.to_patient(ball + np.array(frame_mm)))).astype(int)
    index = index[((index >= 0) & (index < volume.geometry.shape)).all(axis=1)]
    return float(np.median(volume.hu[tuple(index.T)])) if len(index) else 0.0


def _slices_near(geometry: Geometry, annulus: MitralAnnulus) -> list[int]:
    middle = round(float(geometry.to_index(annulus.center_mm)[0]))
    step = max(round(6.0 / geometry.spacing_mm[0]), 1)
    return [k for k in range(middle - 5 * step, middle + 5 * step + 1, step) if 0 <= k < geometry.shape[0]]


def _edge_widths_px(image: npt.NDArray[np.int16]) -> list[float]:
    """Return the standard deviations, in pixels, of the edges of a slice."""
    hu = image.astype(np.float32)
    low, high = minimum_filter(hu, _EDGE_REACH_PX), maximum_filter(hu, _EDGE_REACH_PX)
    across, down = (np.asarray(g, np.float32) for g in np.gradient(hu))
    slope = np.sqrt(across**2 + down**2)
    steepest = slope >= maximum_filter(slope, _EDGE_REACH_PX)
    tissue = uniform_filter((hu > _BETWEEN_HU).astype(np.float32), _EDGE_REACH_PX)
    straight = (tissue > _STRAIGHT[0]) & (tissue < _STRAIGHT[1])
    good = steepest & straight & (low < _AIR_SIDE_HU) & (high > _TISSUE_SIDE_HU)
    sd = (high - low)[good] / slope[good] / np.sqrt(2 * np.pi)
    widened = (across[good] ** 4 + down[good] ** 4) / slope[good] ** 4 / 3
    return [float(v) for v in np.sqrt(np.maximum(sd**2 - widened, 0))]


def _noise_cube(volume: Volume, annulus: MitralAnnulus) -> Floats:
    """Return the quietest of some cubes of blood, less what varies slowly: trabeculae and leaflets are not noise."""
    cubes = [_residual(volume, annulus.to_patient(place)) for place in _NOISE_PLACES_MM]
    return min((c for c in cubes if c is not None), key=lambda cube: float(np.median(np.abs(cube))))


def _residual(volume: Volume, middle_mm: Floats) -> Floats | None:
    if not volume.geometry.contains(middle_mm):
        return None
    box = volume.geometry.slices_around(middle_mm, margin_mm=_NOISE_HALF_MM)
    cube = volume.hu[box].astype(float)
    size = max(round(_SMOOTH_MM / volume.geometry.spacing_mm[1]), 5)
    residual = cube - uniform_filter(cube, (1, size, size), mode="reflect")
    limit = 3.0 * np.median(np.abs(residual)) / 0.6745
    return np.asarray(np.clip(residual, -limit, limit) / np.sqrt(1 - 1 / size**2))


def _correlation(noise: Floats) -> tuple[Floats, float]:
    """Return the correlation of noise in the plane, tapered, and between neighbouring slices."""
    lags = range(-_NOISE_LAGS, _NOISE_LAGS + 1)
    table = np.array([[_lagged(noise, a, b) for b in lags] for a in lags]) / noise.var()
    taper = np.hanning(2 * _NOISE_LAGS + 3)[1:-1]
    across = float((noise[1:] * noise[:-1]).mean() / noise.var()) if len(noise) > 1 else 0.0
    return table * taper[:, None] * taper[None], float(np.clip(across, 0.0, 0.65))


def _lagged(noise: Floats, down: int, across: int) -> float:
    rows, columns = noise.shape[1:]
    first = noise[:, max(down, 0) : rows + min(down, 0), max(across, 0) : columns + min(across, 0)]
    second = noise[:, max(-down, 0) : rows + min(-down, 0), max(-across, 0) : columns + min(-across, 0)]
    return float((first * second).mean()) if first.size else 0.0


def _wrapped(correlation: Floats, shape: tuple[int, int]) -> Floats:
    """Put a small table of lags round the origin of an image."""
    image = np.zeros(shape)
    for i, row in enumerate(correlation):
        for j, value in enumerate(row):
            image[(i - _NOISE_LAGS) % shape[0], (j - _NOISE_LAGS) % shape[1]] += value
    return image


def _neighbour_weight(correlation: float) -> float:
    """Return w so that weights (w, 1, w) give neighbouring slices a correlation of 2 w / (1 + 2 w^2)."""
    if correlation <= 0:
        return 0.0
    return float((1 - np.sqrt(max(1 - 2 * correlation**2, 0.0))) / (2 * correlation))
