"""From a recipe to a phantom."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.errors import NotBuiltError
from ccma_seg.geometry import Floats, Geometry, as_point
from ccma_seg.phantom.bodies import Filling, fill
from ccma_seg.phantom.contrast import Brightness, brightness
from ccma_seg.phantom.heart import Heart, make_heart
from ccma_seg.phantom.labelling import label_parts
from ccma_seg.phantom.lesions import Built, build_lesion
from ccma_seg.phantom.phases import at_phase
from ccma_seg.phantom.recipe_files import read_recipe
from ccma_seg.phantom.rendering import Grid, Painted, paint
from ccma_seg.phantom.ring import make_annulus
from ccma_seg.phantom.roughness import SMOOTH
from ccma_seg.phantom.scanner import SliceProfile, scan_slab, slabs, slice_profile
from ccma_seg.phantom.spec import Orifice, Recipe, ScannerSpec
from ccma_seg.phantom.streaks import make_streaks
from ccma_seg.phantom.thorax import AIR_HU, make_bones, make_insert, make_thorax
from ccma_seg.phantom.truth import annulus_truth, exam_truth
from ccma_seg.phantom.variation import vary
from ccma_seg.series.uids import derived_uid
from ccma_seg.volume import Acquisition, LabelMap, Volume

_SLAB_SLICES = 16
"""Slices made at a time: bounds the memory."""

_ANNULUS_MM = (32.0, -118.0, -196.0)
"""Where the annulus lies in the scanner, as in a marked CT."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phantom:
    """A synthetic exam and its truth."""

    volume: Volume
    """The first phase; with a tilted gantry the slices really lie at `positions_mm`."""
    truth: dict[str, Any]
    """Named like the record of an analysis."""
    annulus: MitralAnnulus
    recipe: Recipe
    seed: int
    phases: tuple[Volume, ...] = ()
    """All phases, when there are several."""
    positions_mm: Floats | None = None
    """Where slices lie, when the gantry is tilted."""
    label: Callable[[], LabelMap] = field(repr=False)

    def parts(self) -> LabelMap:
        """Return the true parts, labels 1 to 7, on a crop of the volume's grid.

        Raises
        ------
        NotBuiltError
            If the gantry is tilted: the images then do not lie on a regular grid.
        """
        if self.positions_mm is not None:
            raise NotBuiltError("labels of an exam with a tilted gantry are not made: its slices are sheared")
        return self.label()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """Everything that is scanned."""

    annulus: MitralAnnulus
    heart: Heart
    hu: Brightness
    layers: tuple[Painted, ...]
    lesions: tuple[Built, ...]


def make_phantom(recipe: str | Path | Recipe, *, seed: int = 1, noise_seed: int | None = None) -> Phantom:
    """Make a synthetic exam with known truth.

    Parameters
    ----------
    recipe
        The name of a recipe that comes with the package, a TOML file, or a `Recipe`.
    seed
        Moves the anatomy, the random patches and the noise; same recipe and seed, same voxels.
    noise_seed
        Of the noise alone, for the same patient scanned again; `seed` if not given.

    Returns
    -------
    Phantom
        `.volume`, `.truth`, `.annulus`, and `.parts()`.

    Raises
    ------
    InputPathError, ConfigError
        If there is no such recipe, or it makes no sense.
    """
    given = recipe if isinstance(recipe, Recipe) else read_recipe(recipe)
    varied = replace(given, anatomy=vary(given.anatomy, seed=seed))
    geometry = volume_geometry(varied.scanner)
    seen = _acquisitions(varied, seed=seed)
    moments = [_moment(varied, a.cardiac_phase_percent, seed=seed) for a in seen]
    noise = seed if noise_seed is None else noise_seed
    phases = tuple(
        Volume(hu=_scan(m, varied.scanner, geometry, seed=_phase_seed(noise, i)), geometry=geometry, acquisition=a)
        for i, (m, a) in enumerate(zip(moments, seen, strict=True))
    )
    return Phantom(
        volume=phases[0],
        truth=_truth(varied, moments, phases, seed=seed),
        annulus=moments[0].annulus,
        recipe=varied,
        seed=seed,
        phases=phases,
        positions_mm=_tilted_positions(varied.scanner, geometry),
        label=lambda: label_parts(moments[0].heart, [b.body for b in moments[0].lesions], geometry),
    )


def _moment(recipe: Recipe, phase_percent: float | None, *, seed: int) -> Scene:
    """Build the scene of one phase."""
    anatomy, center = at_phase(recipe.anatomy, np.array(_ANNULUS_MM), phase_percent)
    return build_scene(replace(recipe, anatomy=anatomy), make_annulus(anatomy.annulus, center), seed=seed)


def _truth(recipe: Recipe, moments: Sequence[Scene], phases: Sequence[Volume], *, seed: int) -> dict[str, Any]:
    """Tell what is true of the first phase, and where the annulus lies in the others."""
    first = moments[0]
    truth = exam_truth(
        recipe, first.annulus, first.heart, hu=first.hu, lesions=first.lesions, volume=phases[0], seed=seed
    )
    if len(phases) == 1:
        return truth
    found = [
        {"percent": v.acquisition.cardiac_phase_percent, **annulus_truth(m.annulus)}
        for m, v in zip(moments, phases, strict=True)
    ]
    return {**truth, "phases": found}


