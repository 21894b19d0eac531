"""Fixtures that every test may ask for."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
MARKET_DATA = SHARED / "market-data"
EXCHANGE_RESPONSES = SHARED / "exchange-responses"


@pytest.fixture(autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder of the user, so that what is imported on a machine changes no test."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("BACKTEST_DATA_DIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The real market history beside the repository; tests that need it are skipped without."""
    return _present(MARKET_DATA, "the real market data")


@pytest.fixture(scope="session")
def exchange_responses() -> Path:
    """Recorded answers of exchanges beside the repository; tests that need them are skipped
    without."""
    return _present(EXCHANGE_RESPONSES, "the recorded exchange answers")


def _present(folder: Path, what: str) -> Path:
    if folder.is_dir():
        return folder
    reason = f"{what} (../shared/{folder.name} beside the repository) are absent"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
