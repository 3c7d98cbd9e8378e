"""Uneven lesions: what is random is so by the stated lengths and shares, and the truth is counted on voxels."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import label

from benchmarks.closeup import close_up
from ccma_seg.errors import ConfigError
from ccma_seg.phantom import (
    ROUGH_KINDS,
    CavityRoughness,
    CavitySpec,
    CoreRoughness,
    CoreSpec,
    LesionKind,
    LesionSpec,
    NoduleRoughness,
    RimRoughness,
    RimSpec,
    RoughnessSpec,
    ScannerSpec,
    SurfaceRoughness,
    insert,
    make_phantom,
    parse_recipe,
    random_recipe,
    read_recipe,
    rough_recipe,
)
from ccma_seg.phantom.bands import Beads
from ccma_seg.phantom.bodies import Body, Material
from ccma_seg.phantom.contrast import ContrastSpec, brightness
from ccma_seg.phantom.fields import above, random_field
from ccma_seg.phantom.hardening import hardening
from ccma_seg.phantom.lesion_truth import lesion_truth
from ccma_seg.phantom.lesions import build_lesion
from ccma_seg.phantom.masses import place_mass, surface_slope
from ccma_seg.phantom.nodules import nodular_body
from ccma_seg.phantom.ring import make_annulus
from ccma_seg.phantom.scanner import scan_slab, slice_profile
from ccma_seg.phantom.spec import AnnulusSpec
from ccma_seg.phantom.voxels import axes_mm, coverage_pct, max_diameter_mm, voxels

BLOOD_HU = 360.0
HU = brightness(ContrastSpec(lv_hu=BLOOD_HU, la_offset_hu=0.0), 120.0)
ANNULUS = make_annulus(AnnulusSpec(), (0, 0, 0))
MASS = LesionSpec(long_axis_mm=24.0, short_axis_mm=18.0, third_axis_mm=16.0, core=CoreSpec(hu=80.0))
BUMPY = RoughnessSpec(surface=SurfaceRoughness(bumps_mm=0.5))


def built(spec):
    return build_lesion(spec, ANNULUS, HU, 120.0, seed=1)


def truth(spec, *, noise_sd_hu=0.0):
    return lesion_truth(built(spec), ANNULUS, 1, noise_sd_hu=noise_sd_hu, blood_hu=BLOOD_HU)


def core_hu(spec):
    """HU of the core's voxels, and where they lie."""
    seen = voxels(built(spec).body)
    core = seen.codes == 2
    return seen.hu[core], seen.positions_mm(core)


def test_a_random_field_has_the_stated_mean_spread_and_correlation_length():
    field = random_field(length_mm=2.5, seed=1, stream=1)
    at = np.random.default_rng(1).uniform(-40, 40, (20_000, 3))
    here, there = field(at), field(at + np.array((0.0, 2.5, 0.0)))
    assert here.mean() == pytest.approx(0, abs=0.05)
    assert here.std() == pytest.approx(1, abs=0.06)
    assert np.corrcoef(here, there)[0, 1] == pytest.approx(np.exp(-0.5), abs=0.04)


def test_a_share_of_a_random_field_lies_above_its_limit():
    values = random_field(length_mm=1.0, seed=2, stream=1)(np.random.default_rng(1).uniform(0, 20, (20_000, 3)))
    assert (values > above(30)).mean() == pytest.approx(0.3, abs=0.03)
    assert (above(0), above(100)) == (np.inf, -np.inf)


def test_old_seeds_keep_their_meaning():
    drawn = "".join(repr(random_recipe(seed)) for seed in range(40))
    assert hashlib.sha256(drawn.encode()).hexdigest().startswith("e9b069e3bc0454f4")
    assert "rough" not in repr(LesionSpec(rough=BUMPY))


def test_an_uneven_recipe_follows_from_its_seed_and_kind():
    assert rough_recipe(5, "solid") == rough_recipe(5, "solid") != rough_recipe(6, "solid")
    assert {rough_recipe(s).name.removeprefix("rough_").rsplit("_", 1)[0] for s in range(120)} == set(ROUGH_KINDS)


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="like_blood"):
        rough_recipe(1, "soft")


def test_the_same_seed_gives_the_same_uneven_voxels():
    recipe = close_up(rough_recipe(4, "intact"), seed=4)
    coarse = replace(recipe, scanner=replace(recipe.scanner, slices=6, slice_spacing_mm=4.0, slice_thickness_mm=3.0))
    first, second = make_phantom(coarse, seed=4), make_phantom(coarse, seed=4)
    assert (first.volume.hu == second.volume.hu).all()
    assert first.truth == second.truth
    assert first.truth["series"] != make_phantom(coarse, seed=5).truth["series"]


def test_roughness_is_read_from_a_recipe():
    text = "[[lesions]]\nlong_axis_mm = 20.0\n[lesions.rough.core]\nnodules = 3\n"
    assert parse_recipe(text).lesions[0].rough.core.nodules == 3
    with pytest.raises(ConfigError, match="nodules"):
        parse_recipe(text.replace("nodules", "stones"))


