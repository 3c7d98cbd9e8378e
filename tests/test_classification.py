"""Verdicts: what the rules make of a mass."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccma_seg.anatomy import Contrast, ContrastState
from ccma_seg.classification import Outcome, Rules, Verdict, classify, context_of, most_serious
from ccma_seg.classification.logic import decide, plain
from ccma_seg.errors import ConfigError
from ccma_seg.lesion import Cavity, Core, Gap, Leak
from exams import INTACT, RUPTURED, make_anatomy, make_volume


def verdict(measurements, *, blood_hu=350.0, spacing_mm=0.5, rules=None):
    return classify(measurements, make_anatomy(blood_hu), make_volume(spacing_mm), rules=rules).verdict


def core(**values):
    return replace(INTACT, core=replace(INTACT.core, **values))


def undecided(**values):
    """A core of which some is as bright as blood, and may be."""
    return replace(core(**values), cavity=Cavity(present=None, blood_chance=0.5))


def cavity(**values):
    return replace(RUPTURED, cavity=replace(RUPTURED.cavity, **values))


def test_a_soft_core_within_a_rim_is_ccma_with_and_without_contrast():
    assert verdict(INTACT) == verdict(INTACT, blood_hu=42.0) == Verdict.CCMA


def test_a_hyperdense_core_is_ccma_too_without_contrast():
    assert verdict(core(mean_hu=400.0), blood_hu=42.0) == Verdict.CCMA


def test_paste_that_a_low_tube_voltage_brightens_is_no_calcium():
    at_80_kv = replace(make_volume(), acquisition=replace(make_volume().acquisition, tube_voltage_kv=80.0))
    dense = core(mean_hu=700.0)
    assert classify(dense, make_anatomy(42.0), make_volume()).verdict == Verdict.MAC
    assert classify(dense, make_anatomy(42.0), at_80_kv).verdict == Verdict.CCMA


def test_a_core_as_dense_as_enhanced_blood_leaves_rupture_open():
    assert verdict(undecided(mean_hu=340.0)) == Verdict.CCMA_RUPTURE_NOT_ASSESSABLE


def test_an_uneven_core_that_is_no_blood_is_paste_whatever_its_mean():
    assert verdict(core(mean_hu=340.0)) == Verdict.CCMA


def test_what_is_as_dense_as_blood_wholly_outside_the_ring_may_be_an_aneurysm_of_an_artery():
    beside = replace(undecided(mean_hu=340.0), centroid_mm=(29.0, 0.0, -3.0))
    found = classify(beside, make_anatomy(350.0), make_volume())
    assert found.verdict == Verdict.INDETERMINATE
    assert "circumflex artery" in found.explanation


def test_a_soft_core_wholly_outside_the_ring_is_still_paste():
    assert verdict(replace(INTACT, centroid_mm=(29.0, 0.0, -3.0))) == Verdict.CCMA


def test_density_alone_never_makes_a_rupture():
    iso = replace(core(mean_hu=350.0), cavity=Cavity(present=True, mean_hu=350.0, neck_mm=None))
    assert verdict(iso) != Verdict.RUPTURED_CCMA


def faint(measurements):
    """Return the verdict where blood is a little brighter than muscle."""
    contrast = Contrast(state=ContrastState.UNCERTAIN, blood_pool_hu=150.0, blood_pool_sd_hu=20.0)
    return classify(measurements, replace(make_anatomy(150.0), contrast=contrast), make_volume()).verdict


def test_in_faint_contrast_a_core_unlike_blood_is_ccma_and_one_like_it_leaves_rupture_open():
    assert faint(core(mean_hu=278.0)) == Verdict.CCMA
    assert faint(undecided(mean_hu=145.0)) == Verdict.CCMA_RUPTURE_NOT_ASSESSABLE


@pytest.mark.parametrize("present", [None, True])
def test_in_faint_contrast_a_core_beside_what_may_be_blood_leaves_rupture_open(present):
    mixed = replace(INTACT, cavity=replace(INTACT.cavity, present=present))
    assert faint(mixed) == Verdict.CCMA_RUPTURE_NOT_ASSESSABLE


def test_a_soft_core_in_late_contrast_is_told_from_blood_by_its_difference():
    assert verdict(core(mean_hu=60.0), blood_hu=125.0) == Verdict.CCMA


def test_a_second_phase_decides_what_a_core_as_dense_as_blood_is():
    assert verdict(core(mean_hu=340.0, enhancement_hu=3.0, blood_share=0.01)) == Verdict.CCMA
    assert verdict(core(mean_hu=340.0, blood_share=0.01)) == Verdict.CCMA
    assert verdict(core(mean_hu=340.0, enhancement_hu=300.0, blood_share=0.95)) == Verdict.INDETERMINATE


def test_pseudo_enhancement_is_allowed_up_to_50_hu_or_a_share_of_the_bloods_change():
    assert verdict(core(enhancement_hu=45.0, blood_share=0.2)) == Verdict.CCMA
    assert verdict(core(enhancement_hu=65.0, blood_share=0.13)) == Verdict.CCMA
    assert verdict(core(enhancement_hu=65.0, blood_share=0.2)) == Verdict.INDETERMINATE


def test_a_cavity_that_follows_the_blood_beside_paste_that_does_not_is_a_rupture_without_a_neck():
    filled = cavity(neck_mm=None, blood_share=0.9)
    proved = replace(filled, core=replace(filled.core, blood_share=0.0))
    assert verdict(proved) == Verdict.RUPTURED_CCMA
    assert verdict(replace(proved, cavity=replace(proved.cavity, blood_share=0.6))) != Verdict.RUPTURED_CCMA
    assert verdict(replace(proved, core=replace(proved.core, volume_mm3=0.0))) != Verdict.RUPTURED_CCMA


def test_what_fills_with_blood_as_a_whole_is_no_ordinary_calcium():
    """An aneurysm of the circumflex artery or of the wall has no paste, and two phases show its blood."""
    aneurysm = replace(cavity(neck_mm=None, blood_share=0.99), core=Core(volume_mm3=0.0))
    assert verdict(aneurysm) == Verdict.INDETERMINATE


def test_a_filled_cavity_with_a_neck_is_a_rupture():
    assert verdict(RUPTURED) == Verdict.RUPTURED_CCMA


def test_a_neck_at_the_limit_of_resolution_is_a_possible_rupture():
    assert verdict(cavity(neck_mm=1.5)) == Verdict.CCMA_POSSIBLE_RUPTURE


def test_a_core_like_blood_behind_a_neck_may_be_ruptured_and_behind_a_pore_cannot_be_assessed():
    def behind(neck_mm):
        way_out = Cavity(present=None, blood_chance=0.78, neck_mm=neck_mm, neck_to_diameter=neck_mm / 30)
        return replace(core(mean_hu=345.0), cavity=way_out)

    assert verdict(behind(2.0)) == Verdict.CCMA_POSSIBLE_RUPTURE
    assert verdict(behind(1.5)) == Verdict.CCMA_RUPTURE_NOT_ASSESSABLE


def test_a_sac_of_blood_without_paste_is_a_rupture_at_the_annulus_and_may_be_a_pseudoaneurysm_beside_it():
    sac = replace(RUPTURED, core=Core(volume_mm3=0.0, inside_hu=345.0))
    beside = replace(sac, annulus_distance_mm=3.5)
    found = classify(beside, make_anatomy(), make_volume())
    assert verdict(sac) == Verdict.RUPTURED_CCMA
    assert verdict(replace(RUPTURED, annulus_distance_mm=3.5)) == Verdict.RUPTURED_CCMA
    assert found.verdict == Verdict.INDETERMINATE
    assert "pseudoaneurysm" in found.explanation


def test_an_opening_wider_than_half_of_the_mass_is_no_neck():
    """What opens as widely is the valve itself, or a true aneurysm."""
    assert verdict(cavity(neck_mm=16.0, neck_to_diameter=0.6)) == Verdict.INDETERMINATE


def enhancing(hu, *, faces="left_ventricle", share=0.1):
    rim = replace(INTACT.rim, gaps=(Gap(width_mm=2.5, direction=(0.0, 0.0, 1.0), faces=faces),))
    return replace(core(enhancement_hu=hu, blood_share=share), rim=rim)


def test_a_core_that_enhances_equivocally_behind_a_gap_is_a_possible_rupture():
    found = classify(enhancing(30.0), make_anatomy(), make_volume())
    assert found.verdict == Verdict.CCMA_POSSIBLE_RUPTURE
    assert "the core enhances by 30 HU behind a gap of 2.5 mm" in found.explanation
    assert verdict(enhancing(60.0)) == Verdict.CCMA_POSSIBLE_RUPTURE


def test_an_equivocal_core_behind_a_closed_rim_or_a_steady_one_behind_a_gap_is_ccma():
    assert verdict(core(enhancement_hu=30.0, blood_share=0.1)) == Verdict.CCMA
    assert verdict(enhancing(30.0, faces="fat")) == Verdict.CCMA
    assert verdict(enhancing(10.0)) == Verdict.CCMA


def leaking(gap_mm):
    return replace(INTACT, leak=Leak(present=True, volume_mm3=300.0, gap_mm=gap_mm))


def test_leaked_material_that_came_through_an_opening_is_a_rupture():
    assert verdict(leaking(gap_mm=2.5)) == Verdict.RUPTURED_CCMA


@pytest.mark.parametrize("gap_mm", [None, 1.2])
def test_leaked_material_without_an_opening_that_can_be_measured_is_a_possible_rupture(gap_mm):
    assert verdict(leaking(gap_mm)) == Verdict.CCMA_POSSIBLE_RUPTURE


def test_without_contrast_no_cavity_can_be_called():
    assert verdict(RUPTURED, blood_hu=42.0) != Verdict.RUPTURED_CCMA


@pytest.mark.parametrize(
    "change",
    [
        {"core": Core(volume_mm3=0.0)},
        {"core": replace(INTACT.core, calcified_fraction=0.6)},
        {"core": replace(INTACT.core, mean_hu=700.0)},
        {"short_axis_mm": 6.0},
        {"long_axis_mm": 60.0},
    ],
)
def test_solid_small_or_drawn_out_calcium_is_ordinary_mac(change):
    assert verdict(replace(INTACT, **change)) == Verdict.MAC


def test_a_mass_off_the_annulus_is_other():
    assert verdict(replace(INTACT, annulus_distance_mm=25.0)) == Verdict.OTHER


def test_a_mass_without_a_shell_is_not_caseous():
    assert verdict(replace(INTACT, rim=replace(INTACT.rim, coverage_pct=5.0))) == Verdict.MAC


def test_a_cavity_that_could_not_be_looked_for_leaves_rupture_open():
    unknown = replace(INTACT, cavity=Cavity(present=None))
    assert verdict(unknown, spacing_mm=3.0) == Verdict.CCMA_RUPTURE_NOT_ASSESSABLE


@pytest.mark.parametrize("name", ["short_axis_mm", "annulus_distance_mm"])
def test_what_was_not_measured_never_leads_to_the_next_diagnosis(name):
    assert verdict(replace(INTACT, **{name: None})) == Verdict.INDETERMINATE


def test_thick_slices_cannot_tell():
    assert verdict(INTACT, spacing_mm=5.0) == Verdict.INDETERMINATE


def test_the_evidence_shows_value_limit_and_source_of_every_criterion():
    finding = classify(INTACT, make_anatomy(), make_volume())
    by_name = {item.criterion: item for item in finding.evidence}
    assert set(by_name) == set(Rules().criteria)
    assert (by_name["thick"].value, by_name["thick"].limit, by_name["thick"].outcome) == (20.0, 8.0, Outcome.HOLDS)
    assert by_name["neck"].outcome == Outcome.NOT_MEASURED
    assert all(item.source for item in finding.evidence)


def test_the_words_no_rupture_are_never_used():
    sentence = classify(INTACT, make_anatomy(), make_volume()).explanation
    assert "no CT sign of rupture" in sentence
    assert "no rupture" not in sentence


def test_confidence_falls_when_the_annulus_is_uncertain():
    anatomy = make_anatomy()
    vague = replace(anatomy, annulus=replace(anatomy.annulus, uncertainty_mm=8.0))
    volume = make_volume()
    assert classify(INTACT, vague, volume).confidence < classify(INTACT, anatomy, volume).confidence


def confidence(measurements=INTACT, *, anatomy=None, volume=None, rules=None):
    return classify(measurements, anatomy or make_anatomy(), volume or make_volume(), rules=rules).confidence


def test_confidence_falls_with_noise_and_thick_slices():
    anatomy = make_anatomy()
    noisy = replace(anatomy, contrast=replace(anatomy.contrast, blood_pool_sd_hu=50.0))
    assert confidence(anatomy=noisy) < confidence()
    assert confidence(volume=make_volume(3.0)) < confidence()


def test_confidence_falls_when_evidence_is_missing():
    assert confidence(replace(INTACT, leak=Leak())) < confidence()


def test_confidence_falls_when_a_figure_that_decides_may_lie_beyond_its_limit():
    filled = cavity(neck_mm=2.2)
    sure, unsure = (replace(filled, uncertainty={"cavity.neck_mm": half}) for half in (0.1, 0.5))
    assert confidence(unsure) == pytest.approx(0.8 * confidence(sure), abs=0.002)


def test_confidence_falls_where_a_mass_lies_on_the_anterior_side():
    behind, before = (replace(INTACT, annulus_angle_deg=angle) for angle in (20.0, 170.0))
    assert verdict(before) == verdict(behind) == Verdict.CCMA
    assert confidence(before) == pytest.approx(0.9 * confidence(behind), abs=0.002)


def test_a_borderline_figure_is_marked_in_the_evidence():
    near = replace(INTACT, short_axis_mm=8.3, uncertainty={"short_axis_mm": 0.5})
    by_name = {item.criterion: item for item in classify(near, make_anatomy(), make_volume()).evidence}
    assert by_name["thick"].borderline
    assert not by_name["thick_as_most"].borderline


def test_the_literature_is_quoted_with_its_source_and_gives_no_advice():
    remarks = context_of(Verdict.RUPTURED_CCMA)
    assert remarks
    assert all(remark.source for remark in remarks)
    assert not any(word in remark.text.lower() for remark in remarks for word in ("should", "must", "we recommend"))


def test_a_rule_edited_changes_the_verdict():
    rules = Rules()
    stricter = replace(rules, criteria=rules.criteria | {"thick": replace(rules.criteria["thick"], limit=25.0)})
    assert verdict(INTACT, rules=stricter) == Verdict.MAC


def test_a_verdict_that_asks_for_an_unknown_criterion_is_refused():
    rules = Rules()
    with pytest.raises(ConfigError, match="unknown criterion"):
        replace(rules, criteria={})


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"paste": ("softness",)}, "group paste asks for the unknown criterion softness"),
        ({"first": ("second",), "second": ("thick",)}, "group first asks for the unknown criterion second"),
        ({}, "asks for the unknown criterion"),
    ],
)
def test_a_group_may_name_criteria_and_groups_above_it_only(groups, message):
    with pytest.raises(ConfigError, match=message):
        replace(Rules(), groups=groups)


def test_a_group_asked_for_in_the_negative_is_refused():
    with pytest.raises(ConfigError, match="unknown criterion caseous"):
        replace(Rules(), verdicts={"mac": (("!caseous",),)})


def test_the_four_verdicts_of_caseous_masses_take_at_most_100_names():
    rules = Rules()
    rows = [names for verdict, alternatives in rules.verdicts.items() if "ccma" in verdict for names in alternatives]
    assert sum(map(len, [*rows, *rules.groups.values()])) <= 100


def holds(name, rules, outcomes):
    """Tell whether a criterion or group is met, looking into groups one by one: an oracle for `decide`."""
    if name in rules.groups:
        return all(holds(member, rules, outcomes) for member in rules.groups[name])
    return outcomes[plain(name)] == {"!": Outcome.FAILS, "?": Outcome.NOT_MEASURED}.get(name[0], Outcome.HOLDS)


ANY_OUTCOMES = st.fixed_dictionaries({name: st.sampled_from(Outcome) for name in Rules().criteria})


@given(outcomes=ANY_OUTCOMES, row=st.sampled_from([r for rows in Rules().alternatives().values() for r in rows]))
def test_the_first_verdict_of_which_an_alternative_holds_as_a_whole_is_given(outcomes, row):
    marks = {"!": Outcome.FAILS, "?": Outcome.NOT_MEASURED}
    outcomes |= {plain(name): marks.get(name[0], Outcome.HOLDS) for name in row[:-1]}
    rules = Rules()
    holding = [
        verdict
        for verdict, alternatives in rules.verdicts.items()
        if any(all(holds(name, rules, outcomes) for name in names) for names in alternatives)
    ]
    assert decide(rules, outcomes) == [*holding, Verdict.INDETERMINATE][0]


def test_the_exam_takes_its_most_serious_lesion():
    assert most_serious([Verdict.MAC, Verdict.CCMA, Verdict.NO_CALCIFICATION]) == Verdict.CCMA
    assert most_serious([]) is None


def test_every_other_verdict_says_what_it_lacks():
    lacking = classify(INTACT, make_anatomy(), make_volume()).why_not
    assert lacking["ruptured_ccma"] == ("leak.present is True", "leak.gap_mm >= 1.75")
    assert set(lacking) == set(Rules().verdicts) - {"ccma"}


def test_a_counterfactual_names_the_figure_that_would_change_the_verdict():
    filled = replace(RUPTURED, cavity=replace(RUPTURED.cavity, neck_mm=1.5))
    finding = classify(filled, make_anatomy(), make_volume())
    assert "would be ruptured_ccma if cavity.neck_mm >= 1.75" in finding.counterfactuals


def asked_for():
    """List every place where a verdict asks for a criterion."""
    for verdict, alternatives in Rules().alternatives().items():
        for place, names in enumerate(alternatives):
            yield from (pytest.param(verdict, names, name, id=f"{verdict}-{place}-{name}") for name in names)


@pytest.mark.parametrize(("verdict", "names", "name"), list(asked_for()))
def test_each_criterion_of_an_alternative_flips_its_verdict(verdict, names, name):
    rules = Rules()
    outcomes = dict.fromkeys(rules.criteria, Outcome.NOT_MEASURED)
    marks = {"!": Outcome.FAILS, "?": Outcome.NOT_MEASURED}
    outcomes |= {plain(n): marks.get(n[0], Outcome.HOLDS) for n in names}
    assert decide(rules, outcomes) == verdict
    alone = replace(rules, verdicts={verdict: (names,)})
    for other in set(Outcome) - {outcomes[plain(name)]}:
        assert decide(alone, outcomes | {plain(name): other}) == Verdict.INDETERMINATE
