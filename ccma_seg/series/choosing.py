"""Which series to read."""

from ccma_seg.errors import CcmaError, CorruptInputError, IncompleteVolumeError, NoSeriesError
from ccma_seg.series.inventory import Inventory, Series
from ccma_seg.series.params import ReadParams

_MOST_TOLD = 8


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
    if not wanted:
        raise NoSeriesError(_nothing(inventory))

    def refusal(series: Series) -> CcmaError | None:
        return series.refusal_with(allow_missing_slices=allow_missing_slices, allow_gantry_tilt=allow_gantry_tilt)

    readable = [series for series in wanted if refusal(series) is None]
    _one_patient(readable or wanted)
    if readable:
        return readable[0]
    errors = [error for error in map(refusal, wanted) if error is not None]
    grave = (IncompleteVolumeError, CorruptInputError)
    raise next((error for error in errors if isinstance(error, grave)), None) or _refused(inventory, wanted, errors)


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


def _refused(inventory: Inventory, wanted: list[Series], errors: list[CcmaError]) -> CcmaError:
    if len(errors) == 1 and not inventory.skipped:
        return errors[0]
    texts = list(dict.fromkeys(str(error) for error in errors))
    told = "; ".join(texts[:_MOST_TOLD])
    return NoSeriesError(f"no usable CT series among {len(wanted)}: {told}")


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
