"""Names that criteria had before; configurations may use them for one release more."""

import warnings
from collections.abc import Mapping
from typing import Any

from ccma_seg.classification.rules import plain
from ccma_seg.errors import ConfigError

NEW_NAMES = {
    "noise": "low_noise",
    "slices": "thin_slices",
    "L1a": "touches_annulus",
    "L1b": "centered_near_annulus",
    "L2": "posterior",
    "L3": "not_outside_ring",
    "L4": "along_annulus",
    "S1": "thick",
    "S1s": "thick_as_most",
    "S2": "ovoid",
    "C1a": "has_core",
    "C1b": "core_measurable",
    "C1c": "core_not_solid",
    "C2": "core_darker_than_rim",
    "C3": "core_softer_than_calcium",
    "R1": "shell",
    "R1s": "shell_mostly_closed",
    "R1w": "shell_perhaps_open",
    "E1": "core_not_enhancing",
    "E1n": "core_steady",
    "E1s": "core_not_following_blood",
    "E2": "cavity",
    "E2m": "cavity_likely",
    "E2s": "cavity_follows_blood",
    "N1": "neck",
    "N1p": "neck_perhaps",
    "G1": "gap_to_chamber",
    "N2": "neck_narrow",
    "N3": "leak",
    "N3g": "leak_through_gap",
}


def with_new_names(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table `rules` of a configuration with the criteria called as they are now; warn of old names.

    Raises
    ------
    ConfigError
        If a criterion is given by its old and by its new name.
    """
    used: set[str] = set()
    renamed = {key: _renamed(value, used) for key, value in rules.items()}
    if used:
        now = ", ".join(f"{name} is {NEW_NAMES[name]}" for name in sorted(used))
        warnings.warn(f"criteria have new names, and the old ones will be refused: {now}", FutureWarning, stacklevel=2)
    return renamed


def _renamed(value: Any, used: set[str]) -> Any:
    """Rename what names a criterion: the keys of `criteria`, and names in lists."""
    if isinstance(value, Mapping):
        return _keys_renamed(value, used)
    if isinstance(value, list | tuple):
        return [_renamed(item, used) for item in value]
    return _new(value, used) if isinstance(value, str) else value


def _keys_renamed(table: Mapping[str, Any], used: set[str]) -> dict[str, Any]:
    keys = {key: _new(key, used) for key in table}
    for old, new in keys.items():
        if old != new and new in table:
            raise ConfigError(f"criterion {old} is now called {new}; give one of the two")
    return {keys[key]: value if isinstance(value, Mapping) else _renamed(value, used) for key, value in table.items()}


def _new(name: str, used: set[str]) -> str:
    old = plain(name)
    if old not in NEW_NAMES:
        return name
    used.add(old)
    return name.removesuffix(old) + NEW_NAMES[old]
