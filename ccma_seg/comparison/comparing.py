"""The verb: compare two exams, or two phases of one."""

from dataclasses import replace
from pathlib import Path

from ccma_seg.comparison.exams import Exam, open_exam
from ccma_seg.comparison.findings import Comparison
from ccma_seg.comparison.sentences import Kind
from ccma_seg.config import Config
from ccma_seg.errors import ConfigError
from ccma_seg.followup import compare_records
from ccma_seg.pipeline import Analysis, analyze
from ccma_seg.reasons import Reason
from ccma_seg.volume import Volume

Source = str | Path | Volume | Analysis | Exam


def compare(
    baseline: Source,
    followup: Source,
    config: Config | None = None,
    *,
    kind: Kind | None = None,
    interval_days: int | None = None,
) -> Comparison:
    """Compare two exams of one patient, or two phases of one exam.

    Parameters
    ----------
    baseline, followup
        Paths to images, folders of finished results, volumes, or analyses. Finished results hold neither images nor
        date nor patient: the picture then shows outlines only, the interval must be given, and nobody can check that
        both are of one patient.
    config
        Parameters of all steps; the defaults if None.
    kind
        follow_up or phases; phases if both are of one study, when not given.
    interval_days
        Between the exams, where their dates are not known.

    Raises
    ------
    ConfigError
        If the follow-up is older than the baseline.
    CcmaError
        As `read_series` and `analyze` do.
    """
    config = config or Config()
    exams = open_exam(baseline, config), open_exam(followup, config)
    kind = kind or _kind(*exams)
    days = _interval_days(exams, interval_days, kind)
    changes, reasons = compare_records(exams[0].record, exams[1].record, interval_days=days, params=config.followup)
    together = _both_phases(exams, config) if kind == Kind.PHASES else None
    return Comparison(
        kind=kind,
        baseline=exams[0],
        followup=exams[1],
        interval_days=days,
        lesions=tuple(changes["lesions"]),
        calcium=tuple(changes["calcium"]),
        config=config,
        both_phases=together,
        reasons=(*_identity(exams, kind), *_limits(exams, reasons, together)),
    )


def _kind(baseline: Exam, followup: Exam) -> Kind:
    studies = [exam.record["series"]["study_uid"] for exam in (baseline, followup)]
    return Kind.PHASES if studies[0] and studies[0] == studies[1] else Kind.FOLLOW_UP


def _interval_days(exams: tuple[Exam, Exam], given: int | None, kind: Kind) -> int | None:
    first, second = (exam.date for exam in exams)
    if kind == Kind.PHASES:
        return 0
    days = (second - first).days if given is None and first is not None and second is not None else given
    if days is not None and days < 0:
        raise ConfigError(f"the follow-up must be the later exam, it is {-days} days earlier; swap the two")
    return days


def _both_phases(exams: tuple[Exam, Exam], config: Config) -> Analysis | None:
    first, second = (exam.analysis for exam in exams)
    if first is None or second is None:
        return None
    uids = [analysis.volume.acquisition.series_uid for analysis in (first, second)]
    if first is second or (uids[0] and uids[0] == uids[1]):
        return None
    return analyze(first.volume, config, second_phase=second.volume)


def _identity(exams: tuple[Exam, Exam], kind: Kind) -> tuple[Reason, ...]:
    """Say whether both are known to be of one patient, and what finished results do not hold."""
    if any(exam.analysis is None for exam in exams):
        lost = "their phases are not subtracted" if kind == Kind.PHASES else "dates are not known"
        text = f"A finished result holds neither images nor patient: nobody checked that both are of one, and {lost}."
        return (Reason("finished_result", text),)
    keys = {exam.patient_key for exam in exams} - {""}
    if len(keys) <= 1:
        return ()
    text = "The two exams have different patient IDs; what follows makes sense only if they are of one patient."
    return (Reason("patient_ids_differ", text, degrades=True),)


def _limits(exams: tuple[Exam, Exam], reasons: tuple[Reason, ...], together: Analysis | None) -> tuple[Reason, ...]:
    """Return what limits the comparison; of two phases that were analysed together, contrast is meant to differ."""
    if together is None:
        return (*_degraded(exams), *reasons)
    return (*together.reasons, *(replace(reason, degrades=False) for reason in reasons))


def _degraded(exams: tuple[Exam, Exam]) -> tuple[Reason, ...]:
    """Hand on that an exam's own result is limited."""
    return tuple(
        Reason("exam_degraded", f"The result of the {name} is itself degraded: see its reasons.", degrades=True)
        for exam, name in zip(exams, ("baseline", "follow-up"), strict=True)
        if exam.record["status"] == "degraded"
    )
