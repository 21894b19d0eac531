"""Every type of resting order: when it is met, at which price, with which fee, on both sides."""

from math import nan

import pytest

from backtest.core.state import Certainty, Reason, Rejected

from .accounts import HOUR, START, bars, engine, make_rules, mark_candle, order, play

FLAT = (100.0, 100.0, 100.0, 100.0)
UP, DOWN = (100.0, 106.0, 99.0, 104.0), (100.0, 100.0, 95.0, 97.0)
MAKER, TAKER, SLIPPAGE = 0.0002, 0.0005, 0.001
TYPES = {
    # price of a long's order, its bar, where it is met, fee rate, slippage, reason
    "LIMIT": (105.0, UP, 105.0, MAKER, 0.0, Reason.LIMIT),
    "STOP": (96.0, DOWN, 96.0, TAKER, SLIPPAGE, Reason.STOP),
    "TAKE_PROFIT": (105.0, UP, 105.0, TAKER, SLIPPAGE, Reason.TAKE_PROFIT),
    "TRAILING_STOP": (nan, DOWN, 96.0, TAKER, SLIPPAGE, Reason.STOP),  # 4 % under 100
}
CONTRACTS = {"linear": 10.0, "inverse": 1_000.0}


def seen_from(direction, candle):
    """The candle for a long; for a short the one on the other side of 100."""
    first, high, low, last = candle
    mirrored = (200.0 - first, 200.0 - low, 200.0 - high, 200.0 - last)
    return candle if direction > 0 else mirrored


def rules_for(contract, **more):
    fees = {"maker_fee": MAKER, "taker_fee": TAKER, **more}
    return make_rules(inverse=int(contract == "inverse"), **fees)


def hold(*candles, events=(), size=10.0, mark=None, rules=None, **settings):
    """Records of a position opened at 100 in bar 0, with orders; `mark` is bar 1's own candle."""
    e = engine([rules_for("linear") if rules is None else rules], **settings)
    block = bars([FLAT, *candles])
    block = block if mark is None else mark_candle(block, 1, mark)
    return play(e, block, (0, 0, "SIZE", size), *events), e


@pytest.mark.parametrize("contract", list(CONTRACTS))
@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("by", ["LAST", "MARK"])
@pytest.mark.parametrize("kind", list(TYPES))
def test_order_that_closes_fills_at_its_price_and_pays_its_fee(kind, by, direction, contract):
    price, candle, met, rate, slipped, reason = TYPES[kind]
    place = price if direction > 0 else 200.0 - price
    size = direction * CONTRACTS[contract]
    r, e = hold(
        seen_from(direction, candle), size=size, rules=rules_for(contract), slippage=slipped,
        events=[order(1, kind, -size, place, by=by, reduce_only=1, callback=0.04, id=7)],
    )  # fmt: skip
    entry = 100.0 * (1.0 + direction * slipped)
    base = met if direction > 0 else 200.0 - met
    leaves = base * (1.0 - direction * slipped)
    value = abs(size) / leaves if contract == "inverse" else abs(size) * leaves
    gain = size * (1 / entry - 1 / leaves) if contract == "inverse" else size * (leaves - entry)
    fill = r["fills"][1]
    assert (fill["order_id"], fill["reason"], fill["ts"]) == (7, reason, START + HOUR)
    assert fill["price"] == pytest.approx(leaves, rel=1e-12)
    assert fill["fee"] == pytest.approx(value * rate, rel=1e-9)
    assert fill["realized_pnl"] == pytest.approx(gain, rel=1e-9)
    assert fill["certainty"] == Certainty.CERTAIN
    assert e.positions["size"][0] == 0.0
    assert r["trades"]["exit_reason"].tolist() == [reason]


@pytest.mark.parametrize("contract", list(CONTRACTS))
@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(
    ("kind", "price", "candle"),
    [("LIMIT", 96.0, DOWN), ("STOP", 105.0, UP), ("TAKE_PROFIT", 96.0, DOWN)],
)
def test_order_that_opens_fills_in_the_bar_that_comes_to_it(
    kind, price, candle, direction, contract
):
    # a long buys 4 under the market by limit, or 5 over it by stop; a short sells the mirror
    size = direction * CONTRACTS[contract]
    at = price if direction > 0 else 200.0 - price
    e = engine([rules_for(contract)], cash=1_000.0)
    block = bars([FLAT, FLAT, seen_from(direction, candle)])
    r = play(e, block, order(1, kind, size, at, id=3))
    assert r["fills"]["ts"].tolist() == [START + 2 * HOUR]
    assert r["fills"]["price"].tolist() == [at]
    assert e.positions["entry"][0] == pytest.approx(at)
    assert e.positions["size"][0] == size


def test_order_that_nothing_meets_goes_on_waiting():
    r, e = hold(FLAT, FLAT, events=[order(1, "STOP", -10.0, 95.0), order(1, "LIMIT", -10.0, 105.0)])
    assert len(r["fills"]) == 1
    assert e._state["resting"][0] == 2


