"""The contour of the annulus traced where contrast shows it: hinge by hinge round the axis, and smooth.

Unrolled round the axis, the blood has an edge at every depth, and behind it the wall: thin on the side of the atrium,
thick muscle on that of the ventricle. The hinge is where the thick wall begins, and the ring runs along the blood's
edge there. In front, between the trigones, there is no muscle: the depth is that of the saddle through the other
hinges, and the edge that of the atrium's blood at the aortic curtain.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.contour import measure_contour
from ccma_seg.anatomy.ring import RingParams, saddle
from ccma_seg.anatomy.sectors import TRIGONE_DEG
from ccma_seg.geometry import Bools, Floats, Floats32, Point, as_point, unit
from ccma_seg.spread import MAD_TO_SD
from ccma_seg.tissue import CLEAR_CONTRAST_HU
from ccma_seg.volume import Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceParams:
    """How the contour is traced, and when what was traced counts."""

    most_errors: float = 3.0
    """The contour's middle lies within so many standard errors of the annulus that was found without it: what is traced
    elsewhere runs along a leaflet or a fold of the wall."""
    reach_mm: float = 15.0
    """Depths looked at, to either side of the annulus."""
    radii_mm: tuple[float, float] = (5.0, 40.0)
    step_mm: float = 0.75
    """Along the axis and across it."""
    smoothing: tuple[float, float, float] = (1.0, 1.0, 0.7)
    """Standard deviation in steps: round the axis (5 degrees), along and across (0.75 mm each)."""
    blood: float = 0.5
    """The blood's edge: halfway between muscle (0) and blood (1)."""
    leaflet_mm: tuple[float, float] = (3.0, 5.0)
    """What is thinner than this along the axis is a leaflet that lies across it; on the ventricle's side, what is
    thinner than this across the axis is one that lies along it (closed leaflets are up to 5 mm thick, blurred)."""
    curtain_mm: float = 1.5
    """On the atrium's side a wall as thin as this ends it: there are no leaflets."""
    soon_mm: float = 2.5
    slope_mm: float = 2.0
    """The edge lies halfway down to the darkest of what is that far behind it, and at most so far ahead of it: a thin
    wall between two pools of blood is blurred, and not as dark as it is (proposal)."""
    wall_mm: float = 6.0
    """Of the wall, this much is looked at."""
    muscle_below_hu: tuple[float, float] = (60.0, 30.0)
    """So much darker than the myocardium is no muscle, and surely muscle."""
    ramp_mm: float = 5.0
    """Over which the wall grows to its full thickness, from the hinge on."""
    thin: float = 0.3
    """Thickness of the atrium's wall, as a share of `wall_mm`."""
    window_mm: float = 7.0
    """Of the wall, this much to either side of a hinge is held against what it should be."""
    waist_mm: tuple[float, float] = (4.0, 8.0)
    """At a hinge the blood is narrower than between these distances ahead of it and behind it."""
    waist_depth_mm: float = 5.0
    """By so much where the waist is perfect."""
    clear: float = 0.3
    """Of two, one for the wall and one for the waist: a hinge that shows (proposal)."""
    near_mm: float = 3.0
    """A hinge lies this near to the saddle that most hinges agree on."""
    hinge_sd_mm: tuple[float, float] = (0.7, 4.0)
    """Of one hinge, at least and at most: in between as they scatter about the saddle."""
    independent_deg: float = 20.0
    """Hinges this far apart err independently (proposal)."""
    saddle_mm: tuple[float, float] = (3.0, 2.0)
    """Half the height of the saddle, and its standard deviation: 3-11 mm high (Erasmus repository 101897)."""
    depth_sd_mm: float = 1.0
    tilt_mm: float = 1.5
    skew_mm: float = 0.7
    """Standard deviations of the depth, beside the uncertainty of the centre, of how the plane tilts over the radius of
    the ring, and of how the saddle is turned."""
    least_shown: float = 0.35
    """Share of the hinges between the trigones, posterior, that must show."""
    most_error_mm: float = 2.5
    """Standard error of one point: of 6 real CTs those that came out worse ran off along a leaflet or a lobe."""
    shape: tuple[float, float] = (0.58, 1.1)
    """Septal-lateral, across its middle, over intercommissural: 31.4 +- 4.5 over 39.3 +- 4.6 mm, so 0.8 +- 0.11
    (Erasmus repository 101897). A curve that follows the anterior leaflet is dented."""
    curtain_sd_mm: float = 3.0
    """By so much the ring differs from an average D of its depth behind and its width; an edge twice as far off is one
    of the outflow tract, or of a lobe."""
    least_edge_sd_mm: float = 0.5
    posterior_sd_deg: float = 12.0
    """Of the direction towards mid posterior that was found before (proposal)."""
    radius_sd_mm: float = 0.7
    height_sd_mm: float = 1.5
    """By so much an oval and a saddle come out otherwise than they are: they turn the direction towards mid posterior
    to the short side of the oval and to the height of the saddle (proposal)."""
    orders: int = 5
    """The edge may have as many bulges."""
    passes: int = 3
    """Each is unrolled round what the last one found."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """A contour, or why there is none."""

    points_mm: Floats | None = None
    """(72, 3) LPS, one every 5 degrees from mid posterior."""
    uncertainty_mm: float | None = None
    """Standard error of one point: of the saddle, and as hinges and edges scatter, as neighbours err alike."""
    posterior: Point | None = None
    """Unit vector towards mid posterior, in the plane of the annulus: along the short side of the contour."""
    why_not: str = ""


_ROUNDS = 10
"""Of reweighting: then nothing moves any more."""
_TINY = 1e-6
_UNKNOWN = 0.5
"""How far a wall that does not show is taken to be from what it should be."""
_COARSE, _ROUGH = (-2.0, -1.2, -0.6, 0.0, 0.6, 1.2, 2.0), (-1.5, -0.7, 0.0, 0.7, 1.5)
_TRIED = (_COARSE, _ROUGH, _ROUGH, _ROUGH, (-1.0, 0.0, 1.0))
"""Standard deviations from the likely saddle, of each of its terms."""
_MEASURED_DEG = ((-25.0, 25.0), (60.0, 110.0), (-110.0, -60.0))
"""Where the ring's reach behind, and to either side, is taken."""
_STEP_DEG = 5
_ANGLES = np.radians(np.arange(0.0, 360.0, _STEP_DEG))
_SIDE = np.abs((np.degrees(_ANGLES) + 180) % 360 - 180) <= TRIGONE_DEG
"""Directions with a muscular hinge."""


