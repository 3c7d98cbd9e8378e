"""Where each real CT came from, and what it was used for.

Run: python -m benchmarks.real.sources FOLDER/index.json

Adds the CTs that an index tells of, and that are not there yet, to `benchmarks/real_sources.toml`.
"""

import json
import sys
import tomllib
from pathlib import Path

from benchmarks.heart_template import MARKED, UNMARKED

Sources = dict[str, dict[str, str]]
SOURCES = Path(__file__).parents[1] / "real_sources.toml"
LOOKED_AT, FITTED_TO = "looked at", "fitted to"
_NAMES = {"repo": "repository", "commit": "commit", "path_in_repo": "path", "licence": "licence", "note": "note"}
"""Of what an index tells, and as what it stands in the sources."""
_WHOLE = "-whole"
"""Ends the name of a series of which a part has the name before it."""


def read_sources(path: Path = SOURCES) -> Sources:
    """Return where each CT came from, by name."""
    return {own["name"]: own for own in tomllib.loads(path.read_text(encoding="utf-8"))["ct"]}


def add_sources(index: dict[str, dict[str, str]], path: Path = SOURCES) -> list[str]:
    """Add those that are new, and return their names; what the heart template is made of was fitted to."""
    known = read_sources(path)
    new = [name for name in index if name not in known]
    with path.open("a", encoding="utf-8") as file:
        for name in new:
            fitted = name.removesuffix(_WHOLE) in (*MARKED, *UNMARKED)
            same = {"same_as": name.removesuffix(_WHOLE)} if name.endswith(_WHOLE) else {}
            told = {ours: index[name][theirs] for theirs, ours in _NAMES.items() if index[name].get(theirs)}
            file.write(_entry({"name": name, "use": FITTED_TO if fitted else LOOKED_AT, **same, **told}))
    return new


def _entry(told: dict[str, str]) -> str:
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in told.items()]
    return "\n".join(["", "[[ct]]", *lines, ""])


def main() -> None:
    print(", ".join(add_sources(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))) or "nothing new")


if __name__ == "__main__":
    main()
