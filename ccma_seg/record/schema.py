"""The JSON schema that every record follows."""

import json
from importlib import resources
from typing import Any


def record_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of `report.json`."""
    schema: dict[str, Any] = json.loads(resources.files(__package__).joinpath("schema.json").read_text("utf-8"))
    return schema
