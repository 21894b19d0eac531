"""`targets`: columns in, one order per change out."""

import polars as pl
import pytest

import backtest as bt

from .market import BTC, ETH, START, flat, stamps, steps

RISE = steps(100, 100, 110, 110, 120, 120)


def given(*values, symbol=None):
    """A `targets` that returns these values for the bars of the test market."""

    def targets(bars):
        frame = pl.DataFrame({"ts": stamps(len(values)), "target": values})
        return frame.lazy() if symbol is None else frame.lazy().with_columns(symbol=pl.lit(symbol))

    return targets


def hours(frame, column="ts"):
    return [(moment.timestamp() * 1000 - START) / 3_600_000 for moment in frame[column]]


def test_a_target_fills_at_the_open_after_the_bar_that_gave_it(market):
    market.add(steps(100, 101, 102, 103))
    result = market.run(given(None, 1.0, None, None), cash=10_000)
    # decided at the close of bar 1 (101), traded at the open of bar 2
    assert hours(result.fills) == [2]
    assert result.fills["price"].to_list() == [101.0]
    assert result.fills["size"].to_list() == [99.009]  # 10,000 / 101, down to lots of 0.001


def test_a_target_that_stays_the_same_trades_once(market):
    result = market.add(RISE).run(given(1.0, 1.0, 1.0, 1.0, 1.0, 1.0))
    assert result.fills.height == 1


def test_null_keeps_the_last_target_and_zero_closes_it(market):
    result = market.add(RISE).run(given(1.0, None, None, 0.0, None, None))
    assert hours(result.fills) == [1, 4]
    assert result.fills["position_after"].to_list()[-1] == 0.0


def test_a_target_given_again_after_nulls_is_no_change(market):
    result = market.add(RISE).run(given(1.0, None, 1.0, None, 1.0, None))
    assert result.fills.height == 1


def test_a_changed_target_sizes_by_equity_and_close_of_the_deciding_bar(market):
    market.add(steps(100, 100, 110, 110, 110, 110))
    result = market.run(given(1.0, None, 2.0, None, None, None), cash=10_000)
    first, second = result.fills.iter_rows(named=True)
    assert first["size"] == 100.0
    equity = 10_000 - 100 * 100 * 0.0005 + 100 * (110 - 100)
    assert second["position_after"] == pytest.approx(2 * equity / 110, abs=0.001)


def test_exposure_multiplies_targets(market):
    market.add(RISE)
    one = market.run(given(2.0, *[None] * 5)).fills["size"].to_list()
    assert market.run(given(1.0, *[None] * 5), exposure=2).fills["size"].to_list() == one


def test_targets_of_two_symbols_trade_each_on_its_own(market):
    market.add(RISE).add(steps(50, 50, 40, 40, 30, 30), ETH)

    def targets(bars):
        long = pl.col("symbol") == BTC
        return bars.select("ts", "symbol", target=pl.when(long).then(0.5).otherwise(-0.5))

    result = market.run(targets, symbols=[BTC, ETH], margin="cross")
    sizes = dict(result.fills.select("symbol", "size").iter_rows())
    assert sizes == {BTC: 50.0, ETH: -100.0}
    assert result.fills.height == 2


def test_changes_are_seen_per_symbol_whatever_the_order_of_the_rows(market):
    market.add(RISE).add(RISE, ETH)

    def targets(bars):
        level = pl.when(pl.col("symbol") == BTC).then(0.5).otherwise(-0.5)
        return bars.sort("ts", "symbol").select("ts", "symbol", target=level)

    assert market.run(targets, symbols=[BTC, ETH], margin="cross").fills.height == 2


def test_a_symbol_unknown_to_the_run_can_be_compared_with(market):
    def targets(bars):
        other = pl.col("symbol") == "SOL/USDT:USDT"
        return bars.select("ts", "symbol", target=pl.when(other).then(5.0).otherwise(1.0))

    assert market.add(RISE).run(targets).fills["size"].to_list() == [100.0]


