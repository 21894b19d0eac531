"""Liquidation levels: the right tier, the right side of equality, the published numbers."""

from itertools import product
from math import inf, nextafter

import pytest

from backtest.core.price import crosses, liquidation_price
from backtest.core.requirement import constant_part, initial_margin, maintenance_margin
from backtest.core.risk import is_liquidated
from backtest.core.tiers import tier_of
from backtest.core.types import (
    CloseFee,
    IsolatedOpen,
    TierKey,
    TierRule,
    Trigger,
    ValuedAt,
)

from .accounts import bars, engine, make_rules, mark_candle, play

FLAT = (100.0, 100.0, 100.0, 100.0)
BTC_2026_09 = (
    (0, 0.004, 150), (300e3, 0.005, 100), (800e3, 0.0065, 75), (3e6, 0.01, 50), (12e6, 0.02, 25),
    (70e6, 0.025, 20), (100e6, 0.05, 10), (230e6, 0.1, 5), (480e6, 0.125, 4), (600e6, 0.15, 3),
    (800e6, 0.25, 2), (1.2e9, 0.5, 1),
)  # fmt: skip
"""Binance USD-M BTCUSDT, snapshot 2026-09-29: floor, rate, largest leverage."""


def btc(**changes):
    return make_rules(tiers=BTC_2026_09, cap=1.8e9, **changes)


@pytest.mark.parametrize(("notional", "level"), [(4e6, 45_303), (20e6, 45_582)])
def test_regression_numbers_of_the_conventions(notional, level):
    rules = btc()[0]
    price = liquidation_price(rules, notional / 50_000, 50_000.0, notional / 10, 50_000.0)
    assert round(price) == level


def test_collateral_does_not_pick_the_tier():
    # 4 million of notional on 400 thousand of margin: tier 4 (1 %), not tier 2 (0.5 %)
    rules = btc()[0]
    size, price = 80.0, liquidation_price(rules, 80.0, 50_000.0, 400_000.0, 50_000.0)
    assert tier_of(rules, size, 50_000.0, price) + 1 == 4
    assert price == pytest.approx((400e3 + 12e3 - 4e6) / (80 * (0.01 - 1)), rel=1e-12)


def test_wick_inside_one_bar_liquidates():
    e = engine([btc(taker_fee=0.0)], cash=1e6)
    wick = (50_000.0, 50_100.0, 40_000.0, 50_000.0)
    r = play(e, bars([(50_000.0,) * 4, wick]), (0, 0, "SIZE", 10.0))
    assert len(r["liquidations"]) >= 1
    assert e.positions["size"][0] == 0.0
    assert r["equity"]["equity"].min() > 0.0


@pytest.mark.parametrize("size", [10.0, -10.0])
@pytest.mark.parametrize("trigger", list(Trigger))
def test_mark_that_equals_the_level_triggers_where_the_venue_says_so(size, trigger):
    side = 1 if size > 0 else -1
    e = engine([make_rules(trigger=trigger)])
    play(e, bars([FLAT]), (0, 0, "SIZE", size))
    level = float(e.positions["level"][0])
    beyond = nextafter(level, 0.0 if size > 0 else inf)
    rules = make_rules(trigger=trigger)[0]
    assert crosses(rules, size, level, level) == (trigger == Trigger.AT_OR_BELOW)
    assert crosses(rules, size, level, beyond)
    assert not crosses(rules, size, level, nextafter(level, 100.0))
    marks = ((level, trigger == Trigger.AT_OR_BELOW), (beyond, True))
    for (mark, hit), skips in product(marks, (False, True)):
        e = engine([make_rules(trigger=trigger)])
        # with rare samples quiet bars are looked through without being played
        e._config["sample_ms"] *= 100 if skips else 1
        low, high = min(mark, 100.0), max(mark, 100.0)
        block = mark_candle(bars([FLAT, FLAT]), 1, (100.0, high, low, 100.0))
        r = play(e, block, (0, 0, "SIZE", size))
        assert len(r["liquidations"]) == hit, f"mark {mark!r}, level {level!r}, side {side}"
        if hit:
            assert r["liquidations"]["mark_price"][0] == level


def test_open_at_the_level_triggers_where_the_venue_says_so():
    for trigger in Trigger:
        e = engine([make_rules(trigger=trigger)])
        play(e, bars([FLAT]), (0, 0, "SIZE", 10.0))
        level = float(e.positions["level"][0])
        e = engine([make_rules(trigger=trigger)])
        r = play(e, bars([FLAT, (level,) * 4]), (0, 0, "SIZE", 10.0))
        assert len(r["liquidations"]) == (trigger == Trigger.AT_OR_BELOW)


