"""One series of an archive as a case: where it lies, and the name of its results."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ccma_seg.reasons import Reason

_ID_DIGITS = 16
"""Hexadecimal: among a million series, two share an id once in 37 million archives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One series that becomes one row."""

    series_uid: str
    """Empty where images name none, or where nothing could be read."""

    folders: tuple[str, ...]
    """Where it lies, relative to the archive, in order."""

    files: int
    notes: tuple[Reason, ...] = ()
    """What is remarkable about where it lies."""

    lost: tuple[Reason, ...] = ()
    """Why nothing of it can be read; empty for all that is worth a try."""

    @property
    def case_id(self) -> str:
        """Name the case, the same in every run, without a word of the headers or the folders."""
        place = self.series_uid.encode() + b"\0" + os.fsencode(self.folders[0])
        return f"case-{hashlib.sha256(place).hexdigest()[:_ID_DIGITS]}"

    def in_shard(self, part: int, parts: int) -> bool:
        """Tell whether the case belongs to part `part` of `parts`, whatever other cases there are."""
        return int(self.case_id.rpartition("-")[2], 16) % parts == part - 1

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Case":
        """Take back what `as_dict` gave."""
        return cls(
            series_uid=values["series_uid"],
            folders=tuple(values["folders"]),
            files=values["files"],
            notes=tuple(Reason(**note) for note in values["notes"]),
            lost=tuple(Reason(**reason) for reason in values["lost"]),
        )
