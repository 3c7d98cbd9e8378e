"""Recipes: everything that makes a phantom, as data.

Lengths in mm, HU as at 120 kVp; other tube voltages are derived.
"""

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum

from ccma_seg.errors import ConfigError
from ccma_seg.geometry import Point
from ccma_seg.phantom.roughness import RoughnessSpec


class LesionKind(StrEnum):
    """The form of a lesion."""

    BAND = "band"
    """Ordinary MAC: a tube along the annulus."""
    MASS = "mass"
    """CCMA: a calcified shell round a caseous core, intact or ruptured."""
    STONE = "stone"
    """Ordinary MAC: one solid lump of calcium, as large as a mass but without an inside."""
    BALL = "ball"
    """A solid ellipsoid of one HU: calcium of another place, thrombus, tumour."""
    TUBE = "tube"
    """A vessel, a strut or a lead along given points."""
    ROD = "rod"
    """A cylinder with flat ends between two given points."""
    SHEET = "sheet"
    """A thin curved plate: calcified infarct or pericardium."""


class Orifice(StrEnum):
    """How the left atrium opens into the ventricle."""

    ROUND = "round"
    """By an opening of one size, whatever the ring; only leaflets, groove and calcium follow the ring."""
    RING = "ring"
    """Along the ring: the walls of both chambers meet at it, whatever its size and saddle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnulusSpec:
    """Size and direction of the mitral annulus (Naoum 2016, Alkadhi 2009; directions from marked CTs)."""

    septal_lateral_mm: float = 29.0
    intercommissural_mm: float = 37.0
    saddle_height_mm: float = 6.0
    posterior_share: float = 0.55
    """Part of the septal-lateral diameter that lies behind the centre (14.8 of 26.9 mm in marked CTs)."""
    anterior_power: float = 2.6
    """Exponent of the superellipse of the anterior side; 2 would be an ellipse."""
    direction_to_apex: Point = (0.61, -0.70, -0.37)
    direction_posterior: Point = (0.49, 0.73, -0.43)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnatomySpec:
    """A heart in a chest; sizes are means, and `variation` scales how far a seed moves them."""

    annulus: AnnulusSpec = field(default_factory=AnnulusSpec)
    model: str = "heart"
    """heart, or qrm: a cylinder of soft tissue in a chest, for calcium inserts."""
    variation: float = 1.0
    """0 builds the mean heart; 1 draws sizes with the standard deviations below."""
    lv_radius_mm: float = 23.5
    lv_length_mm: float = 77.0
    """Annulus to endocardial apex (77 +- 10 in marked CTs)."""
    wall_mm: float = 9.5
    """LV wall, 8 to 11."""
    la_scale: float = 1.0
    """Size of the left atrium; 1 holds about 75 mL."""
    body_scale: float = 1.0
    size_sd: float = 0.06
    """Relative standard deviation of sizes."""
    direction_sd_deg: float = 7.0
    """Of the axis to the apex (up to 18 in marked CTs)."""
    effusion_mm: float = 0.0
    """Pericardial effusion."""
    orifice: Orifice = field(default=Orifice.ROUND, repr=False)
    """How the atrium opens into the ventricle: round, or along the ring, of which the contour can then be measured."""
    aortic_angle_deg: float = field(default=130.0, repr=False)
    """Between the planes of the mitral and the aortic annulus, where the opening follows the ring (proposal)."""

    def __post_init__(self) -> None:
        if self.model not in {"heart", "qrm"}:
            raise ConfigError(f"anatomy.model must be heart or qrm, got {self.model!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastSpec:
    """How bright blood and organs are at 120 kVp (Oda 2011; Halpern 2009)."""

    state: str = "arterial"
    """none, arterial or late."""
    lv_hu: float | None = None
    """Overrides the state's left ventricle; the other chambers follow it."""
    la_offset_hu: float | None = None
    """Left atrium minus left ventricle."""

    def __post_init__(self) -> None:
        if self.state not in {"none", "arterial", "late"}:
            raise ConfigError(f"contrast state must be none, arterial or late, got {self.state!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerSpec:
    """How the exam is scanned and reconstructed."""

    tube_voltage_kv: float = 120.0
    kernel: str = "medium"
    """soft, medium or sharp: in-plane FWHM 1.0, 0.8 or 0.6 mm."""
    psf_fwhm_mm: float | None = None
    """Overrides the kernel's width."""
    matrix: int = 512
    field_of_view_mm: float = 200.0
    slices: int = 240
    slice_thickness_mm: float = 0.75
    slice_spacing_mm: float = 0.5
    noise_sd_hu: float = 20.0
    noise_fwhm_mm: float = 1.0
    """Width of the autocorrelation of the noise, in the plane."""
    motion_mm: float = 0.0
    """Length of the cardiac motion smeared over one image."""
    center_offset_mm: Point = (8.0, -18.0, -8.0)
    """Centre of the volume from the centre of the annulus."""
    gantry_tilt_deg: float = 0.0
    omit_slices: tuple[int, ...] = ()
    phases_percent: tuple[float, ...] = ()
    """One series a phase; none writes one series without a phase."""
    streak_hu: float = 0.0
    """Amplitude of streaks beside metal; 0 draws none."""
    tail: float = field(default=0.0, repr=False)
    """Share of the point spread in a tail of 2 mm: above 0 calcium blooms, below 0 edges overshoot."""
    hardening_hu: float = field(default=0.0, repr=False)
    """Depth of the dark bands that dense calcium throws, by beam hardening; 0 draws none."""
    description: str = "CTA Cardiac"
    manufacturer: str = "ccma-seg"
    compression: str | None = None
    date: str = field(default="", repr=False)
    """When it is scanned, as 2026-01-31; exams on several dates are several studies."""

    def __post_init__(self) -> None:
        if self.psf_fwhm_mm is None and self.kernel not in {"soft", "medium", "sharp"}:
            raise ConfigError(f"kernel must be soft, medium or sharp, or give psf_fwhm_mm; got {self.kernel!r}")
        self.day()
        if min(self.matrix, self.slices, self.field_of_view_mm, self.slice_spacing_mm, self.slice_thickness_mm) <= 0:
            raise ConfigError(
                "matrix, slices, field_of_view_mm, slice_spacing_mm and slice_thickness_mm must be positive"
            )

    def day(self) -> dt.date | None:
        """Return the date, if there is one.

        Raises
        ------
        ConfigError
            If it is none.
        """
        try:
            return dt.date.fromisoformat(self.date) if self.date else None
        except ValueError as error:
            raise ConfigError(f"scanner.date must be like 2026-01-31, got {self.date!r}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class RimSpec:
    """The calcified shell of a mass."""

    thickness_mm: float = 2.0
    """Measured inwards, normal to the surface; 1 to 4."""
    hu: float = 1000.0
    """700 to 1400."""
    coverage_pct: float = 100.0
    """Share of the outer surface that is calcified."""
    patch_mm: float = 14.0
    """Typical size of the patches, when the rim is not complete."""

    def __post_init__(self) -> None:
        if not 0 <= self.coverage_pct <= 100 or self.thickness_mm <= 0:
            raise ConfigError(f"rim needs coverage_pct in 0..100 and a positive thickness_mm, got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSpec:
    """What the shell encloses."""

    hu: float = 350.0
    """Soft 20 to 130, hyperdense 200 to 500."""
    texture_sd_hu: float = 0.0
    texture_mm: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CavitySpec:
    """A contrast-filled part inside a mass, open to a chamber."""

    fraction: float = 0.0
    """Share of the inside that blood fills; 0 is none."""
    neck_mm: float = 3.0
    """Diameter of each neck."""
    opens_to: tuple[str, ...] = ("left_ventricle",)
    """left_ventricle, left_atrium, or both."""
    blood_ratio: float = 1.0
    """HU of the blood inside over that of the chamber, 0.85 to 1.05."""

    def __post_init__(self) -> None:
        if not set(self.opens_to) <= {"left_ventricle", "left_atrium"}:
            raise ConfigError(f"a cavity opens to left_ventricle and left_atrium only, got {self.opens_to}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakSpec:
    """Caseous material outside a gap of the rim."""

    diameter_mm: float = 0.0
    """0 is none; 3 to 20."""
    length_mm: float = 0.0
    """When longer than wide: it spreads along the wall."""
    hu: float = 80.0
    gap_mm: float = 4.0
    """Diameter of the gap in the rim through which it came."""
    toward: str = "left_ventricle"


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionSpec:
    """One lesion, placed in the frame of the annulus."""

    kind: LesionKind = LesionKind.MASS
    verdict: str = ""
    """What it is; empty derives it from its parts."""
    angle_deg: float = 0.0
    """Where on the ring: 0 mid posterior, + towards anterolateral."""
    outward_mm: float = 2.0
    """From the ring to the centre of the lesion, away from the valve."""
    apical_mm: float = 0.0
    """From the ring to the centre of the lesion, towards the apex."""
    long_axis_mm: float = 30.0
    """Along the ring."""
    short_axis_mm: float = 22.0
    """Away from the valve."""
    third_axis_mm: float | None = None
    """Towards the apex; the short axis when not given."""
    lobes: int = 0
    """Number of bulges round the mass."""
    lobe_mm: float = 1.5
    bend: float = 0.0
    """1 bends the mass along the ring (semilunar); 0 leaves it straight."""
    rim: RimSpec = field(default_factory=RimSpec)
    core: CoreSpec = field(default_factory=CoreSpec)
    cavity: CavitySpec = field(default_factory=CavitySpec)
    leak: LeakSpec = field(default_factory=LeakSpec)
    hu: float = 900.0
    """Of bands, stones, balls, tubes and sheets."""
    enhances: float = 0.0
    """Balls and tubes: share of the blood's enhancement, 1 for a vessel."""
    arc_deg: float = 120.0
    """Bands and sheets: how far round."""
    thickness_mm: float = 5.0
    """Bands, tubes, sheets: across."""
    irregular: float = 0.2
    """Bands: relative standard deviation of the thickness along the ring."""
    blobs: int = 0
    """Bands: number of nodules."""
    extension_mm: float = 0.0
    """Bands: how far a spur reaches into the myocardium."""
    path_mm: tuple[Point, ...] = ()
    """Tubes: points in the annulus frame (posterior, anterolateral, apical)."""
    wall_hu: float | None = None
    """Tubes and balls: HU of a wall of `wall_mm`, when they have one."""
    wall_mm: float = 1.0
    other_kind: str = ""
    """For calcium that is not the annulus's: coronary, aortic_valve, papillary, myocardial, pericardial, metal."""
    rough: RoughnessSpec = field(default_factory=RoughnessSpec, repr=False)
    """Of masses, bands and stones; identifiers of smooth exams do not know of it."""

    def __post_init__(self) -> None:
        if min(self.long_axis_mm, self.short_axis_mm, self.third_axis_mm or self.short_axis_mm) <= 0:
            raise ConfigError("the axes of a lesion must be positive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A whole phantom."""

    name: str = "unnamed"
    description: str = ""
    source: str = ""
    """Where the figures come from."""
    anatomy: AnatomySpec = field(default_factory=AnatomySpec)
    contrast: ContrastSpec = field(default_factory=ContrastSpec)
    scanner: ScannerSpec = field(default_factory=ScannerSpec)
    lesions: tuple[LesionSpec, ...] = ()
