"""What is on disk: find and group series, judge them, read and write them."""

from ccma_seg.series.archive import Holding, find_in_archive, walk_archive
from ccma_seg.series.choosing import choose_series
from ccma_seg.series.decoding import decoders
from ccma_seg.series.finding import find_series
from ccma_seg.series.inventory import Inventory, Obstacle, Series, Skipped
from ccma_seg.series.params import ReadParams
from ccma_seg.series.reading import read_chosen, read_series
from ccma_seg.series.references import (
    describe_images,
    describe_slices,
    has_stored_images,
    point_to_frames,
    refer_to_images,
)
from ccma_seg.series.writing import derived_uid, write_series

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
