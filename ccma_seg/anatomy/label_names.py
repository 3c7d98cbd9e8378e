"""What the labels of a label map mean: maps of others that are known by name, and maps that the user gives."""

import json
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from ccma_seg.errors import ConfigError, InputPathError
from ccma_seg.text_files import read_text

Meaning = Mapping[str, tuple[int, ...]]
"""The labels of each structure, by its name."""

VENTRICLE, ATRIUM, AORTA_NAME = "heart_ventricle_left", "heart_atrium_left", "aorta"
ANNULUS, LEAFLETS = "annulus", ("leaflets", "anterior_leaflet", "posterior_leaflet")

_HEART = "heart"
_CHAMBERS = frozenset((VENTRICLE, ATRIUM))
_DEFAULT = "heartchambers_highres"


def map_names() -> tuple[str, ...]:
    """Name the maps that are known."""
    return tuple(_data()["maps"])


def spellings(name: str) -> tuple[str, ...]:
    """Return every name of a structure, its own first."""
    return (name, *_data()["aliases"].get(name, ()))


def meaning_of(given: str | Path | None, labels_file: Path, present: frozenset[int]) -> Meaning:
    """Find out what labels mean.

    Parameters
    ----------
    given
        The name of a known map, or a TOML or JSON file of `name = label` or `name = [label, label]`; None to go by the
        JSON of the same name beside the file, or else by the labels that occur.
    labels_file
        The label map.
    present
        Labels that occur in it.

    Raises
    ------
    InputPathError
        If a file is given that is not there.
    ConfigError
        If the map is unknown, no map, or names nothing that is used.
    """
    if given is not None and str(given) in map_names():
        return _known(str(given))
    if given is not None:
        return _from_file(Path(given))
    stem = labels_file.name.removesuffix(".gz").removesuffix(".nii")
    beside = labels_file.with_name(f"{stem}.json")
    return _from_file(beside) if beside.is_file() else _guessed(present)


def check_holds(
    meaning: Meaning, wanted: Mapping[str, Any] | frozenset[str], present: frozenset[int], name: str
) -> None:
    """Refuse a label map in which a structure has no voxel.

    Raises
    ------
    ConfigError
        With the labels that are there.
    """
    missing = sorted(part for part in wanted if not present & set(meaning.get(part, ())))
    if not missing:
        return
    found = ", ".join(str(label) for label in sorted(present)[:12]) or "none"
    if _HEART in meaning and present & set(meaning[_HEART]):
        raise ConfigError(
            f"{name} lacks {' and '.join(missing)}: it has the heart as a whole; give the chambers of"
            " TotalSegmentator's task heartchambers_highres"
        )
    raise ConfigError(
        f"{name} lacks {' and '.join(missing)} (its labels: {found}); say what they mean with --labels:"
        f" {', '.join(map_names())}, or a TOML file of name = label"
    )


def _guessed(present: frozenset[int]) -> Meaning:
    """Take the first map of which both chambers occur; failing that, the default."""
    known = {name: _known(name) for name in map_names()}
    for name in ("mmwhs", "totalsegmentator_v1"):
        if all(present & set(known[name][part]) for part in _CHAMBERS):
            return known[name]
    whole = known["totalsegmentator_v2"]
    return whole if present & set(whole[_HEART]) else known[_DEFAULT]


def _known(name: str) -> Meaning:
    return {part: tuple(labels) for part, labels in _data()["maps"][name]["labels"].items()}


def _from_file(path: Path) -> Meaning:
    try:
        text = read_text(path)
    except OSError as error:
        known = ", ".join(map_names())
        raise InputPathError(
            f"labels are {known}, or a file that says what they mean; {path.name} is neither"
        ) from error
    try:
        content = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        pairs = [_pair(str(key), value) for key, value in content.items()]
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path.name} must map names to labels, like heart_atrium_left = 2") from error
    meaning: dict[str, tuple[int, ...]] = {}
    for name, labels in pairs:
        known = _canonical(name)
        meaning[known] = meaning.get(known, ()) + labels
    return meaning


def _pair(key: str, value: Any) -> tuple[str, tuple[int, ...]]:
    """Read a name and its labels, in either direction."""
    if key.isdigit() and isinstance(value, str):
        return value, (int(key),)
    values = value if isinstance(value, list) else [value]
    if any(isinstance(item, bool) or not float(item).is_integer() or float(item) < 1 for item in values):
        raise ValueError(value)
    return key, tuple(int(item) for item in values)


def _canonical(name: str) -> str:
    plain = name.strip().lower().replace(" ", "_").replace("-", "_")
    return next((own for own in _data()["aliases"] if plain in spellings(own)), plain)


@cache
def _data() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("label_maps.toml").read_text("utf-8")
    return tomllib.loads(text)
