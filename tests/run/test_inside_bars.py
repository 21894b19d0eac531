"""Bars whose order of events matters: two ends, finer candles, and what is said of both."""

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import backtest as bt
from backtest.core.state import KINDS
from backtest.paths import history

from .market import BTC, ETH, START, flat

FINE, HOUR_MS = 12, 3_600_000
CROSS = {"margin": "cross", "leverage": 20, "symbols": [BTC, ETH]}
WIDE = (100.0, 104.0, 92.5, 100.0)
"""A bar that kills a pool of two longs at 13x if both lows came at once, and not one alone."""


def hold(view):
    """Two equal longs, 13 times the equity together."""
    return dict.fromkeys(view.symbols, 6.5)


def two_wide_bars(market):
    """Both symbols reach their lows in the third hour, nobody knows when."""
    candles = [*flat(100.0, 2), WIDE, *flat(100.0, 3)]
    return market.add(candles).add(candles, ETH)


def add_five_minutes(market, lows):
    """Five-minute candles of the third hour: each symbol's low in the bar named."""
    for symbol, low in lows.items():
        bars = [(100.0, 100.0, 100.0, 100.0)] * FINE
        bars[low] = (100.0, 100.0, 92.5, 100.0)
        bars[11] = (100.0, 104.0, 100.0, 100.0)
        for kind in ("trade", "mark"):
            market.write(bars, kind, symbol, first=2 * FINE, name="5m", hours=1 / FINE)


def first_account(result):
    return result.manifest["accounts"][0]


def test_an_account_parts_at_a_bar_that_can_end_in_two_ways(market):
    result = two_wide_bars(market).run(hold, **CROSS)
    account = first_account(result)
    assert account["totals"]["equity"] < 1000
    assert account["optimistic"]["totals"]["equity"] == pytest.approx(9_900, rel=0.01)
    assert set(result.liquidations["path"]) == {"pessimistic"}
    assert set(result.liquidations["certainty"]) == {"possible"}
    row = result.summary.row(0, named=True)
    assert (row["liquidations"], row["certain"], row["best_liquidations"]) == (1, 0, 0)
    assert (row["unsure_bars"], row["drilled_bars"], row["resolved_bars"]) == (1, 0, 0)
    assert row["best_equity_final"] == account["optimistic"]["totals"]["equity"]


def test_the_verdict_tells_both_ends(market, cli):
    result = two_wide_bars(market).run(hold, **CROSS)
    assert cli("show", result.path) == 0
    said = " ".join(cli.out.split())
    assert "liquidated once (2 steps), first on 2024-01-01 02:00; at best it survives" in said
    assert "1 bar leaves several ways open, no finer candles tell; 0 of 1 liquid" in said
    assert "possible: on some ways of its bar only" in cli.out
    assert max(map(len, cli.out.splitlines()[:-1])) <= 80


def test_every_bar_that_leaves_ways_open_is_counted_in_a_run_of_any_path(market):
    candles = [*flat(100.0, 2), WIDE, *flat(100.0, 1), WIDE, *flat(100.0, 1)]
    market.add(candles).add(candles, ETH)
    for path in ("both", "optimistic", "pessimistic"):
        (row,) = market.run(hold, path=path, **CROSS).summary.iter_rows(named=True)
        # the pessimistic account has nothing left for the second one
        assert row["unsure_bars"] == (1 if path == "pessimistic" else 2), path


def test_finer_candles_that_tell_the_lows_apart_let_the_pool_live(market):
    add_five_minutes(two_wide_bars(market), {BTC: 3, ETH: 7})
    result = market.run(hold, **CROSS)
    row = result.summary.row(0, named=True)
    assert (row["liquidations"], row["unsure_bars"]) == (0, 1)
    assert (row["drilled_bars"], row["resolved_bars"]) == (1, 1)
    assert first_account(result)["optimistic"] is None
    assert set(result.equity["path"]) == {"both"}


def test_finer_candles_in_which_the_lows_meet_leave_it_open(market):
    add_five_minutes(two_wide_bars(market), {BTC: 5, ETH: 5})
    result = market.run(hold, **CROSS)
    row = result.summary.row(0, named=True)
    assert (row["liquidations"], row["best_liquidations"]) == (1, 0)
    assert (row["drilled_bars"], row["resolved_bars"]) == (1, 0)
    moment = result.liquidations["ts"].unique().to_list()
    assert [int(m.timestamp() * 1000) for m in moment] == [START + 2 * HOUR_MS + 25 * 60_000]


