"""A second phase of an exam: where it lies, what it proves, and when it is refused."""

from dataclasses import dataclass, replace

import jsonschema
import numpy as np
import pytest

import ccma_seg as ccma
from ccma_seg.anatomy import Anatomy, locate
from ccma_seg.calcium import find_calcium
from ccma_seg.comparison import comparison_schema
from ccma_seg.errors import ConfigError
from ccma_seg.lesion import CAVITY, CORE, LEAK, Lesion, segment
from ccma_seg.phantom import ContrastSpec, insert, make_pair, make_phantom, moved, read_recipe
from ccma_seg.phases import PhaseParams, fit_phase, measure_in_phases
from ccma_seg.phases.differences import leak_checked, leak_enhancement_hu
from ccma_seg.phases.pairing import pair_up
from ccma_seg.record import record_schema
from ccma_seg.report.content import phases_content
from ccma_seg.volume import Volume

SHIFT_MM, TURN_DEG = (3.0, -2.0, 5.0), 2.0


def small(name):
    """Return a recipe on a grid that is quick to make."""
    scanner = replace(read_recipe("demo").scanner, matrix=192, slices=92, slice_spacing_mm=1.2)
    return replace(read_recipe(name), scanner=scanner)


@dataclass(frozen=True)
class Exam:
    """An intact mass as bright as blood, with contrast and without, the patient having moved."""

    volume: Volume
    plain: Volume
    anatomy: Anatomy
    plain_anatomy: Anatomy
    lesion: Lesion

    def measured(self, other=None, lesion=None):
        second = fit_phase(self.volume, other or self.plain, (self.anatomy, self.plain_anatomy))
        lesion = lesion or self.lesion
        return measure_in_phases(self.volume, self.anatomy, lesion, (second,))


@pytest.fixture(scope="module")
def dense():
    contrast, plain = (phantom.volume for phantom in make_pair(small("ccma_dense")))
    plain = moved(plain, shift_mm=SHIFT_MM, turn_deg=TURN_DEG)
    anatomy = locate(contrast)
    (lesion,) = segment(contrast, anatomy, find_calcium(contrast, anatomy))
    return Exam(contrast, plain, anatomy, locate(plain), lesion)


@pytest.fixture(scope="module")
def both(dense):
    return ccma.analyze(dense.volume, second_phase=dense.plain)


@pytest.fixture(scope="module")
def ruptured():
    contrast, plain = make_pair(small("ruptured"))
    return contrast.volume, plain.volume


def codes(result):
    return {reason.code for reason in result.reasons}


def test_a_core_as_bright_as_blood_is_not_assessable_on_one_phase(dense):
    assert ccma.analyze(dense.volume).verdict == "ccma_rupture_not_assessable"


def test_with_a_phase_without_contrast_the_same_core_is_caseous(both):
    assert both.verdict == "ccma"
    assert "does not enhance" in both.explanation


def test_the_enhancement_of_an_intact_core_is_within_5_hu_of_none(both):
    measured = both.masses[0].measurements
    assert abs(measured.core.enhancement_hu) <= 5
    assert 1 < measured.uncertainty["core.enhancement_hu"] < 20
    assert measured.core.blood_share == pytest.approx(0, abs=0.02)


def test_the_patient_is_found_where_it_moved_to(both, dense):
    center = np.array(both.anatomy.annulus.center_mm)
    expected = dense.plain.geometry.to_patient(dense.volume.geometry.to_index(center))
    found = both.second_phase.alignment
    assert found.to_second(center) == pytest.approx(expected, abs=0.4)
    assert found.turn_deg == pytest.approx(TURN_DEG, abs=0.4)


def test_either_order_gives_the_same_verdict_on_the_phase_with_contrast(both, dense):
    other = ccma.analyze(dense.plain, second_phase=dense.volume)
    assert other.verdict == both.verdict
    assert other.volume is dense.volume
    assert other.anatomy.contrast.state == "enhanced"


def test_a_record_with_a_second_phase_follows_the_schema(both):
    record = both.record()
    jsonschema.validate(record, record_schema())
    assert record["second_phase"]["alignment"]["residual_mm"] < 1
    assert record["lesions"][0]["other_phase"]["rim_seen_pct"] > 90


