"""The JSON schema that every record follows: what is measured, from the table of quantities, and the frame round it."""

import json
from importlib import resources
from typing import Any

from ccma_seg.quantities import Quantity, quantities

_TYPES = {"number": "number", "whole": "integer", "yes_no": "boolean", "text": "string"}
_MANY = ("names", "point", "curve", "shape", "rows")
_POINT = {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}


def record_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of `report.json`."""
    schema: dict[str, Any] = json.loads(resources.files(__package__).joinpath("schema.json").read_text("utf-8"))
    _fill(schema, "exam")
    _fill(schema["properties"]["lesions"]["items"], "finding", "lesion")
    return schema


def _fill(node: dict[str, Any], *parts: str) -> dict[str, Any]:
    """Add the quantities of parts of the table to an object of the schema; what is there already stays."""
    for quantity in quantities(*parts):
        *parents, name = quantity.path.split(".")
        inner = node
        for parent in parents:
            inner = _add(inner, parent, {"type": "object"})
        _add(inner, name, {"description": quantity.meaning, **_of(quantity)})
    return node


def _add(node: dict[str, Any], name: str, made: dict[str, Any]) -> dict[str, Any]:
    required = node.setdefault("required", [])
    if name not in required:
        required.append(name)
    found: dict[str, Any] = node.setdefault("properties", {}).setdefault(name, made)
    return found


def _of(quantity: Quantity) -> dict[str, Any]:
    """Return what the values of one quantity must be."""
    null = [] if quantity.always else ["null"]
    if quantity.choices:
        return {"enum": [*quantity.choices, *([] if quantity.always else [None])]}
    if quantity.kind in _MANY:
        return {**_items(quantity), "type": ["array", *null]}
    kind = _TYPES.get(quantity.kind, "object")
    limits = dict(zip(("minimum", "maximum"), quantity.within, strict=False))
    return {"type": [kind, *null], **limits, **_members(quantity.kind)}


def _items(quantity: Quantity) -> dict[str, Any]:
    items: dict[str, dict[str, Any]] = {
        "names": {"items": {"type": "string"}},
        "point": _POINT,
        "curve": {"items": _POINT},
        "shape": {**_POINT, "items": {"type": "integer", "minimum": 1}},
        "rows": {"items": _fill({"type": "object"}, quantity.rows)} if quantity.rows else {},
    }
    return items[quantity.kind]


def _members(kind: str) -> dict[str, Any]:
    members = {"answers": {"type": "boolean"}, "scores": {"type": ["integer", "null"]}}
    return {"additionalProperties": members[kind]} if kind in members else {}
