"""What is on disk: find and group series, judge them, read and write them."""

from ccma_seg.series.choosing import choose_series
from ccma_seg.series.decoding import decoders
from ccma_seg.series.finding import find_series
from ccma_seg.series.inventory import Inventory, Obstacle, Series, Skipped
from ccma_seg.series.params import ReadParams
from ccma_seg.series.reading import read_chosen, read_series
from ccma_seg.series.writing import write_series

__all__ = [
    "Inventory",
    "Obstacle",
    "ReadParams",
    "Series",
    "Skipped",
    "choose_series",
    "decoders",
    "find_series",
    "read_chosen",
    "read_series",
    "write_series",
]
