"""What a cohort leaves to look at: tables that spreadsheets and data frames read, and a page that lists it."""

import re
from html.parser import HTMLParser

import pytest

from ccma_seg.cohort.cases import Case
from ccma_seg.cohort.index import write_index
from ccma_seg.cohort.parquet import write_parquet
from ccma_seg.cohort.rows import Outcome, analysed, failed
from ccma_seg.cohort.tables import lesion_table_columns, series_columns
from ccma_seg.reasons import Reason

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def found(analysis):
    """One analysed series and one without a result."""
    good = analysed(Case(series_uid="1.2", folders=("a",), files=150), analysis.record())
    bad = failed(Case(series_uid="", folders=("b",), files=3), [Reason("damaged_file", EVIL)], config_sha256="0")
    return [bad, good]


def named(outcome, verdict, **row):
    return Outcome(row=outcome.row | {"verdict": verdict} | row, files=1)


class Links(HTMLParser):
    """Collects what a page points to."""

    def __init__(self):
        super().__init__()
        self.targets = []

    def handle_starttag(self, _, attributes):
        self.targets += [value for name, value in attributes if name in ("src", "href")]


def page_of(tmp_path, found):
    write_index(tmp_path, found)
    return (tmp_path / "index.html").read_text("utf-8")


def test_the_index_opens_reports_and_shows_pictures_beside_it(tmp_path, found):
    links = Links()
    links.feed(page_of(tmp_path, found))
    folder = f"cases/{found[1].case_id}"
    assert set(links.targets) == {f"{folder}/report.html", f"{folder}/overview.png"}


def test_the_index_goes_from_serious_to_plain_and_ends_with_what_has_no_result(tmp_path, found):
    bad, good = found
    several = [bad, *(named(good, verdict) for verdict in ("no_calcification", "ruptured_ccma", "mac", "ccma"))]
    order = re.findall(r'<tr data-verdict="(\w+)">', page_of(tmp_path, several))
    assert order == ["ruptured_ccma", "ccma", "mac", "no_calcification", "failed"]


def test_the_index_escapes_what_it_shows(tmp_path, found):
    page = page_of(tmp_path, [*found, named(found[1], "mac", description=f'">{EVIL}')])
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_the_index_asks_nothing_of_a_network(tmp_path, found):
    page = page_of(tmp_path, found)
    assert "http:" not in page
    assert "https:" not in page
    assert "default-src 'none'" in page


def test_parquet_has_the_rows_and_columns_of_the_csv(tmp_path, found):
    parquet = pytest.importorskip("pyarrow.parquet")
    write_parquet(tmp_path, found, with_folders=True)
    series = parquet.read_table(tmp_path / "series.parquet")
    lesions = parquet.read_table(tmp_path / "lesions.parquet")
    assert series.column_names == series_columns(with_folders=True)
    assert lesions.column_names == lesion_table_columns()
    assert series["verdict"].to_pylist() == [None, found[1].row["verdict"]]
    assert lesions["long_axis_mm"].to_pylist() == [found[1].lesions[0]["long_axis_mm"]]


def test_parquet_says_units_and_the_version_of_the_schema(tmp_path, found):
    parquet = pytest.importorskip("pyarrow.parquet")
    write_parquet(tmp_path, found, with_folders=False)
    schema = parquet.read_schema(tmp_path / "lesions.parquet")
    assert schema.metadata[b"schema_version"] == b"1.0"
    assert schema.field("volume_mm3").metadata == {b"unit": b"mm3"}
    assert schema.field("core_mean_hu").metadata == {b"unit": b"[hnsf'U]"}


def test_parquet_has_the_same_types_whatever_a_cohort_holds(tmp_path, found):
    parquet = pytest.importorskip("pyarrow.parquet")
    write_parquet(tmp_path / "both", found, with_folders=False)
    write_parquet(tmp_path / "none", [], with_folders=False)
    for name in ("series.parquet", "lesions.parquet"):
        assert parquet.read_schema(tmp_path / "both" / name) == parquet.read_schema(tmp_path / "none" / name)


@pytest.mark.parametrize(
    ("place", "unit", "kind"),
    [
        ("lesions.centroid_mm_x", b"mm", "double"),
        ("lesions.uncertainty_core_mean_hu", b"[hnsf'U]", "double"),
        ("lesions.rim_gaps", None, "int64"),
        ("lesions.cavity_present", None, "bool"),
        ("lesions.cavity_communicates_with", None, "string"),
        ("series.arc_deg", b"deg", "double"),
        ("series.seconds", b"s", "double"),
        ("series.verdict", None, "string"),
    ],
)
def test_the_unit_and_the_type_of_a_column_are_those_of_its_quantity(tmp_path, found, place, unit, kind):
    parquet = pytest.importorskip("pyarrow.parquet")
    write_parquet(tmp_path, found, with_folders=False)
    table, _, column = place.partition(".")
    field = parquet.read_schema(tmp_path / f"{table}.parquet").field(column)
    assert (field.metadata or {}).get(b"unit") == unit
    assert str(field.type) == kind


def test_a_row_of_series_has_no_cell_without_a_column(found):
    for outcome in found:
        assert outcome.row.keys() <= set(series_columns(with_folders=True))