def test_a_cavity_follows_the_blood(ruptured):
    found = ccma.analyze(ruptured[0], second_phase=ruptured[1])
    measured = found.masses[0].measurements
    assert found.verdict == "ruptured_ccma"
    assert measured.cavity.blood_share > 0.7
    assert measured.phases[1].cavity_hu == pytest.approx(42, abs=8)
    assert abs(measured.core.enhancement_hu) <= 5


def test_a_filled_cavity_is_proved_without_a_neck(ruptured, monkeypatch):
    monkeypatch.setattr("ccma_seg.lesion.cavity.find_passage", lambda *_, **__: None)
    monkeypatch.setattr("ccma_seg.phases.differences.find_passage", lambda *_, **__: None)
    found = ccma.analyze(ruptured[0], second_phase=ruptured[1])
    cavity = found.masses[0].measurements.cavity
    assert found.verdict == "ruptured_ccma"
    assert cavity.present
    assert cavity.neck_mm is None


def test_a_cavity_that_does_not_follow_the_blood_was_paste(dense):
    labels = dense.lesion.parts.labels.copy()
    labels[labels == CORE] = CAVITY
    called = replace(dense.lesion, parts=replace(dense.lesion.parts, labels=labels), reasons=())
    lesion, measured = dense.measured(lesion=called)
    assert "cavity_refuted" in codes(lesion)
    assert measured.cavity.present is False
    assert measured.core.mean_hu == pytest.approx(400, abs=10)


def test_another_patient_is_refused_with_the_reason(dense):
    other = make_phantom(replace(small("ccma_dense"), contrast=ContrastSpec(state="none")), seed=2).volume
    second = fit_phase(dense.volume, other, (dense.anatomy, locate(other)))
    assert second.alignment is None
    assert "second_phase_refused" in codes(second)


def test_headers_of_another_patient_are_refused(dense):
    first, second = (
        replace(v, acquisition=replace(v.acquisition, patient_key=key))
        for v, key in ((dense.volume, "a"), (dense.plain, "b"))
    )
    assert "second_phase_refused" in codes(fit_phase(first, second, (dense.anatomy, dense.plain_anatomy)))


def test_a_mass_whose_rim_is_not_there_takes_nothing_from_the_second_phase(dense):
    hu = np.where(dense.plain.hu > 130, 40, dense.plain.hu).astype(np.int16)
    lesion, measured = dense.measured(other=replace(dense.plain, hu=hu))
    assert "second_phase_misfit" in codes(lesion)
    assert measured.core.enhancement_hu is None


def test_a_refused_phase_leaves_the_verdict_of_one_phase(dense):
    air = replace(dense.plain, hu=np.full_like(dense.plain.hu, -1000))
    found = ccma.analyze(dense.volume, second_phase=air)
    assert "second_phase_refused" in codes(found)
    assert found.verdict == "ccma_rupture_not_assessable"
    assert found.status == "degraded"
    jsonschema.validate(found.record(), record_schema())


def test_the_same_series_is_no_second_phase(dense):
    with pytest.raises(ConfigError, match="another series"):
        ccma.analyze(dense.volume, second_phase=dense.volume)


def test_phases_at_two_tube_voltages_say_what_is_lost(dense):
    plain = replace(dense.plain, acquisition=replace(dense.plain.acquisition, tube_voltage_kv=100.0))
    _, measured = dense.measured(other=plain)
    assert "tube_voltages_differ" in codes(measured)
    assert measured.uncertainty["core.enhancement_hu"] > 20


def test_phases_alike_say_that_enhancement_is_not_known(dense):
    alike = replace(dense, plain_anatomy=dense.anatomy)
    _, measured = alike.measured(other=dense.volume)
    assert "phases_alike" in codes(measured)
    assert measured.core.enhancement_hu is None


def test_a_leak_that_enhances_is_tissue(dense):
    """Myocardium takes up contrast, paste does not (criterion `leak`)."""
    second = fit_phase(dense.volume, dense.plain, (dense.anatomy, dense.plain_anatomy))
    pair = pair_up(dense.volume, dense.anatomy, dense.lesion, second, phases=PhaseParams())
    labels = np.where(dense.lesion.parts.labels == CORE, LEAK, dense.lesion.parts.labels)
    leaking = replace(dense.lesion, parts=replace(dense.lesion.parts, labels=labels))
    assert leak_enhancement_hu(leaking, pair) == pytest.approx(0, abs=10)
    darker = replace(pair, seen_hu=pair.seen_hu - 60)
    assert "leak_refuted" in codes(leak_checked(leaking, darker))
    assert "leak_refuted" not in codes(leak_checked(leaking, pair))


