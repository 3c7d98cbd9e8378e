"""What a calcification is called by its place, where no more than its features is known."""

from dataclasses import fields, replace

import pytest

from ccma_seg.calcium.features import Features
from ccma_seg.calcium.findings import CalciumKind
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.sorting import Place, sort_by_place
from ccma_seg.calcium.threshold import Blood

NOTHING_BESIDE = Features(**dict.fromkeys((f.name for f in fields(Features) if f.name != "annular_chance"), 0.0))
"""Neither blood nor fat nor lung."""
FITS_NOWHERE = replace(
    NOTHING_BESIDE, centroid_mm=(0, 0, 0), frame_mm=(60, 60, -5), volume_mm3=15.0, peak_hu=1000.0, root_mm=60.0
)
BLOOD = Blood(hu=380.0, sd_hu=20.0, where="left atrium")


def place(blood):
    return Place(params=CalciumParams(), blood=blood, threshold_hu=480.0, uncertainty_mm=2.0)


@pytest.mark.parametrize(
    ("nearest_mm", "blood", "kind"),
    [
        (1.0, BLOOD, CalciumKind.UNDECIDED),
        (3.0, BLOOD, CalciumKind.UNKNOWN),
        (1.0, None, CalciumKind.UNKNOWN),
    ],
)
def test_what_fits_no_place_but_lies_on_an_annulus_that_blood_shows_is_undecided(nearest_mm, blood, kind):
    assert sort_by_place(replace(FITS_NOWHERE, nearest_mm=nearest_mm), place(blood))[0] == kind
