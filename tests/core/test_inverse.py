"""Inverse and quanto contracts: value, levels, entry, fees, funding and sizing, in coin."""

from math import inf

import pytest

from backtest.core.contracts import notional, unrealized_pnl
from backtest.core.price import liquidation_price
from backtest.core.requirement import bankruptcy_price
from backtest.core.state import Rejected
from backtest.core.types import TierKey, TierRule

from .accounts import bars, engine, make_rules, play, settle

COIN = {"inverse": 1, "lot": 1.0, "min_size": 1.0, "min_notional": 0.0, "taker_fee": 0.0}
ONE = ((0, 0.004, 100),)
AT = (10_000.0,) * 4
"""A bar at 10,000, where 10,000 USD are one coin."""


def coin(**changes):
    return make_rules(tiers=ONE, **{**COIN, **changes})


def quanto(**changes):
    """A contract of a millionth of a coin per unit of price."""
    own = {"lot": 1.0, "min_size": 1.0, "min_notional": 0.0, "taker_fee": 0.0, "multiplier": 1e-6}
    return make_rules(tiers=ONE, **{**own, **changes})


@pytest.mark.parametrize(("size", "price", "pnl"), [
    (10_000.0, 12_500.0, 0.2),  # 1 − 0.8 coins
    (-10_000.0, 12_500.0, -0.2),
    (10_000.0, 8_000.0, -0.25),  # 1 − 1.25
    (-10_000.0, 8_000.0, 0.25),
])  # fmt: skip
def test_profit_of_an_inverse_contract_is_in_coin(size, price, pnl):
    rules = coin()[0]
    assert unrealized_pnl(rules, size, 10_000.0, price) == pytest.approx(pnl)
    assert notional(rules, size, price) == pytest.approx(10_000 / price)


def test_levels_of_an_inverse_long_and_short():
    rules = coin()[0]
    # long: N(1 + m) / (N/E + M) = 10,000 · 1.004 / 1.1; short: 10,000 · 0.996 / 0.9
    long, short = (liquidation_price(rules, s, 10_000.0, 0.1, 10_000.0) for s in (1e4, -1e4))
    assert long == pytest.approx(9_127.272_727)
    assert short == pytest.approx(11_066.666_667)
    # without requirement: E/(1 + 1/L) and E/(1 − 1/L)
    assert bankruptcy_price(rules, 1e4, 10_000.0, 0.1) == pytest.approx(9_090.909_091)
    assert bankruptcy_price(rules, -1e4, 10_000.0, 0.1) == pytest.approx(11_111.111_111)


def test_short_that_is_covered_by_its_coins_has_no_level_but_a_long_has():
    rules = coin()[0]
    # one coin behind 10,000 USD short at 10,000: the coin always buys them back
    assert liquidation_price(rules, -1e4, 10_000.0, 1.0, 10_000.0) == inf
    assert liquidation_price(rules, -1e4, 10_000.0, 1.5, 10_000.0) == inf
    assert bankruptcy_price(rules, -1e4, 10_000.0, 1.0) == inf
    # the long of the same size fails at 10,000 · 1.004 / 2
    assert liquidation_price(rules, 1e4, 10_000.0, 1.0, 10_000.0) == pytest.approx(5_020.0)


def test_entry_is_the_harmonic_mean():
    e = engine([coin()], cash=10.0)
    block = bars([AT, (20_000.0,) * 4])
    play(e, block, (0, 0, "SIZE", 10_000.0), (1, 0, "SIZE", 10_000.0))
    # 20,000 USD for 1 and 0.5 coins
    assert e.positions["entry"][0] == pytest.approx(20_000 / 1.5)
    assert e.pools["equity"][0] == pytest.approx(10.5)


def test_fees_and_funding_are_paid_in_coin():
    e = engine([coin(taker_fee=0.001)], cash=10.0)
    block = settle(bars([AT, (12_500.0,) * 4]), 1, 0.01)
    r = play(e, block, (0, 0, "SIZE", 10_000.0))
    assert r["fills"]["fee"][0] == pytest.approx(0.001)  # of one coin
    assert r["funding"]["amount"][0] == pytest.approx(0.008)  # 1 % of 0.8 coins
    assert e.pools["equity"][0] == pytest.approx(10 - 0.001 - 0.008 + 0.2)


def test_short_receives_what_the_long_pays():
    e = engine([coin()], cash=10.0)
    r = play(e, settle(bars([AT, AT]), 1, 0.01), (0, 0, "SIZE", -10_000.0))
    assert r["funding"]["amount"][0] == pytest.approx(-0.01)


def test_exposure_sizes_an_inverse_position_by_its_value_in_coin():
    e = engine([coin()], cash=1.5)
    play(e, bars([AT, AT]), (1, 0, "EXPOSURE", 2.0))
    assert e.positions["size"][0] == 30_000.0  # twice 1.5 coins at 10,000


def test_inverse_long_is_liquidated_at_its_level_and_loses_its_margin():
    e = engine([coin(clearance_fee=0.0)], cash=1.0)
    r = play(e, bars([AT, (10_000.0, 10_000.0, 9_000.0, 9_000.0)]), (0, 0, "SIZE", 10_000.0))
    one = r["liquidations"][0]
    assert one["mark_price"] == pytest.approx(9_127.272_727)
    # what is left is the maintenance margin there: 0.4 % of 10,000 / 9,127.27
    assert one["residual"] == pytest.approx(0.004 * 1.1 / 1.004)
    assert e.pools["equity"][0] == pytest.approx(0.9 + 0.004 * 1.1 / 1.004)


def test_a_risk_limit_in_coin_refuses_what_is_worth_more():
    tiers, value = ((0, 0.005, 100), (2.0, 0.01, 5)), TierKey.NOTIONAL_AT_ENTRY
    made = make_rules(tiers=tiers, tier_key=value, tier_rule=TierRule.FLAT, **COIN)
    e = engine([made], cash=10.0)
    r = play(e, bars([AT]), (0, 0, "SIZE", 20_001.0))
    assert r["rejections"]["reason"].tolist() == [Rejected.MAX_LEVERAGE]
    assert r["rejections"]["required"][0] == pytest.approx(2.0001)


def test_quanto_contract_is_worth_its_multiplier():
    rules = quanto()[0]
    # 1,000 contracts at 200: 0.2 coins; 50 higher: 0.05 coins more
    assert notional(rules, 1_000.0, 200.0) == pytest.approx(0.2)
    assert unrealized_pnl(rules, 1_000.0, 200.0, 250.0) == pytest.approx(0.05)
    # (0.2 − 0.02) / (0.001 · 0.996) and (0.2 + 0.02) / (0.001 · 1.004)
    assert liquidation_price(rules, 1_000.0, 200.0, 0.02, 200.0) == pytest.approx(180.722_892)
    assert liquidation_price(rules, -1_000.0, 200.0, 0.02, 200.0) == pytest.approx(219.123_506)


def test_quanto_account_pays_gains_and_funding_by_the_multiplier():
    e = engine([quanto()], cash=1.0)
    block = settle(bars([(200.0,) * 4, (250.0,) * 4]), 1, 0.01)
    r = play(e, block, (0, 0, "SIZE", 1_000.0))
    assert r["funding"]["amount"][0] == pytest.approx(0.0025)  # 1 % of 0.25 coins
    assert e.pools["equity"][0] == pytest.approx(1 + 0.05 - 0.0025)
