"""A wall seen across: a plateau between two edges, blurred by the scanner."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from ccma_seg.geometry import Bools, Floats

_ROUNDS = 6
_SETTLED_MM = 0.002
"""A wall whose edges moved by less in one round is not fitted any further."""
_DAMPING = 1e-3
_MARGIN_SIGMAS = 3.0
_THINNEST_MM = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walls:
    """Walls fitted to profiles, one entry per profile; mm outwards along it."""

    inner_mm: Floats
    outer_mm: Floats
    wall_hu: Floats
    inside_hu: Floats
    outside_hu: Floats
    misfit_hu: Floats
    """Root mean square of what the model does not explain."""

    @property
    def thickness_mm(self) -> Floats:
        """Return the distance between the edges."""
        return self.outer_mm - self.inner_mm

    @property
    def excess_hu_mm(self) -> Floats:
        """Return thickness times HU above both sides, which blur does not change."""
        return (self.wall_hu - (self.inside_hu + self.outside_hu) / 2) * self.thickness_mm


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What is known of a wall's HU before the fit: where a wall is thinner than the blur, HU and thickness trade."""

    wall_hu: float
    spread_hu: float


def fit_walls(
    profiles_hu: Floats, steps_mm: Floats, sigma_mm: Floats, *, thickest_mm: float, prior: Prior | None = None
) -> Walls:
    """Fit plateau, edges and both sides to profiles.

    Parameters
    ----------
    profiles_hu
        (profiles, steps), from inside to outside.
    steps_mm
        (steps,), evenly spaced; the wall is looked for where it is nearest to 0.
    sigma_mm
        (profiles,): standard deviation of the blur along each profile.
    thickest_mm
        Edges are kept no farther apart.
    prior
        Holds the wall's HU where the profile itself does not.
    """
    state = _start(profiles_hu, steps_mm, thickest_mm)
    moving = np.arange(len(state))
    for _ in range(_ROUNDS):
        move = _move(state[moving], profiles_hu[moving], steps_mm, sigma_mm=sigma_mm[moving], prior=prior)
        state[moving] = _kept(state[moving] + move, steps_mm, thickest_mm)
        moving = moving[np.abs(move[:, :2]).max(axis=1) > _SETTLED_MM]
    model, _ = _model(state, steps_mm, sigma_mm)
    weight = _window(state, steps_mm, sigma_mm)
    misfit = np.sqrt((weight * (profiles_hu - model) ** 2).sum(axis=1) / weight.sum(axis=1))
    inner, outer, wall, inside, outside = state.T
    return Walls(inner_mm=inner, outer_mm=outer, wall_hu=wall, inside_hu=inside, outside_hu=outside, misfit_hu=misfit)


def _move(state: Floats, profiles_hu: Floats, steps_mm: Floats, *, sigma_mm: Floats, prior: Prior | None) -> Floats:
    """Return the next step of a damped Gauss-Newton fit, one row per profile."""
    model, slope = _model(state, steps_mm, sigma_mm)
    weighted = slope * _window(state, steps_mm, sigma_mm)[:, None]
    normal = weighted @ slope.transpose(0, 2, 1)
    gradient = (weighted @ (profiles_hu - model)[..., None])[..., 0]
    if prior is not None:
        strength = 1e2 / prior.spread_hu**2
        normal[:, 2, 2] += strength
        gradient[:, 2] += strength * (prior.wall_hu - state[:, 2])
    diagonal = np.einsum("nii->ni", normal)
    normal[:, range(5), range(5)] = diagonal * (1 + _DAMPING) + 1e-9 * diagonal.max(axis=1, keepdims=True) + 1e-12
    return _limited(np.asarray(np.linalg.solve(normal, gradient[..., None])[..., 0], float))


def wall_amplitude(
    profiles_hu: Floats, steps_mm: Floats, sigma_mm: Floats, *, edges_mm: tuple[Floats, Floats]
) -> Floats:
    """Return the HU of wall, inside and outside that explain profiles with known edges best, shape (profiles, 3)."""
    inner, outer = edges_mm
    state = np.stack([inner, outer, *np.zeros((3, inner.size))], axis=1)
    _, slope = _model(state, steps_mm, sigma_mm)
    weight = _window(state, steps_mm, sigma_mm)
    basis = slope[:, 2:]
    weighted = basis * weight[:, None]
    normal = weighted @ basis.transpose(0, 2, 1)
    return np.asarray(np.linalg.solve(normal + 1e-6 * np.eye(3), weighted @ profiles_hu[..., None])[..., 0])