def test_the_sample_recipe_of_an_uneven_mass_can_be_read():
    recipe = read_recipe(Path(__file__).parents[1] / "sample_data/recipes/uneven_ccma.toml")
    assert [s.kind for s in recipe.lesions] == [LesionKind.MASS, LesionKind.BAND]
    assert recipe.lesions[0].rough.core.nodules == 3


def test_voxels_measure_an_even_mass_as_closed_forms_do():
    body = built(replace(MASS, rim=RimSpec(coverage_pct=70.0))).body
    seen = voxels(body)
    rim, whole = seen.codes == 1, seen.codes > 0
    assert seen.volume_mm3(whole) == pytest.approx(np.pi / 6 * 24 * 18 * 16, rel=0.005)
    np.testing.assert_allclose(axes_mm(seen, whole), (24, 18, 16), atol=0.05)
    assert max_diameter_mm(seen, whole) == pytest.approx(24, abs=0.15)
    assert coverage_pct(rim, whole & ~rim) == pytest.approx(70, abs=1.5)


def test_bumps_slope_the_surface_and_leave_the_mean_size():
    bumpy = place_mass(replace(MASS, rough=BUMPY), ANNULUS, seed=1)
    flat = place_mass(MASS, ANNULUS, seed=1)
    at = flat.center_mm + np.array([flat.axes[i] * flat.radii_mm[i] for i in range(3)])
    np.testing.assert_allclose(surface_slope(flat, at), 1, atol=0.01)
    assert (surface_slope(bumpy, at) > 1).any()
    assert truth(replace(MASS, rough=BUMPY))["volume_mm3"] == pytest.approx(np.pi / 6 * 24 * 18 * 16, rel=0.08)


def test_an_uneven_rim_has_the_stated_openings_thickness_and_density():
    rough = RoughnessSpec(rim=RimRoughness(thickness_sd_pct=25.0, hu_sd_pct=20.0, grain_size_mm=1.5))
    rim = truth(replace(MASS, rim=RimSpec(coverage_pct=75.0, patch_mm=3.0, hu=1000.0), rough=rough))["rim"]
    assert rim["coverage_pct"] == pytest.approx(75, abs=2)
    assert rim["thickness_mm"] == pytest.approx(2.0, abs=0.15)
    assert rim["thickness_max_mm"] > 2.7
    assert rim["mean_hu"] == pytest.approx(1000, rel=0.1)


def test_no_calcium_is_denser_than_cortical_bone():
    rough = RoughnessSpec(rim=RimRoughness(hu_sd_pct=30.0))
    seen = voxels(built(LesionSpec(kind=LesionKind.STONE, hu=1400.0, rough=rough)).body)
    assert seen.hu.max() == pytest.approx(1900)


def test_lumps_fill_the_stated_share_of_the_core():
    rough = RoughnessSpec(core=CoreRoughness(lumps_pct=30.0, lumps_hu=380.0, lump_size_mm=1.5))
    hu, _ = core_hu(replace(MASS, rough=rough))
    assert (hu > 230).mean() == pytest.approx(0.3, abs=0.06)


def test_sediment_lies_lowest_in_a_patient_on_the_back():
    rough = RoughnessSpec(core=CoreRoughness(sediment_pct=30.0, sediment_hu=300.0))
    hu, at = core_hu(replace(MASS, rough=rough))
    assert (hu > 200).mean() == pytest.approx(0.3, abs=0.05)
    assert at[hu > 200, 1].min() > at[hu < 200, 1].max() - 3


def test_nodules_in_the_core_are_calcium_clear_of_the_rim():
    rough = RoughnessSpec(core=CoreRoughness(nodules=2, nodule_mm=3.0, nodule_hu=800.0))
    seen = voxels(built(replace(MASS, rough=rough)).body)
    dense = (seen.codes == 2) & (seen.hu > 700)
    assert 10 < seen.volume_mm3(dense) < 100
    assert label(dense | (seen.codes == 1))[1] >= 2


def test_a_blurred_inner_border_is_no_part_as_bright_as_blood():
    core = truth(replace(MASS, rough=RoughnessSpec(rim=RimRoughness(inner_blur_mm=1.0))))["core"]
    assert core["like_blood"] == {"surely": 0.0, "perhaps": 0.0}


def test_the_parts_of_a_core_that_are_as_bright_as_blood_are_counted():
    half = RoughnessSpec(core=CoreRoughness(sediment_pct=40.0, sediment_hu=BLOOD_HU))
    core = truth(replace(MASS, rough=half), noise_sd_hu=20.0)["core"]
    assert core["like_blood"]["surely"] == pytest.approx(0.4 * core["volume_mm3"], rel=0.2)
    assert core["p10_hu"] < 80 < core["mean_hu"] < BLOOD_HU < core["p90_hu"]


