"""A reader study: exams in random order, without the result, and a page that collects answers."""

import random
import shutil
from importlib import resources
from pathlib import Path

import jinja2

from ccma_seg.classification import Verdict
from ccma_seg.cohort.blinding import READING_VIEWS
from ccma_seg.cohort.storing import CASES, outcomes
from ccma_seg.errors import NoSeriesError
from ccma_seg.report import whole_folder, write_table

_PAGE, _KEY = "study.html", "key.csv"

_ANSWERS = {
    Verdict.NO_CALCIFICATION: "no calcification",
    Verdict.MAC: "ordinary calcification (MAC)",
    Verdict.CCMA: "caseous calcification, intact",
    Verdict.CCMA_RUPTURE_NOT_ASSESSABLE: "caseous calcification, rupture cannot be told",
    Verdict.CCMA_POSSIBLE_RUPTURE: "caseous calcification, possible rupture",
    Verdict.RUPTURED_CCMA: "caseous calcification, ruptured",
    Verdict.OTHER: "something else",
    Verdict.INDETERMINATE: "cannot be told",
}


def make_study(results: Path, study: Path, *, seed: int = 1) -> int:
    """Make a reader study of the exams of a cohort that was run with views for readers.

    Writes `study.html` and `images/` for the readers, and `key.csv`, which they must not see: which number is which
    case, and the verdict of the tool. The answers that the page saves are for `compare_readers`.

    Parameters
    ----------
    results
        Folder of a cohort.
    study
        A folder to make.
    seed
        Of the order; the same seed and cohort, the same study.

    Returns
    -------
    int
        How many exams it has.

    Raises
    ------
    NoSeriesError
        If no exam has views for readers.
    OutputError
        If the folder cannot be written.
    """
    found = [x for x in outcomes(results) if not x.failed and (results / CASES / x.case_id / READING_VIEWS).is_file()]
    if not found:
        raise NoSeriesError("a study needs exams with views for readers; run the cohort with --reading-views")
    random.Random(seed).shuffle(found)  # noqa: S311  an order, not a secret
    key = [{"number": n, "case_id": x.case_id, "answer": x.row["verdict"]} for n, x in enumerate(found, 1)]
    with whole_folder(study) as folder:
        (folder / "images").mkdir()
        for row in key:
            source = results / CASES / row["case_id"] / READING_VIEWS
            shutil.copyfile(source, folder / "images" / f"{row['number']:04d}.png")
        (folder / _PAGE).write_text(_page(len(found), f"{study.name} {seed}"), "utf-8")
        (folder / _KEY).write_text(write_table(key, ["number", "case_id", "answer"]), "utf-8")
    return len(found)


def _page(count: int, name: str) -> str:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(resources.files(__package__).joinpath(_PAGE).read_text("utf-8"))
    answers = {str(verdict): words for verdict, words in _ANSWERS.items()}
    return template.render(count=count, study=name, answers=answers)
