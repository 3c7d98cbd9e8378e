"""How uneven a lesion is, as pathology shows it: all zero is smooth.

The correlation length of what varies is `..._size_mm`: values so far apart are alike to 0.6.
"""

from dataclasses import dataclass, field

from ccma_seg.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceRoughness:
    """Bumps of the outer surface."""

    bumps_mm: float = 0.0
    """Standard deviation outwards, cut at twice that."""
    bump_size_mm: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RimRoughness:
    """A shell of uneven thickness and density; its openings are those of `RimSpec.coverage_pct`."""

    thickness_sd_pct: float = 0.0
    hu_sd_pct: float = 0.0
    """Of what calcium adds to the HU; of bands and stones too."""
    grain_size_mm: float = 2.0
    """0.6 to 4.5."""
    inner_blur_mm: float = 0.0
    """Over which calcium gives way to paste."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreRoughness:
    """Paste with lumps, layers, nodules; its finer texture is that of `CoreSpec`."""

    lumps_pct: float = 0.0
    """Share of the core that lumps fill."""
    lumps_hu: float = 300.0
    lump_size_mm: float = 3.0
    sediment_pct: float = 0.0
    """Share of the core, lowest in a patient who lies on the back, that has settled."""
    sediment_hu: float = 300.0
    gradient_hu: float = 0.0
    """From one end of the long axis to the other."""
    nodules: int = 0
    """Calcified, within the core."""
    nodule_mm: float = 2.5
    """Mean diameter; each is 0.5 to 1.5 of it."""
    nodule_hu: float = 800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CavityRoughness:
    """Blood that is not evenly mixed, and clot in it."""

    clot_pct: float = 0.0
    """Share of the cavity that clot fills, away from the necks."""
    clot_hu: float = 60.0
    layering_pct: float = 0.0
    """How much more enhanced the lowest blood is than the highest."""
    swirl_pct: float = 0.0
    """Standard deviation of the enhancement along swirls."""
    jet_pct: float = 0.0
    """How much more enhanced the jet behind a neck is."""
    border_mm: float = 0.0
    """Standard deviation of where blood meets paste."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoduleRoughness:
    """A band of nodules on a thinner strand."""

    nodules: int = 0
    strand_pct: float = 50.0
    """Thickness of the strand, of the nominal one."""
    spiky_pct: float = 0.0
    """Share of the nodules that have spikes."""
    spike_mm: float = 4.0
    reach_mm: float = 0.0
    """How far rows of nodules leave the ring for wall, leaflet or curtain."""

    def __post_init__(self) -> None:
        if not 0 < self.strand_pct <= 100:
            raise ConfigError(f"strand_pct must lie above 0 and up to 100, got {self.strand_pct}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoughnessSpec:
    """How uneven each part of a lesion is."""

    surface: SurfaceRoughness = field(default_factory=SurfaceRoughness)
    rim: RimRoughness = field(default_factory=RimRoughness)
    core: CoreRoughness = field(default_factory=CoreRoughness)
    cavity: CavityRoughness = field(default_factory=CavityRoughness)
    band: NoduleRoughness = field(default_factory=NoduleRoughness)

    def __post_init__(self) -> None:
        sizes = (self.surface.bump_size_mm, self.rim.grain_size_mm, self.core.lump_size_mm)
        if min(sizes) <= 0:
            raise ConfigError(f"bump_size_mm, grain_size_mm and lump_size_mm must be positive, got {sizes}")


SMOOTH = RoughnessSpec()
