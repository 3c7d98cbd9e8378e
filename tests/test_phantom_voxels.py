"""Phantom voxels against closed forms: volumes, blur, slice profile, noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccma_seg.phantom import AnnulusSpec, LesionKind, LesionSpec, RimSpec, ScannerSpec
from ccma_seg.phantom.bands import band_beads, band_body
from ccma_seg.phantom.bodies import fill
from ccma_seg.phantom.contrast import ContrastSpec, brightness
from ccma_seg.phantom.masses import depth_mm, place_mass
from ccma_seg.phantom.matter import mass_body
from ccma_seg.phantom.rendering import Grid, Painted, paint
from ccma_seg.phantom.ring import make_annulus
from ccma_seg.phantom.scanner import (
    FWHM_TO_SD,
    blur_plane,
    discrete_gaussian,
    gather,
    noise_planes,
    scan_slab,
    slice_profile,
)
from ccma_seg.phantom.shapes import ellipsoid, half_space, tube

STEP = 0.25
HU = brightness(ContrastSpec(), 120.0)
CIRCLE = AnnulusSpec(
    septal_lateral_mm=40.0, intercommissural_mm=40.0, saddle_height_mm=0.0, posterior_share=0.5, anterior_power=2.0
)


def grid(half_mm, step=STEP):
    line = np.arange(-half_mm, half_mm, step) + 0.1
    return Grid(x=line[None, None], y=line[None, :, None], z=line[:, None, None], voxel_mm=(step, step, step))


def painted_volume(solid, half_mm):
    box = grid(half_mm)
    image = np.zeros(box.shape, np.float32)
    paint(image, box, [Painted(solid=solid, hu=1.0)])
    return float(image.sum(dtype=float)) * STEP**3


def body_volumes(body):
    filled = fill(body, grid(float(np.abs([body.low_mm, body.high_mm]).max()) + 1))
    return dict(zip((m.name for m in body.materials), filled.volumes_mm3, strict=True))


def mass(**changes):
    spec = LesionSpec(**{"long_axis_mm": 20.0, "short_axis_mm": 20.0, "outward_mm": -20.0, **changes})
    return place_mass(spec, make_annulus(CIRCLE, (0, 0, 0)), seed=1)


def test_a_sphere_has_the_volume_of_a_sphere():
    assert painted_volume(ellipsoid((0, 0, 0), (7, 7, 7)), 9) == pytest.approx(4 / 3 * np.pi * 7**3, rel=0.003)


def test_an_oblique_ellipsoid_has_the_volume_of_an_ellipsoid():
    turned = np.array([(0.6, 0.8, 0), (-0.8, 0.6, 0), (0, 0, 1)])
    volume = painted_volume(ellipsoid((0.3, 0.2, 0), (9, 5, 6), turned), 11)
    assert volume == pytest.approx(4 / 3 * np.pi * 9 * 5 * 6, rel=0.003)


def test_a_tube_has_the_volume_of_a_cylinder_with_round_ends():
    volume = painted_volume(tube([(-5, -3, 0), (5, 3, 2)], 2.0), 10)
    length = np.sqrt(100 + 36 + 4)
    assert volume == pytest.approx(np.pi * 4 * length + 4 / 3 * np.pi * 8, rel=0.003)


def test_a_shell_has_the_volume_of_a_shell():
    volumes = body_volumes(mass_body(mass(rim=RimSpec(thickness_mm=2.0)), HU, 120.0, seed=1))
    assert volumes["rim"] == pytest.approx(4 / 3 * np.pi * (10**3 - 8**3), rel=0.003)
    assert volumes["core"] == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.003)


def test_a_band_has_the_volume_of_a_torus_sector_with_round_ends():
    spec = LesionSpec(kind=LesionKind.BAND, arc_deg=120.0, thickness_mm=5.0, irregular=0.0, outward_mm=0.0)
    beads = band_beads(spec, make_annulus(CIRCLE, (0, 0, 0)), seed=1)
    volume = body_volumes(band_body(beads, spec, 120.0))["calcium"]
    exact = np.pi * 2.5**2 * 20 * np.radians(120) + 4 / 3 * np.pi * 2.5**3
    assert volume == pytest.approx(exact, rel=0.003)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 3.0), st.integers(0, 1000))
def test_the_rim_of_an_ellipsoid_is_measured_along_its_normal(depth, seed):
    body = mass(long_axis_mm=34.0, short_axis_mm=24.0, third_axis_mm=20.0)
    direction = np.random.default_rng(seed).normal(size=(50, 3))
    surface = direction / np.linalg.norm(direction / body.radii_mm, axis=1, keepdims=True)
    normal = surface / body.radii_mm**2
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    inside = (surface - depth * normal) @ body.axes + body.center_mm
    np.testing.assert_allclose(depth_mm(body, inside), -depth, atol=0.02)


@pytest.mark.parametrize("coverage", [35.0, 80.0])
def test_a_patchy_rim_covers_the_stated_share(coverage):
    patchy = mass(rim=RimSpec(thickness_mm=2.0, coverage_pct=coverage))
    volumes = body_volumes(mass_body(patchy, HU, 120.0, seed=1))
    shell = 4 / 3 * np.pi * (10**3 - 8**3)
    assert volumes["rim"] / shell * 100 == pytest.approx(coverage, abs=0.5)


def test_blur_conserves_the_mean():
    image = np.zeros((1, 100, 100), np.float32)
    image[0, 40:60, 45:52] = 1000
    assert blur_plane(image, 1.0, 0.4).mean(dtype=float) == pytest.approx(image.mean(dtype=float), rel=0.001)


@given(st.floats(0.001, 30.0))
def test_the_discrete_gaussian_has_exactly_its_variance(variance):
    taps = discrete_gaussian(variance)
    offsets = np.arange(len(taps)) - len(taps) // 2
    assert (taps * offsets**2).sum() == pytest.approx(variance, rel=1e-3)


def plain(**changes):
    base = {"matrix": 256, "field_of_view_mm": 100.0, "noise_sd_hu": 0.0, "slice_spacing_mm": 0.5}
    return ScannerSpec(**{**base, "slice_thickness_mm": 0.5, **changes})


def object_planes(spec, solid, planes):
    pixel = spec.field_of_view_mm / spec.matrix
    line = (np.arange(spec.matrix) - spec.matrix / 2) * pixel
    z = (np.arange(planes) - planes // 2) * slice_profile(spec).step_mm
    box = Grid(
        x=line[None, None],
        y=line[None, :, None],
        z=z[:, None, None],
        voxel_mm=(slice_profile(spec).step_mm, pixel, pixel),
    )
    image = np.zeros(box.shape, np.float32)
    paint(image, box, [Painted(solid=solid, hu=1000.0)])
    return line, image


@pytest.mark.parametrize(("kernel", "fwhm"), [("soft", 1.0), ("medium", 0.8), ("sharp", 0.6)])
def test_the_edge_is_as_wide_as_the_kernel_says(kernel, fwhm):
    spec = plain(kernel=kernel, field_of_view_mm=76.8)
    normal = np.array((np.cos(0.1), np.sin(0.1), 0.0))
    line, planes = object_planes(spec, half_space((0, 0, 0), normal), 1)
    image = scan_slab(planes, spec, first_slice=0, slices=1, seed=1)[0].astype(float)
    y, x = np.meshgrid(line, line, indexing="ij")
    distance = (x * normal[0] + y * normal[1]).ravel()
    near = np.abs(distance) < 3
    steps = np.arange(-2.5, 2.51, 0.05)
    order = np.argsort(distance[near])
    edge = np.interp(steps, distance[near][order], -image.ravel()[near][order] / 1000)
    spread = np.gradient(edge, steps)
    middle = (spread * steps).sum() / spread.sum()
    width = np.sqrt((spread * (steps - middle) ** 2).sum() / spread.sum()) / FWHM_TO_SD
    assert width == pytest.approx(fwhm, rel=0.05)


@pytest.mark.parametrize(("thickness", "spacing"), [(3.0, 3.0), (1.5, 0.5), (1.0, 0.7)])
def test_the_slice_profile_is_as_wide_as_the_slice(thickness, spacing):
    profile = slice_profile(plain(slice_thickness_mm=thickness, slice_spacing_mm=spacing))
    positions = (profile.offsets - len(profile.offsets) // 2) * profile.step_mm
    variance = (profile.weights * positions**2).sum() + profile.step_mm**2 / 12
    assert np.sqrt(12 * variance) == pytest.approx(thickness, rel=0.05)
    assert profile.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize(("thickness", "spacing"), [(0.5, 0.5), (1.5, 0.5), (3.0, 3.0)])
def test_noise_has_the_stated_standard_deviation(thickness, spacing):
    spec = plain(noise_sd_hu=25.0, slice_thickness_mm=thickness, slice_spacing_mm=spacing)
    air = np.zeros((slice_profile(spec).plane_count(6), 256, 256), np.float32)
    image = scan_slab(air, spec, first_slice=0, slices=6, seed=1)
    assert image.std() == pytest.approx(25.0, rel=0.05)
    assert abs(image.mean()) < 0.5


def test_noise_is_correlated_over_the_stated_width():
    spec = plain(noise_fwhm_mm=1.2)
    planes = noise_planes(spec, first=0, count=8, seed=1)
    pixel = spec.field_of_view_mm / spec.matrix
    for lag in (1, 2, 3):
        measured = (planes[:, :, :-lag] * planes[:, :, lag:]).mean()
        wanted = np.exp(-((lag * pixel) ** 2) / 2 / (1.2 * FWHM_TO_SD) ** 2)
        assert measured == pytest.approx(wanted, abs=0.05)


def test_slabs_do_not_show():
    spec = plain(noise_sd_hu=20.0, slice_thickness_mm=1.0)
    planes = np.zeros((slice_profile(spec).plane_count(6), 256, 256), np.float32)
    whole = scan_slab(planes, spec, first_slice=0, slices=6, seed=1)
    later = scan_slab(planes[: slice_profile(spec).plane_count(2)], spec, first_slice=4, slices=2, seed=1)
    np.testing.assert_array_equal(whole[4:], later)


def test_a_slice_is_the_mean_of_the_planes_within_it():
    profile = slice_profile(plain(slice_thickness_mm=1.0, slice_spacing_mm=1.0))
    ramp = np.broadcast_to(np.arange(9, dtype=np.float32)[:, None, None], (9, 2, 2))
    np.testing.assert_allclose(gather(ramp, profile, 3)[:, 0, 0], [1, 3, 5])