def _start(profiles_hu: Floats, steps_mm: Floats, thickest_mm: float) -> Floats:
    """Take the peak nearest the middle, and the half-maxima on both sides of it."""
    count = len(steps_mm)
    nearness = np.exp(-0.5 * (steps_mm / (0.6 * thickest_mm)) ** 2)
    floor = np.percentile(profiles_hu, 10, axis=1, keepdims=True)
    peak_at = ((profiles_hu - floor) * nearness).argmax(axis=1)
    rows, columns = np.arange(len(profiles_hu)), np.arange(count)
    peak = profiles_hu[rows, peak_at]
    before, behind = columns < peak_at[:, None], columns > peak_at[:, None]
    inside = _low_side(profiles_hu, before, peak)
    outside = _low_side(profiles_hu, behind, peak)
    low_in = before & (profiles_hu < ((peak + inside) / 2)[:, None])
    low_out = behind & (profiles_hu < ((peak + outside) / 2)[:, None])
    start = np.where(low_in.any(axis=1), count - 1 - low_in[:, ::-1].argmax(axis=1), np.maximum(peak_at - 2, 0))
    end = np.where(low_out.any(axis=1), low_out.argmax(axis=1), np.minimum(peak_at + 2, count - 1))
    half = (steps_mm[1] - steps_mm[0]) / 2
    state = np.stack([steps_mm[start] + half, steps_mm[end] - half, peak, inside, outside], axis=1)
    return _kept(state, steps_mm, thickest_mm)


def _low_side(profiles_hu: Floats, side: Bools, peak: Floats) -> Floats:
    """Return a typical low HU on one side; the peak's own if the side is empty."""
    values = np.where(side, profiles_hu, np.inf)
    low = np.sort(values, axis=1)
    rank = np.maximum((side.sum(axis=1) * 0.3).astype(int), 0)
    chosen = low[np.arange(len(low)), rank]
    return np.where(np.isfinite(chosen), chosen, peak)


def _model(state: Floats, steps_mm: Floats, sigma_mm: Floats) -> tuple[Floats, Floats]:
    """Return the blurred wall, (profile, step), and its derivatives by inner, outer, wall, inside, outside, in rows."""
    inner, outer, wall, inside, outside = (state[:, k, None] for k in range(5))
    sigma = sigma_mm[:, None]
    first, second = (steps_mm - inner) / sigma, (steps_mm - outer) / sigma
    rise, fall = ndtr(first), ndtr(second)
    model = inside * (1 - rise) + wall * (rise - fall) + outside * fall
    scale = 1 / (np.sqrt(2 * np.pi) * sigma)
    by_inner = -(wall - inside) * scale * np.exp(-0.5 * first**2)
    by_outer = (wall - outside) * scale * np.exp(-0.5 * second**2)
    return model, np.stack([by_inner, by_outer, rise - fall, 1 - rise, fall], axis=1)


def _window(state: Floats, steps_mm: Floats, sigma_mm: Floats) -> Floats:
    """Weigh samples: full near the wall, fading beyond a margin in which the sides show their level."""
    margin = _MARGIN_SIGMAS * sigma_mm[:, None] + 0.75
    beyond = np.maximum(state[:, :1] - margin - steps_mm, steps_mm - state[:, 1:2] - margin)
    return np.asarray(np.exp(-np.maximum(beyond, 0.0) / 0.3))


def _limited(move: Floats) -> Floats:
    move[:, :2] = np.clip(move[:, :2], -0.7, 0.7)
    return move


def _kept(state: Floats, steps_mm: Floats, thickest_mm: float) -> Floats:
    """Keep the edges on the profile, in order, and no farther apart than a wall can be."""
    middle = np.clip(state[:, :2].mean(axis=1), steps_mm[0] + 1, steps_mm[-1] - 1)
    half = np.clip((state[:, 1] - state[:, 0]) / 2, _THINNEST_MM / 2, thickest_mm / 2)
    state[:, 0], state[:, 1] = middle - half, middle + half
    return state