def test_finer_candles_are_left_alone_when_that_is_asked_for(market):
    add_five_minutes(two_wide_bars(market), {BTC: 3, ETH: 7})
    row = market.run(hold, **CROSS, timeframe_detail="off").summary.row(0, named=True)
    assert (row["liquidations"], row["drilled_bars"]) == (1, 0)


def test_the_manifest_names_the_finer_files_that_were_read(market):
    add_five_minutes(two_wide_bars(market), {BTC: 3, ETH: 7})
    files = market.run(hold, **CROSS).manifest["files"]
    assert "binanceusdm/BTC_USDT_USDT/trade/5m.parquet" in files
    assert "binanceusdm/ETH_USDT_USDT/mark/5m.parquet" in files


def test_finer_candles_that_contradict_the_hour_are_refused(market, cli, strategy):
    add_five_minutes(two_wide_bars(market), {BTC: 3, ETH: 7})
    bars = [(100.0, 100.0, 90.0, 100.0)] * FINE
    market.write(bars, "trade", first=2 * FINE, name="5m", hours=1 / FINE)
    path = strategy("def on_bar(view):\n    return dict.fromkeys(view.symbols, 6.5)\n")
    flags = ["--margin", "cross", "--leverage", "20", "--symbols", f"{BTC},{ETH}"]
    assert cli("run", path, "--data", market.root, *flags) == 1
    assert "contradict the 1h candle of 2024-01-01 02:00" in cli.sentence


def test_a_strategy_answers_each_end_for_itself(market):
    def buys_again(view):
        view.state["seen"] = [*view.state.get("seen", []), view.size(BTC)]
        if view.size(BTC) == 0.0:
            return dict.fromkeys(view.symbols, 3.0 if len(view.state["seen"]) > 2 else 6.5)
        return None

    result = two_wide_bars(market).run(buys_again, **CROSS, on_liquidation="refill")
    last = result.fills.filter(pl.col("reason") == "signal").group_by("path").len()
    assert dict(last.iter_rows()) == {"both": 2, "pessimistic": 2}


def ten_times_and_half_off_at_101(view):
    """A long of ten times the equity, half of which a resting limit sells at 101."""
    if view.state.setdefault("asked", 0) == 0:
        view.state["asked"] = 1
        return {BTC: 10.0}
    if view.state["asked"] == 1:
        view.state["asked"] = 2
        half = -view.size(BTC) / 2
        return [bt.Order(BTC, half, type="limit", price=101.0, reduce_only=True)]
    return None


def half_off_while_the_mark_dips(market, lowest):
    """Trade touches 101 in the sixth five minutes of an hour whose mark dips at an unknown time."""
    wide = (100.0, 102.0, lowest, 100.0)
    trade = [*flat(100.0, 3), (100.0, 102.0, 100.0, 100.0), *flat(100.0, 2)]
    market.add(trade, mark=[*flat(100.0, 3), wide, *flat(100.0, 2)])
    bars = flat(100.0, FINE)
    bars[5] = (100.0, 102.0, 100.0, 100.0)
    market.write(bars, "trade", first=3 * FINE, name="5m", hours=1 / FINE)
    return market.run(ten_times_and_half_off_at_101, margin="cross", leverage=20, symbols=[BTC])


def test_a_dip_that_ends_the_account_before_and_after_a_fill_is_certain(market):
    result = half_off_while_the_mark_dips(market, 70.0)
    assert result.summary["drilled_bars"][0] == 1
    assert set(result.liquidations["path"]) == {"pessimistic", "optimistic"}
    assert set(result.liquidations["certainty"]) == {"certain"}
    assert set(result.trades["certainty"]) == {"certain"}


def test_a_dip_that_ends_the_account_only_before_a_fill_is_possible(market):
    result = half_off_while_the_mark_dips(market, 85.0)
    told = result.liquidations.select("path", "certainty").unique().rows()
    assert told == [("pessimistic", "possible")]
    assert result.fills.filter(reason="limit").select("path", "certainty").rows() == [
        ("optimistic", "possible")
    ]


