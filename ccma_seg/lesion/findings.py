"""A mass at the annulus: its parts as voxels, and what was measured on them.

The names of the measurements are those of the record (`lesions` in `report.json`); `quantities.toml` says what each is,
and how it is made.
"""

from dataclasses import dataclass, field

import numpy as np

from ccma_seg.geometry import Bools, Floats, Point
from ccma_seg.reasons import Reason
from ccma_seg.volume import LabelMap

ANNULAR_CALCIUM = 1
RIM = 2
CORE = 3
CAVITY = 4
LEAK = 5
"""Labels, as in `labels.nii.gz`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Envelope:
    """The outer and inner surface of a mass, between the voxels: one entry per direction from a point inside.

    The directions are `sphere.directions(n)`, so that `sphere.triangles(n)` turns radii into a mesh.
    """

    center_mm: Point
    outer_radius_mm: Floats
    """(n,): from the centre to the outer surface; where the rim is open, as its surroundings suggest."""
    inner_radius_mm: Floats
    """(n,): from the centre to where the rim begins, or would."""
    thickness_mm: Floats
    """(n,): of the rim, square to its surface; NaN where it is open."""
    covered: Bools
    """(n,): whether there is a rim."""
    rim_hu: Floats
    """(n,): of the rim, freed of blur."""
    inside_hu: Floats
    outside_hu: Floats
    """(n,): on either side of the rim."""
    position_sd_mm: float
    """Scatter of single wall positions about the smooth surface."""

    @property
    def usual_rim_hu(self) -> float:
        """Return the median HU of the rim."""
        return float(np.median(self.rim_hu[self.covered]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """The widest way out of a cavity."""

    neck_mm: float
    """Diameter of the largest ball that gets through: twice the clearance at the narrowest place."""
    direction: Point
    """Unit vector from the centre of the mass to that place."""
    chamber_hu: float
    """Median HU of the blood of the chamber next to it."""
    chambers: tuple[str, ...]
    """Which chambers it leads to: left_ventricle, left_atrium."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lesion:
    """One mass at the annulus, with its parts told apart."""

    id: int
    """From 1, by falling volume."""

    parts: LabelMap
    """`RIM`, `CORE`, `CAVITY` and `LEAK` on a crop of the volume's grid."""

    envelope: Envelope
    """Its surfaces between the voxels, on which shapes are measured."""

    wall_hu: float
    """What counted as wall when it was found."""

    passage: Passage | None = None
    """The way from a cavity to a chamber, if one was found; a possible one, if there is no cavity that is certain."""

    blood_chance: float | None = None
    """That part of the inside is enhanced blood, 0 to 1: 0 where nothing is as bright; None without contrast."""

    leak_gap_mm: float | None = None
    """Width of the opening through which leaked material hangs together with the core."""

    reasons: tuple[Reason, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """An opening in the rim."""

    width_mm: float
    direction: Point
    """Unit vector from the centroid of the mass."""
    faces: str
    """left_ventricle, left_atrium, myocardium, fat or unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rim:
    """The calcified shell."""

    coverage_pct: float | None = None
    thickness_mm: float | None = None
    thickness_max_mm: float | None = None
    excess_mm: float | None = None
    mean_hu: float | None = None
    peak_hu: float | None = None
    p75_hu: float | None = None
    p95_hu: float | None = None
    volume_mm3: float | None = None
    gaps: tuple[Gap, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What the shell encloses, less a margin for partial volume."""

    mean_hu: float | None = None
    median_hu: float | None = None
    sd_hu: float | None = None
    p10_hu: float | None = None
    p90_hu: float | None = None
    volume_mm3: float | None = None
    homogeneity: float | None = None
    calcified_fraction: float | None = None
    texture: str | None = None
    own_sd_hu: float | None = None
    nodule_fraction: float | None = None
    ratio_to_blood_pool: float | None = None
    below_rim_hu: float | None = None
    above_myocardium_hu: float | None = None
    inside_hu: float | None = None
    erosion_mm: float | None = None
    enhancement_hu: float | None = None
    blood_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cavity:
    """The part of the inside that is filled with contrast-enhanced blood."""

    present: bool | None = None
    blood_chance: float | None = None
    volume_mm3: float | None = None
    mean_hu: float | None = None
    ratio_to_blood_pool: float | None = None
    neck_mm: float | None = None
    neck_to_diameter: float | None = None
    communicates_with: tuple[str, ...] = ()
    blood_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Caseous material outside a gap of the rim."""

    present: bool | None = None
    volume_mm3: float | None = None
    mean_hu: float | None = None
    gap_mm: float | None = None
    enhancement_hu: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherPhase:
    """The same mass in a second phase of the exam; None where that was not given, or does not show it."""

    residual_mm: float | None = None
    residual_hu: float | None = None
    rim_seen_pct: float | None = None
    core_hu: float | None = None
    blood_change_hu: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InPhase:
    """The same mass as one phase of the exam shows it; None for what that phase does not tell."""

    series_uid: str
    cardiac_phase_percent: float | None = None
    contrast: str | None = None
    blood_pool_hu: float | None = None
    moved_mm: float | None = None
    residual_mm: float | None = None
    rim_seen_pct: float | None = None
    long_axis_mm: float | None = None
    short_axis_mm: float | None = None
    third_axis_mm: float | None = None
    volume_mm3: float | None = None
    core_hu: float | None = None
    cavity_hu: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Largest less smallest figure of one mass over the phases that tell it; None where fewer than two do."""

    long_axis_mm: float | None = None
    short_axis_mm: float | None = None
    volume_mm3: float | None = None
    core_hu: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """The figures of one lesion; None where not measured, with an entry in `reasons`."""

    centroid_mm: Point
    annulus_angle_deg: float | None = None
    sector: str | None = None
    annulus_distance_mm: float | None = None
    centroid_distance_mm: float | None = None
    long_axis_mm: float | None = None
    short_axis_mm: float | None = None
    third_axis_mm: float | None = None
    max_diameter_mm: float | None = None
    volume_mm3: float | None = None
    surface_mm2: float | None = None
    sphericity: float | None = None
    solidity: float | None = None
    rim: Rim = field(default_factory=Rim)
    core: Core = field(default_factory=Core)
    cavity: Cavity = field(default_factory=Cavity)
    leak: Leak = field(default_factory=Leak)
    other_phase: OtherPhase = field(default_factory=OtherPhase)
    phases: tuple[InPhase, ...] = ()
    spread: Spread = field(default_factory=Spread)
    lvot_distance_mm: float | None = None
    aortic_root_distance_mm: float | None = None
    circumflex_distance_mm: float | None = None
    wall_depth_mm: float | None = None
    touches_border: bool = False
    uncertainty: dict[str, float] = field(default_factory=dict)
    """Half-width of the 95 % interval of any number above, by its key path: `rim.coverage_pct`."""
    reasons: tuple[Reason, ...] = ()
