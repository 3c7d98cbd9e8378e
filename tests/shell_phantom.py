"""Ellipsoidal shells in a simple surrounding: a phantom with closed-form truth that shares no code with the package."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.findings import BLOOD_POOL_LA, BLOOD_POOL_LV, Anatomy, Contrast, ContrastState
from ccma_seg.calcium.findings import Calcification, CalciumKind, CalciumMap
from ccma_seg.calcium.threshold import Blood
from ccma_seg.geometry import Geometry, as_point
from ccma_seg.volume import Acquisition, LabelMap, Volume

FINE_MM = 0.25
RING_MM = 17.0
FAT_HU = -90.0


@dataclass(frozen=True, kw_only=True)
class Shell:
    """What is in the scene and how it is scanned."""

    axes_mm: tuple[float, float, float] = (20.0, 17.0, 15.0)
    rim_mm: float = 2.0
    rim_hu: float = 1000.0
    core_hu: float = 60.0
    coverage: float = 1.0
    blood_hu: float = 40.0
    myocardium_hu: float = 45.0
    cavity_hu: float | None = None
    paste_fraction: float = 0.0
    neck_mm: float = 0.0
    noise_hu: float = 15.0
    spacing_mm: tuple[float, float, float] = (0.5, 0.45, 0.45)
    fwhm_mm: float = 0.8
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    seed: int = 0
    ring: tuple[float, float] = (0.0, 0.0)
    """Arc (deg) and thickness (mm) of a band along the annulus."""
    solid: bool = False


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A scan of a shell, what is known of the heart, and the truth."""

    volume: Volume
    anatomy: Anatomy
    calcium: CalciumMap
    truth: dict
    center_mm: np.ndarray
    rotation: np.ndarray


def make_shell(shell: Shell) -> Scene:
    """Draw, blur, sample and add noise."""
    rng = np.random.default_rng(shell.seed)
    rotation = _rotation(rng)
    center = np.array([3.0, RING_MM, -4.0]) + shell.shift_mm
    geometry = _geometry(shell, center)
    hu = _scan(shell, geometry, center, rotation, rng)
    return Scene(
        volume=Volume(hu=hu, geometry=geometry, acquisition=Acquisition(slice_thickness_mm=shell.spacing_mm[0])),
        anatomy=_anatomy(shell, geometry, hu, center, rotation),
        calcium=_calcium(shell, geometry, hu),
        truth=_truth(shell),
        center_mm=center,
        rotation=rotation,
    )


def _truth(shell):
    long, short, third = sorted(shell.axes_mm, reverse=True)
    return {
        "long_axis_mm": long,
        "short_axis_mm": short,
        "third_axis_mm": third,
        "volume_mm3": np.pi / 6 * long * short * third,
        "rim.coverage_pct": 100 * shell.coverage,
        "rim.thickness_mm": shell.rim_mm,
        "core.mean_hu": shell.core_hu,
        "cavity.neck_mm": shell.neck_mm or None,
    }


def _rotation(rng):
    matrix, triangle = np.linalg.qr(rng.normal(size=(3, 3)))
    matrix = matrix * np.sign(np.diag(triangle))
    matrix[0] *= np.sign(np.linalg.det(matrix))
    return matrix


def _geometry(shell, center):
    reach = max(shell.axes_mm) / 2 + 8.0
    low, high = center - reach, center + reach
    if shell.ring[0]:
        low, high = np.minimum(low, (-24.0, -24.0, -14.0)), np.maximum(high, (24.0, 24.0, 14.0))
    spacing = np.array(shell.spacing_mm)
    shape = np.ceil((high - low)[::-1] / spacing).astype(int)
    start = np.round(low - np.array(shell.shift_mm))
    return Geometry(shape=tuple(int(n) for n in shape), spacing_mm=shell.spacing_mm, origin_mm=as_point(start))


