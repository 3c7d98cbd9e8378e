"""The mean heart: what its surroundings look like in tissue, fat and blood, and where its parts lie.

Both files are averaged from openly licensed CTs; `heart.txt` beside them names these and the script that builds them.
`heart.npz` finds the heart; it and `heart_close.npz`, of other CTs, find the annulus in it. The second holds the ways
in which its hearts differ as well: a picture that differs so pulls no fit aside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import numpy as np

from ccma_seg.geometry import Floats, Floats32, Geometry

_PLACES = ("ring", "apex", "left_ventricle", "left_atrium", "aortic_root", "box")

_FULL = 255.0
"""Pictures are kept in eight bits."""
_SIGNED = 127.0
"""And so are modes, which are signed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeartTemplate:
    """A mean heart in LPS mm about the centre of its mitral annulus, in the mean attitude."""

    mean: Floats32
    """(channel, z, y, x): tissue, fat, blood, each 0 to 1."""

    weight: Floats32
    """As `mean`: how alike hearts are there, 0 (nothing known) to 1."""

    geometry: Geometry

    ring: Floats
    """(n, 3): the annulus, from mid posterior towards the anterolateral side."""

    apex: Floats
    left_ventricle: Floats
    left_atrium: Floats
    aortic_root: Floats
    box: Floats
    """(2, 3): lower and upper corner of the heart; in the patient it is sized and moved, but not turned."""
    modes: Floats32 | None = None
    """(mode, channel, z, y, x): independent ways in which hearts differ, each one standard deviation strong."""

    @property
    def axis(self) -> Floats:
        """Unit vector from the annulus to the apex."""
        return np.asarray(self.apex / np.linalg.norm(self.apex))


@cache
def heart_template() -> HeartTemplate:
    """Load the template that comes with the package."""
    return _load("heart.npz")


@cache
def close_template() -> HeartTemplate:
    """Load the second template that comes with the package, for a closer look at the annulus."""
    return _load("heart_close.npz")


def _load(name: str) -> HeartTemplate:
    with (files("ccma_seg.anatomy") / name).open("rb") as stream, np.load(stream) as stored:
        return from_arrays({name: stored[name] for name in stored.files})


def with_mean_places(templates: Sequence[HeartTemplate]) -> HeartTemplate:
    """Return the first template with the parts of all in the middle, for poses that are means."""
    return replace(
        templates[0], **{name: np.mean([getattr(template, name) for template in templates], axis=0) for name in _PLACES}
    )


def from_arrays(stored: dict[str, np.ndarray]) -> HeartTemplate:
    """Unpack a template from the arrays of its file."""
    mean, weight = (stored[name].astype(np.float32) / np.float32(_FULL) for name in ("mean", "weight"))
    x, y, z = (float(v) for v in stored["origin_mm"])
    step = float(stored["step_mm"])
    geometry = Geometry(shape=mean.shape[1:], spacing_mm=(step, step, step), origin_mm=(x, y, z))
    places = {name: stored[name].astype(float) for name in _PLACES}
    modes = stored["modes"] * stored["mode_unit"].astype(np.float32) if "modes" in stored else None
    return HeartTemplate(mean=mean, weight=weight, geometry=geometry, modes=modes, **places)


def to_arrays(template: HeartTemplate) -> dict[str, np.ndarray]:
    """Pack a template into the arrays of its file."""
    pictures = {
        name: np.rint(np.clip(getattr(template, name), 0, 1) * _FULL).astype(np.uint8) for name in ("mean", "weight")
    }
    return {
        **pictures,
        **_packed(template.modes),
        "origin_mm": np.array(template.geometry.origin_mm, np.float32),
        "step_mm": np.array(template.geometry.spacing_mm[0], np.float32),
        **{name: getattr(template, name).astype(np.float32) for name in _PLACES},
    }


def _packed(modes: Floats32 | None) -> dict[str, np.ndarray]:
    if modes is None:
        return {}
    unit = np.float32(np.abs(modes).max() / _SIGNED)
    return {"modes": np.rint(modes / unit).astype(np.int8), "mode_unit": unit}
