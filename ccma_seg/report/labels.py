"""One label map of all that was found, on the grid of the volume."""

import numpy as np

from ccma_seg.anatomy import BLOOD_POOL_LA, BLOOD_POOL_LV
from ccma_seg.calcium import CalciumKind, CalciumMap
from ccma_seg.geometry import Geometry
from ccma_seg.lesion import ANNULAR_CALCIUM, CAVITY, CORE, LEAK, RIM
from ccma_seg.pipeline import Analysis
from ccma_seg.volume import LabelMap

LABEL_NAMES = {
    ANNULAR_CALCIUM: "annular calcium",
    RIM: "rim",
    CORE: "caseous core",
    CAVITY: "contrast-filled cavity",
    LEAK: "leaked material",
    BLOOD_POOL_LV: "blood pool LV",
    BLOOD_POOL_LA: "blood pool LA",
}

LABEL_COLORS = {
    ANNULAR_CALCIUM: "#fff04d",
    RIM: "#e69f00",
    CORE: "#d87fd8",
    CAVITY: "#d63a00",
    LEAK: "#009e73",
    BLOOD_POOL_LV: "#2f6bff",
    BLOOD_POOL_LA: "#9be1ff",
}
"""After Okabe and Ito (2008), spread further: told apart with each kind of colour blindness too, on a dark image."""

RING_COLOR = "#39ff88"
"""Of the mitral annulus."""


def make_label_map(analysis: Analysis) -> LabelMap:
    """Return all labels on the grid of the volume; a mass lies over annular calcium, and that over blood."""
    geometry = analysis.volume.geometry
    return LabelMap(labels=make_label_crop(analysis).on(geometry), geometry=geometry)


def make_label_crop(analysis: Analysis) -> LabelMap:
    """Return the same labels on a crop of the volume's grid, outside of which there are none."""
    parts = layers(analysis)
    crop = analysis.volume.geometry.crop(reach(parts, analysis.volume.geometry))
    labels = np.zeros(crop.shape, np.uint8)
    for part in parts:
        for own, plane in zip(labels[part.slices_in(crop)], part.labels, strict=True):  # that needs no memory
            np.copyto(own, plane, where=plane > 0)
    return LabelMap(labels=labels, geometry=crop)


def reach(parts: list[LabelMap], geometry: Geometry) -> tuple[slice, slice, slice]:
    """Return the index ranges that hold all parts; the first voxel if there is none."""
    within = [part.slices_in(geometry) for part in parts] or [(slice(1),) * 3]
    first, second, third = (
        slice(min(s.start or 0 for s in a), max(s.stop for s in a)) for a in zip(*within, strict=True)
    )
    return first, second, third


def layers(analysis: Analysis) -> list[LabelMap]:
    """Return what the label map is painted with, one over the other; the lesions come last, in their order."""
    below = [] if analysis.anatomy.blood_pools is None else [analysis.anatomy.blood_pools]
    annular = [] if analysis.calcium is None else _annular(analysis.calcium)
    return below + annular + [mass.lesion.parts for mass in analysis.masses]


def _annular(calcium: CalciumMap) -> list[LabelMap]:
    """Return annular calcium on the smallest crop that holds it; nothing if there is none."""
    index = calcium.voxels_of_kind(CalciumKind.ANNULAR)
    if not len(index):
        return []
    low, high = index.min(axis=0), index.max(axis=0) + 1
    first, second, third = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    labels = np.zeros(high - low, np.uint8)
    labels[tuple((index - low).T)] = ANNULAR_CALCIUM
    return [LabelMap(labels=labels, geometry=calcium.geometry.crop((first, second, third)))]
