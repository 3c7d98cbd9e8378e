"""All parameters of all steps: defaults, a TOML file, single overrides, and back to commented TOML."""

import ast
import hashlib
import inspect
import json
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from ccma_seg.anatomy import LocateParams
from ccma_seg.calcium import CalciumParams
from ccma_seg.classification import Rules
from ccma_seg.classification.renamed import with_new_names
from ccma_seg.criteria import with_limits
from ccma_seg.errors import ConfigError, InputPathError
from ccma_seg.followup import FollowUpParams
from ccma_seg.lesion import LesionParams
from ccma_seg.output import OutputParams
from ccma_seg.phases import PhaseParams
from ccma_seg.series import ReadParams
from ccma_seg.text_files import read_text

_Value = TypeVar("_Value")

OF_THE_RUN = (
    "read.keep_identity",
    "read.max_archive_bytes",
    "read.max_archive_members",
    "read.max_archive_ratio",
    "read.max_voxels",
    "read.threads",
    "followup.",
    "output.",
)
"""Settings of a run: threads, limits, outputs, and what is made of finished records. Nothing that an exam shows depends
on them, so they are not in the fingerprint."""

RULES = ("rules.criteria.", "rules.groups.", "rules.verdicts.", "rules.support.")
"""Where the rules stand; all other settings are parameters."""