def random_walks(market, seed):
    """Five-minute candles of two symbols that move alike, and the hours they make up."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 0.002, (48, FINE, 4))
    for symbol in (BTC, ETH):
        moves = common + rng.normal(0, 0.0015, common.shape)
        points = 100.0 * np.exp(np.cumsum(moves.reshape(-1))).reshape(-1, 4)
        opens = np.concatenate([[100.0], points[:-1, -1]])
        fine = np.column_stack([opens, points])
        bars = np.column_stack([opens, fine.max(axis=1), fine.min(axis=1), fine[:, -1]])
        hours = bars.reshape(48, FINE, 4)
        long = np.column_stack(
            [hours[:, 0, 0], hours[:, :, 1].max(1), hours[:, :, 2].min(1), hours[:, -1, 3]]
        )
        market.add([tuple(row) for row in long], symbol, funding=[0.0] * 6)
        for kind in ("trade", "mark"):
            rows = [tuple(row) for row in bars]
            market.write(rows, kind, symbol, name="5m", hours=1 / FINE)


def random_orders(path, seed):
    rng = np.random.default_rng(seed)
    rows = [
        {"ts": START + hour * HOUR_MS, "symbol": symbol, "exposure": rng.choice([0.0, 6, 10, 12])}
        for hour in range(1, 47, 5)
        for symbol in (BTC, ETH)
    ]  # fmt: skip
    pl.DataFrame(rows).write_parquet(path)
    return str(path)


def by_hour(frame):
    return frame.with_columns(pl.col("ts").dt.truncate("1h"))


SAME = {
    "liquidations": ["ts", "symbol", "step_name", "cause", "side", "size_before", "size_closed"],
    "fills": ["ts", "symbol", "reason", "size"],
    "equity": ["ts", "equity", "cash", "notional", "maintenance_margin"],
}
"""Where every way of an hour ends alike it is not looked into, and the marks that a liquidation
assumes are not those of the finer candles, nor are fee and forfeit of all that was left."""


@pytest.mark.parametrize("seed", range(12))
def test_looking_into_bars_answers_as_running_all_on_the_finer_candles(market, tmp_path, seed):
    random_walks(market, seed)
    given = {**CROSS, "leverage": 25, "orders": random_orders(tmp_path / "orders.parquet", seed)}
    coarse, fine = market.run(**given), market.run(**given, timeframe="5m")
    for path in ("pessimistic", "optimistic"):
        for kind, columns in SAME.items():
            one, other = (
                by_hour(history(r.frame(kind), path)).select(columns) for r in (coarse, fine)
            )
            if kind == "equity":  # the finer run has a sample of its first bar as well
                other = other[1:]
            order = [name for name in columns if name in ("ts", "symbol", "step_name")]
            one, other = one.sort(order), other.sort(order)
            assert_frame_equal(one, other, rel_tol=1e-9, abs_tol=1e-6)


def test_the_random_walks_have_bars_that_need_looking_into(market, tmp_path):
    drilled = liquidated = 0
    for seed in range(12):
        random_walks(market, seed)
        orders = random_orders(tmp_path / "orders.parquet", seed)
        row = market.run(**{**CROSS, "leverage": 25}, orders=orders).summary.row(0, named=True)
        drilled, liquidated = drilled + row["drilled_bars"], liquidated + row["liquidations"]
    assert drilled >= 3
    assert liquidated >= 5


@pytest.mark.parametrize("path", ["pessimistic", "optimistic"])
@pytest.mark.parametrize("detail", ["off", None])
def test_one_path_alone_is_that_end_of_both(market, tmp_path, path, detail):
    random_walks(market, 4)
    given = {**CROSS, "leverage": 25, "orders": random_orders(tmp_path / "orders.parquet", 4)}
    given["timeframe_detail"] = detail
    both, alone = market.run(**given), market.run(**given, path=path)
    assert set(alone.equity["path"]) == {path}
    for name in ("liquidations", "steps", "trades", "equity_final", "max_drawdown_pct"):
        told = "best_" + name if path == "optimistic" else name
        if told in both.summary.columns:
            assert alone.summary[name][0] == both.summary[told][0]
    assert alone.summary["trades"][0] == history(both.trades, path).height > 0
    for kind in KINDS:
        expected = history(both.frame(kind), path).drop("path")
        assert_frame_equal(alone.frame(kind).drop("path"), expected)
