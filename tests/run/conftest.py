"""A market to fill, a strategy file to write and a command line to call."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from .market import Cli, Market


@pytest.fixture
def market(tmp_path: Path) -> Market:
    return Market(tmp_path / "store")


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.setenv("COLUMNS", "80")
    return Cli(monkeypatch, capsys)


@pytest.fixture
def strategy(tmp_path: Path) -> Callable[..., str]:
    """Writes a strategy file and gives its path."""

    def write(source: str, name: str = "mine") -> str:
        path = tmp_path / f"{name}.py"
        path.write_text(dedent(source))
        return str(path)

    return write
