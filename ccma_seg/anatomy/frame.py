"""The heart's own axes: along the left ventricle, towards the aortic root, and across both."""

from dataclasses import dataclass

import numpy as np

from ccma_seg.anatomy.pose import Pose
from ccma_seg.anatomy.template import HeartTemplate
from ccma_seg.geometry import Floats, unit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeartFrame:
    """Millimetres from the annulus along x (to the apex), y (to the aortic root) and z = x cross y."""

    origin_mm: Floats
    axes: Floats
    """Rows: x, y, z in LPS."""
    length_mm: float
    """From the annulus to the apex."""
    root: Floats
    """Centre of the aortic root in this frame."""

    def to_frame(self, positions_mm: Floats) -> Floats:
        """Turn LPS mm, shape (..., 3), into this frame."""
        return np.asarray((positions_mm - self.origin_mm) @ self.axes.T)

    def to_patient(self, positions: Floats) -> Floats:
        """Turn positions in this frame, shape (..., 3), into LPS mm."""
        return np.asarray(positions @ self.axes + self.origin_mm)


def heart_frame(pose: Pose, template: HeartTemplate) -> HeartFrame:
    """Return the frame of a heart that was found."""
    origin = np.array(pose.center_mm)
    apex, root = (pose.matrix @ p for p in (template.apex, template.aortic_root))
    x = unit(apex)
    y = unit(root - (root @ x) * x)
    axes = np.array([x, y, np.cross(x, y)])
    return HeartFrame(origin_mm=origin, axes=axes, length_mm=float(np.linalg.norm(apex)), root=axes @ root)
