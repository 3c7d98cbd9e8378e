"""The heart's own axes: along the left ventricle, towards the aortic root, and across both."""

from dataclasses import dataclass, replace

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

    def moved_along(self, depth_mm: float) -> "HeartFrame":
        """Return the frame with its origin moved towards the apex."""
        shift = np.array([depth_mm, 0.0, 0.0])
        return replace(
            self,
            origin_mm=self.to_patient(shift),
            length_mm=self.length_mm - depth_mm,
            root=self.root - shift,
        )


def heart_frame(pose: Pose, template: HeartTemplate) -> HeartFrame:
    """Return the frame of a heart that was found."""
    origin = np.array(pose.center_mm)
    apex, root = (pose.matrix @ p for p in (template.apex, template.aortic_root))
    x = unit(apex)
    y = unit(root - (root @ x) * x)
    axes = np.array([x, y, np.cross(x, y)])
    return HeartFrame(origin_mm=origin, axes=axes, length_mm=float(np.linalg.norm(apex)), root=axes @ root)
