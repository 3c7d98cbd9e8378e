"""What is on disk: find and group series, judge them, read and write them."""

from ccma_seg.series.archive import Holding, find_in_archive, walk_archive
from ccma_seg.series.choosing import choose_series
from ccma_seg.series.decoding import decoders
from ccma_seg.series.finding import find_series
from ccma_seg.series.inventory import Inventory, Obstacle, Series, Skipped
from ccma_seg.series.params import ReadParams
from ccma_seg.series.reading import read_chosen, read_series
from ccma_seg.series.writing import write_series

__all__ = [
    "Holding",
    "Inventory",
    "Obstacle",
    "ReadParams",
    "Series",
    "Skipped",
    "choose_series",
    "decoders",
    "find_in_archive",
    "find_series",
    "read_chosen",
    "read_series",
    "walk_archive",
    "write_series",
]
