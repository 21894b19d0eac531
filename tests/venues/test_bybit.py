"""Bybit: two eras, and tables known in part."""

# ruff: noqa: RUF012  (samples are read only)

from backtest.core.types import CloseFee, TierKey, TierRule, ValuedAt
from backtest.venues import load

from .base import VenueChecks, on, resolved

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


class TestBybit(VenueChecks):
    venue = "bybit"
    rows = {
        (BTC, "2023-06-01", 1): (2_000_000, 0.01, 57.14),
        (BTC, "2026-01-01", 1): (2_000_000, 0.0056, 90),
        (BTC, "2026-09-15", 0): (0, 0.0033, 150),
        (ETH, "2024-01-01", 0): (0, 0.005, 100),
        ("MOTHER/USDT:USDT", "2024-10-28", 0): (0, 0.04, 12.5),
    }
    deductions = {
        (BTC, "2023-06-01", 1): 0,
        (BTC, "2024-06-01", 1): 10_000,
        (BTC, "2026-01-01", 1): 1200,
        (BTC, "2026-09-15", 1): 510,
        (BTC, "2026-09-15", 2): 1710,
    }
    tables = {(BTC, "2026-09-15"): (3, 2_600_000), (ETH, "2024-01-01"): (1, 900_000)}
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
    }
    extrapolated = {
        (ETH, "2022-05-12"): True,
        (ETH, "2025-10-10"): False,
        (BTC, "2024-08-05"): True,
        (BTC, "2026-01-01"): False,
    }
    matches = {BTC: BTC, "ETH/USDC:USDC": ETH}
    unknown_symbol = "DOGE/USDT:USDT"


def test_the_eras_differ_in_what_margins_are_valued_at():
    rules = resolved(load("bybit"), BTC)
    old, new = on(rules, "2025-10-14"), on(rules, "2025-10-15")
    assert (old["tier_key"], old["maintenance_at"]) == (TierKey.NOTIONAL_AT_ENTRY, ValuedAt.ENTRY)
    assert (new["tier_key"], new["maintenance_at"]) == (TierKey.NOTIONAL_AT_MARK, ValuedAt.MARK)
    # isolated always at entry
    assert old["initial_at"].tolist() == [ValuedAt.ENTRY, ValuedAt.ENTRY]
    assert new["initial_at"].tolist() == [ValuedAt.ENTRY, ValuedAt.MARK]
    assert (rules["close_fee"] == CloseFee.AT_BANKRUPTCY).all()


def test_deductions_came_with_the_automatic_risk_limit():
    rules = resolved(load("bybit"), BTC)
    assert on(rules, "2024-03-11")["tier_rule"] == TierRule.FLAT
    assert on(rules, "2024-03-12")["tier_rule"] == TierRule.PROGRESSIVE


def test_cross_liquidates_down_to_nine_tenths():
    record = on(resolved(load("bybit"), BTC), "2026-01-01")
    assert record["healthy_ratio"].tolist() == [1.0, 0.9]
