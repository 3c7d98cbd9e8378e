"""What tests share."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared():
    """Real CTs with landmarks, which are not part of the project."""
    if not SHARED.is_dir():
        pytest.skip(f"real CTs are not here: {SHARED.parent.name}/{SHARED.name} beside the checkout")
    return SHARED
