"""Money is conserved: the totals of every account balance, and are the sums of its records."""

import polars as pl
import pytest

import backtest as bt
from backtest.paths import history

BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"
FOUR = ("binanceusdm", "bybit", "okx", "hyperliquid")
ACCOUNTS = {
    "isolated": {},
    "cross": {"margin": "cross"},
    "refill": {"on_liquidation": "refill"},
    "large, with slippage": {"cash": 2e6, "slippage": 2, "liquidation_slippage": "30"},
    "at the bar's extreme": {"liquidation_slippage": "bar", "on_liquidation": "refill"},
    "cross, refill": {"margin": "cross", "on_liquidation": "refill"},
    "three symbols": {"symbols": [BTC, ETH, SOL], "margin": "cross", "exposure": 3},
    "three isolated": {"symbols": [BTC, ETH, SOL], "exposure": 2, "on_liquidation": "refill"},
}


def balances(result):
    """Both ends of every account: totals against each other and against sums of records."""
    for account in result.manifest["accounts"]:
        end_balances(result, account["venue"], account["totals"], "pessimistic")
        if account["optimistic"]:
            end_balances(result, account["venue"], account["optimistic"]["totals"], "optimistic")


def end_balances(result, venue, t, path):
    mine = pl.col("venue") == venue
    flows = (
        *(t["deposits"], t["realized"], t["unrealized"], -t["fees"], -t["funding"]),
        *(-t["liquidation_fees"], -t["forfeited"], t["shortfall"]),
    )
    scale = max(t["deposits"], *map(abs, flows))
    assert abs(sum(flows) - t["equity"]) <= 1e-9 * scale

    def total(kind, column, *where, mine=mine):
        return history(getattr(result, kind), path).filter(mine, *where)[column].sum()

    forced = pl.col("reason") == "liquidation"
    start = result.manifest["config"]["cash"]
    assert t["deposits"] == pytest.approx(start + total("deposits", "amount"), rel=1e-9)
    assert t["fees"] == pytest.approx(total("fills", "fee", ~forced), rel=1e-9)
    assert t["liquidation_fees"] == pytest.approx(total("liquidations", "fee"), rel=1e-9)
    assert t["liquidation_fees"] == pytest.approx(total("fills", "fee", forced), rel=1e-9)
    assert t["funding"] == pytest.approx(total("funding", "amount"), rel=1e-9, abs=1e-9)
    assert t["forfeited"] == pytest.approx(total("liquidations", "forfeited"), rel=1e-9)
    covered = total("liquidations", "shortfall") + total("fills", "shortfall", ~forced)
    assert t["shortfall"] == pytest.approx(covered, rel=1e-9, abs=1e-9)
    last = history(result.equity, path).filter(mine).group_by("asset").last()["equity"].sum()
    assert last == pytest.approx(t["equity"], rel=1e-9)


HEDGED = ("binanceusdm", "bybit", "okx", "bitget", "gate")
"""Venues that hold two legs of a symbol."""


def both_legs(view):
    """A large leg and a smaller one against it, which change places every week."""
    legs = bt.Legs(10.0, -2.0) if view.time.isocalendar().week % 2 else bt.Legs(2.0, -10.0)
    return dict.fromkeys(view.symbols, legs)


def run_hedged(folder, settings, **data):
    several = len(settings.get("symbols", "1"))
    chosen = {"leverage": 25, "prices": "binanceusdm", "position_mode": "hedge", **settings, **data}
    chosen |= {"venues": HEDGED if several == 1 else FOUR[:3], "exposure": 1.5 / several}
    chosen["refill_below"] = 0.1
    result = bt.run(both_legs, out=folder, **chosen)
    for kind in ("fills", "trades"):
        assert set(result.frame(kind)["position_side"]) == {"long", "short"}
    return result


@pytest.mark.parametrize("settings", ACCOUNTS.values(), ids=ACCOUNTS)
def test_money_of_two_legs_is_conserved_on_the_sample(tmp_path, settings):
    result = run_hedged(tmp_path / "run", settings)
    assert result.liquidations["venue"].n_unique() >= 2
    balances(result)


@pytest.mark.parametrize("settings", ACCOUNTS.values(), ids=ACCOUNTS)
def test_money_is_conserved_on_the_sample(tmp_path, settings):
    chosen = {"exposure": 8, "leverage": 20, "prices": "binanceusdm", "venues": FOUR, **settings}
    result = bt.run("strategies/sma_cross.py", out=tmp_path / "run", **chosen)
    assert result.liquidations["venue"].n_unique() >= 2
    balances(result)


@pytest.mark.market_data
@pytest.mark.parametrize("settings", ACCOUNTS.values(), ids=ACCOUNTS)
def test_money_of_two_legs_is_conserved_on_real_history(tmp_path, market_data, settings):
    data = {"data": str(market_data), "since": "2022-05-01", "until": "2022-07-01"}
    result = run_hedged(tmp_path / "run", settings, **data)
    assert result.liquidations["venue"].n_unique() >= 2
    balances(result)


@pytest.mark.market_data
@pytest.mark.parametrize("settings", ACCOUNTS.values(), ids=ACCOUNTS)
def test_money_is_conserved_on_real_history(tmp_path, market_data, settings):
    chosen = {"exposure": 8, "leverage": 20, "prices": "binanceusdm", "venues": FOUR, **settings}
    chosen |= {"data": str(market_data), "since": "2021-01-01", "until": "2022-12-31"}
    result = bt.run("strategies/sma_cross.py", out=tmp_path / "run", **chosen)
    assert result.liquidations["venue"].n_unique() >= 2
    balances(result)
