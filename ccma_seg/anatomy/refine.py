"""A pose refined by least squares: the template's pictures laid on the exam's, in a region of the heart."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.linalg import block_diag

from ccma_seg.anatomy.channels import Channels
from ccma_seg.anatomy.pose import PARAMETERS, STRAINS, Pose
from ccma_seg.anatomy.template import HeartTemplate
from ccma_seg.geometry import Floats, Floats32, Geometry, Point

_LEAST_STIFFNESS = 1e-9
"""Keeps the equations solvable where nothing is measured."""

_IMMOVABLE = 1e12
"""Added to the stiffness of what is pinned."""

_LEAST_WEIGHT = 0.02
"""Cells of a template that count for less are left out of a region."""

_REWEIGHTED = 2
"""Rounds in which outliers lose their say in how a heart differs."""

_MEASURED = 0.95
"""Share of a cell that must be measured."""

_TURNS = np.array(
    [
        [[0.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]],
        [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 0.0]],
        [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
    ]
)
"""How a small turn about each axis moves a point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The part of the heart that a fit looks at, and how much it trusts each picture."""

    radius_mm: float
    shares: tuple[float, float, float]
    """Tissue, fat, blood."""
    cells: int = 4000
    """Template cells used, evenly spread."""
    steps: int = 15
    """At most."""
    stiff: bool = False
    """Whether the heart keeps its mean shape."""
    pinned: bool = False
    """Whether the annulus stays where it is: used where it is known."""
    center_mm: Point = (8.0, -8.0, 0.0)
    """Middle of the region in the template: from the annulus a little towards the ventricle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefineParams:
    """What a fit assumes of hearts and pictures."""

    turn_sd_rad: float = 0.25
    """Of the heart's attitude about each axis; in 14 marked CTs the direction to the apex varies by up to 18 deg."""

    size_sd: float = 0.2
    """Of the log of the size."""

    shape_sd: float = 0.12
    """Of each change of shape: how much longer one diameter is than the others, as a logarithm."""

    stiff_sd: float = 0.005
    """The same, where the heart is to keep its shape."""

    residual_sd: float = 0.17
    """Of a picture where hearts are alike."""

    outlier_sd: float = 2.0
    """Residuals beyond this lose their pull (Geman-McClure)."""

    gain: tuple[float, float] = (0.5, 2.0)
    """How far the spread of a picture may be brought to the template's: patients differ in fat, scanners in blur."""

    correlation_mm: float = 12.0
    """Cells nearer to each other than this tell the same."""

    edge_mm: float = 6.0
    """Over which a region fades out."""

    converged_mm: float = 0.05
    converged_rad: float = 0.003
    longest_step_mm: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """A pose with its quality."""

    pose: Pose
    cost: float
    """Misfit plus deviation from the mean heart; comparable for one region of one exam only."""
    misfit: float
    """Mean robust squared residual: about 0.2 for a heart, in the whole region."""
    coverage: float
    """Share of the region that lies within the volume."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cells:
    """The template's cells in a region."""

    positions: Floats
    """(n, 3)."""
    values: Floats32
    """(channel, n)."""
    slopes: Floats32
    """(12, channel * n): gradients of the pictures, and their products with the positions."""
    weights: Floats32
    """(channel, n)."""
    region: Floats32
    """(n,): 1 within, fading out at the edge."""
    full: float
    """Weight of the region before it was thinned out."""
    modes: Floats32 | None
    """(mode, channel * n)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _State:
    """A pose with its residuals."""

    pose: Pose
    cost: float
    misfit: float
    coverage: float
    residuals: Floats32
    """(channel, n)."""
    pull: Floats32
    """Weight of each residual in the normal equations."""


def refine(pictures: Channels, template: HeartTemplate, pose: Pose, *, region: Region, params: RefineParams) -> Fit:
    """Move, turn, size and shape the template until it fits in the region (Levenberg-Marquardt)."""
    cells = _cells(template, region, channels=len(pictures.values), params=params)
    if region.stiff:
        params = replace(params, shape_sd=params.stiff_sd)
    state = _look(pictures, cells, pose, params)
    damping = 1e-2
    for _ in range(region.steps):
        matrix, gradient = _normal_equations(cells, state, params)
        if region.pinned:
            matrix[:3, :3] += _IMMOVABLE * np.eye(3)
        for _ in range(4):
            raw = np.linalg.solve(matrix + damping * np.diag(np.diag(matrix)), -gradient)
            step = _bounded(np.asarray(raw, float), params)
            moved = _look(pictures, cells, state.pose.moved(step), params)
            if moved.cost < state.cost:
                break
            damping *= 5
        else:
            break
        state, damping = moved, max(damping / 5, 1e-4)
        if np.abs(step[:3]).max() < params.converged_mm and np.abs(step[3:]).max() < params.converged_rad:
            break
    return Fit(pose=state.pose, cost=state.cost, misfit=state.misfit, coverage=state.coverage)


def _bounded(step: Floats, params: RefineParams) -> Floats:
    return step * min(1.0, params.longest_step_mm / max(float(np.abs(step[:3]).max()), 1e-9))


def _cells(template: HeartTemplate, region: Region, *, channels: int, params: RefineParams) -> _Cells:
    weight = _weight(template.geometry, region, params)
    chosen = np.flatnonzero(weight > _LEAST_WEIGHT)
    full = float(weight[chosen].sum())
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(region.cells, len(chosen))).astype(int)]
    means, weights = (
        picture[:channels].reshape(channels, -1).take(chosen, axis=1) for picture in (template.mean, template.weight)
    )
    modes = template.modes
    if modes is not None:
        modes = modes[:, :channels].reshape(len(modes), channels, -1).take(chosen, axis=2).reshape(len(modes), -1)
    positions = template.geometry.to_patient(np.stack(np.unravel_index(chosen, template.geometry.shape), axis=-1))
    gradients = _gradients(template)[:, :channels].take(chosen, axis=2)
    products = gradients[:, None] * positions.T.astype(np.float32)[:, None]
    return _Cells(
        positions=positions,
        values=means,
        slopes=np.concatenate([gradients, *products]).reshape(PARAMETERS, -1),
        weights=weights * np.array(region.shares[:channels], np.float32)[:, None],
        region=weight[chosen],
        full=full,
        modes=modes,
    )


def _weight(grid: Geometry, region: Region, params: RefineParams) -> Floats32:
    """Return how far each cell of the template counts, flattened."""
    low, middle = np.array(grid.origin_mm), np.array(region.center_mm)
    x, y, z = (a + grid.spacing_mm[0] * np.arange(n) - m for a, n, m in zip(low, grid.shape[::-1], middle, strict=True))
    distance = np.sqrt((z * z)[:, None, None] + (y * y)[:, None] + x * x).astype(np.float32).ravel()
    return np.asarray(1 / (1 + np.exp((distance - region.radius_mm) / params.edge_mm)), np.float32)


@lru_cache(maxsize=2)
def _gradients(template: HeartTemplate) -> Floats32:
    """Return the slopes of a template's pictures along x, y and z, (3, channel, n)."""
    slopes = np.array(np.gradient(template.mean, template.geometry.spacing_mm[0], axis=(3, 2, 1)), np.float32)
    return slopes.reshape(3, len(template.mean), -1)


