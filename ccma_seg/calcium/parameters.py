"""Every default of the calcium step, once, with its source."""

from dataclasses import dataclass
from typing import ClassVar

from ccma_seg.criteria import from_criterion
from ccma_seg.errors import ConfigError
from ccma_seg.tissue import ABOVE_BLOOD_HU


@dataclass(frozen=True, slots=True, kw_only=True)
class CalciumParams:
    """How calcium is told from blood, and to what it belongs."""

    threshold_hu: float | None = None
    """Use this threshold instead of the rules below. Chosen, see decision 012."""

    assumed_tube_voltage_kv: float = 120.0
    """Where the headers do not say: the voltage of the definition (Agatston 1990)."""

    above_blood_hu: float = ABOVE_BLOOD_HU
    """With contrast: above the blood pool (JCCT, n = 104: AUC 0.81, better than fixed 650 or 850 HU)."""
    blood_margin_mm: float = 30.0
    """Blood within this distance of the annulus is local. Chosen, see decision 001."""
    assumed_noise_hu: float = 20.0
    """Noise where it was not measured (McCollough 2007: prescribed for calcium scoring)."""

    view_mm: float = 2.5
    """Resolution (full width at half maximum) at which calcium is looked for: a focus of 10 mm3. Chosen, see decision
    001."""
    sure_sd: float = 6.0
    """Calcium stands out of the noise of that view by so many standard deviations somewhere: a ring's surroundings
    hold a thousand places that noise could pick. Chosen, see decision 001."""
    sure_hu: float = 40.0
    """Calcium stands out of that view by this much too: blood is not even; half of what a focus of 5 mm3, 300 HU above
    it, gives. Chosen, see decision 001."""
    edge_sd: ClassVar[float] = 2.5
    """Around such a place, voxels above the threshold belong to it where the view has this many (proposal)."""
    edge_hu: ClassVar[float] = 5.0
    """... and at least this much."""

    min_voxels: int = 3
    """Fewer are noise (common in Agatston software; Budoff 2007 uses 3 adjacent pixels)."""
    min_area_mm2: float = 1.0
    """Least area in some slice (Agatston 1990)."""
    heart_margin_mm: ClassVar[float] = 5.0
    """Round the heart box: its faces are good to about 5 mm."""
    annulus_margin_mm: ClassVar[float] = 40.0
    """Round the annulus: holds the largest mass reported (53 mm, Almogheer 2021) with its centre off the ring."""

    annular_from: float = 0.7
    """Chance from which on a calcification is annular (on CTs left out of the fit nine of ten bands on the ring reach
    it, and one of ten tubes 5-12 mm outside). Chosen, see decision 007."""
    annular_below: float = 0.2
    """Chance below which it is not; between the two it is undecided. Chosen, see decision 007."""

    near_annulus_mm: float = from_criterion("touches_annulus")
    """Nearest voxel to the annulus curve."""
    centroid_annulus_mm: float = from_criterion("centered_near_annulus")
    """Blocks of dense contrast within this distance of the annulus curve may be a mass."""

    metal_hu: float = 2500.0
    """No calcium is as dense at 120 kVp or more (X3; 12-bit scanners saturate at 3071 HU). Chosen, see decision
    001."""
    saturated_hu: ClassVar[float] = 3000.0
    """Metal at any tube voltage: 12-bit scanners saturate a little above (X3)."""
    streak_metal_hu: ClassVar[float] = 1800.0
    """Metal if there are dark streaks beside it (X3)."""
    streak_hu: ClassVar[float] = -200.0
    """A dark streak (X3)."""
    metal_share: ClassVar[float] = 0.05
    """Share of its voxels above `metal_hu`; layered undiluted contrast has only a few (proposal)."""

    pool_block_mm: ClassVar[float] = 3.0
    """Blocks in which dense contrast is looked for; noise averages out, small calcium does too (proposal)."""
    min_pool_mm3: ClassVar[float] = 3000.0
    """A region of dense blood smaller than this may be a calcification (proposal)."""
    min_pool_thick_share: ClassVar[float] = 0.3
    """Least share of a region of dense blood that is thick in all directions; a shell is thin (proposal)."""
    max_pool_share_at_annulus: ClassVar[float] = 0.5
    """A bright region with more of its volume within `centroid_annulus_mm` of the ring may be a mass (proposal)."""

    shell_mm: ClassVar[float] = 2.5
    """Distance beyond the surface at which the surroundings are sampled: outside the blur of 1 mm FWHM (proposal)."""
    wide_shell_mm: ClassVar[float] = 5.0
    """A second, wider one: beyond the wall and lumen of a coronary artery of 4-5 mm."""
    lung_hu: ClassVar[float] = -400.0
    """Lung lies below."""
    bright_blood: ClassVar[float] = 0.5
    """Blood is brighter than its mean by up to this share of the step from fat to blood, where it mixes, moves, or a
    kernel overshoots (seen: up to 0.4)."""
    bone_volume_mm3: ClassVar[float] = 100.0
    """Bone that goes on beyond the region looked at is larger (proposal)."""

    coronary_width_mm: ClassVar[float] = 6.0
    """Widest calcified coronary segment: 4-5 mm (proposal) and its blur."""
    coronary_fat_share: ClassVar[float] = 0.5
    """Coronary calcium is surrounded by fat and its lumen; annular calcium has heart muscle on one side (proposal)."""
    coronary_wide_fat_share: ClassVar[float] = 0.35
    """Away from the annulus this much fat, next to it or beyond the vessel, is enough (proposal)."""

    root_radius_mm: ClassVar[float] = 18.0
    """Aortic root: sinus radius 16-19 mm (half of 32-38 mm)."""
    root_offset_mm: ClassVar[float] = 30.0
    """From the annulus centre to the aortic root, away from posterior; 26-36 mm in six hand-marked CTs."""
    root_clear_of_ring_mm: ClassVar[float] = 5.0
    """Calcium at the anterior annulus is annular up to this distance from the ring (proposal)."""
    min_split_share: ClassVar[float] = 0.2
    """Calcium of two places is split if the smaller part has this share (proposal)."""

    papillary_depth_mm: ClassVar[float] = 10.0
    """Apical of the annular plane: papillary muscles begin about here (proposal)."""
    cavity_radius_mm: ClassVar[float] = 24.0
    """LV cavity round the long axis: half of 48 mm (PMC7758747)."""
    wall_mm: ClassVar[float] = 11.0
    """Thickness of the LV wall (PMC7758747: septum 10.8, posterior 9.1 mm in men)."""
    aorta_radius_mm: ClassVar[float] = 20.0
    """Descending and ascending aorta: half of 40 mm, the upper limit of normal."""
    descending_aorta_mm: ClassVar[tuple[float, float, float]] = (29.0, 1.0, -37.0)
    """Its centre at the level of the annulus, posterior, anterolateral and apical of the centre; mean of six CTs."""
    pericardial_lung_share: ClassVar[float] = 0.1
    """Calcium with this much lung around it lies at the heart's border (proposal)."""

    mass_factor: float | None = None
    """mg/cm3 per HU from a calibration phantom scanned along; None uses published scanners and says so. Chosen, see
    decision 012."""
    min_score_slice_mm: float = 2.5
    """Agatston scores of thinner slices are not comparable (Agatston 1990 scored slices of 3 mm)."""
    max_score_slice_mm: float = 3.0
    """... nor are those of thicker ones (Agatston 1990)."""
    max_leaflet_slice_mm: float = 1.5
    """On thicker slices a leaflet cannot be told from the annulus. Chosen, see decision 003."""
    leaflet_inward_mm: ClassVar[float] = 5.0
    """Further than this inside the ring calcium lies on a leaflet (proposal)."""
    min_leaflet_mm3: ClassVar[float] = 10.0
    """Less is noise or partial volume (proposal)."""
    inner_share: ClassVar[float] = 0.5
    """Nearer to the axis than this share of the ring's radius, an angle round the ring means nothing (proposal)."""
    thickness_bin_deg: ClassVar[float] = 5.0
    """Thickness is measured in sectors of this width: 1.4 mm of a ring of 16 mm radius."""

    def __post_init__(self) -> None:
        if self.min_voxels < 1:
            raise ConfigError(f"min_voxels must be at least 1, got {self.min_voxels}")
