"""Exits between the mark and the bankruptcy price, fees from the equity share, and expiry."""

import pytest

from backtest.core.state import Reason, Rejected

from .accounts import HOUR, START, bars, engine, make_rules, play, step

AT = (100.0,) * 4
ONE = ((0, 0.05, 20),)
FALL = (100.0, 100.0, 90.0, 92.0)
"""10x from 100 with 5 %: bankrupt at 90, level at 90 / 0.95 = 94.74."""
LEVEL = 90 / 0.95


def alone(*steps, tiers=ONE, candle=FALL, size=10.0, slippage=0.0, **changes):
    """Records of one isolated position of 10 at 10x that meets a candle, and the engine."""
    rules = make_rules(steps, tiers, **{"taker_fee": 0.0, **changes})
    e = engine([rules], liquidation_slippage=slippage)
    return play(e, bars([AT, candle]), (0, 0, "SIZE", size)), e


@pytest.mark.parametrize(("slippage", "price"), [
    (0.0, LEVEL), (0.01, 0.99 * LEVEL), (0.1, 90.0), (-1.0, 90.0),
])  # fmt: skip
def test_zero_equity_exit_is_the_market_but_never_beyond_bankruptcy(slippage, price):
    r, e = alone(step("ALL", "ZERO_EQUITY", "NONE"), slippage=slippage)
    one = r["liquidations"][0]
    assert one["exit_price"] == pytest.approx(price)
    assert one["residual"] == pytest.approx(10 * (price - 90), abs=1e-9)
    assert e.pools["shortfall"][0] == 0.0


def test_gap_beyond_bankruptcy_is_carried_by_who_takes_over():
    # at an open of 85 the position is worth −50
    r, e = alone(step("ALL", "ZERO_EQUITY", "NONE"), candle=(85.0, 86.0, 84.0, 85.0))
    one = r["liquidations"][0]
    assert one["exit_price"] == pytest.approx(90.0)
    assert one["equity_before"] == pytest.approx(-50.0)
    assert e.pools["equity"][0] == pytest.approx(9_900.0)


@pytest.mark.parametrize(("size", "mark"), [(10.0, 93.75), (-10.0, 106.25)])
def test_fillable_exit_moves_from_the_mark_as_equity_falls(size, mark):
    # 6.25 against it leave 37.5 of 100; the requirement is 5 % of the value
    used = 1 - 37.5 / (0.5 * mark)
    away = used * 1.5 * 0.05 * mark
    r, _ = alone(
        step("ALL", "FILLABLE", "NONE", spread=1.5), candle=(mark,) * 4, size=size, slippage=0.2
    )
    expected = mark - away if size > 0 else mark + away
    assert r["liquidations"]["exit_price"][0] == pytest.approx(expected)


def test_fee_is_at_most_the_equity_share_and_the_fund_pays_what_lacks():
    fee = step("FRACTION", "MARKET", "EQUITY_SHARE", amount=0.5, fee_to_fund=1)
    whole = step("ALL", "MARKET", "EQUITY_SHARE", fee_to_fund=1)
    # at the level equity is the requirement, 47.37: half of it belongs to half the position
    r, _ = alone(fee, whole, clearance_fee=0.1, healthy_ratio=0.0)
    first = r["liquidations"][0]
    assert first["fee"] == pytest.approx(0.5 * 0.05 * 10 * LEVEL)
    assert first["insurance"] == pytest.approx(first["fee"])
    # at 85 equity is −50: the fund pays 25 for half of it
    r, e = alone(fee, whole, clearance_fee=0.1, candle=(85.0,) * 4)
    first = r["liquidations"][0]
    assert (first["fee"], first["shortfall"]) == (0.0, pytest.approx(25.0))
    assert first["insurance"] == pytest.approx(-25.0)
    assert e.pools["equity"][0] == pytest.approx(9_900.0)


@pytest.mark.parametrize(("size", "closed"), [
    (900.0, 900.0),  # 81,000 at 90: a tenth is 8,100, at least 100,000
    (5_000.0, 1_111.111),  # 450,000: at least 100,000
    (20_000.0, 2_000.0),  # a tenth of 1,800,000
    (50_000.0, 3_333.333),  # a tenth would be 450,000; no more than 300,000
])  # fmt: skip
def test_chunks_have_a_least_and_a_largest_value(size, closed):
    chunk = step("FRACTION", "MARKET", "NONE", amount=0.1, at_least=1e5, at_most=3e5)
    rules = make_rules((chunk, step("ALL", "MARKET", "NONE")), ONE, taker_fee=0.0, cap=1e9)
    e = engine([rules], cash=1e6)
    r = play(e, bars([AT, (90.0,) * 4]), (0, 0, "SIZE", size))
    assert r["liquidations"]["size_closed"][0] == pytest.approx(closed, abs=5e-4)


def test_healthy_ratio_of_zero_goes_on_until_nothing_is_open():
    half = step("FRACTION", "MARKET", "NONE", amount=0.5)
    whole = step("ALL", "MARKET", "NONE")
    low = {"candle": (100.0, 100.0, 94.7, 95.0)}
    _, once = alone(half, whole, **low)
    _, all_of_it = alone(half, whole, healthy_ratio=0.0, **low)
    assert once.positions["size"][0] == 5.0
    assert all_of_it.positions["size"][0] == 0.0


def test_contract_settles_at_its_end_and_takes_no_orders_after_it():
    rules = make_rules(expires=START + 2 * HOUR, delivery_fee=0.001, taker_fee=0.0)
    e = engine([rules])
    candles = [AT, AT, (110.0,) * 4, AT, AT]
    r = play(e, bars(candles), (0, 0, "SIZE", 10.0), (3, 0, "SIZE", 10.0))
    fill = r["fills"][-1]
    assert (fill["reason"], fill["ts"]) == (Reason.EXPIRY, START + 2 * HOUR)
    assert (fill["price"], fill["fee"]) == (110.0, pytest.approx(1.1))
    assert e.pools["equity"][0] == pytest.approx(10_000 + 100 - 1.1)
    assert r["rejections"]["reason"].tolist() == [Rejected.EXPIRED]


def test_order_that_waits_when_its_contract_ends_is_dropped():
    rules = make_rules(expires=START + 2 * HOUR, taker_fee=0.0)
    e = engine([rules])
    r = play(e, bars([AT] * 4), (2, 0, "SIZE", 10.0))
    assert r["rejections"]["reason"].tolist() == [Rejected.EXPIRED]
    assert len(r["fills"]) == 0
