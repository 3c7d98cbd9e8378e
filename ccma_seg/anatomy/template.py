"""The mean heart: what its surroundings look like in tissue, fat and blood, and where its parts lie.

`heart.npz` is averaged from openly licensed CTs; `heart.txt` beside it names them and the script that builds it.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from ccma_seg.geometry import Floats, Floats32, Geometry

_FULL = 255.0
"""Pictures are kept in eight bits."""


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

    @property
    def axis(self) -> Floats:
        """Unit vector from the annulus to the apex."""
        return np.asarray(self.apex / np.linalg.norm(self.apex))


@cache
def heart_template() -> HeartTemplate:
    """Load the template that comes with the package."""
    with (files("ccma_seg.anatomy") / "heart.npz").open("rb") as stream, np.load(stream) as stored:
        return from_arrays({name: stored[name] for name in stored.files})


def from_arrays(stored: dict[str, np.ndarray]) -> HeartTemplate:
    """Unpack a template from the arrays of its file."""
    mean, weight = (stored[name].astype(np.float32) / np.float32(_FULL) for name in ("mean", "weight"))
    x, y, z = (float(v) for v in stored["origin_mm"])
    step = float(stored["step_mm"])
    geometry = Geometry(shape=mean.shape[1:], spacing_mm=(step, step, step), origin_mm=(x, y, z))
    places = {
        n: stored[n].astype(float) for n in ("ring", "apex", "left_ventricle", "left_atrium", "aortic_root", "box")
    }
    return HeartTemplate(mean=mean, weight=weight, geometry=geometry, **places)


def to_arrays(template: HeartTemplate) -> dict[str, np.ndarray]:
    """Pack a template into the arrays of its file."""
    pictures = {
        name: np.rint(np.clip(getattr(template, name), 0, 1) * _FULL).astype(np.uint8) for name in ("mean", "weight")
    }
    places = ("ring", "apex", "left_ventricle", "left_atrium", "aortic_root", "box")
    return {
        **pictures,
        "origin_mm": np.array(template.geometry.origin_mm, np.float32),
        "step_mm": np.array(template.geometry.spacing_mm[0], np.float32),
        **{name: getattr(template, name).astype(np.float32) for name in places},
    }
