"""The heart as solids, in the order in which they cover one another.

Built in the frame of the mitral annulus (posterior, anterolateral, apical; mm). Positions follow marked CTs:
LV apex 77 mm apical, LA centre 22 mm basal, aortic root 30 mm anterior of the annulus centre.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.geometry import Floats
from ccma_seg.phantom.contrast import Brightness
from ccma_seg.phantom.funnel import ellipsoid_section, funnel
from ccma_seg.phantom.rendering import Painted
from ccma_seg.phantom.shapes import Solid, common, ellipsoid, grown, half_space, tube, union
from ccma_seg.phantom.spec import AnatomySpec, AnnulusSpec, Orifice

FAT_HU = -95.0
WALL_HU = 50.0
CORONARY_MM = 1.6
"""Radius of the coronary arteries."""
_ROOT = ((-27.0, 1.5, -3.0), (-32.0, 2.0, -14.0))
"""Middle of the aortic root at its annulus and above, in the annular frame."""
_STRAIGHT_MM = 35.0
"""Of the root and the ascending aorta, where the opening follows the ring."""
_FUNNEL_MM = 16.0
"""From the ring to where the chambers have their own form."""
_HINGE_MM = 1.5
"""Thickness of the wall at the hinge."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heart:
    """The solids of a heart that others refer to."""

    annulus: MitralAnnulus
    painted: tuple[Painted, ...]
    lv: Solid
    la: Solid
    chambers: Solid
    """Everything within the pericardium but fat, with the great vessels."""
    cardiac: Solid
    """The heart without the great vessels."""


def make_heart(spec: AnatomySpec, annulus: MitralAnnulus, hu: Brightness) -> Heart:
    """Build the heart round an annulus."""
    place = _Place(annulus)
    lv, wall = _left_ventricle(spec, place)
    la = _atrium(spec, place)
    rv = place.ball((-29, -27, 33), (27, 30, 42))
    ra = ellipsoid(place.beside((-40, -9, -10)), (21, 26, 29))
    outflow = tube([place.at((-44, -6, 28)), place.beside((-2, -52, 30)), place.beside((0, -42, 48))], [15, 13, 12.5])
    aorta = _aorta(spec, place)
    chambers = union(wall, grown(la, 2), grown(rv, 3), grown(ra, 2.5), grown(outflow, 2), grown(aorta, 2))
    cardiac = union(wall, grown(la, 2), grown(rv, 3), grown(ra, 2.5))
    layers = [
        Painted(solid=grown(chambers, 7 + spec.effusion_mm), hu=WALL_HU if spec.effusion_mm == 0 else 12.0),
        Painted(solid=grown(chambers, 6), hu=FAT_HU),
        Painted(solid=grown(ra, 2), hu=hu.myocardium),
        Painted(solid=ra, hu=hu.right_atrium),
        Painted(solid=grown(union(rv, outflow), 3), hu=hu.myocardium),
        Painted(solid=union(rv, outflow), hu=hu.right_ventricle),
        *_great_veins(place, hu),
        *_pulmonary(place, hu),
        *_left_atrium(la, place, hu),
        Painted(solid=wall, hu=hu.myocardium),
        *_groove(place, hu),
        Painted(solid=la, hu=hu.left_atrium),
        Painted(solid=lv, hu=hu.left_ventricle),
        *_valve_and_muscles(spec, place, hu),
        Painted(solid=grown(aorta, 1.5), hu=WALL_HU),
        Painted(solid=aorta, hu=hu.aorta),
        *_coronaries(place, hu),
    ]
    return Heart(annulus=annulus, painted=tuple(layers), lv=lv, la=la, chambers=chambers, cardiac=cardiac)


@dataclass(frozen=True, slots=True)
class _Place:
    """Places solids in the frame of the annulus."""

    annulus: MitralAnnulus

    def at(self, frame_mm: npt.ArrayLike) -> Floats:
        return self.annulus.to_patient(frame_mm)

    def beside(self, offset_mm: npt.ArrayLike) -> Floats:
        """Return an LPS offset from the centre as a position."""
        return np.asarray(np.asarray(self.annulus.center_mm) + np.asarray(offset_mm, float))

    def ball(self, center: npt.ArrayLike, radii: npt.ArrayLike) -> Solid:
        return ellipsoid(self.at(center), radii, self.annulus.axes)

    def pipe(self, path: npt.ArrayLike, radii: npt.ArrayLike) -> Solid:
        return tube(self.at(path), radii)

    def apical_of(self, mm: float) -> Solid:
        """Return everything apical of a plane."""
        return half_space(self.at((0, 0, mm)), -self.annulus.axes[2])

    def ring(self, outward_mm: float, apical_mm: float, angles_deg: npt.ArrayLike) -> Floats:
        """Return positions beside the ring."""
        index = np.round(np.asarray(angles_deg, float)).astype(int) % len(self.annulus.curve_mm)
        local = self.annulus.to_frame(self.annulus.curve_mm[index])
        flat = local * (1, 1, 0)
        out = flat / np.linalg.norm(flat, axis=1, keepdims=True)
        return self.annulus.to_patient(local + out * outward_mm + np.array((0, 0, apical_mm)))


