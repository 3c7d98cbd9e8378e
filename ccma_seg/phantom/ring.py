"""A D-shaped, saddle-shaped mitral annulus."""

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.geometry import Floats, as_point, unit
from ccma_seg.phantom.spec import AnnulusSpec

_POINTS = 360
"""One a degree."""


def make_annulus(spec: AnnulusSpec, center_mm: npt.ArrayLike) -> MitralAnnulus:
    """Build the annulus of a phantom from its measures, centre, and directions."""
    normal = unit(spec.direction_to_apex)
    toward = np.asarray(spec.direction_posterior, float)
    posterior = unit(toward - (toward @ normal) * normal)
    bare = MitralAnnulus(
        center_mm=as_point(center_mm),
        normal=as_point(normal),
        posterior=as_point(posterior),
        curve_mm=np.zeros((0, 3)),
        method="phantom",
        uncertainty_mm=0.0,
        septal_lateral_mm=spec.septal_lateral_mm,
        intercommissural_mm=spec.intercommissural_mm,
    )
    return MitralAnnulus(
        center_mm=bare.center_mm,
        normal=bare.normal,
        posterior=bare.posterior,
        curve_mm=bare.to_patient(ring_points(spec, np.linspace(0, 360, _POINTS, endpoint=False))),
        method=bare.method,
        uncertainty_mm=bare.uncertainty_mm,
        septal_lateral_mm=bare.septal_lateral_mm,
        intercommissural_mm=bare.intercommissural_mm,
    )


def ring_points(spec: AnnulusSpec, angle_deg: npt.ArrayLike) -> Floats:
    """Return points of the ring at some angles, mm in the annulus frame, shape (n, 3).

    The posterior side is half an ellipse, the anterior side is flatter: a D. The ring rises towards the
    atrium at mid anterior and mid posterior, and dips at the commissures: a saddle.
    """
    angle = np.radians(np.atleast_1d(np.asarray(angle_deg, float)))
    cosine, sine = np.cos(angle), np.sin(angle)
    behind = cosine >= 0
    share = np.where(behind, spec.posterior_share, 1 - spec.posterior_share)
    power = np.where(behind, 2.0, spec.anterior_power)
    a, b = share * spec.septal_lateral_mm, spec.intercommissural_mm / 2
    radius = ((np.abs(cosine) / a) ** power + (np.abs(sine) / b) ** power) ** (-1 / power)
    height = -spec.saddle_height_mm / 2 * np.cos(2 * angle)
    return np.stack([radius * cosine, radius * sine, height], axis=-1)
