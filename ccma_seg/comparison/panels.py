"""What the picture of a comparison shows: the same planes in both exams, or two aligned phases and their difference."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ccma_seg.comparison.exams import Exam
from ccma_seg.comparison.findings import Comparison
from ccma_seg.comparison.sentences import Kind
from ccma_seg.geometry import Floats, Point, as_point, unit
from ccma_seg.phases import Alignment, SecondPhase
from ccma_seg.phases.pairing import pair_up, shows
from ccma_seg.pipeline import Analysis
from ccma_seg.report import make_label_map
from ccma_seg.report.views import Plane, sample
from ccma_seg.volume import LabelMap, Volume

_WIDE_WINDOW_HU = (-400.0, 1400.0)
"""W 1800 L 500: in a soft-tissue window core and rim look alike."""
_DIFFERENCE_WINDOW_HU = (-400.0, 400.0)
_WIDTH_MM, _PIXEL_MM = 80.0, 0.4
_ALONG_EDGES = ("", "", "atrium", "apex")
_NAMES = {Kind.FOLLOW_UP: ("baseline", "follow-up"), Kind.PHASES: ("first phase", "second phase")}
_NO_EDGES = ("", "", "", "")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """One view."""

    plane: Plane
    image: npt.NDArray[Any] | None
    """HU; None where the images are not kept."""
    labels: LabelMap | None
    window_hu: tuple[float, float] = _WIDE_WINDOW_HU
    colors: str = "gray"


def lesion_panels(comparison: Comparison, lesion: dict[str, Any] | None) -> list[Panel]:
    """Return a lesion, or the annulus if there is none, along the axis and en face, in both exams."""
    exams = comparison.baseline, comparison.followup
    numbers = [None if lesion is None else lesion[name] for name in ("baseline_id", "followup_id")]
    offsets = [_offset_mm(exam, number) for exam, number in zip(exams, numbers, strict=True)]
    places = [own if own is not None else other for own, other in (offsets, offsets[::-1])]
    names = _NAMES[Kind(comparison.kind)]
    planes = [_planes(exam, at, name) for exam, at, name in zip(exams, places, names, strict=True)]
    return [_panel(exam, views[k]) for k in (0, 1) for exam, views in zip(exams, planes, strict=True)]


def phase_panels(analysis: Analysis) -> list[Panel]:
    """Return one plane in the first phase, in the second brought onto it, and their difference; none if not aligned.

    The second is brought onto the largest mass, which moves otherwise than the heart; without one onto the heart.
    """
    phase, annulus = analysis.second_phase, analysis.anatomy.annulus
    if phase is None or phase.alignment is None or annulus is None:
        return []
    alignment = _at_mass(analysis, phase) or phase.alignment
    focus = analysis.masses[0].measurements.centroid_mm if analysis.masses else annulus.center_mm
    names = (
        f"contrast {analysis.anatomy.contrast.state}",
        f"contrast {phase.contrast.state}, aligned ({alignment.residual_mm:.1f} mm left)",
        "difference, -400 to 400 HU",
    )
    planes = [_plane(name, focus, (annulus.posterior, annulus.normal), edges=_ALONG_EDGES) for name in names]
    first, second = (_image(v, planes[0]) for v in (analysis.volume, alignment.brought_back(phase.volume)))
    labels = make_label_map(analysis)
    return [
        Panel(plane=planes[0], image=first, labels=labels),
        Panel(plane=planes[1], image=second, labels=labels),
        Panel(plane=planes[2], image=first - second, labels=labels, window_hu=_DIFFERENCE_WINDOW_HU, colors="coolwarm"),
    ]


def _at_mass(analysis: Analysis, phase: SecondPhase) -> Alignment | None:
    """Return how the largest mass was aligned; None without one, or where the phase does not show it."""
    if not analysis.masses:
        return None
    lesion = analysis.masses[0].lesion
    pair = pair_up(analysis.volume, analysis.anatomy, lesion, phase, phases=analysis.config.phases)
    return None if pair is None or not shows(lesion, pair) else pair.alignment


def _panel(exam: Exam, plane: Plane) -> Panel:
    image = None if exam.analysis is None else _image(exam.analysis.volume, plane)
    return Panel(plane=plane, image=image, labels=exam.labels)


def _image(volume: Volume, plane: Plane) -> npt.NDArray[Any]:
    return sample(volume.hu, volume.geometry, plane, linear=True).astype(np.float32)


def _planes(exam: Exam, offset: Floats | None, name: str) -> tuple[Plane, Plane]:
    """Return the plane of the axis and the lesion, and the one across the axis through it."""
    annulus = exam.record["annulus"]
    normal = np.array(annulus["normal"] or (0.0, 0.0, 1.0))
    offset = np.zeros(3) if offset is None else offset
    flat = offset - (offset @ normal) * normal
    radial = unit(flat) if np.linalg.norm(flat) > 0 else unit(np.cross(normal, np.eye(3)[np.abs(normal).argmin()]))
    outward, apical, across = (as_point(v) for v in (radial, normal, np.cross(normal, radial)))
    middle = as_point(np.array(annulus["center_mm"] or _heart_mm(exam)) + offset)
    return (
        _plane(f"{name}, along the axis", middle, (outward, apical), edges=_ALONG_EDGES),
        _plane(f"{name}, en face", middle, (outward, across), edges=_NO_EDGES),
    )


def _plane(title: str, middle: Point, axes: tuple[Point, Point], *, edges: tuple[str, str, str, str]) -> Plane:
    right, down = axes
    return Plane(
        title=title, center_mm=middle, right=right, down=down, edges=edges, width_mm=_WIDTH_MM, pixel_mm=_PIXEL_MM
    )


def _offset_mm(exam: Exam, number: int | None) -> Floats | None:
    """Return where a lesion lies from the centre of its annulus."""
    lesion = next((x for x in exam.record["lesions"] if x["id"] == number), None)
    center = exam.record["annulus"]["center_mm"]
    return None if lesion is None or center is None else np.array(lesion["centroid_mm"]) - center


def _heart_mm(exam: Exam) -> Point:
    box = exam.record["heart"]["box_mm"]
    return (0.0, 0.0, 0.0) if box is None else as_point(np.mean(box, axis=0))