def _scan(shell, geometry, center, rotation, rng):
    spacing, shape = np.array(geometry.spacing_mm), np.array(geometry.shape)
    split = np.maximum(np.rint(spacing / FINE_MM), 1).astype(int)
    fine = spacing / split
    start = np.array(geometry.origin_mm)[::-1] - spacing / 2 + fine / 2
    z, y, x = ((start[i] + fine[i] * np.arange(shape[i] * split[i])).astype(np.float32) for i in range(3))
    hu = _paint(shell, (x, y[:, None], z[:, None, None]), float(fine.mean()), (center, rotation, rng))
    sigma = shell.fwhm_mm / 2.3548 / fine
    sigma[0] = 0.0
    hu = ndimage.gaussian_filter(hu, sigma)
    hu = hu.reshape(shape[0], split[0], shape[1], split[1], shape[2], split[2]).mean((1, 3, 5))
    noise = ndimage.gaussian_filter(rng.normal(size=hu.shape), (0.3, 0.6, 0.6))
    return np.rint(hu + noise * (shell.noise_hu / noise.std())).astype(np.int16)


def _paint(shell, grid, fine_mm, place):
    center, rotation, rng = place
    x, y, z = grid
    half = np.array(shell.axes_mm) / 2
    hu = np.full(np.broadcast_shapes(x.shape, y.shape, z.shape), shell.myocardium_hu, np.float32)
    hu[np.broadcast_to(y < center[1] - 0.1 * half.min(), hu.shape)] = shell.blood_hu
    hu[np.broadcast_to(y > center[1] + half.max() * 0.75, hu.shape)] = FAT_HU
    if shell.ring[0]:
        tube = np.hypot(np.hypot(x, y) - RING_MM, z) < shell.ring[1] / 2
        hu[tube & (np.abs(np.degrees(np.arctan2(-x, y))) < shell.ring[0] / 2)] = 900.0
    offset = (x - center[0], y - center[1], z - center[2])
    local = [sum(np.float32(rotation[i, k]) * offset[k] for k in range(3)) for i in range(3)]
    depth = _depth(local, half)
    outer = np.clip(0.5 - depth / fine_mm, 0, 1)
    wall = np.full(hu.shape, shell.rim_hu, np.float32)
    wall[_patch(shell, local, depth, rng)] = shell.core_hu
    wall[_neck(shell, local, rotation)] = shell.cavity_hu or 0.0
    if not shell.solid:
        inner = np.clip(0.5 - (depth + shell.rim_mm) / fine_mm, 0, 1)
        wall = wall * (1 - inner) + _filling(shell, local, depth) * inner
    return hu * (1 - outer) + wall * outer


def _depth(local, half):
    """Return the signed distance to an ellipsoid, to first order."""
    q = np.sqrt(sum((v / np.float32(h)) ** 2 for v, h in zip(local, half, strict=True)))
    slope = np.sqrt(sum((v / np.float32(h) ** 2) ** 2 for v, h in zip(local, half, strict=True)))
    return (q - 1) * q / np.maximum(slope, 1e-6)


def _filling(shell, local, depth):
    fill = np.full(depth.shape, shell.core_hu if shell.cavity_hu is None else shell.cavity_hu, np.float32)
    if shell.cavity_hu is not None and shell.paste_fraction:
        fill[local[2] < np.quantile(local[2][depth < -shell.rim_mm], shell.paste_fraction)] = shell.core_hu
    return fill


def _neck(shell, local, rotation):
    """Return a channel towards the lumen."""
    if not shell.neck_mm:
        return np.zeros(local[0].shape, bool)
    direction = rotation @ (0.0, -1.0, 0.0)
    along = sum(np.float32(d) * v for d, v in zip(direction, local, strict=True))
    away = np.sqrt(sum((v - np.float32(d) * along) ** 2 for d, v in zip(direction, local, strict=True)))
    return (along > 0) & (away < shell.neck_mm / 2)


