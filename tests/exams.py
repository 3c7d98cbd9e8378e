"""Small hand-made exams for tests that need an anatomy but no images."""

from dataclasses import replace

import numpy as np

from ccma_seg.anatomy import Anatomy, Contrast, ContrastState, MitralAnnulus
from ccma_seg.geometry import Geometry
from ccma_seg.lesion import Cavity, Core, Leak, Measurements, Rim
from ccma_seg.volume import Acquisition, Volume


def make_volume(spacing_mm=0.5):
    geometry = Geometry(shape=(4, 4, 4), spacing_mm=(spacing_mm,) * 3)
    return Volume(
        hu=np.full((4, 4, 4), 40, np.int16),
        geometry=geometry,
        acquisition=Acquisition(slice_thickness_mm=spacing_mm, tube_voltage_kv=120.0),
    )


def make_annulus():
    angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    return MitralAnnulus(
        center_mm=(0.0, 0.0, 0.0),
        normal=(0.0, 0.0, 1.0),
        posterior=(1.0, 0.0, 0.0),
        curve_mm=np.c_[16 * np.cos(angles), 18 * np.sin(angles), 0 * angles],
        method="given",
        uncertainty_mm=2.0,
    )


def make_anatomy(blood_hu=350.0):
    state = ContrastState.ENHANCED if blood_hu > 180 else ContrastState.NONE
    return Anatomy(
        contrast=Contrast(state=state, blood_pool_hu=blood_hu, blood_pool_sd_hu=20.0),
        heart_box_mm=((-50, -60, -40), (60, 50, 50)),
        annulus=make_annulus(),
    )


INTACT = Measurements(
    centroid_mm=(16.0, 0.0, 0.0),
    annulus_distance_mm=1.0,
    centroid_distance_mm=2.0,
    long_axis_mm=28.0,
    short_axis_mm=20.0,
    third_axis_mm=19.0,
    volume_mm3=5570.0,
    rim=Rim(coverage_pct=92.0, thickness_mm=2.0, p75_hu=950.0, mean_hu=900.0),
    core=Core(mean_hu=70.0, sd_hu=15.0, volume_mm3=2500.0, calcified_fraction=0.01),
    cavity=Cavity(present=False),
    leak=Leak(present=False),
)
"""A soft caseous mass without a sign of rupture."""

RUPTURED = replace(
    INTACT,
    core=replace(INTACT.core, mean_hu=90.0, volume_mm3=700.0),
    cavity=Cavity(
        present=True,
        volume_mm3=1800.0,
        mean_hu=345.0,
        neck_mm=3.2,
        neck_to_diameter=0.11,
        communicates_with=("left_ventricle",),
    ),
)
