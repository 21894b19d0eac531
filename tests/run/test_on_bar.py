"""`on_bar`: asked at every close, answered at the next open."""

from math import isnan

import polars as pl
import pytest

import backtest as bt

from .market import BTC, ETH, START, flat, steps

PATH = steps(100, 101, 102, 103, 104)


def replay(answers):
    """An `on_bar` that gives these answers, one a bar."""
    left = list(answers)

    def on_bar(view):
        return left.pop(0)

    return on_bar


def test_an_exposure_trades_at_the_next_open_and_is_held(market):
    result = market.add(PATH).run(replay([1.0, 1.0, 1.0, None, None]))
    assert result.fills["price"].to_list() == [100.0]
    assert result.fills["size"].to_list() == [100.0]


def test_an_order_trades_a_size_every_time(market):
    order = bt.Order(BTC, size=2.0)
    result = market.add(PATH).run(replay([order, [order, order], None, None, None]))
    assert result.fills["size"].to_list() == [2.0, 4.0]
    assert result.fills["position_after"].to_list() == [2.0, 6.0]


def test_a_mapping_gives_exposures_by_symbol_and_none_keeps(market):
    market.add(PATH).add(flat(50, 5), ETH)
    answers = [{BTC: 0.5, ETH: None}, {ETH: -0.5}, None, {BTC: None}, None]
    result = market.run(replay(answers), symbols=[BTC, ETH], margin="cross")
    assert result.fills["symbol"].to_list() == [BTC, ETH]


def test_no_answer_is_no_order(market):
    result = market.add(PATH).run(lambda view: None)
    assert result.fills.height == result.rejections.height == 0


def test_the_view_shows_the_bar_that_closed_and_the_account(market):
    mark = [(c, c, c, c) for c in (100, 100.5, 101.5, 102.5, 103.5)]
    market.add(PATH, mark=mark, funding=[0.0001])
    seen = []

    def on_bar(view):
        state = (view.size(), view.entry_price(), view.equity(), view.cash(), view.margin())
        bar = (view.open(), view.high(), view.low(), view.close(), view.volume(), view.mark())
        seen.append((view.ts, bar, state, view.funding_rate()))
        return 1.0

    market.run(on_bar, cash=1_000, leverage=5)
    first, second = seen[0], seen[1]
    assert first[0] == START
    assert first[1] == (100, 100, 100, 100, 1, 100)
    assert first[2] == (0, 0, 1000, 1000, 0)
    assert first[3] == 0.0001
    assert isnan(second[3])
    size, entry, equity, cash, margin = second[2]
    assert (size, entry) == (10.0, 100.0)
    assert margin == pytest.approx(1000 / 5 - 1000 * 0.0005)  # the fee comes out of the margin
    assert cash == pytest.approx(1000 - 1000 / 5)
    assert equity == pytest.approx(1000 - 1000 * 0.0005 + 10 * 0.5)


def test_each_account_has_its_own_notebook(market):
    market.add(PATH)
    counts = {}

    def on_bar(view):
        view.state["bars"] = view.state.get("bars", 0) + 1
        counts[id(view.state)] = view.state["bars"]

    market.run(on_bar, venues="binanceusdm,bybit", prices="binanceusdm")
    assert list(counts.values()) == [5, 5]


def test_a_symbol_must_be_named_when_there_are_several(market):
    market.add(PATH).add(PATH, ETH)
    with pytest.raises(bt.StrategyError, match="say which symbol; this run has several"):
        market.run(lambda view: view.close(), symbols=[BTC, ETH])
    with pytest.raises(bt.StrategyError, match="returned one number, but the run has 2 symbols"):
        market.run(lambda view: 1.0, symbols=[BTC, ETH])


def test_an_unknown_symbol_gets_a_hint(market):
    market.add(PATH)
    with pytest.raises(bt.UsageError, match=r"'BTC/USDT'; did you mean 'BTC/USDT:USDT'"):
        market.run(lambda view: view.close("BTC/USDT"))
    with pytest.raises(bt.UsageError, match=r"'BTC/USDT'; did you mean 'BTC/USDT:USDT'"):
        market.run(lambda view: {"BTC/USDT": 1.0})


def test_an_account_that_has_ended_is_asked_no_more(market):
    market.add(steps(100, 100, 80, 80, 80))
    asked = []

    def on_bar(view):
        asked.append(view.ts)
        return 1.0

    result = market.run(on_bar, on_liquidation="stop")
    assert result.liquidations.height == 1
    assert result.manifest["accounts"][0]["bars"] == 3
    assert len(asked) == 2


@pytest.mark.parametrize("margin", ["isolated", "cross"])
def test_targets_and_on_bar_that_do_the_same_give_the_same_records(market, margin):
    closes = [100 + 12 * ((n * 7) % 5 - 2) * (n % 3) / 2 for n in range(120)]
    market.add(steps(*closes), funding=[0.0003] * 15)

    def targets(bars):
        above = pl.col("close") > 100
        return bars.select("ts", "symbol", target=pl.when(above).then(3.0).otherwise(-2.0))

    def on_bar(view):
        return 3.0 if view.close() > 100 else -2.0

    settings = {"margin": margin, "on_liquidation": "refill", "exposure": 3, "leverage": 20}
    one, other = market.run(targets, **settings), market.run(on_bar, **settings)
    assert one.liquidations.height > 3
    assert one.fills.height > 30
    assert one.hash == other.hash
