"""What the user gave of the anatomy: an annulus, chambers, or both."""

from dataclasses import dataclass

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.chambers import AORTA, annulus_between, aortic_normal
from ccma_seg.errors import GeometryError
from ccma_seg.geometry import Floats, Point, as_point
from ccma_seg.volume import LabelMap, Volume

_BLOOD_NEAR_MM = ((0.0, 0.0, 25.0), (0.0, 0.0, -20.0))
"""In the annular frame: blood of the ventricle and of the atrium."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """What is known before anything is looked for."""

    annulus: MitralAnnulus
    centers_mm: Floats
    """Where blood of the left heart is, (n, 3)."""
    pools: LabelMap | None = None
    apex_mm: Point | None = None
    aortic_normal: Point | None = None
    """Across the aortic annulus, downstream."""


def known(volume: Volume, annulus: MitralAnnulus | None, chambers: LabelMap | None) -> Known | None:
    """Gather what is given; an annulus wins over the one between given chambers.

    Raises
    ------
    GeometryError
        If the annulus lies outside the volume, or the chambers do not touch.
    """
    if chambers is None and annulus is None:
        return None
    if chambers is None:
        assert annulus is not None
        found = Known(annulus=annulus, centers_mm=annulus.to_patient(_BLOOD_NEAR_MM))
    else:
        found = _from_chambers(chambers, annulus)
    if not volume.geometry.contains(found.annulus.center_mm):
        x, y, z = found.annulus.center_mm
        raise GeometryError(
            f"the given annulus must lie in the volume, its centre ({x:.0f}, {y:.0f}, {z:.0f}) mm LPS does not;"
            " check the exam and the coordinate system"
        )
    return found


def _from_chambers(chambers: LabelMap, annulus: MitralAnnulus | None) -> Known:
    between, apex = annulus_between(chambers)
    labels = np.where(chambers.labels == AORTA, 0, chambers.labels).astype(np.uint8)
    middles = [np.argwhere(labels == label).mean(axis=0) for label in np.unique(labels[labels > 0])]
    return Known(
        annulus=annulus or between,
        centers_mm=chambers.geometry.to_patient(np.array(middles)),
        pools=LabelMap(labels=labels, geometry=chambers.geometry),
        apex_mm=as_point(apex),
        aortic_normal=aortic_normal(chambers),
    )
