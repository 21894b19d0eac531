"""Bitget: flat tiers by value, a display that changed, and reductions by two tiers in cross."""

# ruff: noqa: RUF012  (samples are read only)

import pytest

from backtest.core.types import Legs, StepExit, StepSize, TierKey, ValuedAt
from backtest.venues import load, resolve

from .base import SINCE, UNTIL, VenueChecks, ms, on, resolved

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
ETH_COIN, SATS, SUPER = "ETH/USD:ETH", "1000SATS/USDT:USDT", "SUPER/USDT:USDT"


def in_cross(symbol):
    """The cross rules of a symbol over all years."""
    return resolve(load("bitget"), symbol, ms(SINCE), ms(UNTIL), mode="cross")


class TestBitget(VenueChecks):
    venue = "bitget"
    rows = {
        (BTC, "2023-11-24", 1): (50_000, 0.005, 100),
        (BTC, "2025-08-19", 0): (0, 0.004, 125),
        (BTC, "2025-10-01", 0): (0, 0.004, 150),
        (BTC, "2025-10-01", 3): (5_000_000, 0.01, 50),
        (BTC, "2025-10-01", 11): (900_000_000, 0.6, 1),
        (ETH, "2024-12-15", 0): (0, 0.005, 100),
        (ETH_COIN, "2025-08-01", 2): (750_000, 0.015, 50),
        (SATS, "2025-10-01", 3): (150_000, 0.05, 10),
        (SUPER, "2025-11-28", 1): (5_000, 0.02, 25),
    }
    tables = {
        (BTC, "2023-11-24"): (2, 200_000),
        (BTC, "2025-10-01"): (12, 1_200_000_000),
        (ETH_COIN, "2025-08-01"): (5, 38_000_000),
        (SUPER, "2025-11-28"): (3, 25_000),
    }
    values = {
        ("display.cross", "2023-12-07"): "frozen_estimate",
        ("display.cross", "2024-11-30"): "frozen_estimate",
        ("display.cross", "2024-12-01"): "exact",
        ("display.no_price", "2023-07-01"): "unclipped",
        ("funding.interest_rate", "2025-10-01"): 0.0001,
        ("hedge.legs", "2025-01-01"): "larger_side",
        ("maintenance.change", "2025-01-01"): "at_once",
        ("maintenance.close_fee", "2025-01-01"): "at_mark",
    }
    numbers = {
        (BTC, "2023-11-24", "lot"): 0.001,
        (BTC, "2025-08-19", "lot"): 0.0001,
        (BTC, "2025-08-19", "close_fee_rate"): 0.0006,
        (BTC, "2025-08-19", "tier_key"): TierKey.NOTIONAL_AT_MARK,
        (ETH_COIN, "2025-08-19", "tier_key"): TierKey.SIZE,
        (ETH_COIN, "2025-08-19", "inverse"): 1,
    }
    extrapolated = {
        (BTC, "2022-05-12"): True,
        (BTC, "2023-09-27"): False,
        (ETH, "2024-08-05"): True,
        (BTC, "2025-12-01"): True,
    }
    matches = {BTC: BTC, "BTC/USDC:USDC": BTC, "ETH/USD:ETH": ETH_COIN}
    unknown_symbol = "DOGE/USDT:USDT"


@pytest.mark.parametrize("symbol", [BTC, ETH, ETH_COIN])
def test_cross_steps_are_netting_two_tiers_one_tier_and_the_rest(symbol):
    record = on(in_cross(symbol), "2025-10-01")
    steps = record["steps"][: record["n_steps"]]
    assert steps["size_kind"].tolist() == [
        StepSize.NET_LEGS, StepSize.TIERS_DOWN, StepSize.TIERS_DOWN, StepSize.ALL,
    ]  # fmt: skip
    assert steps["amount"].tolist()[1:3] == [2, 1]
    assert steps["min_tier"].tolist()[1:3] == [3, 2]
    # what a reduction leaves is the trader's, what the burst leaves is the fund's
    assert steps["exit"].tolist()[1:] == [StepExit.MARKET, StepExit.MARKET, StepExit.BANKRUPTCY]


def test_isolated_goes_in_one_piece_whatever_the_tier():
    for record in resolved(load("bitget"), BTC):
        assert record["n_steps"] == 1
        assert record["steps"][0]["size_kind"] == StepSize.ALL


def test_initial_margin_is_at_entry_in_isolated_and_at_the_mark_in_cross():
    assert on(resolved(load("bitget"), BTC), "2025-08-19")["initial_at"] == ValuedAt.ENTRY
    assert on(in_cross(BTC), "2025-08-19")["initial_at"] == ValuedAt.MARK


def test_hedged_legs_are_counted_on_the_larger_side():
    assert on(in_cross(BTC), "2025-08-19")["legs"] == Legs.LARGER_SIDE


def test_first_tier_and_fee_give_the_requirement_of_the_payload_of_august_2025():
    record = on(resolved(load("bitget"), BTC), "2025-08-19")
    # marginRatio = (rate + fee)·value / (margin + P&L), of an account at 0.04 %
    value, equity = 0.0031 * 114895.3, 35.617574 - 0.0031 * 0.1
    assert (record["rate"][0] + 0.0004) * value / equity == pytest.approx(0.044000344665, rel=1e-9)


def test_dated_coin_contracts_settle_at_eight():
    book = load("bitget")
    assert book.instrument("ETH/USD:ETH-231229").expires == ms("2023-12-29T08:00")
    assert on(resolved(book, "ETH/USD:ETH-231229"), "2023-11-01")["expires"] == ms("2023-12-29T08")
