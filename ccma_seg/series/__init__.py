"""What is on disk: find and group series, judge them, read and write them.

What needs pydicom is loaded when it is first used: reading plain images does not.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ccma_seg.series.archive import Holding, find_in_archive, walk_archive
from ccma_seg.series.choosing import choose_series
from ccma_seg.series.decoding import decoders
from ccma_seg.series.finding import find_series
from ccma_seg.series.inventory import Inventory, Obstacle, Series, Skipped
from ccma_seg.series.params import ReadParams
from ccma_seg.series.reading import read_chosen, read_series
from ccma_seg.series.uids import derived_uid, has_stored_images

if TYPE_CHECKING:
    from ccma_seg.series.references import describe_images, describe_slices, point_to_frames, refer_to_images
    from ccma_seg.series.writing import write_series

_HOMES = {
    "describe_images": "references",
    "describe_slices": "references",
    "point_to_frames": "references",
    "refer_to_images": "references",
    "write_series": "writing",
}

__all__ = [
    "Holding",
    "Inventory",
    "Obstacle",
    "ReadParams",
    "Series",
    "Skipped",
    "choose_series",
    "decoders",
    "derived_uid",
    "describe_images",
    "describe_slices",
    "find_in_archive",
    "find_series",
    "has_stored_images",
    "point_to_frames",
    "read_chosen",
    "read_series",
    "refer_to_images",
    "walk_archive",
    "write_series",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
