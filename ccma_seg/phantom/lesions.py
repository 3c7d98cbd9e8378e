"""Lesions of all kinds: built at an annulus, with what is true of them."""

from dataclasses import dataclass

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.phantom.bands import Beads, band_beads, band_body, other_body
from ccma_seg.phantom.bodies import Body
from ccma_seg.phantom.contrast import Brightness
from ccma_seg.phantom.masses import Mass, place_mass
from ccma_seg.phantom.matter import mass_body, stone_body
from ccma_seg.phantom.nodules import nodular_beads, nodular_body
from ccma_seg.phantom.spec import LesionKind, LesionSpec


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Built:
    """A lesion ready to be painted; `mass` or `beads` hold its geometry when it is one; a stone has a mass's."""

    spec: LesionSpec
    body: Body
    mass: Mass | None = None
    beads: Beads | None = None


def build_lesion(
    spec: LesionSpec, annulus: MitralAnnulus, hu: Brightness, tube_voltage_kv: float, *, seed: int
) -> Built:
    """Build one lesion at an annulus."""
    if spec.kind is LesionKind.MASS:
        mass = place_mass(spec, annulus, seed=seed)
        return Built(spec=spec, body=mass_body(mass, hu, tube_voltage_kv, seed=seed), mass=mass)
    if spec.kind is LesionKind.STONE:
        mass = place_mass(spec, annulus, seed=seed)
        return Built(spec=spec, body=stone_body(mass, tube_voltage_kv, seed=seed), mass=mass)
    if spec.kind is LesionKind.BAND and spec.rough.band.nodules > 0:
        beads = nodular_beads(spec, annulus, seed=seed)
        return Built(spec=spec, body=nodular_body(beads, spec, tube_voltage_kv, seed=seed), beads=beads)
    if spec.kind is LesionKind.BAND:
        beads = band_beads(spec, annulus, seed=seed)
        return Built(spec=spec, body=band_body(beads, spec, tube_voltage_kv), beads=beads)
    return Built(spec=spec, body=other_body(spec, annulus, hu, tube_voltage_kv))
