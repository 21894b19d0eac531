"""Orders that rest, as strategies and order files give them."""

from math import inf

import polars as pl
import pytest

import backtest as bt
from backtest.instructions import TAKES, TYPES

from .market import BTC, ETH, HOUR, START, flat, steps

HEDGED = {"position_mode": "hedge"}


def answers(*given):
    """A strategy that answers the first closes with these, one after the other."""
    coming = iter(given)
    return lambda view: next(coming, None)


def on_bar(*given):
    function = answers(*given)

    def on_bar(view):
        return function(view)

    return on_bar


def fills(result, *columns):
    names = columns or ("reason", "size", "price")
    return result.fills.select(names).rows()


def reasons(result):
    return result.rejections["reason"].to_list()


def buy(size=2.0, **terms):
    return bt.Order(BTC, size=size, **terms)


def test_a_limit_order_waits_until_the_price_comes(market):
    market.add(steps(100, 100, 100, 98, 95, 96))
    result = market.run(on_bar(buy(type="limit", price=97.0)))
    assert fills(result, "reason", "price", "ts") == [
        ("limit", 97.0, pl.Series([START + 4 * HOUR]).cast(pl.Datetime("ms", "UTC"))[0])
    ]


def test_a_stop_closes_all_of_a_position_that_has_grown(market):
    market.add(steps(100, 100, 100, 100, 100, 90))
    stop = buy(size=-inf, type="stop", trigger_price=95.0, reduce_only=True)
    result = market.run(on_bar(buy(), stop, buy(2.0)), cash=1000.0)
    assert fills(result) == [("signal", 2.0, 100.0), ("signal", 2.0, 100.0), ("stop", -4.0, 95.0)]


def test_the_price_that_triggers_may_be_the_mark(market):
    market.add(steps(100, 100, 100, 80, 100), mark=flat(100, 5))
    stop = {"size": -inf, "type": "stop", "trigger_price": 95.0}
    result = market.run(on_bar(buy(), buy(**stop, trigger_by="mark")))
    assert len(fills(result)) == 1
    assert len(fills(market.run(on_bar(buy(), buy(**stop))))) == 2


def test_a_trailing_stop_follows_the_best_price(market):
    market.add(steps(100, 100, 100, 120, 150, 130))
    trailing = buy(size=-inf, type="trailing_stop", callback=0.1)
    rows = fills(market.run(on_bar(buy(), trailing)), "path", "reason", "price", "certainty")
    # at worst an hour that opens at its low goes to its high first and comes back to its low
    assert rows[1:] == [
        ("pessimistic", "stop", 108.0, "possible"), ("optimistic", "stop", 135.0, "certain"),
    ]  # fmt: skip


def test_an_order_ends_when_its_time_has_come(market):
    market.add(steps(100, 100, 100, 100, 100, 90))
    order = buy(type="limit", price=95.0, good_till=START + 4 * HOUR)
    result = market.run(on_bar(order))
    assert (fills(result), reasons(result)) == ([], ["order expired"])


def test_an_order_with_the_id_of_one_that_rests_replaces_it(market):
    market.add(steps(100, 100, 100, 100, 90))
    first, second = (buy(type="limit", price=price, id=7) for price in (97.0, 93.0))
    result = market.run(on_bar(first, second))
    assert fills(result, "order_id", "price") == [(7, 93.0)]
    assert reasons(result) == []


def test_a_cancelled_order_never_fills(market):
    market.add(steps(100, 100, 100, 100, 90))
    result = market.run(on_bar(buy(type="limit", price=97.0, id=7), bt.Cancel(BTC, 7)))
    assert (fills(result), reasons(result)) == ([], [])


def test_all_orders_of_a_symbol_can_be_cancelled_at_once(market):
    market.add(steps(100, 100, 100, 100, 90))
    limits = [buy(type="limit", price=price) for price in (97.0, 96.0)]
    result = market.run(on_bar(limits, bt.Cancel(BTC)))
    assert (fills(result), reasons(result)) == ([], [])


