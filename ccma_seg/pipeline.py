"""The verbs in a row: from a volume to everything that is known of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from ccma_seg.anatomy import Anatomy, MitralAnnulus, locate
from ccma_seg.calcium import (
    CalciumBurden,
    CalciumMap,
    SensitivityRow,
    find_calcium,
    measure_burden,
    threshold_sensitivity,
)
from ccma_seg.classification import Finding, Overall, Verdict, classify, judge_exam, most_serious
from ccma_seg.config import Config
from ccma_seg.display import card
from ccma_seg.geometry import Bools, Geometry
from ccma_seg.lesion import Lesion, Measurements, segment
from ccma_seg.phases import SecondPhase, measure_in_phases, set_beside
from ccma_seg.reasons import Reason
from ccma_seg.record import lesion_frame, make_record
from ccma_seg.volume import LabelMap, Volume

if TYPE_CHECKING:
    import pandas as pd


class Status(StrEnum):
    """How an analysis ended."""

    OK = "ok"
    NO_FINDING = "no_finding"
    DEGRADED = "degraded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mass:
    """One lesion with its figures and its verdict."""

    lesion: Lesion
    measurements: Measurements
    finding: Finding

    def _repr_html_(self) -> str:
        shape = self.measurements
        known = {
            "explanation": self.finding.explanation,
            "confidence": self.finding.confidence,
            "long, short, third axis (mm)": _listed(shape.long_axis_mm, shape.short_axis_mm, shape.third_axis_mm),
            "volume (mm3)": shape.volume_mm3,
            "rim: coverage (%), thickness (mm)": _listed(shape.rim.coverage_pct, shape.rim.thickness_mm),
            "core (HU)": shape.core.mean_hu,
            "sector": shape.sector,
        }
        return card(f"Lesion {self.lesion.id}: {self.finding.verdict}", known)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """Everything that is known of one exam."""

    volume: Volume
    config: Config
    anatomy: Anatomy
    calcium: CalciumMap | None
    """None if no annulus was found: calcium means something only by its place."""
    burden: CalciumBurden | None
    sensitivity: tuple[SensitivityRow, ...]
    """Annular calcium under other thresholds."""
    masses: tuple[Mass, ...]
    second_phase: SecondPhase | None = None
    """Another phase of the exam, if one was given; of several that which tells most of blood."""
    further_phases: tuple[SecondPhase, ...] = ()
    """The others, as they were given."""
    overall: Overall | None
    """What is said of the exam apart from its masses; None without an annulus."""
    seconds: float
    """How long the analysis took, reading not counted."""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """All that limits the result, each once, in the order of the stages."""
        stages: list[tuple[Reason, ...]] = [self.volume.reasons, self.anatomy.reasons]
        others = (self.second_phase, *self.further_phases, self.calcium, self.burden)
        stages += [part.reasons for part in others if part is not None]
        stages += [part.reasons for mass in self.masses for part in (mass.lesion, mass.measurements)]
        return tuple(dict.fromkeys(reason for stage in stages for reason in stage))

    @property
    def status(self) -> Status:
        """Tell whether the result can be relied on, and whether anything was found."""
        if self.verdict == Verdict.INDETERMINATE or any(reason.degrades for reason in self.reasons):
            return Status.DEGRADED
        return Status.NO_FINDING if self.verdict == Verdict.NO_CALCIFICATION else Status.OK

    @property
    def verdict(self) -> Verdict:
        """Of the exam: its most serious lesion, or what is said apart from these."""
        if self.overall is None:
            return Verdict.INDETERMINATE
        verdicts = [mass.finding.verdict for mass in self.masses]
        return most_serious([*verdicts, self.overall.verdict]) or self.overall.verdict

    @property
    def explanation(self) -> str:
        """Say in one plain sentence what was found."""
        if self.overall is None:
            return "The mitral annulus was not found, so calcium cannot be told to belong to it."
        serious = [mass.finding.explanation for mass in self.masses if mass.finding.verdict == self.verdict]
        return serious[0] if serious else self.overall.explanation

    def record(self) -> dict[str, Any]:
        """Return the record, as in `report.json`: plain values, None where not measured."""
        return make_record(self)

    def to_frame(self) -> "pd.DataFrame":
        """Return the lesions as a pandas table, one row each, with the columns of `lesions.csv`.

        Raises
        ------
        ModuleNotFoundError
            If pandas is not installed: `pip install 'ccma-seg[pandas]'`.
        """
        return lesion_frame(self.record())

    def _repr_html_(self) -> str:
        known: dict[str, object] = {"explanation": self.explanation, "status": self.status}
        if self.burden is not None:
            known |= {"annular calcium (mm3)": self.burden.annular_volume_mm3, "arc (degrees)": self.burden.arc_deg}
        known |= {f"lesion {mass.lesion.id}": mass.finding.explanation for mass in self.masses}
        known |= {reason.code: reason.text for reason in self.reasons}
        return card(self.verdict, known)


def analyze(
    volume: Volume,
    config: Config | None = None,
    *,
    second_phase: Volume | Sequence[Volume] | None = None,
    annulus: MitralAnnulus | None = None,
    chambers: LabelMap | None = None,
) -> Analysis:
    """Find, measure and name what is calcified at the mitral annulus.

    Parameters
    ----------
    volume
        A CT that shows the heart, (slice, row, column) HU.
    config
        Parameters of all steps; the defaults if None.
    second_phase
        Another phase of the same exam, or several, in any order: the first with contrast gives the anatomy and is the
        analysis's `volume`, unless `chambers` are given, which belong to `volume`. That in which blood differs most
        tells blood from paste; all tell how a mass moves and how far its figures spread. What does not fit is not
        used, with a reason.
    annulus, chambers
        What is already known of the anatomy; wins over what would be found.

    Raises
    ------
    NoHeartError
        If the volume shows no usable heart.
    ConfigError
        If two phases are the same series.
    """
    start = time.perf_counter()
    config = config or Config()
    anatomy = locate(volume, config.anatomy, annulus=annulus, chambers=chambers)
    given = second_phase if isinstance(second_phase, Sequence) else () if second_phase is None else (second_phase,)
    volume, anatomy, phases = set_beside(
        volume, anatomy, given, locating=config.anatomy, params=config.phases, may_swap=chambers is None
    )
    if anatomy.annulus is None:
        return _without_annulus(volume, config, anatomy, phases, start)
    calcium = find_calcium(volume, anatomy, config.calcium)
    masses = _masses(volume, anatomy, calcium, config, phases)
    covered = covered_by(masses, calcium.geometry)
    burden = measure_burden(volume, anatomy, calcium, masses=covered, params=config.calcium)
    return Analysis(
        volume=volume,
        config=config,
        anatomy=anatomy,
        calcium=calcium,
        burden=burden,
        sensitivity=threshold_sensitivity(volume, calcium),
        masses=masses,
        second_phase=phases[0] if phases else None,
        further_phases=phases[1:],
        overall=judge_exam(anatomy, calcium, burden),
        seconds=time.perf_counter() - start,
    )


def _without_annulus(
    volume: Volume, config: Config, anatomy: Anatomy, phases: tuple[SecondPhase, ...], start: float
) -> Analysis:
    return Analysis(
        volume=volume,
        config=config,
        anatomy=anatomy,
        calcium=None,
        burden=None,
        sensitivity=(),
        masses=(),
        second_phase=phases[0] if phases else None,
        further_phases=phases[1:],
        overall=None,
        seconds=time.perf_counter() - start,
    )


def _masses(
    volume: Volume, anatomy: Anatomy, calcium: CalciumMap, config: Config, phases: tuple[SecondPhase, ...]
) -> tuple[Mass, ...]:
    masses = []
    for found in segment(volume, anatomy, calcium, config.lesion):
        lesion, measurements = measure_in_phases(
            volume, anatomy, found, phases, params=config.lesion, phases=config.phases
        )
        finding = classify(measurements, anatomy, volume, rules=config.rules)
        masses.append(Mass(lesion=lesion, measurements=measurements, finding=finding))
    return tuple(masses)


def covered_by(masses: tuple[Mass, ...], geometry: Geometry) -> Bools:
    """Return where masses are on a crop of the volume's grid."""
    covered = np.zeros(geometry.shape, bool)
    for mass in masses:
        there, labels = mass.lesion.parts.within(geometry)
        covered[there] |= labels > 0
    return covered


def _listed(*figures: float | None) -> str:
    return ", ".join("-" if figure is None else f"{figure:.1f}" for figure in figures)
