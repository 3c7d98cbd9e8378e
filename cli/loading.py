"""Load what comes later while something else goes on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module

WRITERS = ("ccma_seg.nifti", "ccma_seg.report.page", "ccma_seg.report.dicom")
"""The modules whose libraries take longest to load: nibabel, matplotlib, highdicom. Only results need them."""


@contextmanager
def loading(modules: tuple[str, ...]) -> Iterator[None]:
    """Import modules in a thread of its own, and wait for them in the end; a missing one is left to who needs it."""
    with ThreadPoolExecutor(1) as thread:
        thread.map(import_module, modules)
        try:
            yield
        except BaseException:
            thread.shutdown(cancel_futures=True)
            raise