def test_clot_fills_its_share_and_leaves_the_blood_connected_to_the_neck():
    rough = RoughnessSpec(cavity=CavityRoughness(clot_pct=30.0, swirl_pct=8.0, layering_pct=10.0, jet_pct=10.0))
    spec = replace(MASS, long_axis_mm=32.0, short_axis_mm=28.0, cavity=CavitySpec(fraction=0.9), rough=rough)
    seen = voxels(built(spec).body)
    blood, clot = seen.codes == 3, seen.codes == 6
    parts, _ = label(blood)
    assert 0.08 < clot.sum() / (clot | blood).sum() < 0.32
    assert np.bincount(parts.ravel())[1:].max() > 0.9 * blood.sum()
    cavity = truth(spec)["cavity"]
    assert cavity["ratio_to_blood_pool"] == pytest.approx(1, abs=0.08)
    assert cavity["sd_hu"] > 10


def test_a_stone_is_ordinary_calcification_of_the_size_of_a_mass():
    stone = truth(
        LesionSpec(
            kind=LesionKind.STONE, long_axis_mm=31.0, short_axis_mm=17.0, third_axis_mm=16.0, hu=1000.0, rough=BUMPY
        )
    )
    assert (stone["kind"], stone["verdict"]) == ("stone", "mac")
    np.testing.assert_allclose(
        [stone[a] for a in ("long_axis_mm", "short_axis_mm", "third_axis_mm")], (31, 17, 16), atol=1
    )
    assert stone["mean_hu"] == pytest.approx(1000, abs=1)


def test_the_calcium_of_the_sectors_of_a_band_adds_up():
    rough = RoughnessSpec(
        surface=SurfaceRoughness(bumps_mm=0.4), band=NoduleRoughness(nodules=12, spiky_pct=50.0, reach_mm=6.0)
    )
    band = truth(LesionSpec(kind=LesionKind.BAND, arc_deg=150.0, thickness_mm=7.0, rough=rough))
    assert band["verdict"] == "mac"
    assert sum(s["volume_mm3"] for s in band["sectors"]) == pytest.approx(band["volume_mm3"], rel=0.001)
    assert {"P1", "P2", "P3"} <= {s["sector"] for s in band["sectors"]}
    assert band["thickness_max_mm"] == max(s["thickness_mm"] for s in band["sectors"])
    assert 140 < band["arc_deg"] < 240


def test_nodules_of_all_sizes_hold_what_lies_within_their_radius():
    rng = np.random.default_rng(3)
    beads = Beads(centers_mm=rng.uniform(-6, 6, (40, 3)), radii_mm=rng.uniform(0.3, 4, 40))
    at = rng.uniform(-9, 9, (4000, 3))
    away = np.linalg.norm(at[:, None] - beads.centers_mm[None], axis=2)
    body = nodular_body(beads, LesionSpec(kind=LesionKind.BAND), 120.0, seed=1)
    assert (body.classify(at).astype(bool) == (away < beads.radii_mm).any(axis=1)).all()


def edge(tail):
    spec = ScannerSpec(matrix=96, field_of_view_mm=48.0, slices=1, noise_sd_hu=0.0, tail=tail)
    planes = np.zeros((slice_profile(spec).plane_count(1), 96, 96), np.float32)
    planes[:, :, 48:] = 1000
    return scan_slab(planes, spec, first_slice=0, slices=1, seed=1)[0, 48].astype(float)


def test_a_tail_blooms_and_a_negative_one_overshoots():
    assert edge(0.2)[46] > edge(0.0)[46] + 20
    assert edge(-0.3).max() > 1020
    assert edge(-0.3).min() < -20


def test_beam_hardening_darkens_what_lies_between_dense_calcium_and_nothing_else():
    images = np.zeros((2, 80, 80), np.float32)
    images[0, 35:45, 15:25] = images[0, 35:45, 55:65] = 1200
    added = hardening(images, depth_hu=60.0, pixel_mm=0.6)
    assert added[0, 38:42, 38:42].mean() < added[0, 5:10, 38:42].mean() - 5
    assert abs(added).max() <= 60
    assert not added[1].any()


def test_an_uneven_mass_is_put_into_a_ct_with_its_truth():
    scanner = ScannerSpec(matrix=128, field_of_view_mm=110.0, slices=30, slice_spacing_mm=2.0, slice_thickness_mm=2.0)
    host = make_phantom(replace(read_recipe("normal"), scanner=scanner))
    rough = replace(BUMPY, core=CoreRoughness(nodules=2, lumps_pct=20.0))
    spec = replace(MASS, rough=rough)
    found = insert(host.volume, host.annulus, spec).truth["lesions"][0]
    assert found["core"]["like_blood"].keys() == {"surely", "perhaps"}
    assert found["verdict"] == "ccma"


def test_a_body_without_voxels_has_no_extent_of_its_own():
    nothing = Body(
        low_mm=np.zeros(3),
        high_mm=np.ones(3),
        classify=lambda at: np.zeros(len(at), np.uint8),
        materials=(Material(name="none", hu=0.0, label=0),),
    )
    assert not voxels(nothing).codes.any()
