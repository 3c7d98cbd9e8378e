"""What a scanner makes of an object: blur in the plane, slice profile, correlated noise."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import correlate1d, uniform_filter1d
from scipy.special import ive

from ccma_seg.geometry import Floats
from ccma_seg.phantom.hardening import hardening
from ccma_seg.phantom.rendering import Hu32
from ccma_seg.phantom.spec import ScannerSpec
from ccma_seg.spread import FWHM_TO_SD

KERNEL_FWHM_MM = {"soft": 1.0, "medium": 0.8, "sharp": 0.6}
"""In-plane width of the point spread function (0.6 to 1.0 mm is usual)."""


PLANE_STEP_MM = 0.6
"""Planes of the object are at most this far apart."""

TAIL_FWHM_MM = 2.0
"""Width of the tail of the point spread, where there is one (proposal)."""

HU_RANGE = (-1024, 3071)
"""What twelve bits hold."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SliceProfile:
    """How slices gather planes of the object."""

    planes_per_slice: int
    """Between two slice centres."""
    step_mm: float
    offsets: npt.NDArray[np.intp]
    """Planes of slice 0, counted from the first plane of the object."""
    weights: Floats
    """Their share; the sum is 1."""

    def plane_count(self, slices: int) -> int:
        """Return how many planes some slices need."""
        return (slices - 1) * self.planes_per_slice + len(self.offsets)

    @property
    def first_mm(self) -> float:
        """First plane from the centre of slice 0."""
        return -(len(self.offsets) - 1) / 2 * self.step_mm


def slice_profile(spec: ScannerSpec) -> SliceProfile:
    """Work out a rectangular profile of the nominal thickness."""
    per_slice = int(np.ceil(spec.slice_spacing_mm / PLANE_STEP_MM))
    step = spec.slice_spacing_mm / per_slice
    half = max(int(np.ceil((spec.slice_thickness_mm / step - 1) / 2 - 1e-9)), 0)
    count = 2 * half + 1
    centers = (np.arange(count) - half) * step
    low = np.maximum(centers - step / 2, -spec.slice_thickness_mm / 2)
    high = np.minimum(centers + step / 2, spec.slice_thickness_mm / 2)
    weights = np.maximum(high - low, 0)
    return SliceProfile(
        planes_per_slice=per_slice, step_mm=step, offsets=np.arange(count), weights=weights / weights.sum()
    )


def psf_fwhm_mm(spec: ScannerSpec) -> float:
    """Return the in-plane width of the point spread function."""
    return spec.psf_fwhm_mm if spec.psf_fwhm_mm is not None else KERNEL_FWHM_MM[spec.kernel]


def blur_plane(image: Hu32, fwhm_mm: float, pixel_mm: float) -> Hu32:
    """Blur planes (..., rows, columns) of pixel averages so that the whole point spread has the width asked for.

    A pixel average is itself a blur, whose variance is taken off.
    """
    variance = (fwhm_mm * FWHM_TO_SD / pixel_mm) ** 2 - 1 / 12
    return gaussian(image, max(variance, 0.0))


def gaussian(image: Hu32, variance_px: float) -> Hu32:
    """Blur the last two axes with the discrete analogue of a Gaussian (Lindeberg 1990), whose variance is exact."""
    taps = discrete_gaussian(variance_px)
    if len(taps) == 1:
        return image
    once = correlate1d(image, taps, axis=-1, mode="nearest")
    return np.asarray(correlate1d(once, taps, axis=-2, mode="nearest"))


def discrete_gaussian(variance_px: float) -> Floats:
    """Return the taps of a discrete Gaussian of a variance in pixels squared."""
    if variance_px <= 0:
        return np.ones(1)
    reach = int(np.ceil(5 * np.sqrt(variance_px) + 1))
    taps = ive(np.abs(np.arange(-reach, reach + 1)), variance_px)
    return np.asarray(taps / taps.sum())


