"""One table of all that the record holds."""

from dataclasses import asdict

import pytest

from ccma_seg.classification.decision import figures, uncertainties
from ccma_seg.followup import FollowUpParams
from ccma_seg.followup.figures import compared
from ccma_seg.lesion import Measurements
from ccma_seg.lesion.findings import Gap, InPhase
from ccma_seg.quantities import UNITS, quantities, table, values

LEFT_OUT = {"uncertainty", "evidence", "why_not", "counterfactuals"}
"""Of a lesion: what is said of its quantities."""


def leaves(part, path=""):
    """List the key paths of a part of a record, as deep as the table goes."""
    known = {quantity.path for name in ("lesion", "exam") for quantity in quantities(name)}
    for name, value in part.items():
        deeper = isinstance(value, dict) and f"{path}{name}" not in known
        yield from leaves(value, f"{path}{name}.") if deeper else [f"{path}{name}"]


def paths(*parts):
    return [quantity.path for quantity in quantities(*parts)]


def test_the_table_holds_all_that_is_measured_of_a_lesion_in_its_order():
    measured = asdict(Measurements(centroid_mm=(0, 0, 0)))
    del measured["uncertainty"], measured["reasons"]
    assert list(leaves(measured)) == paths("lesion")


def test_the_table_holds_all_that_is_measured_of_gaps_and_phases():
    assert list(asdict(Gap(width_mm=1, direction=(0, 0, 1), faces="fat"))) == paths("gap")
    assert list(asdict(InPhase(series_uid="1"))) == paths("phase")


def test_the_table_holds_all_that_the_record_says_of_a_lesion_and_of_the_exam(analysis):
    record = analysis.record()
    lesion = {name: value for name, value in record["lesions"][0].items() if name not in LEFT_OUT}
    exam = {name: record[name] for name in ("series", "contrast", "calcium", "annulus")}
    assert set(leaves(lesion)) == set(paths("finding", "lesion"))
    assert set(leaves(exam)) == set(paths("exam"))
    assert set(record["calcium"]["sensitivity"][0]) == set(paths("threshold"))


def test_the_table_holds_all_that_rules_look_at(analysis):
    mass = analysis.masses[0]
    assert list(figures(mass.measurements, analysis.anatomy, analysis.volume)) == paths("lesion", "rule")
    assert set(uncertainties(mass.measurements, analysis.anatomy)) <= set(paths("lesion", "rule"))


def test_uncertainties_are_those_of_known_quantities(analysis):
    for mass in analysis.masses:
        assert set(mass.measurements.uncertainty) <= set(paths("lesion"))


def test_a_part_is_flattened_by_key_path_and_what_it_lacks_is_none():
    part = {"rim": {"mean_hu": 900.0}, "core": None}
    found = values(part, quantities("lesion"))
    assert found["rim.mean_hu"] == 900.0
    assert found["rim.peak_hu"] is None
    assert found["core.mean_hu"] is None


@pytest.mark.parametrize("part", sorted(table().keys() - {"rule"}))
def test_the_unit_in_a_name_is_the_unit_in_the_table(part):
    ends = {"": ""} | {end: unit for unit, known in UNITS.items() for end in known.ends}
    for quantity in quantities(part):
        told = ends[max((end for end in ends if quantity.path.endswith(end)), key=len, default="")]
        assert quantity.unit == told, quantity.path


def test_limits_of_change_are_parameters_of_the_comparison():
    for quantity in quantities("lesion", "exam"):
        for least in (quantity.least, quantity.least_pct):
            assert not isinstance(least, str) or getattr(FollowUpParams(), least) > 0


def test_of_an_exam_only_calcium_is_compared_for_its_list_holds_nothing_else():
    assert all(quantity.path.startswith("calcium.") for quantity in compared("exam"))


def test_meanings_of_codes_fit_their_field():
    coded = [quantity.code for quantity in quantities(*table()) if quantity.code]
    assert all(len(code) in (2, 3) and len(code[0]) <= 16 and len(code[-1]) <= 64 for code in coded)
