"""Several phases of one exam: which gives the anatomy, and which of the others tells most."""

from collections.abc import Sequence
from functools import partial

from ccma_seg.anatomy import Anatomy, Contrast, ContrastState, LocateParams, locate
from ccma_seg.errors import ConfigError, NoHeartError
from ccma_seg.phases.findings import SecondPhase
from ccma_seg.phases.fitting import fit_phase, no_heart
from ccma_seg.phases.params import PhaseParams
from ccma_seg.volume import Volume


def set_beside(
    volume: Volume,
    anatomy: Anatomy,
    others: Sequence[Volume],
    *,
    locating: LocateParams,
    params: PhaseParams,
    may_swap: bool,
) -> tuple[Volume, Anatomy, tuple[SecondPhase, ...]]:
    """Choose which phase gives the anatomy, and align the others with it.

    Parameters
    ----------
    volume, anatomy
        One phase, and what was found in it.
    others
        The other phases; none leaves things as they are.
    locating, params
        How hearts are found, and how phases are aligned.
    may_swap
        Whether the first phase with contrast gives the anatomy; otherwise `volume` does.

    Returns
    -------
    tuple
        The phase that is analysed, its anatomy, and the others: that whose blood differs most, clearly, comes first,
        the rest as given.

    Raises
    ------
    ConfigError
        If two phases are the same series.
    """
    _refuse_doubles(volume, *others)
    located = [(volume, anatomy), *((other, _located(other, locating)) for other in others)]
    enhanced = [a is not None and a.contrast.state == ContrastState.ENHANCED for _, a in located]
    first, chosen = located.pop(enhanced.index(True) if may_swap and any(enhanced) else 0)
    assert chosen is not None
    fits = [_fitted(first, chosen, phase, params) for phase in located]
    return first, chosen, _decisive_first(fits, chosen.contrast, params)


def _refuse_doubles(*volumes: Volume) -> None:
    uids = [uid for volume in volumes if (uid := volume.acquisition.series_uid)]
    if len(set(uids)) < len(uids):
        raise ConfigError("each phase must be another series than the rest, one came twice; name its folder")


def _located(volume: Volume, params: LocateParams) -> Anatomy | None:
    try:
        return locate(volume, params)
    except NoHeartError:
        return None


def _fitted(first: Volume, anatomy: Anatomy, phase: tuple[Volume, Anatomy | None], params: PhaseParams) -> SecondPhase:
    volume, found = phase
    return no_heart(volume) if found is None else fit_phase(first, volume, (anatomy, found), params)


def _decisive_first(fits: list[SecondPhase], contrast: Contrast, params: PhaseParams) -> tuple[SecondPhase, ...]:
    if not fits:
        return ()
    decisive = max(fits, key=partial(_blood_change_hu, contrast, params))
    return (decisive, *(fit for fit in fits if fit is not decisive))


def _blood_change_hu(contrast: Contrast, params: PhaseParams, fit: SecondPhase) -> float:
    """Return how much the blood of a phase differs from that of the first; 0 if too little, -1 if it does not fit."""
    if fit.alignment is None:
        return -1.0
    one, other = contrast.blood_pool_hu, fit.contrast.blood_pool_hu
    change = 0.0 if one is None or other is None else abs(one - other)
    return change if change >= params.blood_change_min_hu else 0.0