def trace(
    volume: Volume, annulus: MitralAnnulus, levels: tuple[float, float], *, dense_hu: float, params: TraceParams
) -> Trace:
    """Trace the contour round an annulus that was found.

    Parameters
    ----------
    volume
        With contrast.
    annulus
        Where to look, within some millimetres.
    levels
        HU of muscle and of blood.
    dense_hu
        From here on it is calcium, which hides hinges.
    """
    if levels[1] - levels[0] < CLEAR_CONTRAST_HU:
        return Trace(why_not=f"blood is only {levels[1] - levels[0]:.0f} HU brighter than muscle")
    frame = annulus
    for _ in range(params.passes):
        found = _trace_once(volume, frame, levels, dense_hu=dense_hu, params=params)
        if found.points_mm is None:
            return found
        frame = _moved(frame, found.points_mm, params)
    why_not = _doubts(found, frame, annulus, params)
    return Trace(why_not=why_not) if why_not else found


def _doubts(found: Trace, frame: MitralAnnulus, annulus: MitralAnnulus, params: TraceParams) -> str:
    """Say why what was traced, about a frame of its own, is not the contour of the annulus; nothing if it may be."""
    assert found.points_mm is not None
    assert found.uncertainty_mm is not None
    sizes = measure_contour(frame, found.points_mm)
    assert sizes.saddle_septal_lateral_mm is not None
    assert sizes.intercommissural_mm is not None
    shape = sizes.saddle_septal_lateral_mm / sizes.intercommissural_mm
    away_mm = float(np.linalg.norm((found.points_mm - annulus.curve_mm).mean(axis=0)))
    if found.uncertainty_mm > params.most_error_mm:
        return f"a point of it would be known to {found.uncertainty_mm:.1f} mm only"
    if not params.shape[0] <= shape <= params.shape[1]:
        return f"what shows is {shape:.2f} times as deep as wide: no annulus"
    if away_mm > params.most_errors * annulus.uncertainty_mm:
        return f"what shows lies {away_mm:.0f} mm from the annulus that was found"
    return ""


