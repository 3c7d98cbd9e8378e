"""Finds, measures and explains calcification of the mitral annulus on cardiac CT.

>>> import ccma_seg as ccma
>>> phantom = ccma.make_phantom("ccma", seed=1)
>>> analysis = ccma.analyze(phantom.volume)
>>> analysis.record()["verdict"]
'ccma'

Nothing heavy is loaded before it is used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from ccma_seg._version import __version__

if TYPE_CHECKING:
    from ccma_seg.anatomy import locate
    from ccma_seg.calcium import find_calcium
    from ccma_seg.classification import classify
    from ccma_seg.cohort import CohortParams, run_cohort
    from ccma_seg.comparison import Comparison, compare, write_comparison
    from ccma_seg.config import Config
    from ccma_seg.lesion import measure, segment
    from ccma_seg.phantom import make_phantom
    from ccma_seg.pipeline import Analysis, analyze
    from ccma_seg.report import write_results
    from ccma_seg.series import find_series, read_series
    from ccma_seg.volume import Volume

_HOMES = {
    "Comparison": "comparison",
    "Analysis": "pipeline",
    "CohortParams": "cohort",
    "Config": "config",
    "Volume": "volume",
    "analyze": "pipeline",
    "classify": "classification",
    "compare": "comparison",
    "find_calcium": "calcium",
    "find_series": "series",
    "locate": "anatomy",
    "make_phantom": "phantom",
    "measure": "lesion",
    "read_series": "series",
    "run_cohort": "cohort",
    "segment": "lesion",
    "write_comparison": "comparison",
    "write_results": "report",
}

__all__ = [
    "Analysis",
    "CohortParams",
    "Comparison",
    "Config",
    "Volume",
    "__version__",
    "analyze",
    "classify",
    "compare",
    "find_calcium",
    "find_series",
    "locate",
    "make_phantom",
    "measure",
    "read_series",
    "run_cohort",
    "segment",
    "write_comparison",
    "write_results",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
