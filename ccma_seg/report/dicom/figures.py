"""Which figures of the record go into the structured report: those that have a code in the table of quantities."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from ccma_seg.lesion import ANNULAR_CALCIUM, CAVITY, CORE, LEAK, RIM
from ccma_seg.quantities import UNITS, Quantity, quantities, value_of
from ccma_seg.report.dicom.concepts import Concept, own

_DERIVATIONS = {
    "mean": Concept("373098007", "SCT", "Mean"),
    "median": Concept("130290", "DCM", "Median"),
    "maximum": Concept("56851009", "SCT", "Maximum"),
    "sd": Concept("386136009", "SCT", "Standard Deviation"),
}
_LABELS = {"calcium": ANNULAR_CALCIUM, "rim": RIM, "core": CORE, "cavity": CAVITY, "leak": LEAK}
"""By the beginning of a path: what a label covers is told with it."""


class Figure(NamedTuple):
    """How the structured report calls a number."""

    name: Concept
    unit: Concept
    derivation: Concept | None


def of_exam(values: dict[str, Any]) -> list[tuple[Figure, float]]:
    """Return what was measured of the exam, whatever was found, from the record."""
    return _measured((q for q in quantities("exam") if _label(q) is None), values)


def of_mass(lesion: dict[str, Any]) -> list[tuple[Figure, float]]:
    """Return what was measured of a mass as a whole, from its entry in the record."""
    return _measured((q for q in quantities("lesion", "finding") if _label(q) is None), lesion)


def of_label(label: int, values: dict[str, Any]) -> list[tuple[Figure, float]]:
    """Return what was measured of what a label covers: from the record for annular calcium, else from a lesion."""
    part = "exam" if label == ANNULAR_CALCIUM else "lesion"
    return _measured((q for q in quantities(part) if _label(q) == label), values)


def _label(quantity: Quantity) -> int | None:
    return None if "exam" in quantity.groups else _LABELS.get(quantity.path.partition(".")[0])


def _measured(asked: Iterable[Quantity], values: dict[str, Any]) -> list[tuple[Figure, float]]:
    """Return figures with their values; of rows, the first is told."""
    found = []
    for quantity in asked:
        value = value_of(values, quantity)
        if quantity.rows and value:
            found += _measured(quantities(quantity.rows), value[0])
        elif quantity.code and value is not None:
            found.append((_figure(quantity), float(value)))
    return found


def _figure(quantity: Quantity) -> Figure:
    name = Concept(*quantity.code) if len(quantity.code) > 2 else own(*quantity.code)
    unit = UNITS[quantity.unit]
    return Figure(name, Concept(unit.ucum, "UCUM", unit.meaning), _DERIVATIONS.get(quantity.derivation))
