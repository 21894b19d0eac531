"""Finer trade whose mark is known no better than the long bar's range.

A long of 10 at 10x from 100 with 0.4 % is liquidated at 90 / 0.996 = 90.36, a short at 109.56.
"""

import numpy as np
import pytest

from backtest.core.state import KINDS, Cause, Certainty, Path, Reason
from backtest.core.types import (
    FUNDING,
    HAS_MARK,
    HAS_TRADE,
    MARK_CLOSE,
    MARK_HIGH,
    MARK_IS_COARSE,
    MARK_LOW,
    MARK_OPEN,
)

from .accounts import HOUR, START, bars, engine, make_rules, mark_candle, order, orders

FLAT = (100.0,) * 4
QUARTER = HOUR // 4
DOWN_AT_2 = [FLAT, FLAT, (100.0, 100.0, 94.0, 97.0), (97.0,) * 4]
LOW = (100.0, 100.0, 90.0, 97.0)
PESSIMISTIC, OPTIMISTIC = Path.PESSIMISTIC, Path.OPTIMISTIC
CERTAIN, POSSIBLE = Certainty.CERTAIN, Certainty.POSSIBLE


def whole(candles):
    """The candle that the finer ones make up."""
    opens, highs, lows, closes = zip(*candles, strict=True)
    return opens[0], max(highs), min(lows), closes[-1]


def quarters(long, *symbols, known=()):
    """The quarters of bar 1 with a coarse mark; those `known` have trade as their mark."""
    ts, prices, flags = bars(*symbols, ts=START + HOUR + QUARTER * np.arange(4))
    for s in range(len(symbols)):
        low, high = long[1][[MARK_LOW, MARK_HIGH], s, 1]
        coarse = [k for k in range(4) if k not in known]
        prices[MARK_OPEN, s, coarse] = np.clip(prices[0, s, coarse], low, high)
        prices[MARK_CLOSE, s, coarse] = np.clip(prices[3, s, coarse], low, high)
        prices[MARK_CLOSE, s, 3] = long[1][MARK_CLOSE, s, 1]
        prices[MARK_LOW, s, coarse], prices[MARK_HIGH, s, coarse] = low, high
        flags[s, coarse] = HAS_TRADE | HAS_MARK | MARK_IS_COARSE
    return ts, prices, flags


def look_into(e, fine, path, first=1):
    """Play the unsure bar as finer ones, along one path, and end it."""
    e.go_fine()
    e.load(*fine)
    at = 0
    while at < len(fine[0]):
        at = e.run(at, len(fine[0]))
        if e.unsure:
            e.decide(path)


def live(path, long, fine, *events, symbols=1, **settings):
    """Records of an account that meets a long bar with coarse marks inside, and its engine."""
    e = engine([make_rules()] * symbols, ask=True, path=path, **settings)
    e.give(orders(*events))
    came = e.feed(*long)
    assert (came, e.unsure) == (1, True), "the long bar must be open"
    look_into(e, fine, path)
    e.load(*long)
    e.end_bar(1)
    e.run(2, len(long[0]))
    assert not e.unsure
    return {kind: e.take(kind) for kind in KINDS}, e


def one(path, candles, *events, mark, funding=None, known=(), size=10.0, **settings):
    """An account with one position from 100 that meets four quarters and a mark candle.

    A second symbol, whose stop and liquidation race, opens the bar; its records are left out.
    """
    last = (whole(candles)[3],) * 4
    long = bars([FLAT, whole(candles), last], [FLAT, whole(DOWN_AT_2), (97.0,) * 4])
    mark_candle(mark_candle(long, 1, mark), 1, LOW, symbol=1)
    long[1][MARK_OPEN : MARK_CLOSE + 1, 0, 2] = mark[3]
    fine = quarters(long, candles, DOWN_AT_2, known=known)
    if funding:
        fine[1][FUNDING, 0, funding[0]] = funding[1]
    held = [(0, 0, "SIZE", size)] if size else []
    doubt = [(0, 1, "SIZE", 10.0), order(1, "STOP", -10.0, 95.0, symbol=1)]
    records, e = live(path, long, fine, *held, *doubt, *events, symbols=2, **settings)
    kinds = ("fills", "liquidations", "funding")
    return {kind: records[kind][records[kind]["symbol"] == 0] for kind in kinds}, e


