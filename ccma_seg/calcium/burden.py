"""How much of the annulus is calcified: arc, thickness, extension, scores."""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy.findings import Anatomy, ContrastState
from ccma_seg.anatomy.sectors import at_trigone, sectors
from ccma_seg.calcium.extent import (
    ARC_BIN_DEG,
    Bricks,
    calcified_deg,
    extension_mm,
    leaflets,
    make_bricks,
    round_the_ring,
    thickness_mm,
)
from ccma_seg.calcium.findings import CalciumKind, CalciumMap
from ccma_seg.calcium.guerrero import Guerrero, score_guerrero
from ccma_seg.calcium.parameters import CalciumParams
from ccma_seg.calcium.scores import AGATSTON_SLICE_MM, agatston_of, hu_on_grid, mass_factor, mass_mg_of
from ccma_seg.errors import GeometryError
from ccma_seg.geometry import Bools, Floats
from ccma_seg.reasons import Reason
from ccma_seg.volume import Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class CalciumBurden:
    """Annular calcium as a whole; None where not measured, with a reason.

    Arc, thickness, sectors, trigones and leaflets leave out the masses given; `..._with_masses` do not. What each is:
    `quantities.toml`.
    """

    annular_volume_mm3: float | None = None
    undecided_volume_mm3: float | None = None
    detection_limit_mm3: float | None = None
    agatston: float | None = None
    agatston_by_thickness: float | None = None
    mass_mg: float | None = None
    mass_calibrated: bool = False
    mass_factor_mg_cm3_hu: float | None = None
    arc_deg: float | None = None
    arc_with_masses_deg: float | None = None
    sectors: tuple[str, ...] = ()
    thickness_mm: float | None = None
    max_thickness_mm: float | None = None
    thickness_with_masses_mm: float | None = None
    max_thickness_with_masses_mm: float | None = None
    trigones: dict[str, bool] | None = None
    leaflets: dict[str, bool] | None = None
    myocardial_extension_mm: float | None = None
    guerrero: Guerrero = field(default_factory=Guerrero)
    reasons: tuple[Reason, ...] = ()


def measure_burden(
    volume: Volume,
    anatomy: Anatomy,
    calcium: CalciumMap,
    *,
    masses: Bools | None = None,
    params: CalciumParams = CalciumParams(),
) -> CalciumBurden:
    """Measure the annular calcium.

    Parameters
    ----------
    volume
        (slice, row, column) HU.
    anatomy
        Of this volume.
    calcium
        On a crop of its grid.
    masses
        On the grid of `calcium`: voxels of caseous masses, which are not part of the band.
    params
        Limits of what may be scored.

    Raises
    ------
    GeometryError
        If `calcium` is not on a crop of the volume's grid, or `masses` not on the grid of `calcium`.
    """
    if masses is not None and masses.shape != calcium.geometry.shape:
        raise GeometryError(f"masses must lie on the grid of the calcium {calcium.geometry.shape}: {masses.shape}")
    annular = calcium.voxels_of_kind(CalciumKind.ANNULAR)
    hu = hu_on_grid(volume, calcium)
    scores = _scores(volume, anatomy, calcium, hu=hu, voxels=len(annular), params=params)
    if anatomy.annulus is None:
        return scores
    background = 0.0 if calcium.blood is None else calcium.blood.hu
    every = make_bricks(hu, annular, calcium, anatomy.annulus)
    band = every if masses is None else every.where(np.repeat(~masses[tuple(annular.T)], every.parts_of(calcium)))
    return _with_shape(scores, every, band, calcium=calcium, volume=volume, background_hu=background, params=params)


