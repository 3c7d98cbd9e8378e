"""Configuration: defaults, files, single settings, and back."""

import re
from pathlib import Path

import pytest

from ccma_seg.cohort.params import CohortParams
from ccma_seg.config import RULES, Config, settings
from ccma_seg.errors import ConfigError, InputPathError


def test_what_is_printed_reads_back_as_the_same(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(Config().to_toml(), "utf-8")
    assert Config.from_toml(path).sha256() == Config().sha256()


def test_every_parameter_is_printed_with_its_meaning():
    lines = Config().to_toml().splitlines()
    unexplained = [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if " = " in line and not line.startswith("#") and not before.startswith("#") and "." in line.split(" = ")[0]
    ]
    assert unexplained == []


def test_a_setting_replaces_one_value():
    changed = Config().with_setting("rules.criteria.thick.limit=12")
    assert changed.rules.criteria["thick"].limit == 12.0
    assert changed.sha256() != Config().sha256()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("rules.criteria.thick.limit", "key=value"),
        ("rules.nonsense=1", "unknown key rules.nonsense; the keys here are"),
        ("rules.criteria.thick.limit=high", "must be of type float"),
        ("rules.criteria=3", "must be a table"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(setting, message):
    with pytest.raises(ConfigError, match=message):
        Config().with_setting(setting)


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("= 1", "utf-8")
    with pytest.raises(ConfigError, match=r"config\.toml is not valid TOML"):
        Config.from_toml(path)


def test_a_missing_file_is_an_input_path_error(tmp_path):
    with pytest.raises(InputPathError, match="cannot be read"):
        Config.from_toml(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("typo", "nearest"),
    [
        ("cavity.neck", "cavity.neck_mm"),
        ("rim_coverage_pct", "rim.coverage_pct"),
        ("core_below_rim_hu", "core_below_dense_rim_hu"),
        ("exam.slices_mm", "exam.slice_mm"),
    ],
)
def test_a_rule_with_an_unknown_quantity_is_refused_naming_the_nearest_known_one(tmp_path, typo, nearest):
    (tmp_path / "rules.toml").write_text(f'[rules.criteria.neck]\nquantity = "{typo}"\n')
    with pytest.raises(ConfigError, match=f"{re.escape(typo)}.*did you mean '{re.escape(nearest)}'"):
        Config.from_toml(tmp_path / "rules.toml")


def test_the_limit_of_a_criterion_holds_wherever_a_step_asks_for_the_same():
    config = Config().with_setting("rules.criteria.touches_annulus.limit=12")
    assert config.lesion.annulus_reach_mm == config.calcium.near_annulus_mm == 12.0
    assert Config().with_setting("rules.criteria.shell_perhaps_open.limit=40").lesion.coverage_open == 0.4


def test_the_limit_of_a_criterion_cannot_be_set_elsewhere():
    with pytest.raises(ConfigError, match=r"set rules\.criteria\.touches_annulus\.limit"):
        Config().with_setting("lesion.annulus_reach_mm=12")
    assert "annulus_reach_mm" not in Config().to_toml()
    assert "annulus_reach_mm" not in Config().as_dict()["lesion"]


def test_a_criterion_without_a_limit_of_its_own_takes_that_of_another():
    rules = Config().with_setting("rules.criteria.neck.limit=2").rules
    assert rules.limit("gap_to_chamber") == rules.limit("leak_through_gap") == 2.0
    assert Config().with_setting("rules.criteria.leak_through_gap.limit=3").rules.limit("leak_through_gap") == 3.0


@pytest.mark.parametrize(
    ("setting", "message"),
    [("limit_of=necks", "leak_through_gap needs a limit"), ("limit=wide", "must be a number")],
)
def test_a_criterion_without_a_limit_is_refused(setting, message):
    with pytest.raises(ConfigError, match=message):
        Config().with_setting(f"rules.criteria.leak_through_gap.{setting}")


def test_what_was_a_setting_is_one_or_is_refused_naming_its_place():
    former = (Path(__file__).parent / "former_settings.txt").read_text("utf-8").split()
    kept = {setting.key for setting in settings(Config())}
    for key in set(former) - kept:
        with pytest.raises(ConfigError, match=r"a constant now: .* in ccma|set rules\.criteria|at another place"):
            Config().updated(nested(key))


def nested(key):
    """Return nested tables that set one key."""
    inside = 1.0
    for name in reversed(key.split(".")):
        inside = {name: inside}
    return inside


def test_the_fingerprint_is_that_of_what_is_found_and_not_of_the_run():
    same = ["read.threads=2", "read.keep_identity=true", "read.max_voxels=9", "followup.axis_mm=3", "output.quick=true"]
    other = ["read.min_slices=4", "calcium.view_mm=3", "rules.criteria.thick.limit=9", 'rules.groups.way_out=["neck"]']
    assert {Config().with_setting(setting).sha256() for setting in same} == {Config().sha256()}
    assert len({Config().with_setting(setting).sha256() for setting in other} | {Config().sha256()}) == 5


def test_there_are_at_most_100_parameters_each_with_a_source_or_the_decision_that_chose_it():
    listed = [*settings(Config()), *settings(CohortParams(), "cohort")]
    parameters = [setting for setting in listed if not setting.key.startswith(RULES)]
    source = re.compile(r"\b(19|20)\d\d\b|decision \d{3}|repository \d+|PMC\d+|JCCT")
    assert len(parameters) <= 100
    assert [setting.key for setting in parameters if not source.search(setting.meaning)] == []


def test_every_decision_that_is_named_is_written_down():
    listed = [*settings(Config()), *settings(CohortParams(), "cohort")]
    named = {number for setting in listed for number in re.findall(r"decision (\d{3})", setting.meaning)}
    written = {path.name[:3] for path in (Path(__file__).parents[1] / "docs" / "decisions").glob("*.md")}
    assert named <= written


def test_the_old_names_of_criteria_are_taken_with_a_warning(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text(
        """
        [rules.criteria.S1]
        limit = 12.0
        [rules.verdicts]
        ccma = [["slices", "!E2", "?E1s", "ovoid"]]
        [rules.support]
        ccma = ["L2"]
        """,
        "utf-8",
    )
    with pytest.warns(FutureWarning, match="E1s is core_not_following_blood, E2 is cavity"):
        rules = Config.from_toml(path).rules
    assert rules.criteria["thick"].limit == 12.0
    assert rules.verdicts["ccma"] == (("thin_slices", "!cavity", "?core_not_following_blood", "ovoid"),)
    assert rules.support["ccma"] == ("posterior",)


def test_a_criterion_by_its_old_and_its_new_name_is_refused():
    both = {"S1": {"limit": 12.0}, "thick": {"limit": 9.0}}
    with pytest.raises(ConfigError, match="S1 is now called thick"):
        Config().updated({"rules": {"criteria": both}})