def test_pool_whose_equity_equals_its_requirement_triggers_where_the_venue_says_so():
    rules = make_rules()[0]
    assert is_liquidated(rules, 4.0, 4.0)
    rules["trigger"] = Trigger.BELOW
    assert not is_liquidated(rules, 4.0, 4.0)
    tiers = ((0, 0.0625, 10),)
    for trigger in Trigger:
        # binary fractions: equity 12.5 meets a requirement of 12.5 exactly at 75 and 125
        made = make_rules(tiers=tiers, trigger=trigger, taker_fee=0.0, min_notional=0.0)
        e = engine([made, made], mode="CROSS", cash=62.5, leverage=10)
        down, up = (100.0, 100.0, 75.0, 100.0), (100.0, 125.0, 100.0, 100.0)
        r = play(e, bars([FLAT, down], [FLAT, up]), (0, 0, "SIZE", 1.0), (0, 1, "SIZE", -1.0))
        assert (len(r["liquidations"]) > 0) == (trigger == Trigger.AT_OR_BELOW)


def test_long_on_its_full_value_has_no_level_and_a_short_always_has_one():
    rules = make_rules()[0]
    assert liquidation_price(rules, 10.0, 100.0, 1_000.0, 100.0) == 0.0
    assert liquidation_price(rules, 10.0, 100.0, 5_000.0, 100.0) == 0.0
    assert liquidation_price(rules, -10.0, 100.0, 5_000.0, 100.0) == pytest.approx(600 / 1.004)
    assert liquidation_price(rules, 0.0, 100.0, 50.0, 100.0) == 0.0


def test_size_on_the_edge_of_a_tier_belongs_below_it_in_spite_of_rounding():
    rules = make_rules(tiers=((0, 0.004, 100), (0.3, 0.005, 66)), tier_key=TierKey.SIZE)[0]
    assert tier_of(rules, 0.1 + 0.2, 100.0, 100.0) == 0
    assert tier_of(rules, 0.301, 100.0, 100.0) == 1


FLAT_BY_SIZE = {"tier_key": TierKey.SIZE, "tier_rule": TierRule.FLAT}
AT_ENTRY = {"maintenance_at": ValuedAt.ENTRY, "tier_key": TierKey.NOTIONAL_AT_ENTRY}


@pytest.mark.parametrize(
    ("size", "changes", "expected"),
    [
        # 600 at a mark of 90: 54,000 lies in the second row, whose deduction is 50
        (600.0, {}, 54_000 * 0.005 - 50),
        (-600.0, {}, 54_000 * 0.005 - 50),
        # 60,000 at an entry of 100
        (600.0, AT_ENTRY, 60_000 * 0.005 - 50),
        (600.0, {**AT_ENTRY, "tier_rule": TierRule.FLAT}, 60_000 * 0.005),
        (600.0, {"tier_key": TierKey.NOTIONAL_AT_ENTRY, "tier_rule": TierRule.FLAT}, 270.0),
        # 600 base units lie in the first row
        (600.0, FLAT_BY_SIZE, 54_000 * 0.004),
        (600.0, {"close_fee": CloseFee.AT_MARK}, 220 + 54_000 * 0.0005),
    ],
)
def test_maintenance_margin_of_every_form(size, changes, expected):
    rules = make_rules(**changes)[0]
    assert maintenance_margin(rules, size, 100.0, 90.0, 0.0) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("size", "leveraged", "own"), [(10.0, 0.45, 0.45), (-10.0, 0.55, 0.55)])
def test_closing_fee_at_the_bankruptcy_price(size, leveraged, own):
    # 10x from 100: bankrupt at 90 or 110, where the fee of 0.05 % on 900 or 1,100 falls due
    rules = make_rules(close_fee=CloseFee.AT_BANKRUPTCY)[0]
    cross = constant_part(rules, size, 100.0, 10.0, float("nan"), 0.0)
    isolated = constant_part(rules, size, 100.0, 10.0, 100.0 + own, 0.0)
    assert cross == pytest.approx(leveraged, rel=1e-12)
    assert isolated == pytest.approx(own, rel=1e-12)


def test_initial_margin_at_mark_at_entry_and_with_the_closing_fee():
    assert initial_margin(make_rules()[0], 10.0, 100.0, 90.0, 10.0) == pytest.approx(90.0)
    entry = make_rules(initial_at=ValuedAt.ENTRY, isolated_open=IsolatedOpen.PLUS_CLOSING_FEE)[0]
    assert initial_margin(entry, 10.0, 100.0, 90.0, 10.0) == pytest.approx(100.45)
