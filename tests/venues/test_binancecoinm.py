"""Binance COIN-M: inverse contracts with brackets in coin, perpetual and delivered."""

# ruff: noqa: RUF012  (samples are read only)

import pytest

from backtest.core.types import Legs, TierKey, TierRule, ValuedAt
from backtest.errors import RulebookError
from backtest.venues import load, resolve

from .base import VenueChecks, ms, on, resolved

BTC, ETH, SOL, XRP, DOGE, AAVE = (
    f"{base}/USD:{base}" for base in ("BTC", "ETH", "SOL", "XRP", "DOGE", "AAVE")
)
DELIVERED = "BTC/USD:BTC-261225"


class TestBinanceCoinM(VenueChecks):
    venue = "binancecoinm"
    rows = {
        (BTC, "2026-09-16", 0): (0, 0.004, 125),
        (BTC, "2026-09-16", 4): (150, 0.05, 10),
        (DELIVERED, "2026-09-16", 0): (0, 0.01, 50),
        (DELIVERED, "2026-09-16", 7): (1500, 0.5, 1),
        (ETH, "2026-09-16", 1): (15, 0.0065, 75),
        (SOL, "2026-09-16", 6): (46_800, 0.1667, 3),
        (XRP, "2026-09-16", 1): (33_100, 0.02, 25),
        (DOGE, "2026-09-16", 0): (0, 0.012, 25),
        (AAVE, "2026-09-16", 1): (500, 0.05, 10),
    }
    deductions = {
        (BTC, "2026-09-16", 1): 0.005,
        (BTC, "2026-09-16", 3): 0.43,
        (BTC, "2026-09-16", 9): 837.93,
    }
    tables = {
        (BTC, "2026-09-16"): (10, 3500),
        (DELIVERED, "2026-09-16"): (8, 5000),
        (AAVE, "2026-09-16"): (6, 100_000),
    }
    values = {
        ("maintenance.valued_at", "2024-01-01"): "mark",
        ("maintenance.close_fee", "2024-01-01"): "none",
        ("trigger.compare", "2024-01-01"): "at_or_below",
        ("funding.from", "2024-01-01"): "margin",
        ("hedge.legs", "2024-01-01"): "separate",
    }
    numbers = {
        (BTC, "2024-01-01", "inverse"): 1,
        (BTC, "2024-01-01", "lot"): 100,
        (BTC, "2024-01-01", "min_size"): 100,
        (BTC, "2024-01-01", "tick"): 0.1,
        (ETH, "2024-01-01", "lot"): 10,
        (ETH, "2024-01-01", "tick"): 0.01,
        (BTC, "2025-08-07", "clearance_fee"): 0.015,
        (SOL, "2025-08-07", "clearance_fee"): 0.025,
        (XRP, "2025-08-07", "clearance_fee"): 0.01,
        (DOGE, "2025-08-07", "clearance_fee"): 0.0175,
        (AAVE, "2025-08-07", "clearance_fee"): 0.01,
    }
    extrapolated = {
        (BTC, "2026-09-15"): True,
        (BTC, "2026-09-16T12:00"): False,
        (BTC, "2026-09-17"): True,
        (DELIVERED, "2026-09-16T12:00"): False,
    }
    matches = {BTC: BTC, "BTC": BTC, "SOL": SOL, DELIVERED: DELIVERED}


def test_a_contract_is_100_usd_of_btc_and_10_usd_of_every_other_coin():
    book = load("binancecoinm")
    for symbol in book.symbols():
        contract = book.instrument(symbol)
        assert contract.contract_size == (100 if contract.base == "BTC" else 10)
        assert contract.settle == contract.base


def test_brackets_are_those_of_the_value_in_coin_at_the_mark():
    record = on(resolved(load("binancecoinm"), BTC), "2026-09-16")
    found = (record["tier_key"], record["tier_rule"], record["maintenance_at"])
    assert found == (TierKey.NOTIONAL_AT_MARK, TierRule.PROGRESSIVE, ValuedAt.MARK)


def test_a_delivery_contract_ends_at_eight_hours_utc_and_a_perpetual_never():
    book = load("binancecoinm")
    assert on(resolved(book, DELIVERED), "2026-09-16")["expires"] == ms("2026-12-25T08:00")
    assert on(resolved(book, BTC), "2026-09-16")["expires"] == 2**62


def test_a_delivery_contract_without_known_brackets_is_refused():
    with pytest.raises(RulebookError, match="no other contract stands for it"):
        load("binancecoinm").match("ETH/USD:ETH-261225")


def test_a_contract_in_another_settle_asset_is_not_taken_for_an_inverse_one():
    with pytest.raises(RulebookError, match="BTC/USD:BTC"):
        load("binancecoinm").match("BTC/USDT:USDT")


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_both_modes_reduce_from_the_second_bracket_on_and_pay_the_fund(mode):
    rules = resolve(load("binancecoinm"), BTC, ms("2024-01-01"), ms("2024-01-02"), mode=mode)
    smart, close = rules[0]["steps"][:2]
    assert rules[0]["n_steps"] == 2
    assert (smart["min_tier"], smart["amount"], smart["fee_to_fund"]) == (2, 0.9, 1)
    assert (close["min_tier"], close["fee_to_fund"]) == (1, 1)
    assert rules[0]["legs"] == Legs.SEPARATE
