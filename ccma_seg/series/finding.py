"""Look through a folder, a file or a zip for series."""

from pathlib import Path
from typing import TYPE_CHECKING

from ccma_seg.reasons import Reason
from ccma_seg.series.grouping import group_images
from ccma_seg.series.headers import NOT_READ, read_images
from ccma_seg.series.inventory import Inventory, Series, Skipped
from ccma_seg.series.judging import judge
from ccma_seg.series.params import ReadParams
from ccma_seg.series.sources import Unreadable, find_sources

if TYPE_CHECKING:
    from ccma_seg.series.images import Image


def find_series(path: str | Path, params: ReadParams = ReadParams()) -> Inventory:
    """Find all series under a folder, in a zip, or in one file, by content and not by name.

    Headers are read once, pixels not at all (but of images that seem to be copies).

    Parameters
    ----------
    path
        Folder (nested, mixed, any file names), file, or zip.
    params
        What is accepted.

    Returns
    -------
    Inventory
        Series, the best suited first, and the files that belong to none, each with a reason.

    Raises
    ------
    InputPathError
        If `path` is not there or may not be read.
    CorruptInputError
        If a zip is damaged, reaches outside itself, or grows beyond measure.
    """
    images: list[Image] = []
    skipped: list[Skipped] = []
    for source in find_sources(Path(path), params):
        found = Reason(NOT_READ, source.why) if isinstance(source, Unreadable) else read_images(source, params)
        if isinstance(found, Reason):
            skipped.append(Skipped(name=source.name, reason=found))
        else:
            images.extend(found)
    series = [judge(stack, params) for stack in group_images(images, params)]
    return Inventory(series=tuple(sorted(series, key=_suitability)), skipped=tuple(skipped))


def _suitability(series: Series) -> tuple[object, ...]:
    """Order by usability, then rank, then by what never changes between runs."""
    worst_first = tuple(-value for value in series.rank)
    return not series.usable, *worst_first, series.series_uid, str(series.phase_percent), series.images[0].sop_uid