def _trace_once(
    volume: Volume, annulus: MitralAnnulus, levels: tuple[float, float], *, dense_hu: float, params: TraceParams
) -> Trace:
    depths = np.arange(-params.reach_mm, params.reach_mm + params.step_mm / 2, params.step_mm)
    radii = np.arange(*params.radii_mm, params.step_mm)
    seen, dense = _unrolled(volume, annulus, depths, radii, levels=levels, dense_hu=dense_hu, params=params)
    edge_mm = _edges(seen, depths, radii, params)
    wall = _wall(seen, edge_mm, radii, contrast_hu=levels[1] - levels[0], params=params)
    hidden = _hidden(dense, edge_mm, depths, radii)
    signs = _onset(wall, params) + _waist(edge_mm, params)
    depth_mm, clear = _hinges(signs, depths, annulus.uncertainty_mm, params)
    shown = _SIDE & clear & ~hidden
    if shown.sum() < params.least_shown * _SIDE.sum():
        share, least = (100 * part for part in (shown.sum() / _SIDE.sum(), params.least_shown))
        return Trace(why_not=f"{share:.0f} % of its hinges show, {least:.0f} % are needed")
    saddle_mm, saddle_sd_mm, scatter_mm = _saddle(depth_mm, shown, annulus.uncertainty_mm, params)
    at_hinge = _edge_at(edge_mm, saddle_mm, depths)
    radius_mm, rough_mm = _smooth_edge(at_hinge, np.isfinite(at_hinge) & ~hidden, params)
    if not np.isfinite(rough_mm):
        return Trace(why_not="the edge of its blood does not show all round")
    local = np.stack([radius_mm * np.cos(_ANGLES), radius_mm * np.sin(_ANGLES), saddle_mm], axis=1)
    error_mm = float(np.sqrt((saddle_sd_mm**2).mean() + rough_mm**2 + scatter_mm**2))
    return Trace(points_mm=annulus.to_patient(local), uncertainty_mm=error_mm, posterior=annulus.posterior)


def _unrolled(
    volume: Volume,
    annulus: MitralAnnulus,
    depths: Floats,
    radii: Floats,
    *,
    levels: tuple[float, float],
    dense_hu: float,
    params: TraceParams,
) -> tuple[Floats32, Bools]:
    """Return enhancement, 0 in muscle and 1 in blood, and where calcium is; (angle, depth, radius)."""
    angle, depth, radius = np.meshgrid(_ANGLES, depths, radii, indexing="ij")
    rays = annulus.to_patient(np.stack([np.cos(angle) * radius, np.sin(angle) * radius, depth], axis=-1))
    wide = radii[-1]
    corners = [(p, q, r) for p in (-wide, wide) for q in (-wide, wide) for r in depths[[0, -1]]]
    part = volume.crop(volume.geometry.slices_around(annulus.to_patient(corners), margin_mm=1.0))
    index = np.moveaxis(part.geometry.to_index(rays), -1, 0)
    hu = ndimage.map_coordinates(part.hu, index, order=1, mode="nearest", output=np.float32)
    muscle_hu, blood_hu = levels
    values = np.clip((hu - muscle_hu) / (blood_hu - muscle_hu), -2, 1).astype(np.float32)
    smoothed = ndimage.gaussian_filter(values, params.smoothing, mode=("wrap", "nearest", "nearest"))
    smoothed = ndimage.grey_closing(smoothed, size=(1, round(params.leaflet_mm[0] / params.step_mm), 1), mode="nearest")
    return smoothed, np.asarray(hu > dense_hu)


