"""The chest round the heart as solids, in the order in which they cover one another.

Positions are LPS offsets from the mitral annulus; sizes after the FORBILD and MIRD thorax phantoms.
"""

import numpy as np
import numpy.typing as npt

from ccma_seg.geometry import Floats
from ccma_seg.phantom.contrast import Brightness
from ccma_seg.phantom.rendering import Painted
from ccma_seg.phantom.shapes import (
    Array,
    Solid,
    common,
    ellipsoid,
    elliptic_column,
    half_space,
    tube,
    union,
    without,
)

AIR_HU = -1000.0
_SKIN_HU = 20.0
_FAT_HU = -100.0
_MUSCLE_HU = 55.0
_LUNG_HU = -850.0
_CORTICAL_HU = 700.0
_TRABECULAR_HU = 185.0
_DISC_HU = 90.0
_INSERT_HU = 40.0
_MIDLINE_MM = -30.0
"""Of the chest, from the annulus: a third of the heart lies to the right of it."""
_RIB_PITCH_MM = 28.0
_VERTEBRA_PITCH_MM = 28.0
_MIDDLE_Y_MM = 4.0
_SKIN_MM, _FAT_MM, _MUSCLE_MM = np.array((32, 29)), np.array((30, 27)), np.array((12, 12))
"""Outside the chest cavity, to the sides and to front and back."""


def make_thorax(center_mm: npt.ArrayLike, hu: Brightness, *, scale: float = 1.0, lung_seed: int = 1) -> list[Painted]:
    """Build the chest round an annulus centre: body, lungs, abdomen and vessels of the lungs."""
    c = np.asarray(center_mm, float)
    middle = _moved(c[:2], _MIDLINE_MM, _MIDDLE_Y_MM)
    wall = np.array((148.0, 96.0)) * scale
    lungs = _lungs(c, wall)
    return [
        Painted(solid=elliptic_column(middle, wall + _SKIN_MM), hu=_SKIN_HU),
        Painted(solid=elliptic_column(middle, wall + _FAT_MM), hu=_FAT_HU),
        Painted(solid=elliptic_column(middle, wall + _MUSCLE_MM), hu=_MUSCLE_HU),
        Painted(solid=lungs, hu=_LUNG_HU),
        *_lung_vessels(c, lungs, hu, seed=lung_seed),
        *_abdomen(c, wall, hu),
    ]


def make_insert(center_mm: npt.ArrayLike) -> list[Painted]:
    """Build a chest round a soft cylinder for calcium inserts like the QRM cardiac phantom."""
    c = np.asarray(center_mm, float)
    chest = [
        Painted(solid=elliptic_column(c[:2], (150, 100)), hu=_INSERT_HU),
        Painted(solid=elliptic_column(_moved(c[:2], -85, 0), (50, 75)), hu=_LUNG_HU),
        Painted(solid=elliptic_column(_moved(c[:2], 85, 0), (50, 75)), hu=_LUNG_HU),
        Painted(solid=elliptic_column(_moved(c[:2], 0, 78), (17, 15)), hu=_TRABECULAR_HU),
    ]
    return [*chest, Painted(solid=elliptic_column(c[:2], (50, 50)), hu=_INSERT_HU)]


def make_bones(center_mm: npt.ArrayLike, *, scale: float = 1.0) -> list[Painted]:
    """Build ribs, sternum, spine and oesophagus; bones come last."""
    c = np.asarray(center_mm, float)
    middle = _moved(c[:2], _MIDLINE_MM, _MIDDLE_Y_MM)
    wall = np.array((148.0, 96.0)) * scale
    sternum = common(
        elliptic_column(middle - np.array((0, wall[1] + 4)), (20, 6.5)),
        half_space(_moved(c, 0, 0, 130), (0, 0, 1)),
        half_space(_moved(c, 0, 0, -60), (0, 0, -1)),
    )
    marrow = common(
        elliptic_column(middle - np.array((0, wall[1] + 4)), (18, 4.8)),
        half_space(_moved(c, 0, 0, 128), (0, 0, 1)),
        half_space(_moved(c, 0, 0, -58), (0, 0, -1)),
    )
    return [
        *_oesophagus_and_trachea(c),
        Painted(solid=_ribs(c, wall, 5.0), hu=_CORTICAL_HU),
        Painted(solid=_ribs(c, wall, 3.4), hu=_TRABECULAR_HU),
        Painted(solid=sternum, hu=450.0),
        Painted(solid=marrow, hu=110.0),
        *_spine(c, wall),
    ]


def _lungs(c: Floats, wall: Floats) -> Solid:
    """Chest cavity less mediastinum and less what the diaphragm lifts."""
    middle = _moved(c[:2], _MIDLINE_MM, _MIDDLE_Y_MM)
    apex = ellipsoid((*middle, c[2] - 40), (wall[0] - 2, wall[1] - 2, 230))
    mediastinum = elliptic_column(_moved(middle, 0, -12), (34, 110))
    spine = elliptic_column(_moved(middle, 0, wall[1]), (40, 56))
    return without(without(common(elliptic_column(middle, wall - 2), apex), mediastinum), spine)