def _look(pictures: Channels, cells: _Cells, pose: Pose, params: RefineParams) -> _State:
    seen, measured = pictures.sample(pose.to_patient(cells.positions))
    inside = cells.region * (measured > _MEASURED)
    weights = cells.weights * inside
    residuals = _matched(seen, cells.values, weights, params) - cells.values
    total = max(float(weights.sum()), 1e-6)
    independent = cells.full * 64.0 / params.correlation_mm**3
    precision = np.float32(independent / total / params.residual_sd**2)
    residuals, strangeness = _unexplained(residuals, cells, weights * precision, params)
    squared = (residuals / np.float32(params.residual_sd)) ** 2
    calm = _calm(residuals, params)
    misfit = float((weights * squared * calm).sum()) / total
    return _State(
        pose=pose,
        cost=misfit * independent + strangeness + float(((pose.deviation / _prior_sd(params)) ** 2).sum()),
        misfit=misfit,
        coverage=float(inside.sum() / cells.region.sum()),
        residuals=residuals,
        pull=np.asarray(weights * calm**2 * precision, np.float32),
    )


def _calm(residuals: Floats32, params: RefineParams) -> Floats32:
    """Return what outliers keep of their weight, 0 to 1."""
    return np.asarray(1 / (1 + (residuals / np.float32(params.residual_sd * params.outlier_sd)) ** 2))


