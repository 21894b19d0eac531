"""Bybit: two eras, linear and inverse contracts, and tables known in part."""

# ruff: noqa: RUF012  (samples are read only)

import pytest

from backtest.core.types import CloseFee, Legs, TierKey, TierRule, ValuedAt
from backtest.venues import load, resolve

from .base import SINCE, UNTIL, VenueChecks, ms, on, resolved

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
BTC_USD, ETH_USD = "BTC/USD:BTC", "ETH/USD:ETH"


def rules_of(symbol, mode):
    """The rules of a symbol in one margin mode over all years."""
    return resolve(load("bybit"), symbol, ms(SINCE), ms(UNTIL), mode=mode)


class TestBybit(VenueChecks):
    venue = "bybit"
    rows = {
        (BTC, "2023-06-01", 1): (2_000_000, 0.01, 57.14),
        (BTC, "2026-01-01", 1): (2_000_000, 0.0056, 90),
        (BTC, "2026-09-15", 0): (0, 0.0033, 150),
        (ETH, "2024-01-01", 0): (0, 0.005, 100),
        ("MOTHER/USDT:USDT", "2024-10-28", 0): (0, 0.04, 12.5),
        (BTC_USD, "2023-06-01", 0): (0, 0.005, 100),
        (ETH_USD, "2023-05-16", 0): (0, 0.005, 100),
    }
    deductions = {
        (BTC, "2023-06-01", 1): 0,
        (BTC, "2024-06-01", 1): 10_000,
        (BTC, "2026-01-01", 1): 1200,
        (BTC, "2026-09-15", 1): 510,
        (BTC, "2026-09-15", 2): 1710,
    }
    tables = {
        (BTC, "2026-09-15"): (3, 2_600_000),
        (ETH, "2024-01-01"): (1, 900_000),
        (BTC_USD, "2023-06-01"): (1, 150),
        (ETH_USD, "2023-05-16"): (1, 500),
    }
    values = {
        ("maintenance.valued_at", "2025-10-14T23:59"): "entry",
        ("maintenance.valued_at", "2025-10-15"): "mark",
        ("funding.from", "2025-01-01"): "wallet",
        ("initial.isolated_open", "2025-01-01"): "plus_closing_fee",
        ("bankruptcy.fee_included", "2025-01-01"): True,
    }
    numbers = {
        (BTC, "2021-06-04", "taker_fee"): 0.00075,
        (BTC, "2023-06-04", "taker_fee"): 0.0006,
        (BTC, "2025-06-04", "taker_fee"): 0.00055,
        (ETH, "2022-11-25", "tick"): 0.05,
        (ETH, "2025-01-01", "tick"): 0.01,
        (ETH, "2025-01-01", "tiers_complete"): 0,
        (BTC_USD, "2023-06-01", "inverse"): 1,
        (BTC_USD, "2023-06-01", "lot"): 1,
        (BTC_USD, "2021-06-01", "tick"): 0.5,
        (BTC_USD, "2023-06-01", "min_notional"): 0,
        (ETH_USD, "2023-05-16", "tick"): 0.05,
        (ETH_USD, "2023-05-16", "taker_fee"): 0.0006,
        (ETH_USD, "2023-05-16", "tiers_complete"): 0,
    }
    extrapolated = {
        (ETH, "2022-05-12"): True,
        (ETH, "2025-10-10"): False,
        (BTC, "2024-08-05"): True,
        (BTC, "2026-01-01"): False,
        (BTC_USD, "2023-10-19T12:00"): False,
        (BTC_USD, "2023-10-20"): True,
        (ETH_USD, "2024-01-01"): True,
    }
    matches = {BTC: BTC, "ETH/USDC:USDC": ETH, BTC_USD: BTC_USD, "BTC": BTC}
    unknown_symbol = "DOGE/USDT:USDT"


@pytest.mark.parametrize("symbol", [BTC, BTC_USD])
def test_the_eras_differ_in_what_margins_are_valued_at(symbol):
    rules = rules_of(symbol, "cross")
    old, new = on(rules, "2025-10-14"), on(rules, "2025-10-15")
    assert (old["tier_key"], old["maintenance_at"]) == (TierKey.NOTIONAL_AT_ENTRY, ValuedAt.ENTRY)
    assert (new["tier_key"], new["maintenance_at"]) == (TierKey.NOTIONAL_AT_MARK, ValuedAt.MARK)
    assert (old["initial_at"], new["initial_at"]) == (ValuedAt.ENTRY, ValuedAt.MARK)
    assert (rules["close_fee"] == CloseFee.AT_BANKRUPTCY).all()


@pytest.mark.parametrize("symbol", [BTC, BTC_USD])
def test_isolated_initial_margin_is_at_entry_in_both_eras(symbol):
    assert (rules_of(symbol, "isolated")["initial_at"] == ValuedAt.ENTRY).all()


def test_deductions_came_with_the_automatic_risk_limit():
    rules = resolved(load("bybit"), BTC)
    assert on(rules, "2024-03-11")["tier_rule"] == TierRule.FLAT
    assert on(rules, "2024-03-12")["tier_rule"] == TierRule.PROGRESSIVE


@pytest.mark.parametrize(("mode", "ratio"), [("isolated", 1.0), ("cross", 0.9)])
def test_only_cross_liquidates_down_to_nine_tenths(mode, ratio):
    assert on(rules_of(BTC, mode), "2026-01-01")["healthy_ratio"] == ratio


def test_inverse_cross_had_the_classic_steps_while_it_was_an_account_of_its_own():
    rules = rules_of(BTC_USD, "cross")
    classic, unified = on(rules, "2024-12-31"), on(rules, "2025-01-01")
    assert (classic["healthy_ratio"], unified["healthy_ratio"]) == (1.0, 0.9)
    assert (classic["steps"]["must_cure"][0], unified["steps"]["must_cure"][0]) == (1, 0)
    assert (classic["steps"] == on(rules_of(BTC_USD, "isolated"), "2024-12-31")["steps"]).all()


def test_each_leg_of_a_hedge_is_margined_by_itself():
    assert (rules_of(BTC, "cross")["legs"] == Legs.SEPARATE).all()
