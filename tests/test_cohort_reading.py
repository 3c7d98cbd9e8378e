"""Reader studies: what readers see tells nothing of the result, and how far they agree is told as published."""

import csv
import re

import numpy as np
import pytest
from matplotlib import image
from typer.testing import CliRunner

from ccma_seg.cli.app import app
from ccma_seg.cohort.agreement import cohen_kappa, compare_readers, fleiss_kappa, read_answers
from ccma_seg.cohort.blinding import reading_planes, write_reading_views
from ccma_seg.cohort.reading import make_study
from ccma_seg.errors import ConfigError, NoSeriesError
from test_cohort import make_archive, run

FOURTEEN_RATERS = (
    (0, 0, 0, 0, 14),
    (0, 2, 6, 4, 2),
    (0, 0, 3, 5, 6),
    (0, 3, 9, 2, 0),
    (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0),
    (3, 2, 6, 3, 0),
    (2, 5, 3, 2, 2),
    (6, 5, 2, 1, 0),
    (0, 2, 2, 3, 7),
)
"""Ten subjects, fourteen raters, five categories: kappa 0.210, as worked out in textbooks."""


def answers_of(counts):
    return [category for category, count in enumerate(counts) for _ in range(count)]


@pytest.fixture
def cohort(tmp_path):
    """A cohort of four exams with views for readers."""
    root, out = make_archive(tmp_path / "root", "a", "b", "c", "d"), tmp_path / "out"
    run(root, out)
    for number, folder in enumerate(sorted((out / "cases").iterdir())):
        (folder / "reading.png").write_bytes(bytes([number]))
    return out


def key_of(study):
    with (study / "key.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_cohens_kappa_is_as_in_the_textbook_example():
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    kappa, error = cohen_kappa(*zip(*pairs, strict=True))
    assert kappa == pytest.approx(0.4)
    assert error == pytest.approx((0.7 * 0.3 / 50) ** 0.5 / 0.5)


def test_fleiss_kappa_is_as_in_the_textbook_example():
    assert fleiss_kappa([answers_of(counts) for counts in FOURTEEN_RATERS]) == pytest.approx(0.210, abs=5e-4)


def test_readers_who_always_say_the_same_have_no_kappa():
    assert cohen_kappa("aaa", "aaa") is None
    assert fleiss_kappa(["aaa", "aaa"]) is None


def test_readers_are_compared_over_the_exams_that_all_have_read():
    answers = {
        "x": {"1": "mac", "2": "ccma", "3": "mac"},
        "y": {"1": "mac", "2": "mac"},
        "z": {"2": "ccma", "1": "mac"},
    }
    found = compare_readers(answers)
    assert [agreement.readers for agreement in found] == [("x", "y"), ("x", "z"), ("y", "z"), ("x", "y", "z")]
    assert {agreement.exams for agreement in found} == {2}
    assert found[1].kappa == 1


def test_one_reader_agrees_with_nobody():
    with pytest.raises(ConfigError, match="at least two readers"):
        compare_readers({"x": {"1": "mac"}})


def test_a_study_shuffles_by_its_seed_and_says_nothing_of_the_result(cohort, tmp_path):
    orders = []
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        assert make_study(cohort, tmp_path / name, seed=seed) == 4
        orders.append([row["case_id"] for row in key_of(tmp_path / name)])
    assert orders[0] == orders[1] != orders[2]
    page = (tmp_path / "one" / "study.html").read_text("utf-8")
    assert not re.search(r"case-[0-9a-f]{16}|https?:", page)
    shown = [(tmp_path / "one" / "images" / f"{n:04d}.png").read_bytes()[0] for n in (1, 2, 3, 4)]
    assert [sorted(orders[0])[number] for number in shown] == orders[0]


def test_a_cohort_without_views_for_readers_makes_no_study(tmp_path):
    run(make_archive(tmp_path / "root", "a"), tmp_path / "out")
    with pytest.raises(NoSeriesError, match="--reading-views"):
        make_study(tmp_path / "out", tmp_path / "study")


def test_views_for_readers_lie_about_the_annulus_whatever_was_found(analysis, tmp_path):
    write_reading_views(analysis, tmp_path / "reading.png")
    picture = image.imread(tmp_path / "reading.png")
    assert picture.shape[:2] == (4 * 241, 4 * 241)
    assert np.array_equal(picture[..., 0], picture[..., 1])
    centers = np.array([plane.center_mm for plane in reading_planes(analysis.anatomy.annulus.center_mm)])
    assert centers.mean(axis=0) == pytest.approx(analysis.anatomy.annulus.center_mm)


def test_the_tool_can_be_compared_with_readers(cohort, tmp_path):
    make_study(cohort, tmp_path / "study")
    reader = tmp_path / "answers-a.csv"
    reader.write_text("number,answer,confidence\n1,mac,5\n2,mac,4\n3,ccma,1\n4,,\n", "utf-8")
    assert read_answers(reader) == {"1": "mac", "2": "mac", "3": "ccma"}
    result = CliRunner().invoke(app, ["agreement", str(reader), str(tmp_path / "study" / "key.csv")])
    assert result.exit_code == 0
    assert "67 %" in result.stdout
