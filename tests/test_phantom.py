"""Phantoms: same recipe and seed, same voxels; the truth is in the words of the record."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ccma_seg.errors import ConfigError, InputPathError
from ccma_seg.phantom import (
    AnatomySpec,
    AnnulusSpec,
    LesionKind,
    LesionSpec,
    Recipe,
    ScannerSpec,
    make_phantom,
    parse_recipe,
    random_recipe,
    read_recipe,
    recipe_names,
    write_phantom,
)

TINY = ScannerSpec(matrix=64, field_of_view_mm=160.0, slices=12, slice_spacing_mm=3.0, slice_thickness_mm=3.0)
PROMISED = ("mac", "ccma", "ccma_soft", "ccma_dense", "ruptured", "ruptured_la", "leak", "normal")


def tiny(name):
    return replace(read_recipe(name), scanner=TINY)


@pytest.fixture(scope="module")
def ruptured():
    return make_phantom(tiny("ruptured"), seed=3)


@pytest.mark.parametrize("name", PROMISED)
def test_the_promised_recipes_come_with_the_package(name):
    assert name in recipe_names()


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_can_be_read_and_says_what_it_is(name):
    assert read_recipe(name).description


@pytest.mark.parametrize("name", ["normal", "mac", "leak", "sec_two_masses", "mimic_clip", "qrm", "semilunar"])
def test_a_recipe_makes_a_phantom_with_a_verdict(name):
    truth = make_phantom(tiny(name)).truth
    assert truth["verdict"] in {"no_calcification", "mac", "other", "indeterminate", "ccma", "ruptured_ccma"}
    json.dumps(truth)


def test_the_same_recipe_and_seed_give_the_same_bytes(ruptured, tmp_path):
    again = make_phantom(tiny("ruptured"), seed=3)
    first, second = write_phantom(ruptured, tmp_path / "a"), write_phantom(again, tmp_path / "b")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert (tmp_path / "a/truth.json").read_bytes() == (tmp_path / "b/truth.json").read_bytes()


def test_another_seed_gives_another_heart(ruptured):
    other = make_phantom(tiny("ruptured"), seed=4)
    assert (other.volume.hu != ruptured.volume.hu).any()
    assert other.truth["annulus"]["normal"] != ruptured.truth["annulus"]["normal"]


def test_the_volume_of_an_ellipsoidal_mass_is_that_of_an_ellipsoid(ruptured):
    lesion = ruptured.truth["lesions"][0]
    axes = lesion["long_axis_mm"], lesion["short_axis_mm"], lesion["third_axis_mm"]
    assert lesion["volume_mm3"] == pytest.approx(np.pi / 6 * np.prod(axes), rel=0.003)


def test_the_cavity_fills_the_asked_share_of_the_inside(ruptured):
    lesion = ruptured.truth["lesions"][0]
    inside = lesion["core"]["volume_mm3"] + lesion["cavity"]["volume_mm3"]
    assert lesion["cavity"]["volume_mm3"] / inside == pytest.approx(0.6, abs=0.02)


def test_labels_hold_rim_core_cavity_and_both_blood_pools(ruptured):
    assert set(np.unique(ruptured.parts().labels)) == {0, 2, 3, 4, 6, 7}


def test_labels_lie_on_a_crop_of_the_volume(ruptured):
    ruptured.parts().slices_in(ruptured.volume.geometry)


def test_the_hu_of_each_part_are_those_of_the_truth():
    still = replace(
        read_recipe("ccma"),
        scanner=replace(
            TINY, noise_sd_hu=0.0, psf_fwhm_mm=0.1, slices=30, slice_spacing_mm=1.0, slice_thickness_mm=1.0, matrix=160
        ),
    )
    phantom = make_phantom(still)
    parts = phantom.parts()
    hu = phantom.volume.hu[parts.slices_in(phantom.volume.geometry)]
    assert np.median(hu[parts.mask(3)]) == pytest.approx(phantom.truth["lesions"][0]["core"]["mean_hu"], abs=8)
    assert np.median(hu[parts.mask(6)]) == pytest.approx(phantom.truth["contrast"]["left_ventricle_hu"], abs=2)


def test_a_recipe_without_lesions_has_no_calcification():
    assert make_phantom(tiny("normal")).truth["verdict"] == "no_calcification"


def test_an_unknown_key_is_refused_by_its_name():
    with pytest.raises(ConfigError, match="rim_hu"):
        parse_recipe("[[lesions]]\nrim_hu = 3")


def test_a_value_of_the_wrong_type_is_refused_with_its_place():
    with pytest.raises(ConfigError, match=r"lesions\[0\].rim.thickness_mm"):
        parse_recipe('[[lesions]]\nrim = { thickness_mm = "thick" }')


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(InputPathError, match="ruptured"):
        read_recipe("unheard_of")


def test_a_lower_tube_voltage_brightens_calcium():
    at = [
        make_phantom(Recipe(lesions=(LesionSpec(),), scanner=replace(TINY, tube_voltage_kv=kv))).truth["lesions"][0]
        for kv in (80.0, 120.0)
    ]
    assert at[0]["rim"]["mean_hu"] / at[1]["rim"]["mean_hu"] == pytest.approx(1.36, abs=0.03)


def test_the_arc_of_a_band_includes_its_round_ends():
    ring = AnnulusSpec(
        septal_lateral_mm=40.0, intercommissural_mm=40.0, saddle_height_mm=0.0, posterior_share=0.5, anterior_power=2.0
    )
    band = LesionSpec(kind=LesionKind.BAND, arc_deg=90.0, thickness_mm=4.0, irregular=0.0, outward_mm=0.0)
    recipe = Recipe(lesions=(band,), scanner=TINY, anatomy=AnatomySpec(annulus=ring, variation=0.0))
    arc = make_phantom(recipe).truth["lesions"][0]["arc_deg"]
    assert arc == pytest.approx(90 + 2 * np.degrees(np.arcsin(2 / 20)), abs=1)


def test_a_random_recipe_follows_from_its_seed():
    assert random_recipe(5) == random_recipe(5)
    assert len({random_recipe(s).name.rsplit("_", 1)[0] for s in range(60)}) == 7


@pytest.mark.parametrize("name", ["allwood_2020", "hamasaki_2017", "gupta_2018"])
def test_a_published_case_has_its_published_size(name):
    published = {"allwood_2020": (6, 5), "hamasaki_2017": (20, 15), "gupta_2018": (40, 30)}
    lesion = make_phantom(tiny(name)).truth["lesions"][0]
    assert (lesion["long_axis_mm"], lesion["short_axis_mm"]) == published[name]
    axes = lesion["long_axis_mm"], lesion["short_axis_mm"], lesion["third_axis_mm"]
    assert lesion["volume_mm3"] == pytest.approx(np.pi / 6 * np.prod(axes), rel=0.005)