def _edges(seen: Floats32, depths: Floats, radii: Floats, params: TraceParams) -> Floats:
    """Return where the blood ends, (angle, depth) mm; NaN where it does not."""
    outside = seen < params.blood
    edge = np.full(seen.shape[:2], np.nan)
    for side, thick_mm in ((depths < 0, params.curtain_mm), (depths >= 0, params.leaflet_mm[1])):
        edge[:, side] = _first_solid(seen[:, side], outside[:, side], radii, round(thick_mm / params.step_mm), params)
    return edge


def _first_solid(seen: Floats32, outside: Bools, radii: Floats, cells: int, params: TraceParams) -> Floats:
    """Return where it is first outside over some cells: halfway from blood down to the darkest that follows soon."""
    reach = outside.shape[2] - cells + 1
    solid = np.logical_and.reduce([outside[..., i : i + reach] for i in range(cells)])
    first = solid.argmax(axis=2)
    soon, before = round(params.soon_mm / params.step_mm), round(params.slope_mm / params.step_mm)
    around = np.clip(first[..., None] + np.arange(-before, soon + 1), 0, len(radii) - 1)
    values = np.take_along_axis(seen, around, axis=2)
    level = np.maximum(params.blood, (1 + values[..., before:].min(axis=2)) / 2)
    below = values[..., : before + 1] < level[..., None]
    crossed = np.maximum(below.argmax(axis=2), 1)
    inner, outer = (np.take_along_axis(values, at[..., None], axis=2)[..., 0] for at in (crossed - 1, crossed))
    share = np.clip((inner - level) / np.maximum(inner - outer, _TINY), 0, 1)
    found = solid.any(axis=2) & (first > before)
    return np.where(found, radii[0] + (first - before + crossed - 1 + share) * params.step_mm, np.nan)


def _wall(seen: Floats32, edge_mm: Floats, radii: Floats, *, contrast_hu: float, params: TraceParams) -> Floats:
    """Return how thick the muscle behind the edge is, (angle, depth), as a share of `wall_mm`; NaN without an edge."""
    first = np.nan_to_num(np.ceil((edge_mm - radii[0]) / params.step_mm)).astype(int)
    cells = round(params.wall_mm / params.step_mm)
    behind = np.clip(first[..., None] + 1 + np.arange(cells), 0, len(radii) - 1)
    values = np.take_along_axis(seen, behind, axis=2)
    none, sure = (-hu / contrast_hu for hu in params.muscle_below_hu)
    muscle = np.where(values < params.blood, np.clip((values - none) / (sure - none), 0, 1), 0)
    thickness = np.minimum.accumulate(muscle, axis=2).mean(axis=2)
    return np.where(np.isfinite(edge_mm), thickness, np.nan)


def _hidden(dense: Bools, edge_mm: Floats, depths: Floats, radii: Floats) -> Bools:
    """Tell in which directions calcium lies where the hinge may be."""
    near = np.abs(radii - np.nan_to_num(edge_mm, nan=-99.0)[..., None]) < 6.0
    middle = np.abs(depths)[:, None] < 8.0
    return np.asarray((dense & near & middle).any(axis=(1, 2)))


