"""Which figures of the record go into the structured report, under which codes and units."""

from dataclasses import dataclass
from typing import Any

from ccma_seg.lesion import ANNULAR_CALCIUM, CAVITY, CORE, LEAK, RIM
from ccma_seg.report.dicom.concepts import Concept, own

_MM = Concept("mm", "UCUM", "millimeter")
_MM2 = Concept("mm2", "UCUM", "square millimeter")
_MM3 = Concept("mm3", "UCUM", "cubic millimeter")
_MG = Concept("mg", "UCUM", "milligram")
_HU = Concept("[hnsf'U]", "UCUM", "Hounsfield unit")
_DEGREE = Concept("deg", "UCUM", "degree")
_PERCENT = Concept("%", "UCUM", "percent")
_ONE = Concept("1", "UCUM", "no units")

_VOLUME = Concept("118565006", "SCT", "Volume")
_ATTENUATION = Concept("112031", "DCM", "Attenuation Coefficient")

_MEAN = Concept("373098007", "SCT", "Mean")
_MEDIAN = Concept("130290", "DCM", "Median")
_MAXIMUM = Concept("56851009", "SCT", "Maximum")
_SD = Concept("386136009", "SCT", "Standard Deviation")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of the record, and how the structured report calls it."""

    path: str
    """Key path in the record's entry of the exam, or of the lesion."""
    name: Concept
    unit: Concept
    derivation: Concept | None = None


EXAM = (
    Figure("contrast.blood_pool_hu", own("blood_pool_hu", "Attenuation of the left heart's blood"), _HU, _MEDIAN),
    Figure("calcium.threshold_hu", Concept("112032", "DCM", "Threshold Attenuation Coefficient"), _HU),
    Figure("annulus.septal_lateral_mm", own("septal_lateral", "Septal-lateral diameter of mitral annulus"), _MM),
    Figure("annulus.intercommissural_mm", own("intercommiss", "Intercommissural diameter of mitral annulus"), _MM),
    Figure("annulus.uncertainty_mm", own("annulus_unsure", "Uncertainty of the place of the mitral annulus"), _MM),
    Figure("annulus.contour.saddle_area_mm2", own("saddle_area", "Projected area of the mitral saddle"), _MM2),
    Figure("annulus.contour.d_shape_area_mm2", own("d_area", "Area of the D-shaped mitral annulus"), _MM2),
    Figure("annulus.contour.d_shape_perimeter_mm", own("d_perimeter", "Perimeter of the D-shaped annulus"), _MM),
    Figure("annulus.contour.intertrigonal_mm", own("intertrigonal", "Intertrigonal distance"), _MM),
    Figure("annulus.contour.height_mm", own("annulus_height", "Height of the mitral saddle"), _MM),
    Figure("calcium.guerrero.total", own("guerrero", "MAC severity score (Guerrero 2020)"), _ONE),
)
"""Of the exam, whatever was found."""

MASS = (
    Figure("volume_mm3", _VOLUME, _MM3),
    Figure("long_axis_mm", Concept("103339001", "SCT", "Long axis"), _MM),
    Figure("short_axis_mm", Concept("103340004", "SCT", "Short axis"), _MM),
    Figure("third_axis_mm", own("third_axis", "Third axis"), _MM),
    Figure("max_diameter_mm", Concept("L0JK", "IBSI", "Maximum 3D Diameter of a Mesh"), _MM),
    Figure("surface_mm2", Concept("C0JK", "IBSI", "Surface Area of Mesh"), _MM2),
    Figure("sphericity", Concept("QCFX", "IBSI", "Sphericity"), _ONE),
    Figure("annulus_angle_deg", own("annulus_angle", "Angle on the mitral annulus from mid posterior"), _DEGREE),
    Figure("annulus_distance_mm", own("annulus_distance", "Distance from the mitral annulus"), _MM),
    Figure("lvot_distance_mm", own("lvot_distance", "Distance from the outflow tract"), _MM),
    Figure("wall_depth_mm", own("wall_depth", "Depth in the ventricular wall"), _MM),
    Figure("confidence", own("confidence", "Confidence in the verdict, not a probability"), _ONE),
)
"""Of a mass as a whole."""

PARTS: dict[int, tuple[Figure, ...]] = {
    ANNULAR_CALCIUM: (
        Figure("calcium.annular_volume_mm3", Concept("122660", "DCM", "Calcium Volume"), _MM3),
        Figure("calcium.mass_mg", Concept("122661", "DCM", "Calcium Mass"), _MG),
        Figure("calcium.agatston", Concept("112058", "DCM", "Calcium score"), _ONE),
        Figure("calcium.arc_deg", Concept("122355", "DCM", "Arc of Calcium"), _DEGREE),
        Figure("calcium.max_thickness_mm", own("max_thickness", "Maximum thickness of annular calcium"), _MM),
    ),
    RIM: (
        Figure("rim.volume_mm3", _VOLUME, _MM3),
        Figure("rim.coverage_pct", Concept("112018", "DCM", "Calcification extent as percent of surface"), _PERCENT),
        Figure("rim.thickness_mm", own("rim_thickness", "Rim thickness"), _MM),
        Figure("rim.thickness_max_mm", own("rim_thickest", "Maximum rim thickness"), _MM),
        Figure("rim.mean_hu", _ATTENUATION, _HU, _MEAN),
        Figure("rim.peak_hu", _ATTENUATION, _HU, _MAXIMUM),
        Figure("rim.gaps.0.width_mm", own("widest_gap", "Width of the widest gap of the rim"), _MM),
    ),
    CORE: (
        Figure("core.volume_mm3", _VOLUME, _MM3),
        Figure("core.mean_hu", _ATTENUATION, _HU, _MEAN),
        Figure("core.median_hu", _ATTENUATION, _HU, _MEDIAN),
        Figure("core.sd_hu", _ATTENUATION, _HU, _SD),
        Figure("core.enhancement_hu", own("enhancement", "Rise of attenuation between two phases"), _HU),
    ),
    CAVITY: (
        Figure("cavity.volume_mm3", _VOLUME, _MM3),
        Figure("cavity.mean_hu", _ATTENUATION, _HU, _MEAN),
        Figure("cavity.ratio_to_blood_pool", own("blood_ratio", "Attenuation relative to the blood pool"), _ONE),
        Figure("cavity.neck_mm", own("neck", "Diameter of the neck"), _MM),
    ),
    LEAK: (
        Figure("leak.volume_mm3", _VOLUME, _MM3),
        Figure("leak.mean_hu", _ATTENUATION, _HU, _MEAN),
    ),
}
"""Of what a label covers: the exam's for annular calcium, a lesion's for its parts."""


def measured(figures: tuple[Figure, ...], values: dict[str, Any]) -> list[tuple[Figure, float]]:
    """Return the figures that were measured, with their values in the record."""
    found = [(figure, _value(values, figure.path)) for figure in figures]
    return [(figure, float(value)) for figure, value in found if value is not None]


def _value(values: Any, path: str) -> float | None:
    for key in path.split("."):
        if isinstance(values, list):
            values = values[int(key)] if int(key) < len(values) else None
        elif isinstance(values, dict):
            values = values.get(key)
    return values if isinstance(values, int | float) else None