def _patch(shell, local, depth, rng):
    """Return where the rim is missing, so that the rest covers the wanted share of the surface."""
    missing = np.zeros(depth.shape, bool)
    if shell.coverage >= 1:
        return missing
    seed = int(rng.integers(1 << 30))
    half = np.array(shell.axes_mm) / 2
    probe = np.random.default_rng(1).normal(size=(20000, 3))
    probe /= np.linalg.norm(probe, axis=1)[:, None]
    area = np.linalg.norm(probe / half, axis=1)
    values = _bumps(probe, seed)
    order = np.argsort(values)
    level = values[order][np.searchsorted(np.cumsum(area[order]) / area.sum(), 1 - shell.coverage)]
    near = (depth < 1) & (depth > -shell.rim_mm - 1)
    scaled = np.stack([v[near] / h for v, h in zip(local, half, strict=True)], axis=1)
    missing[near] = _bumps(scaled / np.linalg.norm(scaled, axis=1)[:, None], seed) < level
    return missing


def _bumps(directions, seed):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(40, 3))
    centers /= np.linalg.norm(centers, axis=1)[:, None]
    return np.exp(8.0 * (directions @ centers.T - 1)) @ rng.normal(size=40)


def _anatomy(shell, geometry, hu, center, rotation):
    half = np.array(shell.axes_mm) / 2
    grid = geometry.to_patient(np.moveaxis(np.indices(geometry.shape), 0, -1))
    outside = np.linalg.norm((grid - center) @ rotation.T / half, axis=-1) > 1.1
    free = outside & (grid[..., 1] < center[1] - 0.1 * half.min() - 1) & (np.abs(hu - shell.blood_hu) < 150)
    pools = np.where(free, np.where(grid[..., 2] < center[2], BLOOD_POOL_LV, BLOOD_POOL_LA), 0)
    turn = np.radians(np.arange(120) * 3.0)
    annulus = MitralAnnulus(
        center_mm=(0.0, 0.0, 0.0),
        normal=(0.0, 0.0, -1.0),
        posterior=(0.0, 1.0, 0.0),
        curve_mm=RING_MM * np.stack([np.sin(turn), np.cos(turn), 0 * turn], axis=1),
        method="given",
        uncertainty_mm=0.0,
    )
    state = ContrastState.ENHANCED if shell.blood_hu > 180 else ContrastState.NONE
    return Anatomy(
        contrast=Contrast(state=state, blood_pool_hu=shell.blood_hu, blood_pool_sd_hu=shell.noise_hu),
        heart_box_mm=None,
        annulus=annulus,
        blood_pools=LabelMap(labels=pools.astype(np.uint8), geometry=geometry),
        myocardium_hu=shell.myocardium_hu,
        aortic_root_mm=(0.0, -25.0, 10.0),
    )


def _calcium(shell, geometry, hu):
    if shell.blood_hu > 180:
        threshold = max(shell.blood_hu + 100, shell.blood_hu + 4 * shell.noise_hu)
    else:
        threshold = max(130.0, 4.66 * shell.noise_hu + 20 if shell.spacing_mm[0] < 1.5 else 0.0)
    labels, count = ndimage.label(hu >= threshold, np.ones((3, 3, 3)))
    volumes = np.bincount(labels.ravel(), minlength=count + 1)[1:] * geometry.voxel_mm3
    kept = [k + 1 for k in np.argsort(-volumes) if volumes[k] > 1]
    number = np.zeros(count + 1, np.int32)
    number[kept] = np.arange(1, len(kept) + 1)
    labels = number[labels]
    finds = tuple(
        Calcification(
            label=k, kind=CalciumKind.ANNULAR, volume_mm3=volumes[at - 1], centroid_mm=(0, 0, 0), peak_hu=int(hu.max())
        )
        for k, at in enumerate(kept, 1)
    )
    return CalciumMap(
        labels=labels,
        geometry=geometry,
        threshold_hu=float(threshold),
        threshold_rule="test",
        calcifications=finds,
        blood=Blood(hu=shell.blood_hu, sd_hu=shell.noise_hu, where="left ventricle"),
    )