@pytest.fixture(scope="module")
def beating():
    """Return a soft mass at rest, at end-systole and without contrast."""
    recipe = small("ccma_soft")
    gated = replace(recipe, scanner=replace(recipe.scanner, phases_percent=(75.0, 38.0)))
    plain = make_pair(recipe)[1].volume
    rest, systole = make_phantom(gated).phases
    return ccma.analyze(rest, second_phase=[systole, plain])


def test_of_several_phases_that_without_contrast_tells_blood_from_paste(beating):
    assert beating.second_phase.contrast.state == "none"
    assert [p.volume.acquisition.cardiac_phase_percent for p in beating.further_phases] == [38.0]
    assert abs(beating.masses[0].measurements.core.enhancement_hu) <= 5


def test_a_mass_is_followed_through_the_beat_of_the_heart(beating):
    at_rest, _, systole = beating.masses[0].measurements.phases
    assert at_rest.moved_mm == 0
    assert systole.moved_mm == pytest.approx(6.0, abs=0.7)


def test_a_rigid_mass_has_the_same_size_in_every_phase(beating):
    spread = beating.masses[0].measurements.spread
    assert 0 < spread.long_axis_mm < 0.4
    assert spread.volume_mm3 < 0.03 * beating.masses[0].measurements.volume_mm3
    assert spread.core_hu < 5


def test_a_record_with_several_phases_follows_the_schema(beating):
    record = beating.record()
    jsonschema.validate(record, record_schema())
    assert len(record["further_phases"]) == 1
    assert [row["contrast"] for row in record["lesions"][0]["phases"]] == ["enhanced", "none", "enhanced"]


def test_the_page_sets_a_mass_in_every_phase_in_a_table(beating):
    content = phases_content(beating.record()["lesions"][0])
    assert [row["name"] for row in content["rows"]] == [
        "75 % of R-R, contrast enhanced",
        "contrast none",
        "38 % of R-R, contrast enhanced",
        "spread",
    ]
    assert content["heads"][1] == "moved, mm"


def test_a_phase_on_thick_slices_tells_no_other_size(dense):
    thick = replace(small("ccma_dense"), contrast=ContrastSpec(state="none"))
    thick = replace(thick, scanner=replace(thick.scanner, slices=37, slice_spacing_mm=3.0, slice_thickness_mm=3.0))
    _, measured = dense.measured(other=make_phantom(thick).volume)
    assert measured.phases[1].volume_mm3 is None
    assert measured.spread.volume_mm3 is None
    assert "phase_slices_differ" in codes(measured)


def test_a_mass_that_moved_against_the_heart_is_found_where_it_is():
    heart, (spec,) = make_phantom(small("normal")), read_recipe("ccma_soft").lesions
    shift = np.array((1.5, 4.0, -2.5))
    annulus = heart.annulus
    there = replace(annulus, center_mm=tuple(annulus.center_mm + shift), curve_mm=annulus.curve_mm + shift)
    first, second = (insert(heart.volume, ring, spec).volume for ring in (annulus, there))
    anatomy = locate(first, annulus=annulus)
    (lesion,) = segment(first, anatomy, find_calcium(first, anatomy))
    fit = fit_phase(first, second, (anatomy, anatomy))
    pair = pair_up(first, anatomy, lesion, fit, phases=PhaseParams())
    center = np.array(lesion.envelope.center_mm)
    assert np.linalg.norm(fit.alignment.to_second(center) - center - shift) > 3
    assert pair.alignment.to_second(center) == pytest.approx(center + shift, abs=0.5)


def test_comparing_two_phases_of_one_study_sets_them_side_by_side(dense, tmp_path):
    found = ccma.compare(ccma.analyze(dense.volume), ccma.analyze(dense.plain))
    assert found.kind == "phases"
    assert found.both_phases.verdict == "ccma"
    record = found.record()
    jsonschema.validate(record, comparison_schema())
    assert record["both_phases"]["lesions"][0]["core"]["enhancement_hu"] == pytest.approx(0, abs=5)
    assert record["lesions"][0]["change"] == "unchanged"
    assert (ccma.write_comparison(found, tmp_path / "out") / "comparison.png").is_file()