def _left_ventricle(spec: AnatomySpec, place: _Place) -> tuple[Solid, Solid]:
    """Return the cavity and the cavity with its wall."""
    middle = 0.35 * spec.lv_length_mm
    radii = np.array((spec.lv_radius_mm, spec.lv_radius_mm, spec.lv_length_mm - middle))
    cavity = common(place.ball((0, 0, middle), radii), place.apical_of(-1.0))
    thick = (spec.wall_mm, spec.wall_mm, 0.8 * spec.wall_mm)
    wall = common(place.ball((0, 0, middle), radii + thick), place.apical_of(-3.0))
    if spec.orifice == Orifice.ROUND:
        return cavity, wall
    seam = ellipsoid_section((0, 0, middle), radii, _FUNNEL_MM)
    below = place.apical_of(_FUNNEL_MM)
    neck = funnel(place.annulus, seam, length_mm=_FUNNEL_MM)
    muscle = funnel(place.annulus, seam, length_mm=_FUNNEL_MM, wall_mm=(_HINGE_MM, spec.wall_mm))
    return union(common(cavity, below), neck), union(common(wall, below), muscle)


def _atrium(spec: AnatomySpec, place: _Place) -> Solid:
    """Return the atrium's cavity without veins and appendage."""
    center, radii = np.array((-5, 4, -24)), np.array((21, 29, 23)) * spec.la_scale
    if spec.orifice == Orifice.ROUND:
        return place.ball(center, radii)
    seam = ellipsoid_section(center, radii, -_FUNNEL_MM)
    neck = funnel(place.annulus, seam, length_mm=-_FUNNEL_MM)
    above = half_space(place.at((0, 0, -_FUNNEL_MM)), place.annulus.axes[2])
    return union(common(place.ball(center, radii), above), neck)


def _anterior_shift_mm(spec: AnatomySpec) -> float:
    """Return how much farther in front than on average the root lies, where it makes way for a larger ring."""
    ring, mean = spec.annulus, AnnulusSpec()
    ahead = [(1 - own.posterior_share) * own.septal_lateral_mm for own in (ring, mean)]
    return 0.0 if spec.orifice == Orifice.ROUND else ahead[0] - ahead[1]


def _left_atrium(la: Solid, place: _Place, hu: Brightness) -> list[Painted]:
    veins = [
        tube([place.beside(start), place.beside(end)], [7, 6])
        for start, end in (
            ((0, 18, 22), (24, 34, 36)),
            ((0, 22, 6), (24, 42, 2)),
            ((-28, 16, 20), (-52, 22, 34)),
            ((-28, 20, 6), (-54, 30, 0)),
        )
    ]
    appendage = place.pipe([(0, 28, -22), (-10, 36, -8), (-16, 34, 6)], [9, 9, 5])
    outside = [grown(s, 2.0) for s in (la, appendage, *veins)]
    return [
        Painted(solid=union(*outside), hu=WALL_HU),
        Painted(solid=union(*veins), hu=hu.left_atrium),
        Painted(solid=appendage, hu=hu.left_atrium),
    ]


def _groove(place: _Place, hu: Brightness) -> list[Painted]:
    """Fat of the left atrioventricular groove with circumflex artery and coronary sinus."""
    fat = tube(place.ring(10.5, -4.0, np.arange(-110, 131, 12)), 6.5)
    sinus = tube(place.ring(10.0, -8.0, np.arange(-105, 61, 15)), np.linspace(5.0, 2.5, 12))
    circumflex = tube(place.ring(8.5, -2.0, np.arange(0, 131, 10)), np.linspace(1.1, 1.8, 14))
    return [
        Painted(solid=fat, hu=FAT_HU),
        Painted(solid=sinus, hu=hu.veins),
        Painted(solid=grown(circumflex, 0.5), hu=WALL_HU),
        Painted(solid=circumflex, hu=hu.aorta),
    ]


