"""Which series to read."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from ccma_seg.errors import CcmaError, CorruptInputError, IncompleteVolumeError, NoSeriesError
from ccma_seg.reasons import Reason
from ccma_seg.series.headers import DAMAGED, NOT_READ
from ccma_seg.series.inventory import Inventory, Series
from ccma_seg.series.params import ReadParams

_MOST_TOLD = 8
_FEW = 3
_GRAVE = (IncompleteVolumeError, CorruptInputError)


def choose_series(
    inventory: Inventory,
    *,
    series_uid: str | None = None,
    phase: float | None = None,
    allow_missing_slices: bool = False,
    allow_gantry_tilt: bool = False,
    params: ReadParams = ReadParams(),
) -> Series:
    """Choose the series to read: the one asked for, else the best suited.

    Parameters
    ----------
    inventory
        From `find_series`.
    series_uid
        SeriesInstanceUID of the one wanted.
    phase
        Percent of the R-R interval of the one wanted.
    allow_missing_slices, allow_gantry_tilt
        Also consider series that can be read only with these options of `read_series`.
    params
        Tolerances.

    Raises
    ------
    NoSeriesError
        If nothing fits, or if the input holds several patients and `series_uid` does not say which.
    IncompleteVolumeError, CorruptInputError
        If the best that fits cannot be read.
    """
    wanted = _of_phase(_of_uid(inventory.series, series_uid), phase, params)
    options = {"allow_missing_slices": allow_missing_slices, "allow_gantry_tilt": allow_gantry_tilt}
    readable = [series for series in wanted if series.refusal_with(**options) is None]
    _one_patient([series for series in wanted if series in readable or _is_slices(series)])
    if not readable:
        raise _refused(inventory, wanted, options)
    best = max(readable, key=lambda series: series.rank)
    return replace(best, reasons=(*best.reasons, *_choice(best, readable, wanted), *_lost(inventory)))


def _choice(best: Series, readable: list[Series], wanted: list[Series]) -> Iterator[Reason]:
    """Say how the choice was made, where there was one."""
    if len(readable) > 1:
        yield Reason("series_chosen", f"the best suited of {len(readable)} series: {best.rank_text}")
    better = [series for series in wanted if series.rank > best.rank and _is_slices(series)]
    if better:
        yield Reason("better_series_refused", f"a better suited series was refused: {better[0].refusal}")


def _lost(inventory: Inventory) -> Iterator[Reason]:
    """Name files that may have held slices, so that nobody takes the rest for the whole."""
    names = [skipped.name for skipped in inventory.skipped if skipped.reason.code in (DAMAGED, NOT_READ)]
    if names:
        told = ", ".join(PurePosixPath(name).name for name in names[:_FEW])
        more = ", ..." if len(names) > _FEW else ""
        yield Reason("unreadable_files", f"{len(names)} files could not be read: {told}{more}", degrades=True)


def _is_slices(series: Series) -> bool:
    return any(obstacle.error in _GRAVE for obstacle in series.obstacles)


def _of_uid(series: tuple[Series, ...], uid: str | None) -> list[Series]:
    if uid is None:
        return list(series)
    found = [one for one in series if one.series_uid == uid]
    if found:
        return found
    raise NoSeriesError(f"no series has the UID {uid[:64]!r}; there are {_list(series)}")


def _of_phase(series: list[Series], phase: float | None, params: ReadParams) -> list[Series]:
    if phase is None:
        return series
    known = [one for one in series if one.phase_percent is not None]
    found = [one for one in known if abs((one.phase_percent or 0.0) - phase) <= params.phase_tolerance_percent]
    if found:
        return found
    phases = ", ".join(f"{value:g} %" for value in sorted({one.phase_percent or 0.0 for one in known}))
    there = f"there are {phases}" if phases else "no series names its phase; choose with --series-uid"
    raise NoSeriesError(f"no series shows the phase {phase:g} %; {there}")


def _one_patient(series: list[Series]) -> None:
    """Refuse to choose between people."""
    by_patient = {one.images[0].patient_key: one for one in series if one.images and one.images[0].patient_key}
    if len(by_patient) > 1:
        raise NoSeriesError(
            f"the input must hold one patient, it holds {len(by_patient)}; give one folder each, or say which with "
            f"--series-uid: {_list(tuple(series))}"
        )


def _list(series: tuple[Series, ...]) -> str:
    uids = list(dict.fromkeys(one.series_uid or "(no UID)" for one in series))
    return ", ".join(uids[:_MOST_TOLD]) + (f" and {len(uids) - _MOST_TOLD} more" if len(uids) > _MOST_TOLD else "")


def _refused(inventory: Inventory, wanted: list[Series], options: dict[str, bool]) -> CcmaError:
    """Return the error for an input of which nothing can be read."""
    damaged = _damaged(inventory)
    if not wanted:
        return CorruptInputError(f"{damaged}; copy it again") if damaged else NoSeriesError(_nothing(inventory))
    grave = [series for series in wanted if _is_slices(series)]
    if grave:
        return _grave(inventory, max(grave, key=lambda series: series.rank), options)
    texts = list(dict.fromkeys(str(series.refusal) for series in wanted))
    if len(texts) == 1:
        return NoSeriesError(texts[0])
    told = "; ".join(texts[:_MOST_TOLD])
    return NoSeriesError(f"the input must hold a CT volume, none of its {len(wanted)} series is one: {told}")


def _grave(inventory: Inventory, series: Series, options: dict[str, bool]) -> CcmaError:
    """Return the error for slices that could have been a volume, but for a defect."""
    error = series.refusal_with(**options) or NoSeriesError("refused")
    damaged = _damaged(inventory)
    return CorruptInputError(f"{damaged}; copy it again (without it, {error})") if damaged else error


def _damaged(inventory: Inventory) -> str | None:
    """Name the first file that is DICOM, but damaged."""
    damaged = next((skipped for skipped in inventory.skipped if skipped.reason.code == DAMAGED), None)
    if damaged is None:
        return None
    return f"{PurePosixPath(damaged.name).name} must be a whole DICOM file: {damaged.reason.text}"


def _nothing(inventory: Inventory) -> str:
    if not inventory.skipped:
        return "the input must hold a CT series, it is empty"
    counts: dict[str, int] = {}
    for skipped in inventory.skipped:
        counts[skipped.reason.text] = counts.get(skipped.reason.text, 0) + 1
    told = ", ".join(
        f"{count} x {text}" for text, count in sorted(counts.items(), key=lambda item: -item[1])[:_MOST_TOLD]
    )
    return f"the input must hold a CT series; of {len(inventory.skipped)} files none belongs to one: {told}"