def falls(records):
    """(quarter, certainty) of each liquidation."""
    rows = records["liquidations"]
    return [(int((r["ts"] - START - HOUR) // QUARTER), int(r["certainty"])) for r in rows]


def test_stop_in_a_later_quarter_may_come_before_the_lowest_mark_or_after_it():
    stop = order(1, "STOP", -10.0, 95.0)
    worst, _ = one(PESSIMISTIC, DOWN_AT_2, stop, mark=LOW)
    best, e = one(OPTIMISTIC, DOWN_AT_2, stop, mark=LOW)
    assert falls(worst) == [(0, POSSIBLE)]
    assert falls(best) == []
    assert best["fills"]["price"].tolist() == [100.0, 95.0]
    assert best["fills"]["certainty"].tolist() == [CERTAIN, POSSIBLE]
    assert e.positions["size"][0] == 0.0


def test_stop_that_leaves_a_part_which_the_lowest_mark_ends_too_saves_nothing():
    # 5 of 10 leave at 95; what stays has the same level
    best, _ = one(OPTIMISTIC, DOWN_AT_2, order(1, "STOP", -5.0, 95.0), mark=LOW)
    assert best["fills"]["reason"].tolist() == [Reason.SIGNAL, Reason.STOP, Reason.LIQUIDATION]
    assert falls(best) == [(2, CERTAIN)]


def test_position_without_orders_is_liquidated_for_certain_whatever_another_symbol_does():
    long = bars([FLAT, whole(DOWN_AT_2), FLAT], [FLAT, (100.0, 100.0, 96.0, 97.0), FLAT])
    for s in (0, 1):
        mark_candle(long, 1, LOW, symbol=s)
    fine = quarters(long, DOWN_AT_2, [FLAT, FLAT, FLAT, (100.0, 100.0, 96.0, 97.0)])
    events = [(0, 0, "SIZE", 10.0), (0, 1, "SIZE", 10.0), order(1, "STOP", -10.0, 95.0)]
    for path, expected in ((PESSIMISTIC, {0: POSSIBLE, 1: CERTAIN}), (OPTIMISTIC, {1: CERTAIN})):
        r, _ = live(path, long, fine, *events, symbols=2)
        rows = r["liquidations"]
        assert dict(rows[["symbol", "certainty"]].tolist()) == expected


UP_THEN_DOWN = [(100.0, 104.0, 100.0, 104.0), (104.0, 104.0, 88.0, 89.0), (89.0, 98.0, 89.0, 98.0),
                (98.0,) * 4]  # fmt: skip


def test_extreme_may_have_come_before_an_entry_and_a_guessed_mark_liquidates_nobody():
    # bought at 103 in the first quarter; trade falls to 88, the mark's 88 may have been before
    entry = order(1, "STOP", 10.0, 103.0)
    mark = (100.0, 104.0, 88.0, 98.0)
    worst, _ = one(PESSIMISTIC, UP_THEN_DOWN, entry, mark=mark, size=0.0)
    best, e = one(OPTIMISTIC, UP_THEN_DOWN, entry, mark=mark, size=0.0)
    assert [certainty for _, certainty in falls(worst)] == [POSSIBLE]
    assert falls(best) == []
    assert e.positions["size"][0] == 10.0


def test_close_of_the_long_bar_is_known_and_liquidates_for_certain():
    # bought at 103; the mark closes at 89, under 92.7 / 0.996
    entry = order(1, "STOP", 10.0, 103.0)
    candles = [*UP_THEN_DOWN[:2], (89.0,) * 4, (89.0,) * 4]
    best, _ = one(OPTIMISTIC, candles, entry, mark=(100.0, 104.0, 88.0, 89.0), size=0.0)
    assert falls(best) == [(3, CERTAIN)]


def test_open_of_a_quarter_liquidates_nobody_as_its_mark_is_a_guess():
    # trade gaps to 91 and 89; the mark may have been at 90.3 for a moment before the stop only
    candles = [FLAT, (91.0,) * 4, (89.0,) * 4, (97.0,) * 4]
    stop, mark = order(1, "STOP", -10.0, 92.0), (100.0, 100.0, 89.0, 97.0)
    best, _ = one(OPTIMISTIC, candles, stop, mark=mark)
    assert falls(best) == []
    assert best["fills"]["price"].tolist() == [100.0, 91.0]


@pytest.mark.parametrize(("close", "fate"), [(103.0, []), (98.0, [(3, CERTAIN)])])
def test_funding_between_guessed_marks_liquidates_at_the_close_or_not_for_certain(close, fate):
    # 94 is over the level until 10 % of the value, paid at the third quarter, lift it over 100
    candles = [(100.0, 106.0, 100.0, 100.0), FLAT, FLAT, (close,) * 4]
    take = order(1, "TAKE_PROFIT", -1.0, 105.0)
    kept = {"mark": (100.0, 106.0, 94.0, close), "funding": (2, 0.1)}
    best, e = one(OPTIMISTIC, candles, take, **kept)
    worst, _ = one(PESSIMISTIC, candles, take, **kept)
    assert len(best["funding"]) == len(worst["funding"]) == 1
    assert falls(best) == fate
    assert falls(worst) == [(2, POSSIBLE)]
    assert set(worst["liquidations"]["cause"].tolist()) == {Cause.PRICE}
    assert (e.positions["size"][0] == 0.0) == bool(fate)


def test_order_on_the_mark_is_met_before_or_after_one_on_the_trade_price():
    candles = [FLAT, (100.0, 106.0, 100.0, 104.0), (104.0,) * 4, (104.0,) * 4]
    events = [order(1, "STOP", -10.0, 95.0, by="MARK", reduce_only=1, id=1),
              order(1, "TAKE_PROFIT", -10.0, 105.0, reduce_only=1, id=2)]  # fmt: skip
    mark = (100.0, 106.0, 94.0, 104.0)
    worst, _ = one(PESSIMISTIC, candles, *events, mark=mark)
    best, _ = one(OPTIMISTIC, candles, *events, mark=mark)
    assert worst["fills"]["order_id"].tolist() == [0, 1]
    assert best["fills"]["order_id"].tolist() == [0, 2]
    assert worst["fills"]["certainty"][1] == best["fills"]["certainty"][1] == POSSIBLE


def test_order_on_the_mark_that_nothing_replaces_fills_for_certain_by_the_end():
    candles = [FLAT, (100.0, 106.0, 100.0, 104.0), (104.0,) * 4, (104.0,) * 4]
    events = [order(1, "STOP", -10.0, 95.0, by="MARK", reduce_only=1, id=1),
              order(1, "TAKE_PROFIT", -5.0, 105.0, reduce_only=1, id=2)]  # fmt: skip
    for path in (PESSIMISTIC, OPTIMISTIC):
        r, e = one(path, candles, *events, mark=(100.0, 106.0, 94.0, 104.0))
        assert e.positions["size"][0] == 0.0
        assert 1 in r["fills"]["order_id"]
    assert r["fills"]["certainty"][-1] == CERTAIN


def test_quarter_with_a_mark_of_its_own_that_reaches_the_low_owes_nothing_more():
    # its mark is trade: down to the stop and 90, flat there, and up to the new entry at 105
    candles = [FLAT, FLAT, (100.0, 106.0, 90.0, 97.0), (97.0,) * 4]
    mark = (100.0, 106.0, 90.0, 97.0)
    events = [order(1, "STOP", -10.0, 95.0, reduce_only=1), order(1, "STOP", 10.0, 105.0)]
    r, e = one(OPTIMISTIC, candles, *events, mark=mark, known=(2,))
    assert falls(r) == []
    assert r["fills"]["price"].tolist() == [100.0, 95.0, 105.0]
    assert e.positions["size"][0] == 10.0


@pytest.mark.parametrize(("size", "mark"), [(10.0, LOW), (-10.0, (100.0, 110.0, 100.0, 103.0))])
def test_both_sides_wait_for_their_own_extreme(size, mark):
    mirrored = [tuple(200.0 - np.array(c)[[0, 2, 1, 3]]) for c in DOWN_AT_2]
    candles = DOWN_AT_2 if size > 0 else mirrored
    stop = order(1, "STOP", -size, 95.0 if size > 0 else 105.0)
    assert falls(one(PESSIMISTIC, candles, stop, mark=mark, size=size)[0]) == [(0, POSSIBLE)]
    assert falls(one(OPTIMISTIC, candles, stop, mark=mark, size=size)[0]) == []


def test_pool_waits_until_the_stop_of_one_of_its_symbols():
    # two longs of 400 in 10,000: both at 88 fail for sure, one at 88 alone does not
    fall = [FLAT, (100.0, 100.0, 93.0, 95.0), (95.0,) * 4, (95.0,) * 4]
    still = [FLAT] * 4
    long = bars([FLAT, whole(fall), (95.0,) * 4], [FLAT, FLAT, FLAT])
    mark_candle(long, 1, (100.0, 100.0, 74.0, 95.0))
    fine = quarters(long, fall, still)
    events = [(0, 0, "SIZE", 400.0), (0, 1, "SIZE", 400.0), order(1, "STOP", -400.0, 94.0)]
    settings = {"symbols": 2, "mode": "CROSS"}
    worst, _ = live(PESSIMISTIC, long, fine, *events, **settings)
    best, e = live(OPTIMISTIC, long, fine, *events, **settings)
    assert len(worst["liquidations"]) > 0
    assert set(worst["liquidations"]["certainty"].tolist()) == {POSSIBLE}
    assert len(best["liquidations"]) == 0
    assert e.positions["size"].tolist() == [0.0, 400.0]


def test_end_that_a_later_quarter_with_a_known_mark_reaches_may_have_waited_for_it():
    # the long bar's mark reached 104 too, which no known quarter did
    candles = [FLAT, (100.0, 100.0, 90.0, 97.0), (97.0,) * 4, (97.0,) * 4]
    mark = (100.0, 104.0, 90.0, 97.0)
    worst, _ = one(PESSIMISTIC, candles, mark=mark, known=(1,))
    best, _ = one(OPTIMISTIC, candles, mark=mark, known=(1,))
    assert falls(worst) == [(0, POSSIBLE)]
    assert [quarter for quarter, _ in falls(best)] == [1]
