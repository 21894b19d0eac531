"""Risk tools where something comes between: refusals, cancels, gaps, money that is on its way."""

from math import inf

import pytest

import backtest as bt
from backtest.policies import StopLoss, TakeProfit, TopUp

from .market import BTC, ETH, HOUR, START, flat, steps

LONG = {"leverage": 10, "cash": 1000.0}
FINE = 12


def one_by_one(*given):
    """An `on_bar` that answers the first closes with these."""
    coming = iter(given)
    return lambda view: next(coming, None)


def fills(result, *columns):
    return result.fills.select(columns or ("reason", "size", "price")).rows()


def reasons(result):
    return result.rejections["reason"].to_list()


def order(size, **terms):
    return bt.Order(BTC, size=size, **terms)


def test_a_stop_that_the_price_has_passed_already_closes_at_market(market):
    # the second buy lifts the mean entry to 118.2 in an hour that ends at 110, under its stop
    market.add([*flat(100, 3), (100.0, 121.0, 100.0, 110.0), *flat(110, 2)])
    more = order(10.0, type="stop", trigger_price=120.0)
    result = market.run(
        one_by_one(order(1.0), more), policies=["stop_loss:0.05"], path="optimistic"
    )
    assert fills(result)[-2:] == [("stop", 10.0, 120.0), ("signal", -11.0, 110.0)]
    assert reasons(result) == ["position closed"]


def test_a_profit_that_the_price_has_passed_already_is_taken_at_market(market):
    market.add([*flat(100, 2), (100.0, 100.0, 94.0, 99.0), *flat(99, 2)])
    result = market.run(
        one_by_one(order(2.0, type="limit", price=95.0)), policies=["take_profit:0.01"]
    )
    assert fills(result) == [("limit", 2.0, 95.0), ("signal", -2.0, 99.0)]
    assert reasons(result) == []


def test_a_stop_that_was_taken_back_is_given_again_at_once(market):
    market.add(steps(100, 100, 100, 100, 90))
    result = market.run(one_by_one(order(2.0), None, bt.Cancel(BTC)), policies=["stop_loss:0.05"])
    assert fills(result)[-1] == ("stop", -2.0, 95.0)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_stop_sleeps_beside_an_order_that_may_open(market, direction):
    """A limit at 98 and the fall to 80 in one hour: the stop at 93.1 is there already."""
    wick = (100.0, 100.0, 80.0, 85.0) if direction > 0 else (100.0, 120.0, 100.0, 115.0)
    market.add([*flat(100, 1), wick, *flat(wick[3], 2)])
    entry = 100.0 - 2.0 * direction
    buys = one_by_one(order(50.0 * direction, type="limit", price=entry))
    assert market.run(buys, **LONG).liquidations.height == 1
    buys = one_by_one(order(50.0 * direction, type="limit", price=entry))
    result = market.run(buys, **LONG, policies=["stop_loss:0.05"])
    stop = pytest.approx(entry * (1 - 0.05 * direction))
    assert fills(result)[1:] == [("stop", -50.0 * direction, stop)]
    assert result.liquidations.height == 0


def test_a_sleeping_stop_goes_with_the_order_that_it_waited_for(market):
    result = market.add(flat(100, 5)).run(
        one_by_one(order(2.0, type="limit", price=95.0, id=1), None, bt.Cancel(BTC, 1)),
        policies=["stop_loss:0.05"],
    )
    assert reasons(result) == ["position closed"]


def test_a_trailing_stop_keeps_its_best_price_when_the_position_grows(market):
    market.add(steps(100, 100, 100, 120, 110, 107))
    trades = one_by_one(order(2.0), None, None, order(2.0))
    result = market.run(trades, policies=["trailing_stop:0.1"], path="optimistic")
    assert fills(result) == [
        ("signal", 2.0, 100.0), ("signal", 2.0, 120.0), ("stop", -4.0, pytest.approx(108.0)),
    ]  # fmt: skip


@pytest.mark.parametrize("delay", ["0", "30m", "1h", "3h"])
def test_money_on_its_way_is_not_asked_for_again(market, delay):
    # 500 of margin, 350 lost, ratio 18.6 / 150: 222 are missing, 7.5 are in the wallet
    market.add(steps(100, 100, 100, *[93] * 8))
    result = market.run(
        one_by_one(order(50.0)), leverage=10, cash=510.0, reserve=1000.0, reserve_delay=delay,
        policies=["top_up:over=0.1,to=0.05"],
    )  # fmt: skip
    assert reasons(result) == []
    assert result.deposits["amount"].to_list() == [pytest.approx(222.0 - 7.5, abs=5.0)]
    assert result.margin["isolated_margin"][-1] == pytest.approx(18.6 / 0.05 + 350.0, abs=5.0)


def test_money_on_its_way_to_a_pool_is_not_asked_for_again(market):
    market.add(steps(100, 100, 100, *[93] * 8))
    result = market.run(
        one_by_one(order(50.0)), leverage=10, cash=510.0, margin="cross", reserve=1000.0,
        reserve_delay="3h", policies=["top_up:over=0.1,to=0.05"],
    )  # fmt: skip
    assert result.deposits.height == 1