def test_an_order_that_is_taken_back_and_given_anew_in_one_answer_is_taken_back_once(market):
    market.add(steps(100, 100, 100, 100, 90))
    first, second = (buy(type="limit", price=price, id=7) for price in (97.0, 93.0))
    result = market.run(on_bar(first, [bt.Cancel(BTC), second]))
    assert fills(result, "order_id", "price") == [(7, 93.0)]
    assert reasons(result) == []


def test_two_orders_of_one_id_in_one_answer_are_refused(market):
    limits = [buy(type="limit", price=price, id=7) for price in (97.0, 93.0)]
    with pytest.raises(bt.StrategyError, match="gave two orders with id 7 at 2024-01-01 00:00"):
        market.add(flat(100, 4)).run(on_bar(limits))


def test_the_ids_of_policies_are_not_for_strategies(market):
    limit = buy(type="limit", price=97.0, id=1_000_000_000)
    with pytest.raises(bt.StrategyError, match=r"an order the id 1000000000 .* give a lower one"):
        market.add(flat(100, 4)).run(on_bar(limit))


@pytest.mark.parametrize(
    ("venue", "symbol"), [("binanceusdm", BTC), ("binancecoinm", "BTC/USD:BTC")]
)
def test_a_size_is_found_for_an_exposure(market, venue, symbol):
    """Of 10,000 USD at 100: 100 coins of a linear contract, or 10,000 USD of an inverse one."""
    market.add(flat(100, 5), symbol, venue=venue)
    seen = []

    def on_bar(view):
        seen.append((view.size_for(0.5), view.size_for(0.5, 50.0), view.exposure()))
        return bt.Order(symbol, size=view.size_for(0.5)) if view.size() == 0.0 else None

    result = market.run(on_bar, venues=venue, symbols=symbol)
    half = 50.0 * (1.0 if venue == "binanceusdm" else 100.0)
    twice = 2.0 if venue == "binanceusdm" else 0.5
    assert seen[0] == (pytest.approx(half), pytest.approx(half * twice), 0.0)
    assert result.fills["size"].to_list() == [pytest.approx(half)]
    assert seen[-1][2] == pytest.approx(0.5, rel=0.001)


def test_cancelling_what_is_not_there_is_recorded(market):
    result = market.add(flat(100, 4)).run(on_bar(bt.Cancel(BTC, 7)))
    assert result.rejections.select("reason", "order_id").rows() == [("unknown order", 7)]


def test_a_strategy_sees_the_orders_that_rest(market):
    seen = []

    def on_bar(view):
        seen.append(view.orders())
        return buy(type="limit", price=90.0, id=3) if len(seen) == 1 else None

    market.add(flat(100, 4)).run(on_bar)
    assert [len(orders) for orders in seen] == [0, 1, 1, 1]
    order = seen[1][0]
    assert (order.id, order.symbol, order.type, order.size, order.price) == (3, BTC, "limit", 2, 90)


CONTRADICTORY = {
    "would trigger": buy(-1.0, type="stop", trigger_price=105.0),
    "reduce only": buy(-1.0, type="limit", price=101.0, reduce_only=True),
    "post only": buy(type="limit", price=101.0, post_only=True),
    "price out of band": buy(type="limit", price=1.0),
    "order expired": buy(type="limit", price=99.0, good_till=START),
    "insufficient margin": buy(1e5, type="limit", price=99.0),
}


@pytest.mark.parametrize("reason", CONTRADICTORY)
def test_a_contradictory_order_is_a_recorded_rejection(market, reason):
    result = market.add(flat(100, 4)).run(on_bar(CONTRADICTORY[reason]), venues=["kucoinfutures"]
        if reason == "price out of band" else ["binanceusdm"], prices="binanceusdm")  # fmt: skip
    if reason == "price out of band" and reasons(result) == []:
        pytest.skip("no venue of this run limits the distance of an order")
    assert reasons(result) == [reason]
    assert fills(result) == []