def _onset(wall: Floats, params: TraceParams) -> Floats:
    """Return how well the wall grows from thin to thick at each place, (angle, depth): 1 as it should, 0 not at all."""
    reach = round(params.window_mm / params.step_mm)
    along = np.arange(-reach, reach + 1) * params.step_mm
    wanted = params.thin + (1 - params.thin) * np.clip(along / params.ramp_mm, 0, 1)
    padded = np.pad(wall, ((0, 0), (reach, reach)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(along), axis=1)
    off = (np.where(np.isfinite(windows), windows - wanted, _UNKNOWN) ** 2).mean(axis=2)
    flat = ((wanted - wanted.mean()) ** 2).mean()
    return np.asarray(np.clip(1 - off / flat, 0, 1))


def _waist(edge_mm: Floats, params: TraceParams) -> Floats:
    """Return how much narrower the blood is at each place than ahead of it and behind it, (angle, depth), 0 to 1."""
    near, far = (round(away / params.step_mm) for away in params.waist_mm)
    known = np.nan_to_num(edge_mm, nan=params.radii_mm[0])
    padded = np.pad(known, ((0, 0), (far, far)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * far + 1, axis=1)
    ahead, behind = np.median(windows[..., far + near :], axis=2), np.median(windows[..., : far - near + 1], axis=2)
    return np.asarray(np.clip((np.minimum(ahead, behind) - known) / params.waist_depth_mm, 0, 1) * np.isfinite(edge_mm))


def _hinges(signs: Floats, depths: Floats, center_sd_mm: float, params: TraceParams) -> tuple[Floats, Bools]:
    """Return the depth of the hinge in each direction, near the saddle that most agree on, and whether it shows."""
    blurred = ndimage.gaussian_filter1d(signs, 1.0 / params.step_mm, axis=1)
    terms, likely, spread = _prior(center_sd_mm, params)
    tried = np.stack(np.meshgrid(*(m + s * np.array(t) for m, s, t in zip(likely, spread, _TRIED, strict=True))), -1)
    tried, step = tried.reshape(-1, len(likely)), params.step_mm
    at = np.clip(np.rint((tried @ terms[_SIDE].T - depths[0]) / step), 0, len(depths) - 1).astype(int)
    votes = blurred[_SIDE][np.arange(_SIDE.sum()), at].sum(axis=1) * (_STEP_DEG / params.independent_deg)
    unlikely = (((tried - likely) / spread) ** 2).sum(axis=1) / 2
    saddle = terms @ tried[(votes - unlikely).argmax()]
    far = np.abs(depths - saddle[:, None]) > params.near_mm
    nearby = np.where(far, -1.0, blurred)
    best = np.clip(nearby.argmax(axis=1), 1, len(depths) - 2)
    before, peak, after = (np.take_along_axis(blurred, (best + n)[:, None], axis=1)[:, 0] for n in (-1, 0, 1))
    finer = np.clip((after - before) / (2 * np.maximum(2 * peak - before - after, _TINY)), -0.5, 0.5)
    return depths[best] + finer * step, peak > params.clear


def _prior(center_sd_mm: float, params: TraceParams) -> tuple[Floats, Floats, Floats]:
    """Return the terms of a saddle, (angle, 5), their likely values and standard deviations, mm."""
    waves = (f(n * _ANGLES) for n in (1, 2) for f in (np.cos, np.sin))
    terms = np.stack([np.ones_like(_ANGLES), *waves], axis=1)
    likely = np.array([0.0, 0.0, 0.0, -params.saddle_mm[0], 0.0])
    depth_sd_mm = center_sd_mm + params.depth_sd_mm
    return terms, likely, np.array([depth_sd_mm, params.tilt_mm, params.tilt_mm, params.saddle_mm[1], params.skew_mm])


def _saddle(depth_mm: Floats, shown: Bools, center_sd_mm: float, params: TraceParams) -> tuple[Floats, Floats, float]:
    """Lay a saddle through the hinges that show; return its depths, their standard errors, and the hinges' scatter."""
    terms, likely, spread = _prior(center_sd_mm, params)
    weight, scatter_mm = shown * (_STEP_DEG / params.independent_deg), params.hinge_sd_mm[1]
    robust = np.ones_like(weight)
    for _ in range(_ROUNDS):
        own = weight * robust / np.clip(scatter_mm, *params.hinge_sd_mm) ** 2
        normal = terms.T @ (terms * own[:, None]) + np.diag(spread**-2)
        chosen = np.linalg.solve(normal, terms.T @ (own * depth_mm) + likely / spread**2)
        off = np.abs(depth_mm - terms @ chosen)
        scatter_mm = MAD_TO_SD * float(np.median(off[shown]))
        robust = np.minimum(1.0, 2 * np.clip(scatter_mm, *params.hinge_sd_mm) / np.maximum(off, _TINY))
    error = np.sqrt(np.einsum("ij,jk,ik->i", terms, np.linalg.inv(normal), terms))
    return terms @ chosen, error, scatter_mm


def _edge_at(edge_mm: Floats, saddle_mm: Floats, depths: Floats) -> Floats:
    """Return the edge just on the atrium's side of the saddle, (angle,)."""
    near = np.stack([saddle_mm - away for away in (0.5, 1.0, 1.5, 2.0)], axis=1)
    at = np.clip(np.rint((near - depths[0]) / (depths[1] - depths[0])).astype(int), 0, len(depths) - 1)
    values = np.take_along_axis(edge_mm, at, axis=1)
    return np.asarray(np.median(values, axis=1))


def _likely_edge(edge_mm: Floats) -> Floats:
    """Return the radius of the average D that is as deep behind, and as wide, as the edges there, (angle,) mm."""
    round_deg = (np.degrees(_ANGLES) + 180) % 360 - 180
    behind, lateral, medial = (
        _median(edge_mm[(round_deg >= low) & (round_deg <= high)]) for low, high in _MEASURED_DEG
    )
    params = RingParams()
    ring = saddle(params, septal_lateral_mm=behind / params.posterior_share, intercommissural_mm=lateral + medial)
    ring += (0.0, (lateral - medial) / 2, 0.0)
    turned = np.arctan2(ring[:, 1], ring[:, 0])
    return np.asarray(np.interp(_ANGLES, turned, np.hypot(ring[:, 0], ring[:, 1]), period=2 * np.pi))


def _median(edge_mm: Floats) -> float:
    known = edge_mm[np.isfinite(edge_mm)]
    return float(np.median(known)) if len(known) else np.nan


def _smooth_edge(edge_mm: Floats, shown: Bools, params: TraceParams) -> tuple[Floats, float]:
    """Lay a smooth closed curve through the edges that show, and elsewhere as a D; return it and their scatter."""
    likely = _likely_edge(np.where(shown, edge_mm, np.nan))
    if not np.isfinite(likely).all():
        return likely, np.inf
    away = np.where(shown, edge_mm, np.inf) - likely
    counted = np.abs(away) < params.curtain_sd_mm * 2
    orders = np.arange(1, params.orders + 1)
    waves = [np.ones((len(_ANGLES), 1)), np.cos(np.outer(_ANGLES, orders)), np.sin(np.outer(_ANGLES, orders))]
    terms = np.concatenate(waves, axis=1)
    known = np.where(counted, away, 0.0)
    scatter_mm, robust = params.curtain_sd_mm, np.ones_like(known)
    for _ in range(_ROUNDS):
        own = counted * robust / max(scatter_mm, params.least_edge_sd_mm) ** 2 + params.curtain_sd_mm**-2
        chosen = np.linalg.solve(terms.T @ (terms * own[:, None]), terms.T @ ((own - params.curtain_sd_mm**-2) * known))
        off = np.abs(known - terms @ chosen)
        scatter_mm = MAD_TO_SD * float(np.median(off[counted])) if counted.any() else np.inf
        robust = np.minimum(1.0, 2 * max(scatter_mm, params.least_edge_sd_mm) / np.maximum(off, _TINY))
    return likely + terms @ chosen, scatter_mm


def _moved(annulus: MitralAnnulus, points: Floats, params: TraceParams) -> MitralAnnulus:
    """Return the frame moved in its plane to the middle of a contour, and turned to its short and high sides."""
    local = annulus.to_frame(points)
    shift = local.mean(axis=0) * (1, 1, 0)
    local = local - shift
    turned = np.arctan2(local[:, 1], local[:, 0])
    waves = np.stack([f(n * turned) for n in (0, 1, 2) for f in (np.cos, np.sin) if n or f is np.cos], axis=1)
    told, weight = 0.0, np.radians(params.posterior_sd_deg) ** -2.0
    for values, sd_mm in (
        (np.hypot(local[:, 0], local[:, 1]), params.radius_sd_mm),
        (local[:, 2], params.height_sd_mm),
    ):
        cosine, sine = np.linalg.lstsq(waves, values, rcond=None)[0][3:]
        own = (2 * np.hypot(cosine, sine) / sd_mm) ** 2
        told, weight = told + own * np.arctan2(-sine, -cosine) / 2, weight + own
    by = told / weight
    posterior = np.array([np.cos(by), np.sin(by), 0.0]) @ annulus.axes
    return replace(annulus, center_mm=as_point(annulus.to_patient(shift)), posterior=as_point(unit(posterior)))
