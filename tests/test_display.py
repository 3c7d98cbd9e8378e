"""What a notebook shows."""

from dataclasses import replace

import pytest

from ccma_seg.display import card
from ccma_seg.reasons import Reason


def test_unknown_values_show_as_a_dash_and_text_is_escaped():
    shown = card("<b>", {"a": None, "b": 1.23456, "c": "<script>"})
    assert "&lt;b&gt;" in shown
    assert "<td style='text-align:left'>-</td>" in shown
    assert "1.235" in shown
    assert "<script>" not in shown


@pytest.mark.parametrize("part", ["volume", "anatomy", "mass", "analysis"])
def test_the_main_types_show_themselves(analysis, part):
    shown = {"mass": analysis.masses[0], "analysis": analysis}.get(part) or getattr(analysis, part)
    assert shown._repr_html_().startswith("<div><strong>")


def test_an_analysis_shows_verdict_explanation_and_reasons(analysis):
    volume = replace(analysis.volume, reasons=(Reason("thick_slices", "slices of 5 mm"),))
    shown = replace(analysis, volume=volume)._repr_html_()
    assert all(text in shown for text in (analysis.verdict, analysis.explanation, "slices of 5 mm"))


def test_a_volume_shows_a_small_picture(analysis):
    shown = analysis.volume._repr_html_()
    assert "data:image/png;base64," in shown
    assert len(shown) < 100_000


def test_a_frame_has_a_row_a_lesion_with_the_columns_of_the_table(analysis):
    frame = analysis.to_frame()
    assert len(frame) == len(analysis.masses)
    assert frame.loc[0, "rim_coverage_pct"] == analysis.record()["lesions"][0]["rim"]["coverage_pct"]
    assert frame.loc[0, "series_uid"] == analysis.volume.acquisition.series_uid
    assert list(replace(analysis, masses=()).to_frame().columns) == list(frame.columns)
