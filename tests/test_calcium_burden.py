"""The burden of annular calcium: arc, thickness, score."""

import numpy as np
import pytest

from calcium_scene import RING_MM, ball, band, make_anatomy, make_volume, paint, positions
from ccma_seg.calcium import CalciumParams, find_calcium, measure_burden, threshold_sensitivity
from ccma_seg.calcium.guerrero import score_guerrero
from ccma_seg.errors import GeometryError


def measured(where, hu=900, blood_hu=40.0, spacing_mm=(1.0, 1.0, 1.0), masses=None):
    volume = paint(make_volume(blood_hu, spacing_mm), where, hu)
    anatomy = make_anatomy(blood_hu)
    calcium = find_calcium(volume, anatomy, CalciumParams(annular_from=0.0))  # whatever its chance: it is measured
    chosen = None if masses is None else masses(*positions(calcium.geometry))
    return measure_burden(volume, anatomy, calcium, masses=chosen)


@pytest.mark.parametrize("arc", [60, 120, 240])
@pytest.mark.parametrize("spacing_mm", [(0.6, 0.6, 0.6), (3.0, 0.7, 0.7)])
def test_the_arc_is_that_of_the_band(arc, spacing_mm):
    def sector(x, y, z):
        return band(0, arc, 5)(x, y, z)

    assert measured(sector, spacing_mm=spacing_mm).arc_deg == pytest.approx(arc, abs=6)


def test_a_full_ring_has_360_degrees_and_all_sectors():
    burden = measured(band(0, 360, 4))
    assert burden.arc_deg == 360
    assert len(burden.sectors) == 8
    assert burden.trigones == {"anterolateral": True, "posteromedial": True}


@pytest.mark.parametrize("thickness", [3, 5, 8])
def test_the_thickness_is_that_of_the_band(thickness):
    burden = measured(band(0, 120, thickness), spacing_mm=(0.5, 0.5, 0.5))
    assert burden.thickness_mm == pytest.approx(thickness, abs=0.6)
    assert burden.max_thickness_mm == pytest.approx(thickness, abs=1)


def test_a_mass_is_left_out_of_the_band():
    mass = ball((0, RING_MM + 5, 0), 9)

    def both(x, y, z):
        return mass(x, y, z) | band(80, 60, 4)(x, y, z)

    burden = measured(both, masses=mass)
    assert burden.max_thickness_mm < 7
    assert burden.max_thickness_with_masses_mm == pytest.approx(18, abs=1.5)
    assert burden.arc_deg == pytest.approx(60, abs=8)
    assert burden.arc_with_masses_deg > 100


def test_no_calcium_is_measured_as_none_of_it():
    burden = measured(band(0, 0, 0))
    assert burden.annular_volume_mm3 == 0
    assert burden.arc_deg == 0
    assert burden.thickness_mm is None
    assert burden.guerrero.total is None


def test_with_contrast_there_is_no_agatston_score_but_a_reason():
    burden = measured(band(0, 90, 4), blood_hu=350.0, spacing_mm=(3.0, 0.7, 0.7))
    assert burden.agatston is None
    assert burden.mass_mg is None
    assert "contrast_no_score" in [r.code for r in burden.reasons]


def test_thin_slices_have_no_agatston_score_but_a_mass():
    burden = measured(band(0, 90, 4))
    assert burden.agatston is None
    assert burden.mass_mg > 0
    assert "slices_no_agatston" in [r.code for r in burden.reasons]


def test_both_variants_of_agatston_agree_on_slices_of_3_mm():
    burden = measured(band(0, 90, 4), spacing_mm=(3.0, 0.7, 0.7))
    assert burden.agatston == burden.agatston_by_thickness > 0


def test_calcium_inside_the_ring_is_on_a_leaflet():
    def leaflet(x, y, z):
        return band(0, 60, 4)(x, y, z) | ((np.abs(x) < 3) & (y > 5) & (y < 16) & (np.abs(z) < 2))

    assert measured(leaflet, spacing_mm=(0.7, 0.7, 0.7)).leaflets == {"posterior": True, "anterior": False}


def test_thick_slices_leave_leaflets_and_total_open():
    burden = measured(band(0, 90, 4), spacing_mm=(3.0, 0.7, 0.7))
    assert burden.leaflets is None
    assert burden.guerrero.items["leaflets"] is None
    assert burden.guerrero.total is None
    assert "leaflets_not_assessable" in [r.code for r in burden.reasons]


def test_calcium_below_the_ring_extends_into_the_wall():
    def spur(x, y, z):
        return band(0, 60, 4)(x, y, z) | ((np.abs(x) < 2) & (np.abs(y - 18) < 2) & (z < 0) & (z > -12))

    assert measured(spur, spacing_mm=(0.7, 0.7, 0.7)).myocardial_extension_mm == pytest.approx(12, abs=1)


@pytest.mark.parametrize(
    ("items", "total", "grade"),
    [
        ((4.9, 179, 0, 0), 2, "mild"),
        ((5.0, 180, 0, 0), 4, "moderate"),
        ((10, 270, 0, 0), 6, "moderate"),
        ((10, 270, 1, 0), 7, "severe"),
        ((12, 360, 2, 2), 10, "severe"),
    ],
)
def test_guerrero_points_add_up_to_the_published_grades(items, total, grade):
    thickness, arc, trigones, leaflets = items
    score = score_guerrero(thickness_mm=thickness, arc_deg=arc, trigones=trigones, leaflets=leaflets)
    assert (score.total, score.grade) == (total, grade)


def test_guerrero_gives_a_grade_without_total_where_the_missing_item_cannot_change_it():
    severe = score_guerrero(thickness_mm=12, arc_deg=300, trigones=2, leaflets=None)
    open_ = score_guerrero(thickness_mm=4, arc_deg=90, trigones=0, leaflets=None)
    assert (severe.total, severe.grade) == (None, "severe")
    assert (open_.total, open_.grade) == (None, None)


def test_masses_of_another_grid_are_refused():
    volume, anatomy = make_volume(), make_anatomy()
    with pytest.raises(GeometryError, match="masses"):
        measure_burden(volume, anatomy, find_calcium(volume, anatomy), masses=np.zeros((2, 2, 2), bool))


def test_a_higher_threshold_never_gives_more_volume():
    volume = paint(make_volume(350.0), band(0, 90, 4), 900)
    anatomy = make_anatomy(350.0)
    rows = threshold_sensitivity(volume, find_calcium(volume, anatomy))
    by_threshold = sorted(rows, key=lambda r: r.threshold_hu)
    volumes = [r.annular_volume_mm3 for r in by_threshold]
    assert volumes == sorted(volumes, reverse=True)
    assert {r.rule for r in rows} >= {"130 HU", "450 HU", "850 HU", "blood + 100 HU", "blood + 4 SD", "blood + 3 SD"}
