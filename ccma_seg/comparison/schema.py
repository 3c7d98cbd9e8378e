"""The JSON schema that every comparison follows."""

import json
from importlib import resources
from typing import Any


def comparison_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of `comparison.json`."""
    schema: dict[str, Any] = json.loads(resources.files(__package__).joinpath("schema.json").read_text("utf-8"))
    return schema