def _scores(
    volume: Volume,
    anatomy: Anatomy,
    calcium: CalciumMap,
    *,
    hu: npt.NDArray[np.int16],
    voxels: int,
    params: CalciumParams,
) -> CalciumBurden:
    bare = CalciumBurden(
        annular_volume_mm3=voxels * calcium.geometry.voxel_mm3,
        undecided_volume_mm3=calcium.volume_of_kind_mm3(CalciumKind.UNDECIDED),
        detection_limit_mm3=calcium.detection_limit_mm3,
    )
    if anatomy.contrast.state != ContrastState.NONE:
        text = "Agatston score and mass are defined without contrast; with it only the volume is given."
        return replace(bare, reasons=(Reason("contrast_no_score", text),))
    annular = calcium.of_kind(CalciumKind.ANNULAR)
    voltage = volume.acquisition.tube_voltage_kv or params.assumed_tube_voltage_kv
    factor = mass_factor(voltage, params)
    weighed = replace(
        bare,
        mass_mg=mass_mg_of(hu, annular, calcium.geometry, factor),
        mass_calibrated=factor.calibrated,
        mass_factor_mg_cm3_hu=factor.mg_per_cm3_per_hu,
        reasons=() if factor.calibrated else (_uncalibrated(factor.mg_per_cm3_per_hu, voltage),),
    )
    thickness = _slice_mm(volume)
    if not params.min_score_slice_mm <= thickness <= params.max_score_slice_mm:
        return replace(weighed, reasons=(*weighed.reasons, _no_agatston(thickness, params)))
    score = agatston_of(hu, annular, calcium.geometry, voltage, params)
    return replace(weighed, agatston=score, agatston_by_thickness=score * AGATSTON_SLICE_MM / thickness)


def _no_agatston(thickness: float, params: CalciumParams) -> Reason:
    needed = f"{params.min_score_slice_mm:g}-{params.max_score_slice_mm:g} mm"
    return Reason("slices_no_agatston", f"An Agatston score needs slices of {needed}; these have {thickness:g} mm.")


def _uncalibrated(factor: float, voltage: float) -> Reason:
    text = f"Calcium mass uses {factor:.2f} mg/cm3 per HU, usual at {voltage:.0f} kVp: not calibrated, +-8 %."
    return Reason("mass_uncalibrated", text)


def _slice_mm(volume: Volume) -> float:
    return volume.acquisition.slice_thickness_mm or volume.geometry.spacing_mm[0]


def _with_shape(
    scores: CalciumBurden,
    every: Bricks,
    band: Bricks,
    *,
    calcium: CalciumMap,
    volume: Volume,
    background_hu: float,
    params: CalciumParams,
) -> CalciumBurden:
    ring, ring_every = round_the_ring(band, params), round_the_ring(every, params)
    thickness, thickness_every = (
        thickness_mm(part, threshold_hu=calcium.threshold_hu, background_hu=background_hu, params=params)
        for part in (ring, ring_every)
    )
    angles = calcified_deg(ring)
    thin = _slice_mm(volume) <= params.max_leaflet_slice_mm
    shaped = replace(
        scores,
        arc_deg=angles.size * ARC_BIN_DEG,
        arc_with_masses_deg=calcified_deg(ring_every).size * ARC_BIN_DEG,
        sectors=sectors(angles),
        thickness_mm=_mean(thickness),
        max_thickness_mm=_max(thickness),
        thickness_with_masses_mm=_mean(thickness_every),
        max_thickness_with_masses_mm=_max(thickness_every),
        trigones={
            "anterolateral": bool(at_trigone(angles, lateral=True).any()),
            "posteromedial": bool(at_trigone(angles, lateral=False).any()),
        },
        leaflets=leaflets(band, params) if thin else None,
        myocardial_extension_mm=extension_mm(ring),
    )
    if angles.size == 0:
        return shaped
    unseen = () if thin else (_leaflets_unseen(volume, params),)
    return replace(shaped, guerrero=_guerrero(shaped), reasons=(*shaped.reasons, *unseen))


def _guerrero(burden: CalciumBurden) -> Guerrero:
    return score_guerrero(
        thickness_mm=burden.thickness_mm,
        arc_deg=burden.arc_deg,
        trigones=None if burden.trigones is None else sum(burden.trigones.values()),
        leaflets=None if burden.leaflets is None else sum(burden.leaflets.values()),
    )


def _leaflets_unseen(volume: Volume, params: CalciumParams) -> Reason:
    text = (
        f"Leaflet calcium is not assessable on slices of {_slice_mm(volume):g} mm (at most "
        f"{params.max_leaflet_slice_mm:g} mm), so the Guerrero total is not given."
    )
    return Reason("leaflets_not_assessable", text)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None


def _max(values: Floats) -> float | None:
    return float(values.max()) if values.size else None
