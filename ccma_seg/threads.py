"""The same done with several things at once: numpy and scipy let other threads run while they compute.

Each thread keeps some of the memory it has used: what makes large arrays gains little by it and holds much.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_THREADS = 2
"""More gain little: between two computations only one thread runs."""


def at_once(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Return what some work makes of each of a few items, in their order."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, items))