def build_scene(recipe: Recipe, annulus: MitralAnnulus, *, seed: int) -> Scene:
    """Turn a recipe into solids and lesions."""
    kv = recipe.scanner.tube_voltage_kv
    hu = brightness(recipe.contrast, kv)
    heart = make_heart(recipe.anatomy, annulus, hu)
    scale = recipe.anatomy.body_scale
    layers = (
        *make_thorax(annulus.center_mm, hu, scale=scale, lung_seed=seed),
        *heart.painted,
        *make_bones(annulus.center_mm, scale=scale),
    )
    if recipe.anatomy.model == "qrm":
        layers = tuple(make_insert(annulus.center_mm))
    built = (build_lesion(s, annulus, hu, kv, seed=seed * 1000 + i) for i, s in enumerate(recipe.lesions))
    return Scene(annulus=annulus, heart=heart, hu=hu, layers=layers, lesions=tuple(built))


def volume_geometry(spec: ScannerSpec) -> Geometry:
    """Return the grid of the images; slices grow towards the head."""
    pixel = spec.field_of_view_mm / spec.matrix
    shape = (spec.slices, spec.matrix, spec.matrix)
    tilt = np.radians(spec.gantry_tilt_deg)
    rows = (0.0, float(np.cos(tilt)), float(np.sin(tilt)))
    normal = (0.0, -float(np.sin(tilt)), float(np.cos(tilt)))
    spacing = (spec.slice_spacing_mm, pixel, pixel)
    center = np.asarray(_ANNULUS_MM) + spec.center_offset_mm
    half = (np.array(shape) - 1) / 2 * spacing
    origin = np.round(center - half @ np.array([normal, rows, (1.0, 0.0, 0.0)]), 3)
    return Geometry(shape=shape, spacing_mm=spacing, origin_mm=as_point(origin), axes=(normal, rows, (1.0, 0.0, 0.0)))


def _scan(scene: Scene, spec: ScannerSpec, geometry: Geometry, *, seed: int) -> Any:
    profile = slice_profile(spec)
    whole = object_grid(geometry, profile, first=0, slices=spec.slices)
    fillings = [f for f in (fill(b.body, whole) for b in scene.lesions) if f is not None]
    hu = np.empty(geometry.shape, np.int16)
    for first, count in slabs(spec.slices, _SLAB_SLICES):
        planes = _planes(
            scene, object_grid(geometry, profile, first=first, slices=count), fillings, first * profile.planes_per_slice
        )
        streaks = make_streaks(planes, spec, profile, slices=count) if spec.streak_hu > 0 else None
        hu[first : first + count] = scan_slab(planes, spec, first_slice=first, slices=count, seed=seed, streaks=streaks)
    return hu


def _planes(scene: Scene, grid: Grid, fillings: Sequence[Filling], first_plane: int) -> Any:
    planes = np.full(grid.shape, AIR_HU, np.float32)
    paint(planes, grid, scene.layers)
    for filling in fillings:
        filling.put_into(planes, first=first_plane)
    return planes


def object_grid(geometry: Geometry, profile: SliceProfile, *, first: int, slices: int) -> Grid:
    """Return where the planes of the object lie from which some slices are gathered."""
    count = profile.plane_count(slices)
    along = first * geometry.spacing_mm[0] + profile.first_mm + np.arange(count) * profile.step_mm
    rows = np.arange(geometry.shape[1]) * geometry.spacing_mm[1]
    x = geometry.origin_mm[0] + np.arange(geometry.shape[2]) * geometry.spacing_mm[2]
    y = geometry.origin_mm[1] + rows * geometry.axes[1][1]
    z = geometry.origin_mm[2] + along[:, None] + rows[None] * geometry.axes[1][2]
    z = z[:, :1] if geometry.axes[1][2] == 0 else z
    steps = (profile.step_mm, geometry.spacing_mm[1], geometry.spacing_mm[2])
    return Grid(
        x=x[None, None].astype(np.float32),
        y=y[None, :, None].astype(np.float32),
        z=z[:, :, None].astype(np.float32),
        voxel_mm=steps,
    )


def _acquisitions(recipe: Recipe, *, seed: int) -> list[Acquisition]:
    spec = recipe.scanner
    kernels = {"soft": "B26f", "medium": "B30f", "sharp": "B46f"}
    dated = (spec.date,) if spec.date else ()
    rough = tuple(repr(s.rough) for s in recipe.lesions if s.rough != SMOOTH)
    anatomy = recipe.anatomy
    orifice = () if anatomy.orifice == Orifice.ROUND else (f"{anatomy.orifice} {anatomy.aortic_angle_deg}",)
    study = derived_uid("study", repr((recipe.anatomy, recipe.lesions)), str(seed), *dated, *rough, *orifice)
    artefacts = (repr((spec.tail, spec.hardening_hu)),) if spec.tail or spec.hardening_hu else ()
    exam = derived_uid("exam", study, repr(recipe), *artefacts)
    return [
        Acquisition(
            study_uid=study,
            series_uid=derived_uid("series", exam, str(i)),
            frame_of_reference_uid=derived_uid("frame", study),
            description=spec.description if phase is None else f"{spec.description} {phase:g}%",
            manufacturer=spec.manufacturer,
            model="Phantom",
            slice_thickness_mm=spec.slice_thickness_mm,
            tube_voltage_kv=spec.tube_voltage_kv,
            kernel=kernels[spec.kernel],
            cardiac_phase_percent=phase,
            contrast_agent=recipe.contrast.state != "none",
            date=spec.day(),
            sop_instance_uids=tuple(derived_uid("image", exam, str(i), str(k)) for k in range(spec.slices)),
        )
        for i, phase in enumerate(spec.phases_percent or (None,))
    ]


def _phase_seed(seed: int, phase: int) -> int:
    return seed + 7919 * phase


def _tilted_positions(spec: ScannerSpec, geometry: Geometry) -> Floats | None:
    if spec.gantry_tilt_deg == 0:
        return None
    steps = np.arange(geometry.shape[0])[:, None] * geometry.spacing_mm[0]
    return np.asarray(geometry.origin_mm + steps * np.array((0.0, 0.0, 1.0)))