def _valve_and_muscles(spec: AnatomySpec, place: _Place, hu: Brightness) -> list[Painted]:
    """Mitral orifice with open leaflets, and papillary muscles."""
    mean = (0.5 * (hu.left_ventricle + hu.left_atrium)) if hu.left_ventricle else hu.left_atrium
    shift = _anterior_shift_mm(spec)
    orifice = place.ball((1, 0, -2), (13.0, 16.0, 9.0))
    anterior = _leaflet(place, (150, 165, 180, 195, 210), 20.0)
    posterior = _leaflet(place, (-45, -30, -15, 0, 15, 30, 45), 10.0)
    lateral = place.pipe([(8, 13, 0.42 * spec.lv_length_mm), (8, 16, 0.68 * spec.lv_length_mm)], [3.5, 5.5])
    medial = place.pipe([(8, -13, 0.42 * spec.lv_length_mm), (9, -15, 0.68 * spec.lv_length_mm)], [3.5, 5.5])
    outflow = place.pipe([(-13, 0, 16), (-25 - shift, 1, 0)], [10.5, 11])
    return [
        Painted(solid=outflow, hu=hu.left_ventricle),
        *([Painted(solid=orifice, hu=mean)] if spec.orifice == Orifice.ROUND else []),
        *(Painted(solid=leaf, hu=0.5 * (hu.myocardium + mean)) for leaf in (anterior, posterior)),
        *(Painted(solid=muscle, hu=hu.myocardium) for muscle in (lateral, medial)),
    ]


def _leaflet(place: _Place, angles_deg: npt.ArrayLike, length_mm: float) -> Solid:
    """Return a leaflet: ribs of 1.4 mm from the ring into the ventricle."""
    hinges = place.ring(-0.5, 0.0, angles_deg)
    tips = place.ring(-3.5, length_mm, angles_deg)
    return union(*(tube([hinge, tip], [0.9, 0.6]) for hinge, tip in zip(hinges, tips, strict=True)))


def root_axis(spec: AnatomySpec, annulus: MitralAnnulus) -> Floats:
    """Return the direction of a straight aortic root, downstream: across the aortic annulus."""
    fold = np.radians(180 - spec.aortic_angle_deg)
    return np.asarray(np.array((-np.sin(fold), 0.0, -np.cos(fold))) @ annulus.axes)


def _aorta(spec: AnatomySpec, place: _Place) -> Solid:
    """Root, ascending aorta, arch and descending aorta."""
    foot = place.at(np.array(_ROOT[0]) - (_anterior_shift_mm(spec), 0, 0))
    bent = [foot, place.at(_ROOT[1]), place.beside((-29, -28, 38))]
    straight = [foot, foot + _STRAIGHT_MM * root_axis(spec, place.annulus)]
    round_opening = spec.orifice == Orifice.ROUND
    path = [
        *(bent if round_opening else straight),
        place.beside((-36, -26, 62)),
        place.beside((-30, -10, 96)),
        place.beside((-14, 22, 108)),
        place.beside((-3, 44, 92)),
        place.beside((-5, 47, 40)),
        place.beside((-6, 46, 0)),
        place.beside((-16, 44, -90)),
        place.beside((-26, 40, -220)),
    ]
    return tube(path, [12, 15, *([15] if round_opening else []), 15.5, 14.5, 13, 12.5, 12, 11.5, 11, 10])


def _great_veins(place: _Place, hu: Brightness) -> list[Painted]:
    upper = tube([place.beside((-50, -4, 15)), place.beside((-54, -8, 60)), place.beside((-54, -14, 160))], [10, 9, 9])
    lower = tube(
        [place.beside((-42, 2, -30)), place.beside((-46, 12, -60)), place.beside((-50, 22, -220))], [11, 12, 11]
    )
    return [Painted(solid=upper, hu=hu.right_atrium), Painted(solid=lower, hu=hu.veins)]


def _pulmonary(place: _Place, hu: Brightness) -> list[Painted]:
    """Pulmonary trunk and its two branches."""
    trunk = tube([place.beside((0, -44, 42)), place.beside((2, -24, 60)), place.beside((-2, -2, 66))], [13, 13.5, 12])
    left = tube([place.beside((2, -8, 64)), place.beside((22, 14, 66)), place.beside((40, 30, 55))], [11, 10, 7])
    right = tube([place.beside((-4, -4, 60)), place.beside((-40, 6, 54)), place.beside((-72, 12, 44))], [11, 10.5, 7])
    vessels = union(trunk, left, right)
    return [Painted(solid=grown(vessels, 1.5), hu=WALL_HU), Painted(solid=vessels, hu=hu.pulmonary_artery)]


def _coronaries(place: _Place, hu: Brightness) -> list[Painted]:
    """Left main with the anterior descending branch, and the right coronary artery."""
    left = place.pipe([(-24, 12, -12), (-20, 26, -8), (-26, 30, 14), (-24, 26, 44)], [2.2, 2.0, CORONARY_MM, 1.2])
    circumflex = place.pipe([(-20, 26, -8), (-12, 27, -5)], [1.9, 1.8])
    right = tube(
        [
            place.at((-42, -8, -10)),
            place.beside((-40, -48, 8)),
            place.beside((-50, -46, -20)),
            place.beside((-36, -16, -46)),
        ],
        [2.0, 1.9, 1.8, 1.4],
    )
    return [Painted(solid=vessel, hu=hu.aorta) for vessel in (left, circumflex, right)]
