"""An exam's verdict from its parts."""

import numpy as np
import pytest

from ccma_seg.anatomy import Anatomy, Contrast, ContrastState
from ccma_seg.calcium import Calcification, CalciumBurden, CalciumKind, CalciumMap
from ccma_seg.classification import Verdict, judge_exam
from ccma_seg.geometry import Geometry
from exams import make_annulus


def judged(calcium, **changes):
    contrast = Contrast(state=ContrastState.NONE, blood_pool_hu=40.0, blood_pool_sd_hu=15.0)
    anatomy = Anatomy(contrast=contrast, heart_box_mm=None, annulus=make_annulus(), **changes)
    annular, undecided = (calcium.volume_of_kind_mm3(k) for k in (CalciumKind.ANNULAR, CalciumKind.UNDECIDED))
    return judge_exam(
        anatomy, calcium, CalciumBurden(annular_volume_mm3=annular, undecided_volume_mm3=undecided, arc_deg=20.0)
    )


def found(*kinds_and_places, volume_mm3=50.0, **changes):
    parts = [
        Calcification(label=n, kind=kind, volume_mm3=volume_mm3, centroid_mm=place, peak_hu=3000)
        for n, (kind, place) in enumerate(kinds_and_places, start=1)
    ]
    geometry = Geometry(shape=(1, 1, 1), spacing_mm=(1, 1, 1))
    return CalciumMap(
        labels=np.zeros((1, 1, 1), np.int32),
        geometry=geometry,
        threshold_hu=130.0,
        threshold_rule="",
        calcifications=tuple(parts),
        **changes,
    )


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        ([], Verdict.NO_CALCIFICATION),
        ([(CalciumKind.CORONARY, (16.0, 0.0, 0.0))], Verdict.NO_CALCIFICATION),
        ([(CalciumKind.ANNULAR, (16.0, 0.0, 0.0))], Verdict.MAC),
        ([(CalciumKind.METAL, (16.0, 0.0, 0.0))], Verdict.INDETERMINATE),
        ([(CalciumKind.METAL, (0.0, 0.0, 15.0))], Verdict.INDETERMINATE),  # a clip on the leaflets
        ([(CalciumKind.METAL, (90.0, 0.0, 0.0))], Verdict.NO_CALCIFICATION),
    ],
)
def test_without_a_mass_the_kinds_at_the_annulus_decide(parts, verdict):
    assert judged(found(*parts)).verdict == verdict


def test_undecided_calcium_alone_decides_nothing_and_says_what_would():
    doubt = "50 mm3 of calcium in the groove, cannot be told; contrast would tell."
    overall = judged(found((CalciumKind.UNDECIDED, (16.0, 0.0, 0.0)), doubt=doubt))
    assert (overall.verdict, overall.explanation) == (Verdict.INDETERMINATE, doubt)


def test_beside_annular_calcium_what_is_undecided_is_told_apart():
    parts = found((CalciumKind.ANNULAR, (16.0, 0.0, 0.0)), (CalciumKind.UNDECIDED, (0.0, 16.0, 0.0)), doubt="doubt")
    overall = judged(parts)
    assert overall.verdict == Verdict.MAC
    assert "50 mm3; 50 mm3 beside it may belong to it or not" in overall.explanation


def test_more_calcium_than_an_annulus_holds_is_no_finding():
    overall = judged(found((CalciumKind.ANNULAR, (16.0, 0.0, 0.0)), volume_mm3=34_000.0))
    assert overall.verdict == Verdict.INDETERMINATE
    assert "34 ml of calcium are more than any annulus holds" in overall.explanation


def test_an_exam_that_would_not_show_100_mm3_excludes_nothing():
    assert judged(found(detection_limit_mm3=120.0)).verdict == Verdict.INDETERMINATE
    clear = judged(found(detection_limit_mm3=8.0))
    assert clear.verdict == Verdict.NO_CALCIFICATION
    assert "a compact focus of 8 mm3 or more would show" in clear.explanation


def test_part_of_a_heart_is_never_clear_of_calcium():
    assert judged(found(), cut_off=True).verdict == Verdict.INDETERMINATE
    assert judged(found((CalciumKind.ANNULAR, (16.0, 0.0, 0.0))), cut_off=True).verdict == Verdict.MAC


def test_a_cavity_communicates_with_the_chamber_that_its_neck_leads_to_and_no_other(analysis):
    assert analysis.masses[0].measurements.cavity.communicates_with == ("left_ventricle",)  # of the recipe
