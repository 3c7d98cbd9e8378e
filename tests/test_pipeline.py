"""An exam's verdict from its parts."""

import numpy as np
import pytest

from ccma_seg.calcium import Calcification, CalciumKind, CalciumMap
from ccma_seg.classification import Verdict
from ccma_seg.geometry import Geometry
from ccma_seg.pipeline import _exam_verdict
from exams import make_annulus


def found(*kinds_and_places):
    parts = [
        Calcification(label=n, kind=kind, volume_mm3=50.0, centroid_mm=place, peak_hu=3000)
        for n, (kind, place) in enumerate(kinds_and_places, start=1)
    ]
    geometry = Geometry(shape=(1, 1, 1), spacing_mm=(1, 1, 1))
    return CalciumMap(
        labels=np.zeros((1, 1, 1), np.int32),
        geometry=geometry,
        threshold_hu=130.0,
        threshold_rule="",
        calcifications=tuple(parts),
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
    assert _exam_verdict(make_annulus(), found(*parts), ()) == verdict


def test_a_cavity_communicates_with_the_chamber_that_its_neck_leads_to_and_no_other(analysis):
    assert analysis.masses[0].measurements.cavity.communicates_with == ("left_ventricle",)  # of the recipe
