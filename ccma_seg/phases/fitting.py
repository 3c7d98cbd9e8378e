"""Whether a second phase belongs to the first, and where it lies."""

import numpy as np

from ccma_seg.anatomy import Anatomy, Contrast, ContrastState, MitralAnnulus
from ccma_seg.calcium.threshold import threshold_at
from ccma_seg.errors import GeometryError
from ccma_seg.geometry import Floats
from ccma_seg.phases.alignment import Region, align_heart, shift
from ccma_seg.phases.findings import SecondPhase, name_of
from ccma_seg.phases.params import PhaseParams
from ccma_seg.reasons import Reason
from ccma_seg.tissue import ABOVE_BLOOD_HU
from ccma_seg.volume import Volume

USUAL_KV = 120.0
"""Where the headers do not give the tube voltage."""


def fit_phase(
    first: Volume, second: Volume, anatomies: tuple[Anatomy, Anatomy], params: PhaseParams = PhaseParams()
) -> SecondPhase:
    """Align a second phase with the first, or say why it does not belong there.

    Parameters
    ----------
    first, second
        Two phases of one exam; the first is the one that is analysed.
    anatomies
        Of the first and of the second.
    params
        How they are aligned, and how well they must fit.

    Returns
    -------
    SecondPhase
        Without an alignment, and with a reason, where the two do not fit.
    """
    contrast, name = anatomies[1].contrast, name_of(second)
    refusal = _other_patient(first, second)
    annulus = anatomies[0].annulus
    if refusal is not None:
        return _refused(second, contrast, refusal)
    if annulus is None:
        return _refused(second, contrast, f"The first phase has no annulus by which {name} is aligned: it is not used.")
    region = Region(
        center_mm=annulus.center_mm,
        half_mm=params.heart_half_mm,
        cell_mm=params.heart_cell_mm,
        calcium_hu=max(map(calcium_above_hu, (first, second), anatomies)),
    )
    try:
        found = align_heart(first, second, region, starts=_starts(annulus, anatomies[1], params), params=params)
    except GeometryError:
        return _refused(second, contrast, f"The heart of the first phase is not in {name}: it is not used.")
    if found.correlation < params.correlation_min and found.residual_mm > params.residual_max_mm:
        text = (
            f"The first phase does not fit {name}: aligned, edges lie {found.residual_mm:.1f} mm apart (at most "
            f"{params.residual_max_mm:g}) and the hearts correlate by {found.correlation:.2f} (at least "
            f"{params.correlation_min:g}); it may show another patient or another part, and is not used."
        )
        return _refused(second, contrast, text)
    return SecondPhase(volume=second, contrast=contrast, alignment=found, reasons=_remarks(first, second))


def no_heart(second: Volume) -> SecondPhase:
    """Return a second phase in which no heart was found, with the reason."""
    unknown = Contrast(state=ContrastState.UNCERTAIN, blood_pool_hu=None, blood_pool_sd_hu=None)
    return _refused(second, unknown, f"There is no usable heart in {name_of(second)}: it is not used.")


def calcium_above_hu(volume: Volume, anatomy: Anatomy) -> float:
    """Return the HU above which there is only calcium."""
    plain, blood = threshold_at(volume.acquisition.tube_voltage_kv or USUAL_KV), anatomy.contrast.blood_pool_hu
    return plain if blood is None else max(plain, blood + ABOVE_BLOOD_HU)


def _refused(second: Volume, contrast: Contrast, text: str) -> SecondPhase:
    reason = Reason("second_phase_refused", text, degrades=True)
    return SecondPhase(volume=second, contrast=contrast, alignment=None, reasons=(reason,))


def _other_patient(first: Volume, second: Volume) -> str | None:
    keys = {first.acquisition.patient_key, second.acquisition.patient_key} - {""}
    return None if len(keys) <= 1 else f"As the headers say, {name_of(second)} is of another patient: it is not used."


def _starts(annulus: MitralAnnulus, second: Anatomy, params: PhaseParams) -> list[Floats]:
    """Return where to begin: the same place, higher and lower, and annulus onto annulus."""
    shifts = [np.array((0.0, 0.0, z)) for z in params.starts_mm]
    if second.annulus is not None:
        shifts.append(np.array(second.annulus.center_mm) - annulus.center_mm)
    return [shift(mm) for mm in shifts]


def _remarks(first: Volume, second: Volume) -> tuple[Reason, ...]:
    """Say what is unusual about two series that fit."""
    one, other = first.acquisition, second.acquisition
    remarks = []
    if one.study_uid and other.study_uid and one.study_uid != other.study_uid:
        text = "The second phase is from another study; if it is a later exam, use `ccma-seg compare`."
        remarks.append(Reason("phases_of_two_studies", text))
    if one.frame_of_reference_uid != other.frame_of_reference_uid:
        text = "The two phases have different frames of reference; they were aligned by the images alone."
        remarks.append(Reason("phases_of_two_frames", text))
    return tuple(remarks)
