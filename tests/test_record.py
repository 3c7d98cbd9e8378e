"""The record: what `report.json` holds."""

import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest

from ccma_seg.calcium import CalciumKind
from ccma_seg.classification import Verdict, classify
from ccma_seg.config import Config
from ccma_seg.pipeline import Status
from ccma_seg.reasons import Reason
from ccma_seg.record import record_schema
from ccma_seg.record.building import plain


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(record_schema())


def test_a_record_follows_the_schema(analysis):
    jsonschema.validate(analysis.record(), record_schema())


def test_the_schema_asks_for_every_quantity_of_the_table_and_says_what_it_is():
    lesion = record_schema()["properties"]["lesions"]["items"]["properties"]
    assert lesion["core"]["properties"]["mean_hu"] == {"description": "mean HU of the core", "type": ["number", "null"]}
    assert set(lesion["core"]["required"]) == set(lesion["core"]["properties"])
    gaps = lesion["rim"]["properties"]["gaps"]
    assert gaps["type"] == ["array", "null"]
    assert gaps["items"]["properties"]["width_mm"]["type"] == ["number", "null"]
    assert lesion["centroid_mm"]["minItems"] == 3


def test_a_record_that_lacks_a_quantity_or_exceeds_its_range_is_refused(analysis):
    record = analysis.record()
    del record["lesions"][0]["core"]["mean_hu"]
    with pytest.raises(jsonschema.ValidationError, match="mean_hu"):
        jsonschema.validate(record, record_schema())
    record = analysis.record()
    record["lesions"][0]["rim"]["coverage_pct"] = 101.0
    with pytest.raises(jsonschema.ValidationError, match="maximum"):
        jsonschema.validate(record, record_schema())


def test_the_schema_names_every_kind_of_calcium_that_is_not_annular_and_every_verdict():
    schema = record_schema()
    kinds = schema["properties"]["other_calcium"]["items"]["properties"]["kind"]["enum"]
    assert set(kinds) == set(CalciumKind) - {CalciumKind.ANNULAR}
    assert set(schema["$defs"]["verdict"]["enum"]) == set(Verdict)


def test_a_record_without_an_annulus_follows_the_schema_too(analysis):
    blind = replace(
        analysis,
        anatomy=replace(analysis.anatomy, annulus=None),
        calcium=None,
        burden=None,
        sensitivity=(),
        masses=(),
        overall=None,
    )
    record = blind.record()
    jsonschema.validate(record, record_schema())
    assert record["calcium"]["arc_deg"] is None
    assert blind.status == Status.DEGRADED


def test_the_record_holds_the_whole_configuration_and_its_fingerprint(analysis):
    record = analysis.record()
    assert record["config"]["rules"]["criteria"]["thick"]["limit"] == 8.0
    assert record["software"]["config_sha256"] == analysis.config.sha256()


def test_the_record_says_why_not_another_verdict_and_what_would_change_it(analysis):
    lesion = analysis.record()["lesions"][0]
    assert lesion["verdict"] not in lesion["why_not"]
    assert lesion["why_not"]["mac"]
    assert all(sentence.startswith("would be ") for sentence in lesion["counterfactuals"])


def test_a_rule_edited_in_toml_changes_the_verdict_and_is_visible_in_the_record(analysis, tmp_path):
    (tmp_path / "rules.toml").write_text("[rules.criteria.neck]\nlimit = 9.0\n")
    config = Config.from_toml(tmp_path / "rules.toml")
    first = analysis.masses[0]
    finding = classify(first.measurements, analysis.anatomy, analysis.volume, rules=config.rules)
    edited = replace(analysis, config=config, masses=(replace(first, finding=finding),))
    record = edited.record()
    assert (analysis.verdict, record["verdict"]) == ("ruptured_ccma", "ccma_possible_rupture")
    assert next(e["limit"] for e in record["lesions"][0]["evidence"] if e["criterion"] == "neck") == 9.0
    assert record["config"]["rules"]["criteria"]["neck"]["limit"] == 9.0


def test_records_are_json_without_nan(analysis):
    json.dumps(analysis.record(), allow_nan=False)


def test_a_figure_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="finite"):
        plain({"a": [float("nan")]})


def test_numpy_values_become_plain():
    assert plain({"a": np.float32(0.5), "b": np.arange(2), "c": np.bool_(True), "d": Verdict.MAC}) == {  # noqa: FBT003
        "a": 0.5,
        "b": [0, 1],
        "c": True,
        "d": "mac",
    }


def test_a_reason_that_degrades_shows_in_the_status(analysis):
    volume = replace(analysis.volume, reasons=(Reason("thick_slices", "slices of 5 mm", degrades=True),))
    degraded = replace(analysis, volume=volume)
    assert degraded.status == Status.DEGRADED
    assert {"code": "thick_slices", "text": "slices of 5 mm"} in degraded.record()["reasons"]
