"""What tests share."""

from pathlib import Path

import pytest

import ccma_seg as ccma

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared():
    """Real CTs with landmarks, which are not part of the project."""
    if not SHARED.is_dir():
        pytest.skip(f"real CTs are not here: {SHARED.parent.name}/{SHARED.name} beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def analysis():
    """An analysis of a small synthetic exam with a caseous mass."""
    phantom = ccma.make_phantom("demo", seed=1)
    return ccma.analyze(phantom.volume)
