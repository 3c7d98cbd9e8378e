"""Sizes of the whole contour, each by the definition that its name states; and the contour traced in phantoms."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ellipe

from benchmarks.golden import EXAMS
from ccma_seg.anatomy import locate, read_annulus, write_annulus
from ccma_seg.anatomy.contour import angle_deg, measure_contour
from ccma_seg.anatomy.ring import RingParams, annulus_at
from ccma_seg.anatomy.tracing import TraceParams, trace
from ccma_seg.geometry import as_point
from ccma_seg.phantom import ScannerSpec, make_phantom, read_recipe
from ccma_seg.phantom.spec import Orifice

PLACE = np.array([4.0, -160.0, -200.0]), np.array([0.61, -0.70, -0.37]), np.array([0.49, 0.73, -0.43])
ANGLES = np.radians(np.arange(0.0, 360.0, 5.0))
FINE = ScannerSpec(
    matrix=200, field_of_view_mm=160.0, slices=150, slice_spacing_mm=1.0, slice_thickness_mm=1.0, noise_sd_hu=20.0
)


def frame():
    return annulus_at(*PLACE, params=RingParams(), method="given", uncertainty_mm=2.0)


def sizes_of(local, **known):
    annulus = frame()
    return measure_contour(annulus, annulus.to_patient(local), **known)


def ellipse(a=15.0, b=20.0, rise=0.0):
    """Radii behind and beside; a saddle that rises to the atrium before and behind."""
    return np.stack([a * np.cos(ANGLES), b * np.sin(ANGLES), -rise / 2 * np.cos(2 * ANGLES)], axis=1)


def test_a_flat_ellipse_has_its_area_perimeter_and_diameters():
    sizes = sizes_of(ellipse())
    perimeter = 4 * 20 * ellipe(1 - (15 / 20) ** 2)
    assert sizes.saddle_area_mm2 == pytest.approx(np.pi * 15 * 20, rel=0.005)
    assert sizes.saddle_perimeter_mm == pytest.approx(perimeter, rel=0.002)
    assert sizes.saddle_perimeter_3d_mm == pytest.approx(perimeter, rel=0.002)
    assert sizes.saddle_septal_lateral_mm == pytest.approx(30, abs=0.05)
    assert sizes.intercommissural_mm == pytest.approx(40, abs=0.05)
    assert sizes.height_mm == pytest.approx(0, abs=1e-9)


def test_the_d_is_cut_at_the_trigone_line():
    sizes = sizes_of(ellipse(20.0, 20.0))
    cut = np.radians(120)
    assert sizes.intertrigonal_mm == pytest.approx(2 * 20 * np.sin(cut), abs=0.05)
    assert sizes.d_shape_area_mm2 == pytest.approx(20**2 * (cut - np.sin(2 * cut) / 2), rel=0.005)
    assert sizes.d_shape_perimeter_mm == pytest.approx(20 * 2 * cut + 2 * 20 * np.sin(cut), rel=0.002)
    assert sizes.d_shape_septal_lateral_mm == pytest.approx(30, abs=0.05)


def test_a_saddle_keeps_its_projection_and_is_longer_in_space():
    flat, high = sizes_of(ellipse()), sizes_of(ellipse(rise=10.0))
    assert high.height_mm == pytest.approx(10, abs=0.05)
    assert high.saddle_area_mm2 == pytest.approx(flat.saddle_area_mm2, rel=1e-3)
    assert high.saddle_perimeter_mm == pytest.approx(flat.saddle_perimeter_mm, rel=1e-3)
    assert high.saddle_perimeter_3d_mm > high.saddle_perimeter_mm + 3


def test_a_curve_drawn_tilted_has_its_own_normal_and_tilt():
    turned = np.radians(20)
    tilt = np.array([[1, 0, 0], [0, np.cos(turned), -np.sin(turned)], [0, np.sin(turned), np.cos(turned)]])
    annulus = frame()
    apex = as_point(annulus.to_patient((0.0, 0.0, 80.0)))
    sizes = sizes_of(ellipse() @ tilt.T, apex_mm=apex)
    assert angle_deg(np.array(sizes.normal), np.array(annulus.normal)) == pytest.approx(20, abs=0.1)
    assert sizes.tilt_deg == pytest.approx(20, abs=0.1)
    assert sizes.saddle_area_mm2 == pytest.approx(np.pi * 15 * 20, rel=0.005)


def test_annuli_side_by_side_in_one_plane_make_180_degrees():
    annulus = frame()
    posterior, _, apical = annulus.axes
    assert sizes_of(ellipse(), aortic_normal=-apical).aortic_angle_deg == pytest.approx(180, abs=0.1)
    fold = np.radians(50)
    leaning = -np.cos(fold) * apical - np.sin(fold) * posterior
    assert sizes_of(ellipse(), aortic_normal=leaning).aortic_angle_deg == pytest.approx(130, abs=0.1)


def test_what_it_is_measured_against_is_not_there_so_it_is_not_measured():
    sizes = sizes_of(ellipse())
    assert sizes.tilt_deg is None
    assert sizes.aortic_angle_deg is None


def heart(septal_lateral_mm, intercommissural_mm, height_mm, *, scanner=FINE, seed=1, aortic_angle_deg=130.0):
    recipe = read_recipe("normal")
    ring = replace(
        recipe.anatomy.annulus,
        septal_lateral_mm=septal_lateral_mm,
        intercommissural_mm=intercommissural_mm,
        saddle_height_mm=height_mm,
    )
    anatomy = replace(
        recipe.anatomy, annulus=ring, orifice=Orifice.RING, aortic_angle_deg=aortic_angle_deg, variation=0.0
    )
    return make_phantom(replace(recipe, scanner=scanner, anatomy=anatomy), seed=seed)


AREAS = ("saddle_area_mm2", "d_shape_area_mm2")
PERIMETERS = ("saddle_perimeter_mm", "d_shape_perimeter_mm", "saddle_perimeter_3d_mm")
LENGTHS = (
    "saddle_septal_lateral_mm",
    "d_shape_septal_lateral_mm",
    "intercommissural_mm",
    "intertrigonal_mm",
    "height_mm",
)


@pytest.mark.parametrize(
    ("ring", "aortic_angle_deg"),
    [
        ((22.0, 30.0, 4.0), 120.0),
        ((31.4, 39.3, 6.0), 130.0),
        ((36.0, 44.0, 9.0), 140.0),
        ((42.0, 50.0, 11.0), 145.0),
        ((27.0, 44.0, 3.0), 125.0),
    ],
)
def test_the_contour_of_a_phantom_is_traced_over_the_whole_range(ring, aortic_angle_deg):
    phantom = heart(*ring, aortic_angle_deg=aortic_angle_deg)
    found = locate(phantom.volume)
    assert found.contour is not None
    sizes, true = found.contour.sizes, phantom.truth["annulus"]["contour"]
    for name in AREAS + PERIMETERS:
        assert getattr(sizes, name) == pytest.approx(true[name], rel=0.03), name
    for name in LENGTHS:
        assert getattr(sizes, name) == pytest.approx(true[name], abs=2.0), name
    assert angle_deg(np.array(sizes.normal), np.array(true["normal"])) < 3
    assert sizes.aortic_angle_deg == pytest.approx(true["aortic_angle_deg"], abs=3)
    assert sizes.tilt_deg == pytest.approx(true["tilt_deg"], abs=4)
    off = np.linalg.norm(found.contour.points_mm.mean(axis=0) - phantom.annulus.curve_mm.mean(axis=0))
    assert off < 2 * found.contour.uncertainty_mm


def test_the_truth_of_a_phantom_spans_the_published_range():
    small, large = (
        heart(*ring, scanner=replace(EXAMS["normal"].scanner, slices=8)).truth["annulus"]["contour"]
        for ring in ((22.0, 29.0, 3.0), (42.0, 50.0, 11.0))
    )
    assert small["saddle_area_mm2"] < 550
    assert large["saddle_area_mm2"] > 1550
    assert small["height_mm"] == pytest.approx(3, abs=0.3)
    assert large["height_mm"] == pytest.approx(11, abs=0.5)


def test_without_contrast_there_is_a_reason_and_no_number():
    recipe = read_recipe("mac_plain")
    found = locate(make_phantom(replace(recipe, scanner=EXAMS["mac_plain"].scanner)).volume)
    assert found.contour is None
    assert "annulus_contour_not_shown" in {reason.code for reason in found.reasons}


def test_too_little_contrast_is_said_so():
    phantom = heart(31.4, 39.3, 6.0, scanner=EXAMS["normal"].scanner)
    traced = trace(phantom.volume, phantom.annulus, (100.0, 140.0), dense_hu=500.0, params=TraceParams())
    assert traced.points_mm is None
    assert "40 HU brighter" in traced.why_not


def test_a_drawn_curve_is_measured_as_it_was_drawn(tmp_path):
    phantom = heart(36.0, 44.0, 8.0, scanner=EXAMS["normal"].scanner)
    write_annulus(phantom.annulus, tmp_path / "ring.mrk.json")
    found = locate(phantom.volume, annulus=read_annulus(tmp_path / "ring.mrk.json"))
    true = phantom.truth["annulus"]["contour"]
    assert found.contour is not None
    for name in (*AREAS, *PERIMETERS):
        assert getattr(found.contour.sizes, name) == pytest.approx(true[name], rel=0.01), name
    for name in LENGTHS:
        assert getattr(found.contour.sizes, name) == pytest.approx(true[name], abs=0.5), name
