"""What becomes of a resting order: it sleeps, wakes, ends with its time, its position, a cancel."""

from math import inf

import pytest

from backtest.core.state import Reason, Rejected
from backtest.core.types import HAS_MARK, IsolatedOpen

from .accounts import HOUR, START, bars, engine, flag, make_rules, order, play

FLAT = (100.0, 100.0, 100.0, 100.0)
DOWN, UP = (100.0, 100.0, 95.0, 97.0), (97.0, 108.0, 97.0, 107.0)


def account(*candles, events, **settings):
    """Records and engine of an isolated account of 10,000 at 10x."""
    e = engine([settings.pop("rules", make_rules())], **settings)
    return play(e, bars(list(candles)), *events), e


def reasons(r):
    return list(zip(r["rejections"]["order_id"].tolist(), r["rejections"]["reason"].tolist(),
                    strict=True))  # fmt: skip


def test_order_that_only_reduces_sleeps_beside_one_that_opens_and_wakes_with_it():
    events = [
        order(0, "LIMIT", 10.0, 96.0, id=1),
        order(0, "TAKE_PROFIT", -10.0, 105.0, reduce_only=1, id=2),
    ]
    r, e = account(FLAT, (100.0, 106.0, 99.0, 100.0), DOWN, UP, events=events)
    # 105 is passed in bar 1, but there is nothing to reduce yet
    assert r["fills"]["order_id"].tolist() == [1, 2]
    assert r["fills"]["ts"].tolist() == [START + 2 * HOUR, START + 3 * HOUR]
    assert e.pools["realized"][0] == pytest.approx(10 * (105 - 96))
    assert e._state["resting"][0] == 0


def test_order_that_only_reduces_trades_at_most_the_position():
    events = [(0, 0, "SIZE", 10.0), order(1, "STOP", -25.0, 96.0, reduce_only=1)]
    r, e = account(FLAT, DOWN, events=events)
    assert r["fills"]["size"].tolist() == [10.0, -10.0]
    assert e.positions["size"][0] == 0.0


def test_infinite_size_is_all_of_the_position_and_never_more():
    events = [(0, 0, "SIZE", 10.0), order(1, "STOP", -inf, 96.0), (2, 0, "SIZE", 3.0)]
    r, _ = account(FLAT, FLAT, FLAT, DOWN, events=events)
    assert r["fills"]["size"].tolist() == [10.0, 3.0, -13.0]


def test_infinite_size_on_the_side_of_the_position_is_refused():
    events = [(0, 0, "SIZE", 10.0), order(1, "STOP", inf, 105.0, id=4)]
    r, _ = account(FLAT, FLAT, UP, events=events)
    assert reasons(r) == [(4, Rejected.REDUCE_ONLY)]
    assert len(r["fills"]) == 1


def test_other_exits_end_as_the_position_closes():
    events = [
        (0, 0, "SIZE", 10.0),
        order(0, "STOP", -10.0, 96.0, reduce_only=1, id=1),
        order(0, "LIMIT", -10.0, 110.0, reduce_only=1, id=2),
    ]
    r, e = account(FLAT, DOWN, events=events)
    assert reasons(r) == [(2, Rejected.POSITION_CLOSED)]
    assert r["rejections"]["price"].tolist() == [110.0]
    assert e._state["resting"][0] == 0


def test_exits_stay_while_an_order_may_open_again():
    events = [
        (0, 0, "SIZE", 10.0),
        order(0, "LIMIT", 10.0, 90.0, id=1),
        order(0, "STOP", -10.0, 96.0, reduce_only=1, id=2),
        order(0, "LIMIT", -10.0, 110.0, reduce_only=1, id=3),
    ]
    r, e = account(FLAT, DOWN, events=events)
    assert r["fills"]["order_id"].tolist() == [0, 2]
    assert len(r["rejections"]) == 0
    assert e._resting["id"][:2].tolist() == [1, 3]


def test_exits_end_when_a_market_order_closes():
    events = [(0, 0, "SIZE", 10.0), order(0, "STOP", -10.0, 96.0, reduce_only=1, id=2),
              (1, 0, "SIZE", -10.0)]  # fmt: skip
    r, _ = account(FLAT, FLAT, events=events)
    assert reasons(r) == [(2, Rejected.POSITION_CLOSED)]


@pytest.mark.parametrize("end", ["cancelled", "expired"])
def test_sleeping_exit_ends_with_the_last_order_that_would_open(end):
    until = {"until": 2} if end == "expired" else {}
    events = [
        order(0, "LIMIT", 10.0, 90.0, id=1, **until),
        order(0, "STOP", -10.0, 85.0, reduce_only=1, id=2),
    ]
    if end == "cancelled":
        events.append((2, 0, "CANCEL", 1.0))
    r, e = account(FLAT, FLAT, FLAT, events=events)
    assert (2, Rejected.POSITION_CLOSED) in reasons(r)
    assert r["rejections"]["ts"][-1] == START + 2 * HOUR
    assert e._state["resting"][0] == 0


def test_sleeping_exit_rests_also_where_its_price_is_passed():
    # a short to come at 105, and an exit that buys at any price
    events = [
        (0, 0, "SIZE", 5.0),
        order(0, "LIMIT", -20.0, 105.0, id=1),
        order(0, "LIMIT", 20.0, 103.0, reduce_only=1, id=2),
    ]
    r, e = account(FLAT, FLAT, events=events)
    assert r["fills"]["size"].tolist() == [5.0], "buying more is no reduction"
    assert e._state["resting"][0] == 2