def test_two_positions_share_one_wallet(market):
    """Each needs 18.6 / 0.05 − 150 = 222 more; what the wallet and the reserve hold is 260."""
    falls = steps(100, 100, 100, 93, 93)
    market.add(falls).add(falls, ETH)
    both = [order(50.0), bt.Order(ETH, size=50.0)]
    result = market.run(
        one_by_one(both), leverage=10, cash=1060.0, reserve=200.0, symbols=[BTC, ETH],
        policies=["top_up:over=0.1,to=0.05"],
    )  # fmt: skip
    last = result.margin.filter(result.margin["ts"] == result.margin["ts"].max())
    given = [margin - 497.5 for margin in last["isolated_margin"]]
    assert sum(given) == pytest.approx(1060.0 + 200.0 - 1000.0, abs=0.1)
    assert given[0] == pytest.approx(222.0 + 2.5, abs=1.0)
    assert result.rejections["reason"].unique().to_list() == ["reserve exceeded"]
    assert result.equity["cash"][-1] == pytest.approx(0.0, abs=1e-9)


def test_a_liquidation_at_a_finer_open_does_not_end_the_hour_for_others(market):
    """Bitcoin opens under its level in the fifth five minutes, ether falls in the eighth."""
    candle, mark = (100.0, 100.0, 80.0, 100.0), (100.0, 100.0, 81.0, 100.0)
    for symbol, low in ((BTC, 5), (ETH, 8)):
        market.add([*flat(100, 2), candle, *flat(100, 2)], symbol,
                   mark=[*flat(100, 2), mark, *flat(100, 2)])  # fmt: skip
        for kind, price in (("trade", 80.0), ("mark", 81.0)):
            bars = flat(100.0, FINE)
            bars[low] = (price, 100.0, price, 100.0)
            market.write(bars, kind, symbol, first=2 * FINE, name="5m", hours=1 / FINE)
    both = [bt.Order(symbol, size=20.0) for symbol in (BTC, ETH)]
    result = market.run(
        one_by_one(both), leverage=10, symbols=[BTC, ETH], policies=["stop_loss:0.05"],
    )  # fmt: skip
    minutes = [(int(t.timestamp() * 1000) - START) // 60_000 for t in result.liquidations["ts"]]
    assert list(zip(result.liquidations["symbol"], minutes, strict=True)) == [
        (BTC, 145), (ETH, 160),
    ]  # fmt: skip
    assert result.summary["drilled_bars"].item() == 1


def test_policies_may_be_given_as_objects_and_are_named_in_the_manifest(market):
    market.add(steps(100, 100, 100, 95, 91))
    one = market.run(lambda view: 5.0, **LONG, policies=[StopLoss(0.05), TakeProfit(at=0.2)])
    text = market.run(lambda view: 5.0, **LONG, policies=["stop_loss:0.05", "take_profit:0.2"])
    assert one.hash == text.hash
    assert one.manifest["config"]["policies"] == [
        "StopLoss(at=0.05, by='last')", "TakeProfit(at=0.2, by='last')",
    ]  # fmt: skip


class Halves:
    """Asks a stop-loss of its own every second time: a policy made of another."""

    def __init__(self):
        self.inner = StopLoss(0.05)

    def at_fill(self, view):
        return self.inner.at_fill(view)

    def at_close(self, view):
        view.memory(self)["bars"] = view.memory(self).get("bars", 0) + 1
        return self.inner.at_close(view)


def test_a_policy_may_be_made_of_another(market):
    market.add(steps(100, 100, 100, 95, 91))
    result = market.run(lambda view: 5.0, **LONG, policies=[Halves()])
    assert fills(result)[-1] == ("stop", -50.0, 95.0)
    assert result.manifest["config"]["policies"] == ["Halves"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (1.0, "policy Odd returned 1.0 at 2024-01-01 00:00; return a list of Orders"),
        ({BTC: 1.0}, "policy Odd returned {.*; return a list of Orders"),
        ([1.0], "policy Odd returned \\[1.0\\] at"),
        (None, "policy Odd returned None"),
    ],
)
def test_a_policy_that_answers_something_else_is_named(market, answer, message):
    class Odd:
        def at_fill(self, view):
            return ()

        def at_close(self, view):
            return answer

    Odd.__qualname__ = "Odd"
    with pytest.raises(bt.StrategyError, match=message):
        market.add(flat(100, 3)).run(lambda view: 1.0, policies=[Odd()])


def test_a_policy_that_fails_is_named_with_its_line(market):
    class Breaks:
        def at_fill(self, view):
            return ()

        def at_close(self, view):
            return [1 / 0]

    Breaks.__qualname__ = "Breaks"
    why = r"policy Breaks failed: ZeroDivisionError: division by zero \(in at_close, test_pol.*:\d+"
    with pytest.raises(bt.StrategyError, match=why):
        market.add(flat(100, 3)).run(lambda view: 1.0, policies=[Breaks()])


def test_alerts_that_nobody_hears_are_refused(market, strategy, cli):
    market.add(flat(100, 3))
    path = strategy("def targets(bars):\n    return bars\n")
    assert cli("run", path, "--data", market.root, "--alerts", "0.5,0.8") == 2
    assert "--alerts are told to on_bar(view), and mine has targets(bars)" in cli.sentence


def test_the_command_line_takes_alerts_and_a_reserve(market, strategy, cli, tmp_path):
    market.add(steps(100, 100, 100, 95, 92, 91.5))
    path = strategy("""
        import backtest as bt
        def on_bar(view):
            return bt.Transfer(10.0) if view.alerts else 5.0
    """)
    flags = ["--alerts", "0.05,0.15", "--reserve", "100", "--reserve-delay", "1h", "--cash", "1000"]
    out = tmp_path / "one"
    assert cli("run", path, "--data", market.root, *flags, "--out", out) == 0, cli.err
    deposits = bt.open_result(out).deposits
    assert deposits["amount"].to_list() == [10.0]
    assert int(deposits["ts"][0].timestamp() * 1000) == START + 5 * HOUR


def test_a_top_up_has_no_limit_unless_one_is_given():
    assert TopUp().limit == inf
