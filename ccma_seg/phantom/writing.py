"""A phantom on disk: DICOM like a scanner's, and its truth."""

import json
from pathlib import Path

from ccma_seg.errors import OutputError
from ccma_seg.phantom.generation import Phantom
from ccma_seg.series.uids import derived_uid
from ccma_seg.series.writing import SeriesTags, write_series


def write_phantom(phantom: Phantom, out: str | Path) -> tuple[Path, ...]:
    """Write `dicom/` (one folder a phase when there are several) and `truth.json`; returns the images.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    folder, spec = Path(out), phantom.recipe.scanner
    written: list[Path] = []
    for number, volume in enumerate(phantom.phases, 1):
        target = folder / "dicom" / (f"phase{number}" if len(phantom.phases) > 1 else "")
        tags = SeriesTags(
            patient_name=f"Phantom^{phantom.recipe.name}",
            patient_id=_patient_id(phantom),
            series_number=number,
            gantry_tilt_deg=spec.gantry_tilt_deg,
        )
        written += write_series(
            volume,
            target,
            compression=spec.compression,
            tags=tags,
            positions_mm=phantom.positions_mm,
            omit=spec.omit_slices,
        )
    try:
        text = json.dumps(phantom.truth, indent=1, ensure_ascii=False) + "\n"
        (folder / "truth.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write truth.json: {error.strerror}") from error
    return tuple(written)


def _patient_id(phantom: Phantom) -> str:
    """Name the patient: the same body at every exam, whatever has become of the lesions."""
    body = derived_uid("patient", repr(phantom.recipe.anatomy), str(phantom.seed))
    return f"PHANTOM-{phantom.seed}-{body[-8:]}"
