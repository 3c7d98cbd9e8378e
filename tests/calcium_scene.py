"""A chest in a box: blood within a ring of muscle within fat, lung outside; and things to calcify in it."""

from dataclasses import replace
from functools import cache, lru_cache

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.findings import Anatomy, Contrast, ContrastState
from ccma_seg.geometry import Geometry
from ccma_seg.volume import Acquisition, Volume

RING_MM = 16.0


def make_annulus(uncertainty_mm=2.0):
    angle = np.radians(np.arange(0, 360, 5))
    curve = RING_MM * np.stack([np.sin(angle), np.cos(angle), np.zeros_like(angle)], axis=-1)
    return MitralAnnulus(
        center_mm=(0, 0, 0),
        normal=(0, 0, -1),
        posterior=(0, 1, 0),
        curve_mm=curve,
        method="given",
        uncertainty_mm=uncertainty_mm,
    )


def make_anatomy(blood_hu=40.0, sd_hu=10.0, **changes):
    state = ContrastState.ENHANCED if blood_hu > 180 else ContrastState.NONE
    fields = {
        "contrast": Contrast(state=state, blood_pool_hu=blood_hu, blood_pool_sd_hu=sd_hu),
        "heart_box_mm": ((-40.0, -40.0, -40.0), (40.0, 40.0, 40.0)),
        "annulus": make_annulus(),
    }
    return Anatomy(**(fields | changes))


@cache
def make_volume(blood_hu=40.0, spacing_mm=(1.0, 1.0, 1.0), tube_voltage_kv=120.0, sd_hu=10.0):
    """The annulus lies in the plane z = 0, the apex towards the feet, posterior at +y, anterolateral at +x."""
    shape = tuple(round(120 / s) for s in spacing_mm)
    origin = tuple(-(n - 1) * s / 2 for n, s in zip(shape[::-1], spacing_mm[::-1], strict=True))
    geometry = Geometry(shape=shape, spacing_mm=spacing_mm, origin_mm=origin)
    x, y, z = positions(geometry)
    from_axis = np.hypot(x, y)
    hu = np.select([from_axis < 15.5, from_axis < 20, np.hypot(from_axis, z) < 48], [blood_hu, 50, -100], -850)
    hu = hu + np.random.default_rng(1).normal(0, sd_hu, shape)
    acquisition = Acquisition(tube_voltage_kv=tube_voltage_kv, slice_thickness_mm=spacing_mm[0])
    return Volume(hu=hu.astype(np.int16), geometry=geometry, acquisition=acquisition)


@lru_cache(maxsize=4)
def positions(geometry):
    """x, y and z of all voxels, each of the grid's shape."""
    return np.moveaxis(geometry.to_patient(np.moveaxis(np.indices(geometry.shape), 0, -1)), -1, 0)


def paint(volume, where, hu):
    """Set the HU where `where(x, y, z)` holds."""
    changed = volume.hu.copy()
    changed[where(*positions(volume.geometry))] = hu
    return replace(volume, hu=changed)


def ball(center_mm, radius_mm, inner_mm=0.0):
    def where(x, y, z):
        away = np.sqrt((x - center_mm[0]) ** 2 + (y - center_mm[1]) ** 2 + (z - center_mm[2]) ** 2)
        return (away <= radius_mm) & (away >= inner_mm)

    return where


def band(center_deg, arc_deg, thickness_mm, radius_mm=RING_MM):
    """A torus sector on the ring."""

    def where(x, y, z):
        angle = np.degrees(np.arctan2(x, y))
        away = np.hypot(np.hypot(x, y) - radius_mm, z)
        return (np.abs((angle - center_deg + 180) % 360 - 180) <= arc_deg / 2) & (away <= thickness_mm / 2)

    return where
