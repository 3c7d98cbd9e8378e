"""Which segments an exam has: one for each part of each lesion, and one for every other label."""

from dataclasses import dataclass

import numpy as np

from ccma_seg.pipeline import Analysis
from ccma_seg.record import tracking_uid
from ccma_seg.report.labels import LABEL_NAMES, layers, reach
from ccma_seg.report.names import rgb
from ccma_seg.volume import LabelMap

_LIGHTER = 0.5
"""How far the colour of the last lesion's parts is on its way to white."""

Color = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One segment of the DICOM objects."""

    number: int
    """From 1."""
    label: int
    """As in `labels.nii.gz`."""
    lesion: int | None
    """Which lesion it is a part of."""
    name: str
    tracking_uid: str
    color: Color
    """Red, green, blue, 0-255; no two segments have the same."""


def make_segments(analysis: Analysis) -> tuple[LabelMap, tuple[Segment, ...]]:
    """Give each part of each lesion, and every other label, a number, by label and lesion; none to what has no voxel.

    Returns
    -------
    LabelMap
        Numbers of segments, on a crop of the volume's grid from the first slice that has one to the last.
    tuple of Segment
        In the order of their numbers; none if nothing is labelled.
    """
    owned = _owned_layers(analysis)
    keys = sorted(
        {(label, lesion or 0) for lesion, layer in owned for label in _present(layer) if label in LABEL_NAMES}
    )
    painted = _paint(analysis, owned, keys)
    present = [keys[number - 1] for number in _present(painted)]
    if present != keys:
        painted = _paint(analysis, owned, present)
    return painted, tuple(_segment(analysis, number, key) for number, key in enumerate(present, start=1))


def name_part(label: int, lesion: int | None) -> str:
    """Return what a label is called, as a part of a lesion if it is one."""
    return LABEL_NAMES[label] if lesion is None else f"lesion {lesion} {LABEL_NAMES[label]}"


def _owned_layers(analysis: Analysis) -> list[tuple[int | None, LabelMap]]:
    """Return the layers of the label map in the order of painting, those of lesions with their number."""
    painted = layers(analysis)
    owners: list[int | None] = [None] * (len(painted) - len(analysis.masses))
    return list(zip(owners + [mass.lesion.id for mass in analysis.masses], painted, strict=True))


def _present(layer: LabelMap) -> list[int]:
    """Return the labels that a layer holds, in their order."""
    return [int(label) for label in np.flatnonzero(np.bincount(layer.labels[layer.labels > 0]))]


def _paint(analysis: Analysis, owned: list[tuple[int | None, LabelMap]], keys: list[tuple[int, int]]) -> LabelMap:
    """Put 1 + the place in `keys` on each labelled voxel, on the slices that have any."""
    crop = analysis.volume.geometry.crop(reach([layer for _, layer in owned], analysis.volume.geometry))
    painted = np.zeros(crop.shape, np.uint8)
    for lesion, layer in owned:
        region = painted[layer.slices_in(crop)]
        for number, (label, owner) in enumerate(keys, start=1):
            if owner == (lesion or 0):
                for own, plane in zip(region, layer.labels, strict=True):  # that needs no memory
                    own[plane == label] = number
    used = np.flatnonzero(painted.any(axis=(1, 2)))
    kept = (slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(1), slice(None), slice(None))
    return LabelMap(labels=painted[kept], geometry=crop.crop(kept))


def _segment(analysis: Analysis, number: int, key: tuple[int, int]) -> Segment:
    label, lesion = key[0], key[1] or None
    name = name_part(label, lesion)
    uid = tracking_uid(analysis.volume.acquisition.series_uid, lesion, label)
    color = _color(label, lesion or 1, count=len(analysis.masses))
    return Segment(number=number, label=label, lesion=lesion, name=name, tracking_uid=uid, color=color)


def _color(label: int, lesion: int, *, count: int) -> Color:
    """Return the colour of a label, lighter from lesion to lesion."""
    white = _LIGHTER * (lesion - 1) / max(count - 1, 1)
    red, green, blue = (round(part + (255 - part) * white) for part in rgb(label))
    return red, green, blue