def test_mark_and_funding_frames_are_given_to_who_names_them(market):
    mark = [(p, p, p, p) for p in (100, 100, 90, 90, 90, 90)]
    market.add(flat(100, 6), mark=mark, funding=[0.001])
    seen = {}

    def targets(bars, mark, funding):
        seen["mark"] = mark.collect()
        seen["funding"] = funding.collect()
        return bars.select("ts", target=pl.lit(None, dtype=pl.Float64))

    market.run(targets)
    assert seen["mark"]["close"].to_list() == [100, 100, 90, 90, 90, 90]
    assert seen["funding"]["funding_rate"].to_list() == [0.001]
    assert seen["mark"]["symbol"].cast(pl.String).unique().to_list() == [BTC]


def test_asking_for_mark_where_there_is_none_is_refused(market):
    market.add(flat(100, 6))
    market.path("mark").unlink()
    with pytest.raises(bt.DataError, match=r"asks for mark, but there is none of BTC/USDT:USDT"):
        market.run(lambda bars, mark: mark)


def test_frames_are_cut_to_the_span(market):
    market.add(flat(100, 6))
    seen = []

    def targets(bars):
        seen.append(bars.collect())
        return bars.select("ts", target=pl.lit(1.0))

    market.run(targets, since="2024-01-01 02:00", until="2024-01-01 05:00")
    assert hours(seen[0]) == [2, 3, 4]


def test_targets_are_evaluated_once_for_venues_on_the_same_prices(market):
    market.add(flat(100, 6))
    calls = []

    def targets(bars):
        calls.append(1)
        return bars.select("ts", target=pl.lit(1.0))

    market.run(targets, venues="binanceusdm,bybit,okx", prices="binanceusdm")
    assert calls == [1]


def test_every_venue_sees_the_symbols_as_the_run_names_them(market):
    market.add(flat(100, 6)).add(flat(100, 6), "BTC/USDC:USDC", venue="hyperliquid")

    def on_bar(view):
        return {BTC: 1.0}

    result = market.run(on_bar, venues="binanceusdm,hyperliquid")
    assert result.fills["symbol"].to_list() == [BTC, "BTC/USDC:USDC"]


def test_sma_cross_of_one_symbol_does_not_change_with_others_beside_it(market):
    market.add(steps(*[100 + (n * 7) % 31 for n in range(60)]))
    market.add(steps(*[50 + (n * 5) % 23 for n in range(60)]), ETH)
    settings = {"params": {"fast": 3, "slow": 8}, "leverage": 2, "exposure": 0.2}
    alone = market.run("strategies/sma_cross.py", symbols=ETH, **settings).fills
    both = market.run("strategies/sma_cross.py", symbols=[BTC, ETH], **settings).fills
    assert alone.height > 5
    assert alone["ts"].to_list() == both.filter(symbol=ETH)["ts"].to_list()
    assert hours(alone)[0] == 8  # the first slow average stands at the close of bar 7


def test_windows_over_groups_give_the_same_as_sma_cross(market):
    # the one is collected in memory, the other streaming
    market.add(steps(*[100 + (n * 7) % 31 for n in range(90)]))
    market.add(steps(*[50 + (n * 5) % 23 for n in range(90)]), ETH)

    def targets(bars):
        fast, slow = (pl.col("close").rolling_mean(n).over("symbol") for n in (3, 8))
        side = pl.when(fast > slow).then(1.0).otherwise(-1.0)
        return bars.select("ts", "symbol", target=pl.when(slow.is_not_null()).then(side))

    settings = {"symbols": [BTC, ETH], "leverage": 2, "exposure": 0.2}
    grouped = market.run(targets, **settings)
    plain = market.run("strategies/sma_cross.py", params={"fast": 3, "slow": 8}, **settings)
    assert grouped.fills.height > 10
    assert grouped.hash == plain.hash


def test_hold_keeps_one_position(market):
    result = market.add(RISE).run("strategies/hold.py", params={"exposure": -1.0}, leverage=2)
    assert result.fills["size"].to_list() == [-100.0]
    assert result.trades["exit_reason"].to_list() == ["end"]
