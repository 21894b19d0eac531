"""docs/intrabar.md says how much finer candles settle on real data."""

import pytest

import backtest as bt

from ..run.market import Cli
from .docs import ROOT, SHARED, Page

pytestmark = pytest.mark.market_data
PAGE = Page("intrabar.md")


@pytest.fixture(scope="module")
def folders(market_data, tmp_path_factory):
    """By what the mark is known from: the real store, and the same without its mark candles."""
    root = tmp_path_factory.mktemp("trade")
    for coin in ("BTC", "ETH"):
        for kind in ("trade", "funding"):
            folder = root / "bybit" / f"{coin}_USDT_USDT" / kind
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.symlink_to(market_data / "bybit" / folder.parent.name / kind)
    return {"1h": market_data, "trade": root}


@pytest.mark.parametrize("row", PAGE.table("real"), ids=" ".join)
def test_the_share_of_possible_liquidations_is_what_the_runs_say(row, folders, tmp_path, cli):
    strategy, mark, *told = row
    found = []
    for detail in (["--timeframe-detail", "off"], []):
        out = tmp_path / f"{len(detail)}"
        words = PAGE.words("real command", {SHARED: folders[mark]}, out)
        words[1] = f"strategies/{strategy}.py"
        if strategy == "martingale":
            words[words.index("BTC,ETH")] = "BTC"
            words[words.index("cross")] = "isolated"
            words[words.index("22.5")] = "1"
        assert cli(*words, *detail, "--out", out) == 0, cli.err
        run = bt.open_result(out).summary.row(0, named=True)
        possible = 100 - 100 * run["certain"] / run["liquidations"]
        found += [f"{run['liquidations']} to {run['best_liquidations']}", f"{possible:.0f} %"]
    assert told == [*found, f"{run['drilled_bars']}", f"{run['resolved_bars']}"]
    assert run["drilled_bars"] > 0


@pytest.fixture
def cli(monkeypatch, capsys):
    """The command line, called from the repository."""
    monkeypatch.chdir(ROOT)
    return Cli(monkeypatch, capsys)
