"""All that can be tuned in finding and measuring a mass."""

from dataclasses import dataclass
from typing import ClassVar

from ccma_seg.calcium.sorting import UNDERSHOOT
from ccma_seg.criteria import from_criterion
from ccma_seg.errors import ConfigError

NECK_SLICE_MM = 1.5
"""Openings of the rim are measured on slices no thicker: nothing below the slice thickness is reliable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionParams:
    """How a mass is found, cut into its parts and measured."""

    search_spacing_mm: ClassVar[float] = 1.0
    """Voxels of the grid on which masses are hunted: a third of the narrowest inside that is looked for."""

    search_voxels: ClassVar[int] = 150_000
    """Largest search grid; coarser voxels are taken beyond it, so that time stays bounded."""

    link_mm: ClassVar[float] = 20.0
    """Calcifications this near to annular calcium are searched too: rims are reported as patchy."""

    range_mm: float = 35.0
    """How far a wall may lie from a point inside: over half of the largest published mass, 53 mm (Almogheer 2021)."""

    wall_fractions: ClassVar[tuple[float, ...]] = (0.0, 0.3, 0.45, 0.6, 0.75)
    """Walls are looked for at the calcium threshold plus these fractions of the way to the 95th percentile of calcium:
    a hyperdense core passes the first (computed)."""

    above_noise_sd: float = 4.0
    """A wall is at least this many standard deviations of noise denser than blood, with and without contrast. Chosen,
    see decision 001."""

    enclosure: float = 0.55
    """Share of 26 directions in which a wall is met from a point inside; a flat wall gives under a half. Chosen, see
    decision 006."""

    opposed: ClassVar[float] = 0.35
    """Share of 13 axes on which a wall is met at both ends; a complete ring round the annulus gives 4 of 13."""

    annulus_reach_mm: float = from_criterion("touches_annulus")
    """Nearest point of a mass to the annulus curve."""

    centroid_reach_mm: float = 30.0
    """Farthest centroid of a mass from the annulus curve: half of the largest published mass, 53 mm, and a few mm.
    Chosen, see decision 006."""

    ray_spacing_mm: ClassVar[float] = 0.8
    """Distance of neighbouring rays at the wall, below the smallest neck looked for (2 mm, Restivo 2023)."""

    rays_min: ClassVar[int] = 1000
    rays_max: ClassVar[int] = 5000

    profile_in_mm: ClassVar[float] = 6.5
    """How far profiles across the wall reach inwards: the thickest assumed rim, 4 mm, and some core."""

    profile_out_mm: ClassVar[float] = 3.5
    """How far profiles reach outwards: enough to see what lies outside, too little to meet other structures often."""

    profile_step_mm: ClassVar[float] = 0.4
    """Half the blur: sizes of four phantoms are within 0.04 mm of those at 0.15 mm."""

    section_slice_mm: ClassVar[float] = 1.5
    """On slices farther apart than this the rim is followed within slices only: HU between them would be made up."""

    section_tilt: ClassVar[float] = 0.85
    """Places whose normal points along the slices' by more than this share are not followed within slices."""

    rim_max_mm: float = 5.0
    """A wall thicker than this is solid calcium, not a rim: one above the assumed 1-4 mm (none is published). Chosen,
    see decision 006."""

    psf_fwhm_mm: float = 0.8
    """Blur within slices, as full width at half maximum: the middle of the usual 0.6-1.0 mm. Chosen, see decision
    003."""

    coverage_min: float = 0.2
    """Least share of the envelope that must have a wall; evidence is weak below 0.5 (criterion `shell`). Chosen, see
    decision 006."""

    coverage_open: float = from_criterion("shell_perhaps_open", per=100)
    """A surface with less wall gives way to a better walled one that overlaps it."""

    coverage_open_thick: ClassVar[float] = 0.55
    """The same on slices farther apart than `section_slice_mm`, where surfaces run off more easily."""

    coverage_gain: ClassVar[float] = 0.1
    """Share of the surface by which the other is better walled at least."""

    coverage_orifice: ClassVar[float] = 0.5
    """What holds the middle of the valve has more wall than this, or is the valve's opening within a band that goes all
    round it: of a ball, a band as high as its radius covers a half."""

    opening_dented: ClassVar[float] = 0.75
    """Radius of the widest opening over that of the surface, from which on only what is convex is a mass: bent bands
    leave one of 0.9-1.3, patchy rims of lobulated masses many of 0.1-0.7 (computed)."""

    solidity_open: ClassVar[float] = 0.995
    """Volume over that of the convex hull from which on a surface is convex: widely open masses have 0.997 and more,
    hooks of bands 0.86-0.99 (computed)."""

    lopsided_max: ClassVar[float] = 0.5
    """Largest length of the mean direction of the rim: 0.5 is a hemisphere, which encloses nothing."""

    contrast_min_hu: float = 80.0
    """Least median HU of the rim above its inside; evidence asks for more (criterion `core_darker_than_rim`). Chosen,
    see decision 006."""

    lacking_min: ClassVar[float] = 0.055
    """Least share of the calcium of a solid mass that is missing inside: valleys of textured, solid calcium are small
    and shallow, and make 0.01-0.05; the smallest and densest cores 0.056 and more (computed)."""

    inside_min_hu: ClassVar[float] = -20.0
    """Median HU that the inside of a mass reaches: the softest paste; below it lie fat and lung (proposal)."""

    rough_max_mm: ClassVar[float] = 0.5
    """Most scatter of wall positions about a smooth surface: rims have 0.1 (computed), hooks and rings of a band, whose
    nodules lie within and beyond any surface, 0.6-1.5."""

    fat_hu: ClassVar[float] = -60.0
    """Below it lies fat, also in noise: between -100 and the softest paste (proposal)."""

    fat_share_max: ClassVar[float] = 0.15
    """Most of an inside that is fat: more is the fat of the groove between bands (proposal)."""

    aspect_max: float = 4.0
    """Longest over shortest radius of a mass; 1.0-2.1 are reported of 17 masses, longer ones are bands. Chosen, see
    decision 006."""

    enclosed_min_mm3: ClassVar[float] = 2.0
    """Least enclosed volume on the search grid worth following: two of its voxels."""

    overlap_max: ClassVar[float] = 0.05
    """Two masses overlap by no more than this share of a surface: one wall cannot be the rim of both."""

    in_vain_max: ClassVar[int] = 6
    """How many enclosed places that turn out to be no mass are followed at most, so that time stays bounded."""

    thin_slice_mm: float = 1.0
    """Up to this slice spacing a core is eroded by `erosion_thin_mm` (computed: bias below 3 HU). Chosen, see decision
    003."""

    erosion_thin_mm: float = 1.0
    """How much is taken off a core before its HU are averaged, on thin slices: the blur of the rim reaches as far.
    Chosen, see decision 003."""
    erosion_thick_mm: float = 2.0
    """The same on thicker slices. Chosen, see decision 003."""

    dense_fraction: ClassVar[float] = 0.75
    """Of the rim's 95th percentile: as dense as this is calcified (criterion `core_not_solid`)."""

    blood_like: tuple[float, float] = (0.8, 1.2)
    """HU over the blood pool's between which an inside looks like blood. Chosen, see decision 004."""

    undershoot: ClassVar[float] = UNDERSHOOT
    """Share of the step from an inside to its rim by which a sharp kernel may darken it beside the rim."""

    blood_min_mm3: ClassVar[float] = 25.0
    """Least volume, clear of the rim by `erosion_thin_mm`, of what may be a cavity: of 50 mm3, a ball of 4.6 mm as wide
    as its neck, about as much is left of it in an ovoid (proposal)."""

    blood_min_share: ClassVar[float] = 0.2
    """Share of the inside, clear of the rim, that is enough where all of it is little (proposal)."""

    blood_from: float = 0.95
    """Chance, blood and paste being as likely before, from which on what is as bright as blood is blood: ruptured
    masses are rare among those seen, and an intact one that is called ruptured is operated on, so the odds must be 19
    to 1. Of 350 intact, uneven masses five reached 0.87-0.98. Chosen, see decision 004."""

    blood_below: float = 0.3
    """Chance below which it is paste, if there is other paste beside it. Chosen, see decision 004."""

    bright_share_max: ClassVar[float] = 0.5
    """Where more of the inside is as bright as blood, all of it may be blood, or none."""

    smoothing_mm: ClassVar[float] = 1.5
    """Edge of the box over which HU are averaged against noise before blood is told from paste."""

    cavity_min_mm3: ClassVar[float] = 10.0
    """Of what follows the blood between two phases; less is not told from noise."""

    neck_step_mm: ClassVar[float] = 0.15
    """Grid on which the way out is looked for: a tenth of the smallest neck looked for, and less."""

    neck_smoothing: ClassVar[float] = 0.006
    """Blur (mm) per HU of noise with which the way out is read: noise roughens its walls and makes it seem narrow."""

    neck_points: ClassVar[int] = 150_000
    """Largest grid; coarser steps are taken beyond it, so that time stays bounded."""

    neck_inside_mm: ClassVar[float] = 2.0
    """How far within the rim, and beside an opening, the way out is followed."""

    neck_outside_mm: ClassVar[float] = 4.0
    """How far outside the rim a chamber must be reached."""

    leak_hu: tuple[float, float] = (40.0, 140.0)
    """HU of leaked material, without and with contrast. Chosen, see decision 004."""

    leak_below_blood_hu: float = 100.0
    """Leaked material is at least this much darker than enhanced blood. Chosen, see decision 004."""

    leak_reach_mm: ClassVar[float] = 24.0
    """How far beyond the rim leaks are followed: 20 mm (assumed), and a margin."""

    leak_least_mm3: ClassVar[float] = 14.0
    """Least volume of a leak: a ball of 3 mm (proposal)."""

    leak_largest_mm: ClassVar[float] = 25.0
    """Diameter of the ball that a leak does not exceed: 20 mm (assumed), and a margin."""

    leak_in_blood: ClassVar[float] = 0.6
    """Least share of what lies round a leak, a voxel off it, that is blood; less is tissue of the wall (computed)."""

    neck_possible_mm: float = from_criterion("neck_perhaps")
    """Narrower ways out are not told from noise (computed)."""

    small_core_mm3: float = from_criterion("core_measurable")
    """A smaller core does not show its parts."""

    neck_slice_mm: float = NECK_SLICE_MM
    """Thickest slices on which a neck is measured: nothing below the slice thickness is reliable. Chosen, see decision
    003."""

    def __post_init__(self) -> None:
        if not 0 < self.enclosure <= 1 or not 0 <= self.opposed <= 1:
            raise ConfigError(f"enclosure and opposed are shares between 0 and 1, got {self.enclosure}, {self.opposed}")
        if min(self.search_spacing_mm, self.ray_spacing_mm, self.profile_step_mm) <= 0:
            raise ConfigError("search_spacing_mm, ray_spacing_mm and profile_step_mm must be positive")
