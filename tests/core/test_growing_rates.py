"""Rates that grow with the size in coin: the requirement of an inverse contract is quadratic."""

from math import inf, sqrt

import pytest

from backtest.core.price import liquidation_price, liquidation_prices
from backtest.core.requirement import initial_margin, maintenance_margin
from backtest.core.types import InitialRate, TierKey, TierRule

from .accounts import bars, engine, make_rules, play

GROWING = {"tier_key": TierKey.SIZE, "tier_rule": TierRule.LINEAR_IN_SIZE, "rate_slope": 5e-5}
ONE = ((0, 0.01, 50),)
M, K = 0.01, 5e-5


def linear(**changes):
    return make_rules(tiers=ONE, **{**GROWING, **changes})[0]


def inverse(**changes):
    return linear(**{"inverse": 1, "cap": inf, "rate_cap": inf, **changes})


def test_rate_of_a_linear_contract_stays_as_the_mark_moves():
    # 100 coins: 1 % + 100 · 0.005 % = 1.5 %
    rules = linear()
    assert maintenance_margin(rules, 100.0, 1e3, 1e3, 0.0) == pytest.approx(1_500.0)
    assert maintenance_margin(rules, 100.0, 1e3, 500.0, 0.0) == pytest.approx(750.0)
    # (100,000 ∓ 10,000) / (100 · (1 ∓ 0.015))
    assert liquidation_price(rules, 100.0, 1e3, 1e4, 1e3) == pytest.approx(90_000 / 98.5)
    assert liquidation_price(rules, -100.0, 1e3, 1e4, 1e3) == pytest.approx(110_000 / 101.5)


def test_rate_is_at_most_its_cap():
    rules = linear(rate_cap=0.012)
    assert maintenance_margin(rules, 100.0, 1e3, 1e3, 0.0) == pytest.approx(1_200.0)
    assert liquidation_price(rules, 100.0, 1e3, 1e4, 1e3) == pytest.approx(90_000 / 98.8)


def test_rate_of_an_inverse_contract_grows_as_the_mark_falls():
    # a million USD: 100 coins at 10,000, 200 coins at 5,000
    rules = inverse()
    assert maintenance_margin(rules, 1e6, 1e4, 1e4, 0.0) == pytest.approx(100 * 0.015)
    assert maintenance_margin(rules, 1e6, 1e4, 5e3, 0.0) == pytest.approx(200 * 0.02)


def test_level_of_an_inverse_long_is_the_closed_form():
    # x coins where k·x² + (1 + m)·x = B + q, for B = 10 behind q = 100 coins
    x = (-(1 + M) + sqrt((1 + M) ** 2 + 4 * K * 110.0)) / (2 * K)
    level = liquidation_price(inverse(), 1e6, 1e4, 10.0, 1e4)
    assert level == pytest.approx(1e6 / x, rel=1e-12)
    # there 10 + 100 − x is the requirement x·(m + k·x)
    assert 110.0 - x == pytest.approx(x * (M + K * x))


def test_level_of_an_inverse_short_is_the_closed_form():
    x = ((1 - M) - sqrt((1 - M) ** 2 - 4 * K * 90.0)) / (2 * K)
    level = liquidation_price(inverse(), -1e6, 1e4, 10.0, 1e4)
    assert level == pytest.approx(1e6 / x, rel=1e-12)
    assert x - 90.0 == pytest.approx(x * (M + K * x))


@pytest.mark.parametrize("wallet", [100.0, 150.0])
def test_inverse_short_covered_by_its_coins_has_no_level(wallet):
    assert liquidation_price(inverse(), -1e6, 1e4, wallet, 1e4) == inf


def test_inverse_short_that_gains_is_caught_up_by_its_rate_far_below():
    # the other root of the same equation: 19,708 coins, where they are worth 50 each
    x = ((1 - M) + sqrt((1 - M) ** 2 - 4 * K * 90.0)) / (2 * K)
    assert liquidation_prices(inverse(), -1e6, 1e4, 10.0, 1e4)[1] == pytest.approx(1e6 / x)
    assert x - 90.0 == pytest.approx(x * (M + K * x))
    assert liquidation_prices(inverse(), 1e6, 1e4, 10.0, 1e4)[1] == inf


def test_initial_rate_grows_with_the_coins_too():
    # 2 % + 100 · 0.005 % of 100,000
    rules = linear(initial_slope=5e-5, initial_rate=InitialRate.TABLE)
    assert initial_margin(rules, 100.0, 1e3, 1e3, float("nan")) == pytest.approx(2_500.0)


@pytest.mark.parametrize("size", [1e6, -1e6])
def test_account_is_liquidated_at_the_closed_form_and_cured_in_parts(size):
    made = make_rules(
        tiers=ONE, inverse=1, lot=10.0, min_size=10.0, min_notional=0.0, taker_fee=0.0,
        clearance_fee=0.001, cap=inf, rate_cap=inf, initial_rate=InitialRate.TABLE, **GROWING,
    )  # fmt: skip
    made["steps"][0]["min_tier"], made["steps"][0]["amount"] = 1, 1.0
    level = liquidation_price(made[0], size, 1e4, 10.0, 1e4)
    beyond = level * (0.999 if size > 0 else 1.001)
    e = engine([made], cash=10.0, mode="CROSS", leverage=float("nan"))
    low, high = min(beyond, 1e4), max(beyond, 1e4)
    r = play(e, bars([(1e4,) * 4, (1e4, high, low, beyond)]), (0, 0, "SIZE", size))
    steps = r["liquidations"]
    assert steps["mark_price"][0] == pytest.approx(level, rel=1e-12)
    assert 0.0 < abs(e.positions["size"][0]) < 1e6


def test_position_that_fails_at_any_price_has_all_prices_beyond_its_level():
    assert liquidation_price(inverse(), -1e6, 1e4, -6e3, 1e4) == 0.0
    assert liquidation_price(inverse(), 1e6, 1e4, -6e3, 1e4) == inf


@pytest.mark.parametrize(("wallet", "level"), [(100_001.0, 0.0), (99_999.0, inf)])
def test_rate_of_one_takes_all_that_a_long_gains(wallet, level):
    # 100 coins bought at 1,000; they need all that they are worth
    rules = linear(rate_slope=0.01, rate_cap=1.0)
    assert liquidation_price(rules, 100.0, 1e3, wallet, 1e3) == level