def _abdomen(c: Floats, wall: Floats, hu: Brightness) -> list[Painted]:
    """Diaphragm, liver, stomach and spleen below the heart."""
    middle = _moved(c[:2], _MIDLINE_MM, _MIDDLE_Y_MM)
    dome = wall - 3
    right = ellipsoid((middle[0] - 0.42 * dome[0], middle[1], c[2] - 135), (0.62 * dome[0], 0.98 * dome[1], 98))
    left = ellipsoid((middle[0] + 0.45 * dome[0], middle[1] + 8, c[2] - 140), (0.58 * dome[0], 0.92 * dome[1], 88))
    between = ellipsoid((middle[0], middle[1] - 5, c[2] - 150), (0.8 * dome[0], 0.9 * dome[1], 92))
    inside = elliptic_column(middle, wall - 3)
    organs = common(union(right, left, between), inside)
    liver = common(union(right, common(between, half_space((middle[0] + 45, 0, 0), (1, 0, 0)))), inside)
    stomach = ellipsoid((middle[0] + 62, middle[1] - 28, c[2] - 105), (34, 36, 34))
    spleen = ellipsoid((middle[0] + 98, middle[1] + 40, c[2] - 112), (26, 38, 36))
    return [
        Painted(solid=organs, hu=_FAT_HU),
        Painted(solid=liver, hu=hu.liver),
        Painted(solid=common(stomach, inside), hu=30.0),
        Painted(solid=common(spleen, inside), hu=hu.organ + 10),
    ]


def _lung_vessels(c: Floats, lungs: Solid, hu: Brightness, *, seed: int) -> list[Painted]:
    """Branches from the hila outwards."""
    rng = np.random.Generator(np.random.Philox(seed))
    branches = []
    for side in (-1, 1):
        hilum = _moved(c, _MIDLINE_MM + side * 55, 14, 40)
        for _ in range(14):
            reach = rng.uniform((10, -75, -130), (70, 70, 70)) * (side, 1, 1)
            bend = hilum + 0.5 * reach + rng.normal(0, 6, 3)
            branches.append(common(tube([hilum, bend, hilum + reach], [4.0, 2.6, 1.0]), lungs))
    return [Painted(solid=branch, hu=hu.pulmonary_artery) for branch in branches]


def _oesophagus_and_trachea(c: Floats) -> list[Painted]:
    gullet = tube(
        [_moved(c, -20, 42, -220), _moved(c, -16, 39, -20), _moved(c, -22, 42, 60), _moved(c, -28, 44, 160)], 7.5
    )
    trachea = tube([_moved(c, -28, 26, 66), _moved(c, -30, 20, 200)], 8.5)
    right = tube([_moved(c, -28, 26, 66), _moved(c, -58, 30, 40)], [7.5, 6])
    left = tube([_moved(c, -28, 26, 66), _moved(c, 14, 34, 40)], [6.5, 5.5])
    airways = union(trachea, right, left)
    return [Painted(solid=gullet, hu=35.0), Painted(solid=airways, hu=AIR_HU + 20)]


def _ribs(c: Floats, wall: Floats, radius_mm: float) -> Solid:
    """All ribs: rings that slope down to the front and repeat upwards."""
    center = _moved(c[:2], _MIDLINE_MM, _MIDDLE_Y_MM)
    column = elliptic_column(center, wall + 6)

    def level(x: Array, y: Array, z: Array) -> Array:
        across = column.level(x, y, z)
        turn = (z - float(c[2]) + 0.45 * (float(center[1]) - y) * -1.0) / _RIB_PITCH_MM
        along = (turn - np.floor(turn) - 0.5) * _RIB_PITCH_MM * 0.9
        return np.asarray(np.sqrt(across * across + along * along) - radius_mm)

    rings = Solid(level=level, low_mm=column.low_mm - radius_mm, high_mm=column.high_mm + radius_mm, slack=2.0)
    gap = elliptic_column(center - np.array((0, wall[1] + 4)), (46, 30))
    return without(rings, gap)


def _spine(c: Floats, wall: Floats) -> list[Painted]:
    """Vertebral bodies with discs, canal and spinous processes."""
    x, y = c[0] + _MIDLINE_MM, c[1] + _MIDDLE_Y_MM + wall[1] - 32
    body, inner = elliptic_column((x, y), (18, 15)), elliptic_column((x, y), (16.2, 13.2))
    arch = elliptic_column((x, y + 26), (16, 13))
    process = elliptic_column((x, y + 44), (4, 16))
    sides = elliptic_column((x, y + 24), (34, 5))
    canal = elliptic_column((x, y + 23), (10, 8))
    gap = _repeating_discs(c[2], 3.5)
    return [
        Painted(solid=body, hu=_DISC_HU),
        Painted(solid=without(body, gap), hu=_CORTICAL_HU),
        Painted(solid=without(inner, _repeating_discs(c[2], 5.0)), hu=_TRABECULAR_HU),
        Painted(solid=without(union(arch, process, sides), _repeating_discs(c[2], 7.0)), hu=420.0),
        Painted(solid=canal, hu=30.0),
    ]


def _repeating_discs(z_mm: float, half_mm: float) -> Solid:
    """Slabs across the body, one each vertebra."""

    def level(x: Array, y: Array, z: Array) -> Array:
        turn = (z - z_mm) / _VERTEBRA_PITCH_MM
        return np.asarray(np.abs(turn - np.floor(turn) - 0.5) * _VERTEBRA_PITCH_MM - half_mm + 0 * (x + y))

    everywhere = np.full(3, np.inf)
    return Solid(level=level, low_mm=-everywhere, high_mm=everywhere, slack=1.0)


def _moved(point: Floats, *offset: float) -> Floats:
    return np.asarray(point + np.array(offset))
