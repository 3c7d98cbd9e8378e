"""How a heart lies in the patient: place, turn and size, found by search and refined by least squares."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from ccma_seg.geometry import Floats, Point, as_point


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pose:
    """Maps the template's heart, whose origin is the annulus, into the patient."""

    center_mm: Point
    rotation: Floats
    """3 x 3, from the mean heart's attitude."""
    size: float = 0.0
    """Log of the size, 0 for the mean heart."""
    stretch: float = 0.0
    """Log of the lengthening along the axis of the left ventricle, beyond the size."""
    axis: Point = (0.0, 0.0, 1.0)
    """That axis in the template."""

    @property
    def matrix(self) -> Floats:
        """3 x 3: rotation, size and stretch in one."""
        along = np.outer(self.axis, self.axis)
        return np.asarray(np.exp(self.size) * self.rotation @ (np.eye(3) + (np.exp(self.stretch) - 1) * along))

    def to_patient(self, positions_mm: Floats) -> Floats:
        """Map template mm, shape (..., 3), into LPS mm."""
        return np.asarray(positions_mm @ self.matrix.T + self.center_mm)

    def moved(self, step: Floats) -> "Pose":
        """Return the pose after a step in its eight parameters: centre 3, turn 3, size, stretch."""
        return replace(
            self,
            center_mm=as_point(self.center_mm + step[:3]),
            rotation=Rotation.from_rotvec(step[3:6]).as_matrix() @ self.rotation,
            size=self.size + float(step[6]),
            stretch=self.stretch + float(step[7]),
        )

    @property
    def deviation(self) -> Floats:
        """Turn (rotation vector), size and stretch, shape (5,): 0 for the mean heart."""
        return np.array([*Rotation.from_matrix(self.rotation).as_rotvec(), self.size, self.stretch])