def test_exit_may_be_given_with_an_entry_that_waits_for_a_trade_candle():
    e = engine([make_rules()])
    block = flag(bars([FLAT, FLAT, FLAT, DOWN]), 1, HAS_MARK)
    r = play(e, block, (1, 0, "SIZE", 10.0), order(1, "STOP", -10.0, 96.0, reduce_only=1))
    assert r["fills"]["size"].tolist() == [10.0, -10.0]
    assert len(r["rejections"]) == 0


def test_order_with_a_time_ends_at_that_open_and_fills_before():
    events = [order(0, "LIMIT", 10.0, 96.0, until=2, id=1), order(0, "LIMIT", 10.0, 94.0, until=2,
                                                                   id=2)]  # fmt: skip
    r, _ = account(FLAT, DOWN, (97.0, 97.0, 90.0, 95.0), events=events)
    assert r["fills"]["order_id"].tolist() == [1]
    assert reasons(r) == [(2, Rejected.ORDER_EXPIRED)]
    assert r["rejections"]["ts"].tolist() == [START + 2 * HOUR]


def test_order_whose_time_is_over_already_is_refused():
    r, _ = account(FLAT, FLAT, events=[order(1, "LIMIT", 10.0, 96.0, until=1, id=1)])
    one = r["rejections"][0]
    assert (one["reason"], one["required"], one["available"]) == (
        Rejected.ORDER_EXPIRED, START + HOUR, START + HOUR
    )  # fmt: skip


def test_cancelled_order_does_not_fill_and_leaves_no_rejection():
    events = [order(0, "LIMIT", 10.0, 96.0, id=5), (1, 0, "CANCEL", 5.0)]
    r, e = account(FLAT, DOWN, events=events)
    assert len(r["fills"]) == len(r["rejections"]) == 0
    assert e._state["resting"][0] == 0


def test_cancel_of_an_order_that_is_not_there_is_refused_by_name():
    r, _ = account(FLAT, FLAT, events=[(1, 0, "CANCEL", 5.0)])
    assert reasons(r) == [(5, Rejected.UNKNOWN_ORDER)]


def test_partial_reduction_releases_margin_and_realises_its_share():
    events = [(0, 0, "SIZE", 10.0), order(0, "LIMIT", -4.0, 104.0)]
    r, e = account(FLAT, (100.0, 105.0, 100.0, 104.0), events=events)
    p, pool = e.positions[0], e.pools[0]
    assert (p["size"], p["entry"]) == (6.0, 100.0)
    assert p["margin"] == pytest.approx(60.0)
    assert p["level"] == pytest.approx(90 / 0.996, rel=1e-12)
    # fees: 1,000 taken at 0.05 %; the rules have no maker fee
    assert pool["cash"] == pytest.approx(10_000 - 100 - 0.5 + 40 + 16)
    assert r["fills"]["realized_pnl"][1] == pytest.approx(16.0)


def test_order_that_turns_a_position_closes_first_and_opens_the_rest():
    events = [(0, 0, "SIZE", 10.0), order(0, "STOP", -25.0, 96.0, id=9)]
    r, e = account(FLAT, DOWN, events=events)
    assert r["fills"]["size"].tolist() == [10.0, -10.0, -15.0]
    assert r["fills"]["order_id"].tolist() == [0, 9, 9]
    assert e.pools["realized"][0] == pytest.approx(-40.0)
    p = e.positions[0]
    assert (p["size"], p["entry"]) == (-15.0, 96.0)
    assert p["margin"] == pytest.approx(144.0)
    # a short's level: (96 + 9.6) / 1.004
    assert p["level"] == pytest.approx(105.6 / 1.004, rel=1e-12)
    assert r["trades"]["exit_reason"].tolist() == [Reason.STOP]


def test_rest_of_a_turn_that_the_venue_refuses_leaves_the_account_flat():
    events = [(0, 0, "SIZE", 10.0), order(0, "STOP", -30.0, 96.0, id=9)]
    r, e = account(FLAT, DOWN, events=events, cash=110.0)
    # 110 − 0.5 − 40 − 0.48 are left; 20 short at 96 need 192 and 0.96
    one = r["rejections"][0]
    assert (one["order_id"], one["reason"]) == (9, Rejected.INSUFFICIENT_MARGIN)
    assert one["required"] == pytest.approx(192.96)
    assert one["available"] == pytest.approx(69.02)
    assert e.positions["size"][0] == 0.0


@pytest.mark.parametrize(
    ("way", "margin"),
    [
        (IsolatedOpen.NOTIONAL_OVER_LEVERAGE, 96.0),
        (IsolatedOpen.MINUS_OPENING_FEE, 95.52),  # less 0.05 % of 960
        (IsolatedOpen.PLUS_CLOSING_FEE, 96.528),  # and 0.05 % of 960 · 1.1
    ],
)
def test_margin_of_an_entry_by_stop_follows_the_venues_way(way, margin):
    _, e = account(FLAT, DOWN, events=[order(0, "STOP", -10.0, 96.0)],
                   rules=make_rules(isolated_open=way))  # fmt: skip
    assert e.positions["margin"][0] == pytest.approx(margin)