def test_a_market_order_that_only_reduces_stops_at_flat(market):
    market.add(flat(100, 6))
    result = market.run(on_bar(buy(), buy(-5.0, reduce_only=True), buy(-1.0, reduce_only=True)))
    assert fills(result) == [("signal", 2.0, 100.0), ("signal", -2.0, 100.0)]
    assert reasons(result) == ["reduce only"]


def test_all_of_a_position_is_closed_at_market(market):
    result = market.add(flat(100, 5)).run(on_bar(buy(2.5), buy(-inf)))
    assert fills(result) == [("signal", 2.5, 100.0), ("signal", -2.5, 100.0)]


def test_a_leg_has_orders_of_its_own(market):
    market.add(steps(100, 100, 100, 100, 90))
    both = [bt.Order(BTC, size=s, position_side=p) for s, p in ((1.0, "long"), (-1.0, "short"))]
    stop = bt.Order(BTC, size=-inf, position_side="long", type="stop", trigger_price=95.0)
    result = market.run(on_bar(both, stop), **HEDGED)
    last = result.fills.filter(pl.col("reason") == "stop")
    assert last.select("position_side", "size").rows() == [("long", -1.0)]


def test_margin_is_added_to_an_isolated_position(market):
    market.add(flat(100, 6))
    result = market.run(on_bar(buy(), bt.AddMargin(BTC, 50.0)), leverage=10)
    assert result.margin["isolated_margin"].to_list()[-1] == pytest.approx(70.0, rel=0.01)


def test_margin_for_a_position_that_is_not_there_is_refused(market):
    result = market.add(flat(100, 4)).run(on_bar(bt.AddMargin(BTC, 50.0)))
    assert reasons(result) == ["no position"]


def test_a_transfer_brings_money_from_the_reserve(market):
    result = market.add(flat(100, 5)).run(on_bar(bt.Transfer(300.0)), cash=1000, reserve=500)
    assert result.deposits["amount"].to_list() == [300.0]
    assert result.equity["equity"].to_list()[-1] == 1300.0


def test_a_transfer_beyond_the_reserve_is_refused(market):
    asked = on_bar(bt.Transfer(300.0), bt.Transfer(300.0))
    result = market.add(flat(100, 5)).run(asked, cash=1000, reserve=500)
    row = result.rejections.row(0, named=True)
    assert (row["reason"], row["required"], row["available"]) == ("reserve exceeded", 300.0, 200.0)
    assert row["size"] == 0.0, "money, no order"


def test_margin_that_the_wallet_does_not_have_is_not_called_a_lack_of_fees(market):
    market.add(flat(100, 6))
    result = market.run(on_bar(buy(), bt.AddMargin(BTC, 1e9)), leverage=10)
    assert reasons(result) == ["insufficient margin"]
    assert result.summary["rejection_hint"].to_list() == [""]


@pytest.mark.parametrize(("delay", "hour"), [("0", 1), ("30m", 2), ("1h", 2), ("3h", 4)])
def test_money_from_the_reserve_takes_its_time(market, delay, hour):
    market.add(flat(100, 8))
    result = market.run(on_bar(bt.Transfer(300.0)), reserve=500, reserve_delay=delay)
    assert [int(t.timestamp() * 1000) for t in result.deposits["ts"]] == [START + hour * HOUR]


WRONG = [
    ({"type": "limt"}, "unknown type of order 'limt'; did you mean 'limit'"),
    ({"type": "limit"}, "is a limit order without price; give it one"),
    ({"type": "stop", "price": 3.0}, "without trigger_price"),
    ({"price": 3.0}, "is a market order, which has no price; leave it out, or give type limit"),
    (
        {"type": "limit", "price": 9.0, "callback": 0.1},
        "no callback; leave it out",
    ),
    ({"type": "trailing_stop", "callback": -0.1}, "has callback -0.1; give a finite number over 0"),
    ({"type": "trailing_stop", "callback": 2.0}, "give a fraction under 1"),
    ({"type": "limit", "price": float("nan")}, "without price"),
    ({"type": "limit", "price": inf}, "has price inf"),
    (
        {"type": "stop", "trigger_price": 9.0, "trigger_by": "index"},
        "unknown trigger_by",
    ),
    ({"id": -3}, "has id -3; give a whole number"),
    ({"id": 1.5}, "has id 1.5"),
]


