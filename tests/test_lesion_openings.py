"""Ways through a rim: how wide they are, and what fills them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from benchmarks.closeup import exam, look
from ccma_seg.geometry import Geometry, as_point
from ccma_seg.lesion import LesionParams, sphere
from ccma_seg.lesion.channel import Surroundings, find_channel
from ccma_seg.lesion.findings import Envelope
from ccma_seg.lesion.openings import lining_mm2, openings_before
from ccma_seg.lesion.rays import Field
from ccma_seg.phantom import random_recipe, read_recipe
from ccma_seg.volume import Volume

STEP_MM = 0.15


def slab(*radii_mm, turn=0.3):
    """A wall 2 mm thick, pierced by a channel of one radius on each half."""
    grid = Geometry(shape=(60, 60, 60), spacing_mm=(STEP_MM,) * 3, origin_mm=(-4.5, -4.5, -4.5))
    points = grid.to_patient(np.moveaxis(np.indices(grid.shape), 0, -1))
    along = points @ (np.cos(turn), np.sin(turn), 0.0)
    away = np.sqrt((points**2).sum(axis=-1) - along**2)
    radius = np.where(along < 0, radii_mm[0], radii_mm[-1])
    inside, outside = along < -1, along > 1
    around = Surroundings(hu=np.zeros(along.shape), grid=grid, inside=inside, outside=outside)
    return around, inside | outside | (away < radius)


@pytest.mark.parametrize("radius_mm", [0.75, 1.0, 1.5, 2.5])
def test_the_clearance_of_a_channel_is_its_radius(radius_mm):
    around, filling = slab(radius_mm)
    channel = find_channel(around, filling, goal=around.outside)
    assert channel.clearance_mm == pytest.approx(radius_mm, abs=0.1)


def test_the_narrowest_place_counts_and_is_named():
    around, filling = slab(2.5, 1.0)
    channel = find_channel(around, filling, goal=around.outside)
    assert channel.clearance_mm == pytest.approx(1.0, abs=0.1)
    assert 0 < channel.narrowest_mm @ (np.cos(0.3), np.sin(0.3), 0.0) < 1.5


def test_a_shut_wall_has_no_channel():
    around, filling = slab(0.0)
    assert find_channel(around, filling, goal=around.outside) is None


def test_hu_on_a_grid_are_those_at_its_places():
    rng, turned = np.random.default_rng(0), ((0.0, 0.6, 0.8), (0.0, -0.8, 0.6), (1.0, 0.0, 0.0))
    crop = Geometry(shape=(9, 12, 11), spacing_mm=(1.0, 0.5, 0.6), origin_mm=(3.0, -2.0, 5.0), axes=turned)
    spline = rng.normal(size=crop.shape).astype(np.float32)
    field = Field(coefficients=spline, geometry=crop)
    start = as_point(crop.to_patient((-0.4, 1.3, 2.2)))
    grid = Geometry(shape=(14, 9, 7), spacing_mm=(0.7,) * 3, origin_mm=start, axes=turned)
    places = grid.to_patient(np.moveaxis(np.indices(grid.shape), 0, -1))
    assert field.on(grid) == pytest.approx(field.at(places), abs=1e-5)


def envelope(opening_hu, *, inside_hu=340.0, outside_hu=350.0):
    """A ball of 10 mm radius with a rim that misses a cap."""
    directions = sphere.directions(1000)
    covered = directions[:, 2] < 0.8
    return Envelope(
        center_mm=(0.0, 0.0, 0.0),
        outer_radius_mm=np.full(1000, 10.0),
        inner_radius_mm=np.full(1000, 8.0),
        thickness_mm=np.where(covered, 2.0, np.nan),
        covered=covered,
        rim_hu=np.where(covered, 1000.0, opening_hu),
        inside_hu=np.full(1000, inside_hu),
        outside_hu=np.full(1000, outside_hu),
        position_sd_mm=0.1,
    )


CAP_MM2 = pytest.approx(0.1 * 4 * np.pi * 100, rel=0.05)


@pytest.mark.parametrize(
    ("opening_hu", "outside_hu", "kind"),
    [
        (90.0, 350.0, "wall"),
        (90.0, 60.0, "dark"),
        (90.0, -100.0, "dark"),
        (330.0, 60.0, "alike"),
        (330.0, 350.0, "way"),
        (600.0, 60.0, None),
    ],
)
def test_openings_are_told_by_what_fills_them(opening_hu, outside_hu, kind):
    """Wall and paste keep blood in; paste as bright as blood ends without a wall; what is denser is thin rim."""
    shell = envelope(opening_hu, outside_hu=outside_hu)
    found = openings_before(shell, np.ones(1000, bool), (215.0, 408.0), clear_mm=0.5)
    areas = {name: getattr(found, name) for name in ("dark", "wall", "alike", "way")}
    wanted = {"wall": {"dark", "wall"}}.get(kind, {kind})
    assert areas == {name: CAP_MM2 if name in wanted else 0.0 for name in areas}


def test_only_openings_before_the_part_count_and_those_beside_the_rim_do_not():
    none, all_ = np.zeros(1000, bool), np.ones(1000, bool)
    assert openings_before(envelope(90.0), none, (215.0, 408.0), clear_mm=0.5).dark == 0
    near, clear = (openings_before(envelope(90.0), all_, (215.0, 408.0), clear_mm=mm).dark for mm in (0.5, 2.0))
    assert 0 < clear < near


def ball_of_blood(layer_hu, rim_hu=1000.0):
    """Blood of 340 HU within the rim of `envelope`, and on one half something 1.5 mm thick between the two."""
    geometry = Geometry(shape=(61, 61, 61), spacing_mm=(0.4,) * 3, origin_mm=(-12.0,) * 3)
    away = np.linalg.norm(geometry.to_patient(np.moveaxis(np.indices(geometry.shape), 0, -1)), axis=-1)
    x = geometry.to_patient(np.moveaxis(np.indices(geometry.shape), 0, -1))[..., 0]
    layer = (away > 6.5) & (x < 0)
    hu = np.select([away > 10, away > 8, layer], [60.0, rim_hu, layer_hu], 340.0)
    return Volume(hu=ndimage.gaussian_filter(hu, 0.85).astype(np.int16), geometry=geometry)


def test_a_thin_layer_of_paste_between_blood_and_rim_is_seen():
    area = lining_mm2(ball_of_blood(90.0), envelope(340.0), 340.0, params=LesionParams())
    assert area == pytest.approx(0.45 * 4 * np.pi * 100, rel=0.15)


@pytest.mark.parametrize("volume", [ball_of_blood(340.0), ball_of_blood(280.0), ball_of_blood(340.0, rim_hu=1900.0)])
def test_an_inside_all_of_one_brightness_has_no_layer_behind_its_rim(volume):
    assert lining_mm2(volume, envelope(340.0), 340.0, params=LesionParams()) == 0


def test_a_round_hole_in_a_rim_closed_otherwise_proves_no_blood_in_a_core_as_bright_as_it():
    seed = 94_154  # an intact mass with a core of 96 % of the blood's HU, 99.8 % of it under calcium
    seen = look(exam(random_recipe(seed), seed=seed))
    assert seen.verdict == "ccma_rupture_not_assessable"
    assert seen.masses[0][0].cavity.present is None


def test_the_hollow_of_a_bent_band_is_no_mass():
    seed = 95_195  # a thick band that surrounds two thirds of some blood
    assert look(exam(random_recipe(seed), seed=seed)).verdict == "mac"


def test_leaked_paste_and_the_opening_it_came_through_are_measured_and_make_a_rupture():
    recipe = read_recipe("leak")
    made = exam(replace(recipe, scanner=replace(recipe.scanner, slice_spacing_mm=0.75)), seed=3)
    seen, true = look(made), made.truth["lesions"][0]
    found, _ = seen.masses[0]
    assert seen.verdict == "ruptured_ccma"
    assert found.leak.volume_mm3 == pytest.approx(true["leak"]["volume_mm3"], rel=0.15)
    assert found.leak.gap_mm == pytest.approx(true["rim"]["gaps"][0]["width_mm"], abs=1.0)
