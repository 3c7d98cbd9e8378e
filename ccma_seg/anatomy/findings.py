"""What is known of the heart before calcium is looked at."""

from dataclasses import dataclass, field
from enum import StrEnum

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.contour import Contour
from ccma_seg.display import card
from ccma_seg.geometry import Point
from ccma_seg.reasons import Reason
from ccma_seg.volume import LabelMap

BLOOD_POOL_LV = 6
"""Label of the blood pool of the left ventricle."""

BLOOD_POOL_LA = 7
"""Label of the blood pool of the left atrium."""


class ContrastState(StrEnum):
    """Whether the blood is enhanced, as measured in the images."""

    NONE = "none"
    UNCERTAIN = "uncertain"
    ENHANCED = "enhanced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """How bright the blood of the left heart is."""

    state: ContrastState
    blood_pool_hu: float | None
    """Median HU of the left heart's blood."""
    blood_pool_sd_hu: float | None
    """Noise in it: a robust standard deviation."""
    muscle_hu: float | None = None
    """The darkest muscle round the left ventricle."""

    @property
    def enhancement_hu(self) -> float | None:
        """How much brighter blood is than muscle."""
        return None if self.blood_pool_hu is None or self.muscle_hu is None else self.blood_pool_hu - self.muscle_hu


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Anatomy:
    """Where the heart and its mitral annulus lie; None where they could not be found, with a reason."""

    contrast: Contrast
    heart_box_mm: tuple[Point, Point] | None
    """Lower and upper corner of the heart without the great vessels, LPS."""

    annulus: MitralAnnulus | None
    contour: Contour | None = None
    """The whole curve of the annulus, where it shows or was drawn."""
    blood_pools: LabelMap | None = None
    """Labels `BLOOD_POOL_LV` and `BLOOD_POOL_LA` on a crop of the volume's grid."""

    myocardium_hu: float | None = None
    apex_mm: Point | None = None
    aortic_root_mm: Point | None = None
    aortic_normal: Point | None = None
    """Unit vector across the aortic annulus, LPS, downstream; None where that was not seen."""
    cut_off: bool = False
    """Whether part of the heart lies outside the volume."""
    reasons: tuple[Reason, ...] = field(default=())

    def _repr_html_(self) -> str:
        annulus, contrast = self.annulus, self.contrast
        known = {
            "contrast": contrast.state,
            "blood pool (HU)": contrast.blood_pool_hu,
            "noise (HU)": contrast.blood_pool_sd_hu,
            "myocardium (HU)": self.myocardium_hu,
            "mitral annulus": "not found" if annulus is None else f"found by {annulus.method}",
            "its centre (mm, LPS)": annulus and ", ".join(f"{part:.1f}" for part in annulus.center_mm),
            "uncertainty (mm)": annulus and annulus.uncertainty_mm,
            **{reason.code: reason.text for reason in self.reasons},
        }
        return card("Anatomy", known)