@pytest.mark.parametrize(
    ("kind", "price", "opens"), [("STOP", 96.0, 93.0), ("TAKE_PROFIT", 105.0, 108.0)]
)
@pytest.mark.parametrize("by", ["LAST", "MARK"])
def test_gap_over_a_trigger_fills_at_the_open_with_slippage(kind, price, opens, by):
    r, _ = hold(FLAT, (opens,) * 4, events=[order(1, kind, -10.0, price, by=by)], slippage=SLIPPAGE)
    assert r["fills"]["price"][1] == pytest.approx(opens * 0.999)
    assert r["fills"]["slippage"][1] == pytest.approx(10 * opens * 0.001)
    assert r["fills"]["certainty"][1] == Certainty.CERTAIN


def test_gap_over_a_resting_limit_fills_at_its_own_price_as_a_maker():
    r, _ = hold(FLAT, (108.0,) * 4, events=[order(1, "LIMIT", -10.0, 105.0)], slippage=SLIPPAGE)
    assert r["fills"]["price"][1] == 105.0
    assert r["fills"]["fee"][1] == pytest.approx(10 * 105 * MAKER)
    assert r["fills"]["slippage"][1] == 0.0


@pytest.mark.parametrize(("limit", "price"), [(102.0, 100.1), (100.05, 100.05)])
def test_limit_that_the_open_has_passed_takes_but_never_beyond_its_price(limit, price):
    e = engine([rules_for("linear")], slippage=SLIPPAGE)
    r = play(e, bars([FLAT, FLAT]), order(1, "LIMIT", 10.0, limit))
    assert r["fills"]["price"].tolist() == pytest.approx([price])
    assert r["fills"]["fee"].tolist() == pytest.approx([10 * price * TAKER])
    assert r["fills"]["slippage"].tolist() == pytest.approx([10 * (price - 100)])
    assert e._state["resting"][0] == 0


def test_post_only_order_that_would_take_is_refused_with_both_prices():
    block = bars([FLAT, FLAT])
    r = play(engine([rules_for("linear")]), block, order(1, "LIMIT", 10.0, 102.0, post_only=1))
    one = r["rejections"][0]
    assert (one["reason"], one["required"], one["available"]) == (Rejected.POST_ONLY, 102.0, 100.0)
    assert len(r["fills"]) == 0


def test_post_only_order_that_rests_is_a_maker():
    block = bars([FLAT, FLAT, DOWN])
    r = play(engine([rules_for("linear")]), block, order(1, "LIMIT", 10.0, 96.0, post_only=1))
    assert r["fills"]["price"].tolist() == [96.0]
    assert r["fills"]["fee"].tolist() == pytest.approx([960 * MAKER])


def test_stop_on_the_mark_is_not_met_by_a_trade_beyond_it():
    r, _ = hold(DOWN, mark=(100.0, 100.0, 97.0, 97.0),
                events=[order(1, "STOP", -10.0, 96.0, by="MARK")])  # fmt: skip
    assert len(r["fills"]) == 1


def test_stop_on_the_mark_fills_as_near_to_it_as_trades_came():
    shallow = (100.0, 100.0, 98.0, 99.0)
    r, _ = hold(shallow, mark=DOWN, events=[order(1, "STOP", -10.0, 96.0, by="MARK")])
    assert r["fills"]["price"][1] == 98.0


def test_mark_that_opens_beyond_a_trigger_fills_at_the_trade_open():
    # mark from 100 to 94, trade to 95: the trade at that moment is known
    r, _ = hold((95.0, 99.0, 92.0, 97.0), mark=(94.0, 98.0, 93.0, 97.0),
                events=[order(0, "STOP", -10.0, 96.0, by="MARK")])  # fmt: skip
    assert r["fills"]["price"][1] == 95.0


def test_two_orders_on_one_side_fill_from_the_nearest_on():
    events = [order(1, "STOP", -4.0, 94.0, id=2), order(1, "STOP", -6.0, 97.0, id=1)]
    r, _ = hold((100.0, 100.0, 93.0, 95.0), events=events)
    assert r["fills"]["order_id"][1:].tolist() == [1, 2]
    assert r["fills"]["price"][1:].tolist() == [97.0, 94.0]


@pytest.mark.parametrize("by", ["LAST", "MARK"])
@pytest.mark.parametrize(("kind", "price"), [("STOP", 96.0), ("TAKE_PROFIT", 104.0)])
def test_trigger_is_met_by_a_price_that_just_reaches_it_after_quiet_bars(kind, price, by):
    # the third bar's low is exactly 96, its high exactly 104
    exact = (100.0, 104.0, 96.0, 100.0) if by == "LAST" else (100.0, 103.0, 97.0, 100.0)
    events = [(0, 0, "SIZE", 10.0), order(1, kind, -10.0, price, by=by)]
    e = engine([rules_for("linear")])
    block = bars([FLAT, FLAT, FLAT, exact, FLAT])
    r = play(e, mark_candle(block, 3, (100.0, 104.0, 96.0, 100.0)), *events)
    assert r["fills"]["ts"].tolist() == [START, START + 3 * HOUR]


@pytest.mark.parametrize("by", ["LAST", "MARK"])
def test_order_before_the_first_close_is_held_against_the_open(by):
    e = engine([rules_for("linear")])
    r = play(e, bars([FLAT, FLAT]), order(0, "STOP", -10.0, 104.0, by=by))
    assert r["rejections"]["reason"].tolist() == [Rejected.WOULD_TRIGGER]
    assert len(r["fills"]) == 0
