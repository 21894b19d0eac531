"""Fixtures that every test may ask for."""

import os
from pathlib import Path

import pytest

MARKET_DATA = Path(__file__).resolve().parents[2] / "shared" / "market-data"


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The real market history beside the repository; tests that need it are skipped without."""
    if MARKET_DATA.is_dir():
        return MARKET_DATA
    reason = "the real market history (../shared/market-data beside the repository) is absent"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
