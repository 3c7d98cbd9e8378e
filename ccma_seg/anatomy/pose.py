"""How a heart lies in the patient: place, turn, size and shape, found by search and refined by least squares."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.spatial.transform import Rotation

from ccma_seg.geometry import Floats, Point, as_point

STRAINS = np.array(
    [
        np.eye(3),
        np.diag([1.0, -1.0, 0.0]),
        np.diag([-0.5, -0.5, 1.0]),
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
        [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]],
        [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]],
    ]
)
"""Ways in which a heart differs from the mean one: size, then five changes of shape that keep the volume."""

PARAMETERS = 6 + len(STRAINS)
"""Of a pose: centre 3, turn 3, strains 6."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pose:
    """Maps the template's heart, whose origin is the annulus, into the patient."""

    center_mm: Point
    rotation: Floats
    """3 x 3, from the mean heart's attitude."""
    strain: Floats = field(default_factory=lambda: np.zeros(len(STRAINS)))
    """Logarithmic, one figure for each of `STRAINS`; 0 for the mean heart."""

    @property
    def size(self) -> float:
        """Log of the size, 0 for the mean heart."""
        return float(self.strain[0])

    @property
    def shape(self) -> Floats:
        """3 x 3: size and change of shape, in the template's axes."""
        values, vectors = np.linalg.eigh(np.tensordot(self.strain, STRAINS, axes=1))
        return np.asarray((vectors * np.exp(values)) @ vectors.T)

    @property
    def matrix(self) -> Floats:
        """3 x 3: turn and shape in one."""
        return np.asarray(self.rotation @ self.shape)

    def to_patient(self, positions_mm: Floats) -> Floats:
        """Map template mm, shape (..., 3), into LPS mm."""
        return np.asarray(positions_mm @ self.matrix.T + self.center_mm)

    def moved(self, step: Floats) -> "Pose":
        """Return the pose after a step in its parameters: centre, turn, strains."""
        return replace(
            self,
            center_mm=as_point(self.center_mm + step[:3]),
            rotation=Rotation.from_rotvec(step[3:6]).as_matrix() @ self.rotation,
            strain=self.strain + step[6:],
        )

    @property
    def deviation(self) -> Floats:
        """Turn (rotation vector) and strains, shape (9,): 0 for the mean heart."""
        return np.array([*_turn(self.rotation), *self.strain])


def mean_pose(poses: Sequence[Pose]) -> Pose:
    """Return the pose in the middle of some that are near to each other."""
    return Pose(
        center_mm=as_point(np.mean([pose.center_mm for pose in poses], axis=0)),
        rotation=Rotation.from_matrix([pose.rotation for pose in poses]).mean().as_matrix(),
        strain=np.mean([pose.strain for pose in poses], axis=0),
    )


def _turn(rotation: Floats) -> Floats:
    """Return the rotation vector of a turn by less than half a circle: a tenth of the time of scipy's, which checks."""
    twice = rotation - rotation.T
    axis = np.array([twice[2, 1], twice[0, 2], twice[1, 0]]) / 2
    sine, cosine = float(np.linalg.norm(axis)), (float(np.trace(rotation)) - 1) / 2
    return axis * (np.arctan2(sine, cosine) / sine if sine > 0 else 1.0)
