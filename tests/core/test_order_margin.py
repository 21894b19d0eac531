"""What a resting order sets aside, and which orders a liquidation takes off the book."""

import pytest

from backtest.core.state import Rejected
from backtest.core.types import CancelsOrders, OrderMargin

from .accounts import bars, engine, make_rules, order, play

FLAT = (100.0,) * 4
FALL = (100.0, 100.0, 90.0, 95.0)
AT_LIMIT = {
    # what 10 at 90 need at 10x with a taker fee of 0.05 %
    OrderMargin.NONE: 0.0,
    OrderMargin.INITIAL: 90.0,
    OrderMargin.INITIAL_AND_OPENING_FEE: 90.45,
    OrderMargin.INITIAL_AND_FEES: 90.9,
}


def account(cash, *events, mode="ISOLATED", **changes):
    """Records of an account that gives orders at 100 and meets nothing."""
    e = engine([make_rules(**changes)], cash=cash, mode=mode)
    return play(e, bars([FLAT, FLAT]), *events), e


@pytest.mark.parametrize("mode", ["ISOLATED", "CROSS"])
@pytest.mark.parametrize("kind", [k for k, needs in AT_LIMIT.items() if needs])
def test_limit_order_needs_what_the_venue_sets_aside(kind, mode):
    needs = AT_LIMIT[kind]
    buy = order(0, "LIMIT", 10.0, 90.0, id=1)
    enough, _ = account(needs + 1e-6, buy, mode=mode, order_margin=kind)
    short, _ = account(needs - 1e-6, buy, mode=mode, order_margin=kind)
    assert len(enough["rejections"]) == 0
    one = short["rejections"][0]
    assert one["reason"] == Rejected.INSUFFICIENT_MARGIN
    assert (one["required"], one["available"]) == pytest.approx((needs, needs - 1e-6))


def test_venue_that_sets_nothing_aside_takes_any_limit_order():
    r, e = account(1.0, order(0, "LIMIT", 10.0, 90.0), order_margin=OrderMargin.NONE)
    assert len(r["rejections"]) == 0
    assert e._state["resting"][0] == 1


def test_second_order_finds_what_the_first_has_left():
    events = [order(0, "LIMIT", 10.0, 90.0, id=1), order(0, "LIMIT", 10.0, 90.0, id=2)]
    r, _ = account(170.0, *events)
    one = r["rejections"][0]
    assert (one["order_id"], one["reason"]) == (2, Rejected.INSUFFICIENT_MARGIN)
    assert (one["required"], one["available"]) == pytest.approx((90.0, 80.0))


def test_stop_and_order_that_only_reduces_set_nothing_aside():
    events = [(0, 0, "SIZE", 10.0), order(0, "LIMIT", -10.0, 110.0, reduce_only=1),
              order(0, "STOP", 10.0, 110.0)]  # fmt: skip
    r, e = account(100.5, *events)
    assert len(r["rejections"]) == 0
    assert e._state["resting"][0] == 2


def test_only_the_part_that_opens_sets_something_aside():
    # 15 against a long of 10: 5 at 110 need 55
    events = [(0, 0, "SIZE", 10.0), order(0, "LIMIT", -15.0, 110.0, id=1)]
    short, _ = account(100.5 + 54.0, *events)
    enough, _ = account(100.5 + 56.0, *events)
    assert short["rejections"]["required"].tolist() == pytest.approx([55.0])
    assert len(enough["rejections"]) == 0


def test_market_order_cannot_use_what_a_resting_order_has_set_aside():
    events = [order(0, "LIMIT", 10.0, 90.0, id=1), (1, 0, "SIZE", 10.0)]
    r, e = account(150.0, *events)
    assert r["rejections"]["reason"].tolist() == [Rejected.INSUFFICIENT_MARGIN]
    assert e.positions["size"][0] == 0.0


@pytest.mark.parametrize(("scope", "kept"), [
    (CancelsOrders.NONE, [2, 3, 4]),
    (CancelsOrders.SYMBOL, [3, 4]),
    (CancelsOrders.BUCKET, [3, 4]),
    (CancelsOrders.ACCOUNT, []),
])  # fmt: skip
def test_isolated_liquidation_cancels_what_the_venue_cancels(scope, kept):
    _, left = liquidated("ISOLATED", scope)
    assert left == kept


@pytest.mark.parametrize(("scope", "kept"), [
    (CancelsOrders.NONE, [2, 3, 4]),
    (CancelsOrders.SYMBOL, [3, 4]),
    (CancelsOrders.BUCKET, [4]),
    (CancelsOrders.ACCOUNT, []),
])  # fmt: skip
def test_cross_liquidation_cancels_what_the_venue_cancels(scope, kept):
    r, left = liquidated("CROSS", scope)
    assert left == kept
    gone = r["rejections"][r["rejections"]["reason"] == Rejected.CANCELLED_BY_LIQUIDATION]
    assert set(gone["order_id"].tolist()) == {2, 3, 4} - set(kept)


def liquidated(mode, scope):
    """Records, and the orders left, after the first of three symbols; the third has its own pool.

    Orders far away: 2 on the first symbol, 3 on the second, 4 on the third.
    """
    rules = [make_rules(cancels_orders=scope, order_margin=OrderMargin.NONE)] * 3
    e = engine(rules, cash=120.0, mode=mode, pools=[0, 0, 1])
    far = [order(0, "LIMIT", 1.0, 50.0, symbol=s, id=2 + s) for s in range(3)]
    block = bars([FLAT, (100.0, 100.0, 85.0, 85.0)], [FLAT, FLAT], [FLAT, FLAT])
    r = play(e, block, (0, 0, "SIZE", 10.0), *far)
    assert len(r["liquidations"]) > 0
    return r, e._resting["id"][: e._state["resting"][0]].tolist()