def _unexplained(
    residuals: Floats32, cells: _Cells, precision: Floats32, params: RefineParams
) -> tuple[Floats32, float]:
    """Take off what the ways explain in which hearts differ, and return how unusual that is in squared deviations."""
    if cells.modes is None:
        return residuals, 0.0
    left, amount = residuals, np.zeros(len(cells.modes), np.float32)
    for _ in range(_REWEIGHTED):
        weighted = cells.modes * (precision * _calm(left, params) ** 2).ravel()
        stiffness = weighted @ cells.modes.T + np.eye(len(amount), dtype=np.float32)
        amount = np.linalg.solve(stiffness, weighted @ residuals.ravel())
        left = residuals - (amount @ cells.modes).reshape(residuals.shape)
    return left, float(amount @ amount)


def _matched(seen: Floats32, values: Floats32, weights: Floats32, params: RefineParams) -> Floats32:
    """Bring each picture, (channel, n), to the mean of the template's, and within limits to its spread."""
    shares = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-6)
    off, due = (v - (shares * v).sum(axis=1, keepdims=True) for v in (seen, values))
    spread, wanted = (np.sqrt((shares * v**2).sum(axis=1, keepdims=True)) for v in (off, due))
    gain = np.clip(wanted / np.maximum(spread, 1e-3), *params.gain)
    return np.asarray(gain * off + values - due)


def _prior_sd(params: RefineParams) -> Floats:
    return np.array([*[params.turn_sd_rad] * 3, params.size_sd, *[params.shape_sd] * (len(STRAINS) - 1)])


def _normal_equations(cells: _Cells, state: _State, params: RefineParams) -> tuple[Floats, Floats]:
    """Linearise with the template's own gradients, which are free of noise and which a pose only turns and strains."""
    pose = state.pose
    matrix, to_template = pose.matrix, np.linalg.inv(pose.matrix)
    ways = np.concatenate([_TURNS, pose.rotation @ STRAINS @ pose.rotation.T])
    jacobian = block_diag(to_template, (to_template @ ways @ matrix).reshape(-1, 9).T)
    pulled = cells.slopes * state.pull.ravel()
    stiffness = jacobian.T @ (pulled @ cells.slopes.T) @ jacobian + _LEAST_STIFFNESS * np.eye(PARAMETERS)
    gradient = jacobian.T @ (pulled @ state.residuals.ravel())
    precision = 1 / _prior_sd(params) ** 2
    stiffness[3:, 3:] += np.diag(precision)
    gradient[3:] += precision * pose.deviation
    return stiffness, gradient


def likeness(pictures: Channels, template: HeartTemplate, pose: Pose, *, region: Region, params: RefineParams) -> float:
    """Return the correlation with the template of tissue plus that of fat, in a region: 2 is alike, 0 is not."""
    cells = _cells(template, region, channels=2, params=params)
    seen, measured = pictures.sample(pose.to_patient(cells.positions))
    weights = cells.weights * cells.region * (measured > _MEASURED)
    return sum(_correlation(s, v, w) for s, v, w in zip(seen[:2], cells.values, weights, strict=True))


def _correlation(first: Floats32, second: Floats32, weights: Floats32) -> float:
    weights = weights / max(float(weights.sum()), 1e-6)
    a, b = first - weights @ first, second - weights @ second
    return float(weights @ (a * b) / np.sqrt(max(float((weights @ a**2) * (weights @ b**2)), 1e-12)))