def sampled_gaussian(variance_px: float) -> Floats:
    """Return samples of a Gaussian: correlated with itself it is a Gaussian of twice the variance."""
    reach = int(np.ceil(5 * np.sqrt(variance_px)))
    taps = np.exp(-(np.arange(-reach, reach + 1) ** 2) / 2 / max(variance_px, 1e-9))
    return np.asarray(taps / taps.sum())


def noise_planes(spec: ScannerSpec, *, first: int, count: int, seed: int) -> Hu32:
    """Draw planes of noise, each from its own stream, correlated in the plane, of standard deviation 1."""
    pixel = spec.field_of_view_mm / spec.matrix
    taps = sampled_gaussian((spec.noise_fwhm_mm * FWHM_TO_SD / pixel) ** 2 / 2)
    planes = np.empty((count, spec.matrix, spec.matrix), np.float32)
    for i in range(count):
        rng = np.random.Generator(np.random.Philox(key=(seed, 1_000_000 + first + i)))
        planes[i] = rng.standard_normal((spec.matrix, spec.matrix), dtype=np.float32)
    smooth = correlate1d(correlate1d(planes, taps, axis=1, mode="wrap"), taps, axis=2, mode="wrap")
    return np.asarray(smooth / np.float32((taps**2).sum()))


def gather(planes: Hu32, profile: SliceProfile, slices: int) -> Hu32:
    """Weigh planes into slices."""
    out = np.zeros((slices, *planes.shape[1:]), np.float32)
    for offset, weight in zip(profile.offsets, profile.weights, strict=True):
        own = planes[offset : offset + (slices - 1) * profile.planes_per_slice + 1 : profile.planes_per_slice]
        out += np.float32(weight) * own
    return out


def scan_slab(
    planes: Hu32, spec: ScannerSpec, *, first_slice: int, slices: int, seed: int, streaks: Hu32 | None = None
) -> npt.NDArray[np.int16]:
    """Turn planes of the object into slices as reconstructed: profile, blur, noise, rounding."""
    profile = slice_profile(spec)
    pixel = spec.field_of_view_mm / spec.matrix
    image = blur_plane(gather(planes, profile, slices), psf_fwhm_mm(spec), pixel)
    if spec.tail:
        image += np.float32(spec.tail) * (gaussian(image, (TAIL_FWHM_MM * FWHM_TO_SD / pixel) ** 2) - image)
    if spec.hardening_hu > 0:
        image += hardening(image, depth_hu=spec.hardening_hu, pixel_mm=pixel)
    if spec.motion_mm > 0:
        image = _smear(image, spec.motion_mm / pixel)
    if spec.noise_sd_hu > 0:
        image += _slice_noise(spec, profile, first_slice=first_slice, slices=slices, seed=seed)
    if streaks is not None:
        image += streaks
    return np.rint(np.clip(image, *HU_RANGE)).astype(np.int16)


def slabs(slices: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut slices into runs: first and count."""
    for first in range(0, slices, size):
        yield first, min(size, slices - first)


def _slice_noise(spec: ScannerSpec, profile: SliceProfile, *, first_slice: int, slices: int, seed: int) -> Hu32:
    planes = noise_planes(
        spec, first=first_slice * profile.planes_per_slice, count=profile.plane_count(slices), seed=seed
    )
    scale = spec.noise_sd_hu / np.sqrt((profile.weights**2).sum())
    return gather(planes, profile, slices) * np.float32(scale)


def _smear(image: Hu32, length_px: float) -> Hu32:
    """Blur the middle of the field, where the heart is, along a diagonal: motion while the image was taken."""
    size = max(round(length_px), 1)
    moved = uniform_filter1d(uniform_filter1d(image, size, axis=-1, mode="nearest"), size, axis=-2, mode="nearest")
    rows, columns = image.shape[-2:]
    y, x = np.ogrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    inside = np.clip((0.85 - np.sqrt(x * x + y * y)) / 0.1, 0, 1).astype(np.float32)
    return np.asarray(image + inside * (moved - image))
