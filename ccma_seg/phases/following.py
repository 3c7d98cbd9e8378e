"""One mass through all phases of an exam: where it lies, how large and how dense it is in each."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ccma_seg.anatomy import Anatomy, Contrast
from ccma_seg.lesion import CAVITY, Lesion, LesionParams, Measurements, measure, shape, sphere
from ccma_seg.lesion.findings import InPhase, Spread
from ccma_seg.lesion.measurement import part_hu
from ccma_seg.lesion.outline import outline_again
from ccma_seg.lesion.surface import envelope_points
from ccma_seg.phases.differences import cores_in_both, measure_in_both
from ccma_seg.phases.findings import SecondPhase, name_of
from ccma_seg.phases.fitting import calcium_above_hu
from ccma_seg.phases.pairing import Pair, pair_up, rim_seen, shows
from ccma_seg.phases.params import PhaseParams
from ccma_seg.reasons import Reason
from ccma_seg.volume import Volume


def measure_in_phases(
    first: Volume,
    anatomy: Anatomy,
    lesion: Lesion,
    others: Sequence[SecondPhase],
    *,
    params: LesionParams = LesionParams(),
    phases: PhaseParams = PhaseParams(),
) -> tuple[Lesion, Measurements]:
    """Measure one mass in all phases of an exam.

    Parameters
    ----------
    first, anatomy
        What `lesion` was found in.
    lesion
        From `segment`.
    others
        The other phases, from `set_beside`: the first of them tells blood from paste, all how figures spread.
    params, phases
        How a mass is measured, and what is made of other phases.

    Returns
    -------
    tuple of Lesion, Measurements
        The lesion with cavity and leak as two phases have them; its figures, with those that several phases give.
    """
    pairs = [pair_up(first, anatomy, lesion, other, phases=phases) for other in others]
    pairs = [pair if pair is not None and shows(lesion, pair) else None for pair in pairs]
    unseen = [_unseen(lesion, other) for other, pair in zip(others, pairs, strict=True) if pair is None]
    lesion = replace(lesion, reasons=(*lesion.reasons, *(reason for reason in unseen if reason is not None)))
    decisive = pairs[0] if pairs else None
    if decisive is None:
        measured = measure(first, anatomy, lesion, params)
    else:
        lesion, measured = measure_in_both(lesion, decisive, params=params)
    if not others:
        return lesion, measured
    seen = [_in_phase(lesion, other, pair, params=params) for other, pair in zip(others, pairs, strict=True)]
    if measured.core.mean_hu is None:
        seen = [(replace(row, core_hu=None), reasons) for row, reasons in seen]
    return lesion, _followed(measured, first, anatomy, seen)


def _unseen(lesion: Lesion, other: SecondPhase) -> Reason | None:
    """Say that a phase which fits does not show a mass."""
    if other.alignment is None:
        return None
    text = (
        f"The rim of lesion {lesion.id} is not calcified in {name_of(other.volume)}: it does not show this mass, "
        "or not at this place, and is not used for it."
    )
    return Reason("second_phase_misfit", text, degrades=True)


def _in_phase(
    lesion: Lesion, other: SecondPhase, pair: Pair | None, *, params: LesionParams
) -> tuple[InPhase, tuple[Reason, ...]]:
    """Measure a mass in one other phase, with what could not be."""
    seen = _labelled(other.volume, other.contrast)
    if pair is None:
        return seen, ()
    sized, reasons = _sized(seen, lesion, pair, params=params)
    _, core = cores_in_both(lesion, pair, params)
    return replace(
        sized,
        moved_mm=_moved_mm(lesion, pair),
        residual_mm=pair.alignment.residual_mm,
        rim_seen_pct=100 * rim_seen(lesion, pair),
        core_hu=core.mean_hu,
        cavity_hu=part_hu(pair.seen_hu, lesion, CAVITY),
    ), reasons


def _labelled(volume: Volume, contrast: Contrast) -> InPhase:
    return InPhase(
        series_uid=volume.acquisition.series_uid,
        cardiac_phase_percent=volume.acquisition.cardiac_phase_percent,
        contrast=contrast.state,
        blood_pool_hu=contrast.blood_pool_hu,
    )


def _moved_mm(lesion: Lesion, pair: Pair) -> float | None:
    """Return how far a mass lies from its place in the first phase; None where the series share no coordinates."""
    one, other = (v.acquisition.frame_of_reference_uid for v in (pair.first, pair.second))
    if one != other:
        return None
    place = np.array(lesion.envelope.center_mm)
    return float(np.linalg.norm(pair.alignment.to_second(place) - place))


def _sized(seen: InPhase, lesion: Lesion, pair: Pair, *, params: LesionParams) -> tuple[InPhase, tuple[Reason, ...]]:
    """Outline a mass anew, where slices are alike: on thicker ones another size is no change."""
    one, other = (v.geometry.spacing_mm[0] for v in (pair.first, pair.second))
    if max(one, other) > pair.params.slices_alike * min(one, other):
        text = f"Sizes are not compared between phases with slices {one:g} and {other:g} mm apart."
        return seen, (Reason("phase_slices_differ", text),)
    wall_hu = max(lesion.wall_hu, calcium_above_hu(pair.second, pair.anatomies[1]))
    envelope = outline_again(pair.second, lesion, wall_hu=wall_hu, params=params)
    if envelope is None:
        text = f"Lesion {lesion.id} could not be outlined in every phase: how far its size spreads is not known."
        return seen, (Reason("not_outlined_again", text),)
    points = envelope_points(envelope)
    body = shape.describe_mesh(points, sphere.triangles(len(points)))
    long_mm, short_mm, third_mm = body.axes_mm
    return replace(
        seen, long_axis_mm=long_mm, short_axis_mm=short_mm, third_axis_mm=third_mm, volume_mm3=body.volume_mm3
    ), ()


def _followed(
    measured: Measurements, first: Volume, anatomy: Anatomy, seen: Sequence[tuple[InPhase, tuple[Reason, ...]]]
) -> Measurements:
    """Add the rows of all phases, and how far their figures spread."""
    own = replace(
        _labelled(first, anatomy.contrast),
        moved_mm=0.0,
        long_axis_mm=measured.long_axis_mm,
        short_axis_mm=measured.short_axis_mm,
        third_axis_mm=measured.third_axis_mm,
        volume_mm3=measured.volume_mm3,
        core_hu=measured.core.mean_hu,
        cavity_hu=measured.cavity.mean_hu,
    )
    rows = (own, *(row for row, _ in seen))
    names = ("long_axis_mm", "short_axis_mm", "volume_mm3", "core_hu")
    spread = Spread(**{name: _range([getattr(row, name) for row in rows]) for name in names})
    reasons = dict.fromkeys(reason for _, lost in seen for reason in lost)
    return replace(measured, phases=rows, spread=spread, reasons=(*measured.reasons, *reasons))


def _range(figures: Sequence[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return max(known) - min(known) if len(known) > 1 else None
