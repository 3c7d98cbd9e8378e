"""The true parts as a label map."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy.findings import BLOOD_POOL_LA, BLOOD_POOL_LV
from ccma_seg.geometry import Geometry
from ccma_seg.phantom.bodies import Body
from ccma_seg.phantom.heart import Heart
from ccma_seg.volume import LabelMap

_MARGIN_MM = 3.0


def label_parts(heart: Heart, bodies: Sequence[Body], geometry: Geometry) -> LabelMap:
    """Label voxels by what lies at their centres, on a crop that holds both blood pools and all lesions."""
    solids = (heart.lv, heart.la)
    corners = [p for s in solids for p in (s.low_mm, s.high_mm)] + [p for b in bodies for p in (b.low_mm, b.high_mm)]
    grid = geometry.crop(geometry.slices_around(corners, margin_mm=_MARGIN_MM))
    labels = np.zeros(grid.shape, np.uint8)
    for solid, label in zip(solids, (BLOOD_POOL_LV, BLOOD_POOL_LA), strict=True):
        for k in range(grid.shape[0]):
            at = grid.to_patient(np.indices((1, *grid.shape[1:])).reshape(3, -1).T + np.array((k, 0, 0)))
            labels[k][(solid.level(*at.T) < 0).reshape(grid.shape[1:])] = label
    for body in bodies:
        _put(body, grid, labels)
    return LabelMap(labels=labels, geometry=grid)


def label_bodies(bodies: Sequence[Body], geometry: Geometry) -> LabelMap:
    """Label voxels by the lesion that lies at their centres, on a crop that holds all lesions."""
    corners = [p for b in bodies for p in (b.low_mm, b.high_mm)]
    grid = geometry.crop(geometry.slices_around(corners, margin_mm=_MARGIN_MM))
    labels = np.zeros(grid.shape, np.uint8)
    for body in bodies:
        _put(body, grid, labels)
    return LabelMap(labels=labels, geometry=grid)


def _put(body: Body, grid: Geometry, labels: npt.NDArray[np.uint8]) -> None:
    try:
        box = grid.slices_around([body.low_mm, body.high_mm])
    except ValueError:
        return
    own = grid.crop(box)
    codes = body.classify(own.to_patient(np.indices(own.shape).reshape(3, -1).T)).reshape(own.shape)
    table = np.array([0, *(m.label for m in body.materials)], np.uint8)
    view = labels[box]
    view[codes > 0] = table[codes[codes > 0]]