@pytest.mark.parametrize(("terms", "message"), WRONG)
def test_what_is_no_order_is_refused_in_one_sentence(terms, message):
    with pytest.raises(bt.BacktestError, match=message) as refused:
        buy(**terms)
    assert "\n" not in str(refused.value)


def test_a_resting_order_with_an_exposure_is_refused():
    with pytest.raises(bt.StrategyError, match="is a stop order with an exposure; give it a size"):
        bt.Order(BTC, exposure=1.0, type="stop", trigger_price=9.0)


def test_every_type_says_what_it_takes():
    assert set(TAKES) == set(TYPES)


def orders_file(tmp_path, rows, name="orders.csv"):
    path = tmp_path / name
    frame = pl.DataFrame(rows)
    frame.write_csv(path) if path.suffix == ".csv" else frame.write_parquet(path)
    return str(path)


HOURS = [f"2024-01-01T{hour:02}:00" for hour in range(8)]


@pytest.mark.parametrize("name", ["orders.csv", "orders.parquet"])
def test_an_order_file_has_orders_that_rest(market, tmp_path, name):
    market.add(steps(100, 100, 100, 100, 90, 100))
    rows = [
        {"ts": HOURS[1], "symbol": BTC, "size": 1.0},
        {
            "ts": HOURS[2], "symbol": BTC, "size": -inf, "type": "stop", "trigger_price": 95.0,
            "id": 4,
        },
    ]  # fmt: skip
    result = market.run(orders=orders_file(tmp_path, rows, name))
    assert fills(result, "reason", "size", "price", "order_id") == [
        ("signal", 1.0, 100.0, 0), ("stop", -1.0, 95.0, 4),
    ]  # fmt: skip


def test_a_row_takes_an_order_back(market, tmp_path):
    market.add(steps(100, 100, 100, 100, 90, 100))
    limit = {"ts": HOURS[1], "symbol": BTC, "size": 2.0, "type": "limit", "price": 95.0, "id": 4}
    back = {"ts": HOURS[3], "symbol": BTC, "size": None, "type": "cancel", "price": None, "id": 4}
    result = market.run(orders=orders_file(tmp_path, [limit, back]))
    assert (fills(result), reasons(result)) == ([], [])


BAD_ROWS = [
    ({"type": "limit"}, "row 1 of .* is a limit order without price"),
    ({"type": "cancel"}, "row 1 of .* is a cancel without id"),
    ({"type": "stop", "trigger_price": -1.0}, "row 1 of .* has trigger_price -1"),
    ({"type": "limit", "price": 9.0, "good_till": "soon"}, "row 1 of .* 'soon' is not a time"),
    ({"type": "limit", "price": 9.0, "reduce_only": "maybe"}, "row 1 of .* reduce_only is 'maybe'"),
    ({"type": "limit", "price": 9.0, "id": 1.5}, "row 1 of .* has id 1.5"),
]


@pytest.mark.parametrize(("terms", "message"), BAD_ROWS)
def test_a_row_that_is_no_order_is_refused_with_its_number(market, tmp_path, terms, message):
    row = {"ts": HOURS[1], "symbol": BTC, "size": 1.0, **terms}
    with pytest.raises(bt.UsageError, match=message):
        market.add(flat(100, 4)).run(orders=orders_file(tmp_path, [row]))


def test_two_symbols_keep_their_orders_apart(market):
    market.add(steps(100, 100, 100, 90)).add(flat(100, 4), ETH)
    limits = [bt.Order(s, size=2.0, type="limit", price=95.0) for s in (BTC, ETH)]
    result = market.run(on_bar(limits), symbols=[BTC, ETH])
    assert fills(result, "symbol", "price") == [(BTC, 95.0)]