_MOVED = {
    "anatomy.heart.contrast.calcium_above_hu": "ABOVE_BLOOD_HU in ccma_seg.tissue",
    "anatomy.heart.good_contrast_hu": "CLEAR_CONTRAST_HU in ccma_seg.tissue",
    "calcium.fat_hu": "FAT_BELOW_HU in ccma_seg.tissue",
    "rules.noise_tolerance_hu": "twice rules.criteria.low_noise.limit",
    "rules.slice_tolerance_mm": "twice rules.criteria.thin_slices.limit",
}
"""What became of keys that are written at another place today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value that a configuration may set."""

    key: str
    value: Any
    meaning: str
    """With its source, or the decision that chose it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The parameters of every step; each default is written once, beside its step."""

    read: ReadParams = field(default_factory=ReadParams)
    """What the reader accepts."""
    anatomy: LocateParams = field(default_factory=LocateParams)
    """How the heart and the mitral annulus are found."""
    calcium: CalciumParams = field(default_factory=CalciumParams)
    """How calcium is told from everything else, and sorted by place."""
    lesion: LesionParams = field(default_factory=LesionParams)
    """How a mass is segmented and measured."""
    phases: PhaseParams = field(default_factory=PhaseParams)
    """How a second phase of the exam is aligned, and what is made of the difference."""
    rules: Rules = field(default_factory=Rules)
    """The clinical criteria and verdicts."""
    followup: FollowUpParams = field(default_factory=FollowUpParams)
    """What counts as a change between two exams."""
    output: OutputParams = field(default_factory=OutputParams)
    """Which files are written, and how."""

    def __post_init__(self) -> None:
        for step in ("calcium", "lesion", "phases"):
            object.__setattr__(self, step, with_limits(getattr(self, step), self.rules.criteria))

    @classmethod
    def from_toml(cls, path: Path) -> "Config":
        """Read overrides of the defaults from a TOML file.

        Raises
        ------
        InputPathError
            If the file cannot be read.
        ConfigError
            If it is not TOML, or holds an unknown key or a value of the wrong type.
        """
        try:
            return cls().updated(tomllib.loads(read_text(path)))
        except OSError as error:
            raise InputPathError(f"the configuration {path.name} cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"the configuration {path.name} is not valid TOML: {error}") from error

    def updated(self, values: Mapping[str, Any]) -> "Config":
        """Return a copy with some values replaced, given as nested tables.

        Raises
        ------
        ConfigError
            For an unknown key or a value of the wrong type, naming the keys that exist.
        """
        if isinstance(rules := values.get("rules"), Mapping):
            values = {**values, "rules": with_new_names(rules)}
        return _updated(self, values, path="")

    def with_setting(self, setting: str) -> "Config":
        """Return a copy with one value replaced, given as `step.name=value` with the value written as in TOML.

        Raises
        ------
        ConfigError
            If the setting is not of that form, or names no parameter.
        """
        key, separator, value = setting.partition("=")
        if not separator:
            raise ConfigError(f"a setting must read key=value, got {setting!r}")
        try:
            parsed = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            parsed = value.strip()
        for name in reversed(key.strip().split(".")):
            parsed = {name: parsed}
        return self.updated(parsed)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain nested dictionaries, as it goes into the record."""
        plain: dict[str, Any] = json.loads(json.dumps(self, default=_members))
        return plain

    def sha256(self) -> str:
        """Return a fingerprint of all that a finding depends on: rules and parameters, not the settings of a run."""
        values = {key: value for _, key, value in _leaves(self) if not key.startswith(OF_THE_RUN)}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def to_toml(self) -> str:
        """Write all values as TOML, each with its meaning and source as a comment; `from_toml` reads it back."""
        return "\n".join(_table_lines(self, path="")).strip() + "\n"


def settings(table: object, path: str = "") -> tuple[Setting, ...]:
    """List all that a configuration may set, or one table of it, with the meaning of each."""
    return tuple(
        Setting(key=key, value=value, meaning=_meanings(of).get(key.rpartition(".")[2], ""))
        for of, key, value in _leaves(table, path)
    )


def _leaves(table: object, path: str = "") -> Iterator[tuple[type, str, Any]]:
    """Yield the type of the table, key path and value of all that is no table."""
    for name, value in (_members(table) or {}).items():
        key = _join(path, str(name))
        if _members(value) is None:
            yield type(table), key, value
        else:
            yield from _leaves(value, key)


def _updated(old: _Value, new: object, *, path: str) -> _Value:
    """Put `new` in the place of `old`: tables key by key, anything else as a whole and of the same type."""
    members = _members(old)
    if members is None:
        return _converted(old, new, path=path)
    if not isinstance(new, Mapping):
        raise ConfigError(f"{path} must be a table, got {new!r}")
    keys = {str(key): key for key in members}
    unknown = sorted(set(new) - set(keys))
    if unknown:
        if is_dataclass(old):
            _refuse_gone(type(old), unknown[0], key=_join(path, unknown[0]))
        raise ConfigError(f"unknown key {_join(path, unknown[0])}; the keys here are {', '.join(sorted(keys))}")
    changed = {keys[name]: _updated(members[keys[name]], new[name], path=_join(path, name)) for name in new}
    return _rebuilt(old, changed)


def _refuse_gone(table: Any, name: str, *, key: str) -> None:
    """Name the new place of what was a parameter once."""
    linked = {f.name: f.metadata["criterion"] for f in fields(table) if "criterion" in f.metadata}
    if name in linked:
        raise ConfigError(f"{key} is the limit of a criterion: set rules.criteria.{linked[name]}.limit")
    if name in table.__annotations__:
        raise ConfigError(f"{key} is a constant now: {name} of {table.__name__} in {table.__module__}")
    if key in _MOVED:
        raise ConfigError(f"{key} is written at another place now: {_MOVED[key]}")


def _members(value: object) -> dict[Any, Any] | None:
    """Return what is inside a table, or None if the value is not one."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in fields(value) if not f.metadata}
    return dict(value) if isinstance(value, Mapping) else None


def _rebuilt(old: _Value, changed: dict[Any, Any]) -> _Value:
    if isinstance(old, Mapping):
        return {**old, **changed}  # type: ignore[return-value]
    return replace(old, **changed)  # type: ignore[type-var]


def _converted(old: _Value, new: object, *, path: str) -> _Value:
    if isinstance(old, tuple) and isinstance(new, list):
        return _tuple(old, new, path=path)  # type: ignore[return-value]
    if isinstance(old, float) and isinstance(new, int) and not isinstance(new, bool):
        return float(new)  # type: ignore[return-value]
    if old is not None and type(new) is not type(old):
        raise ConfigError(f"{path} must be of type {type(old).__name__}, as {old!r}; got {new!r}")
    return new  # type: ignore[return-value]


def _tuple(old: tuple[Any, ...], new: list[Any], *, path: str) -> tuple[Any, ...]:
    """Read a list of the same kind of things as before: tables, lists or plain values."""
    if not old:
        return tuple(new)
    return tuple(_updated(old[0], item, path=path) for item in new)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _table_lines(value: object, *, path: str) -> list[str]:
    members = _members(value) or {}
    meanings = _meanings(type(value))
    leaves = {name: v for name, v in members.items() if _members(v) is None}
    lines = [f"\n[{path}]"] if path and leaves else []
    for name, leaf in leaves.items():
        lines += [f"# {line}" for line in textwrap.wrap(meanings.get(str(name), ""), 110)]
        lines.append(f"{name} = {_toml(leaf)}" if leaf is not None else f"# {name} = (not set)")
    for name, table in members.items():
        if name not in leaves:
            lines += _table_lines(table, path=_join(path, str(name)))
    return lines


def _toml(value: object) -> str:
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if (members := _members(value)) is not None:
        return "{ " + ", ".join(f"{name} = {_toml(v)}" for name, v in members.items()) + " }"
    return json.dumps(value)


def _meanings(kind: type) -> dict[str, str]:
    """Return the docstring under each field of a dataclass."""
    if not is_dataclass(kind):
        return {}
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        field_.target.id: " ".join(text.value.value.split())
        for field_, text in pairwise(body.body)
        if isinstance(field_, ast.AnnAssign) and isinstance(field_.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }
