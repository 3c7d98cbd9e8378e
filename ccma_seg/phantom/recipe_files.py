"""Recipes from TOML: unknown keys are errors."""

import tomllib
import types
import typing
from dataclasses import fields, is_dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from ccma_seg.errors import ConfigError, InputPathError
from ccma_seg.phantom.spec import Recipe

T = TypeVar("T")


def recipe_names() -> tuple[str, ...]:
    """Name the recipes that come with the package."""
    return tuple(sorted(f.name.removesuffix(".toml") for f in _folder().iterdir() if f.name.endswith(".toml")))


def read_recipe(source: str | Path) -> Recipe:
    """Read a recipe from its name or from a TOML file.

    Raises
    ------
    InputPathError
        If there is neither such a name nor such a file.
    ConfigError
        If the file is not TOML, or holds unknown keys or impossible values.
    """
    path = Path(source)
    if str(source) in recipe_names():
        return parse_recipe((_folder() / f"{source}.toml").read_text(encoding="utf-8"), name=str(source))
    if path.suffix != ".toml" or not path.is_file():
        raise InputPathError(f"a recipe is a TOML file or one of {', '.join(recipe_names())}; got {path.name!r}")
    return parse_recipe(path.read_text(encoding="utf-8"), name=path.stem)


def parse_recipe(text: str, *, name: str = "unnamed") -> Recipe:
    """Turn TOML into a recipe; `[[lesions]]` are its lesions.

    Raises
    ------
    ConfigError
        If it is not TOML, or holds unknown keys or impossible values.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"recipe {name} is not TOML: {error}") from error
    return build(Recipe, {"name": name, **table}, where=name)


def build(kind: type[T], table: dict[str, Any], *, where: str) -> T:
    """Fill a dataclass from a table, naming the key that does not fit."""
    hints = typing.get_type_hints(kind)
    known = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")
    return kind(**{key: _value(hints[key], value, f"{where}.{key}") for key, value in table.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    if typing.get_origin(hint) in {types.UnionType, typing.Union}:
        hint = next(h for h in typing.get_args(hint) if h is not type(None))
    if is_dataclass(hint):
        return build(typing.cast("type[Any]", hint), _table(value, where), where=where)
    if typing.get_origin(hint) is tuple:
        return _tuple(hint, value, where)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _choice(hint, value, where)
    return _plain(hint, value, where)


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be a table, got {value!r}")
    return value


def _tuple(hint: Any, value: Any, where: str) -> tuple[Any, ...]:
    inner = typing.get_args(hint)
    if not isinstance(value, list) or (inner[-1] is not Ellipsis and len(value) != len(inner)):
        raise ConfigError(
            f"{where} must be a list{'' if inner[-1] is Ellipsis else f' of {len(inner)}'}, got {value!r}"
        )
    return tuple(_value(inner[0], item, f"{where}[{i}]") for i, item in enumerate(value))


def _choice(hint: type[StrEnum], value: Any, where: str) -> StrEnum:
    if value not in list(hint):
        raise ConfigError(f"{where} must be one of {', '.join(hint)}, got {value!r}")
    return hint(value)


def _plain(hint: Any, value: Any, where: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ConfigError(f"{where} must be of type {hint.__name__}, got {value!r}")
    return value


def _folder() -> Any:
    return resources.files("ccma_seg.phantom") / "recipes"
