"""KuCoin: isolated margin on the entry value, cross margin with a rate that grows with the size."""

# ruff: noqa: RUF012  (samples are read only)

import pytest

from backtest.core.types import (
    CloseFee,
    InitialRate,
    LiquidationOrder,
    NextFunding,
    StepSize,
    TierKey,
    TierRule,
    ValuedAt,
)
from backtest.venues import load, resolve

from .base import SINCE, UNTIL, VenueChecks, ms, on, resolved

BTC, ETH, XRP = "BTC/USDT:USDT", "ETH/USDT:USDT", "XRP/USDT:USDT"
BTC_COIN, ETH_COIN = "BTC/USD:BTC", "ETH/USD:ETH"


def in_cross(symbol):
    """The cross rules of a symbol over all years."""
    return resolve(load("kucoinfutures"), symbol, ms(SINCE), ms(UNTIL), mode="cross")


class TestKucoinFutures(VenueChecks):
    venue = "kucoinfutures"
    rows = {
        (BTC, "2021-06-16", 0): (0, 0.005, 100),
        (BTC, "2024-11-15", 1): (500_000, 0.007, 75),
        (BTC, "2025-01-15", 0): (0, 0.004, 125),
        (BTC, "2025-01-15", 1): (100_000, 0.005, 100),
        (ETH, "2021-12-15", 0): (0, 0.005, 100),
        (XRP, "2022-06-01", 0): (0, 0.01, 50),
    }
    tables = {
        (BTC, "2021-06-16"): (1, 2_000_000),
        (BTC, "2024-11-15"): (2, 1_000_000),
        (BTC, "2025-01-15"): (2, 500_000),
        (ETH, "2021-12-15"): (1, 300_000),
    }
    values = {
        ("maintenance.valued_at", "2025-01-01"): "entry",
        ("cross.maintenance.valued_at", "2025-01-01"): "mark",
        ("bankruptcy.fee_included", "2025-01-01"): True,
        ("cross.bankruptcy.fee_included", "2025-01-01"): False,
        ("funding.from", "2025-01-01"): "margin",
        ("display.isolated", "2025-01-01"): "tick_rounded",
    }
    numbers = {
        (BTC, "2021-06-16", "tick"): 1.0,
        (BTC, "2025-01-15", "tick"): 0.1,
        (BTC, "2025-01-15", "lot"): 0.001,
        (BTC, "2025-01-15", "close_fee_rate"): 0.0006,
        (ETH_COIN, "2025-01-15", "inverse"): 1,
    }
    extrapolated = {
        (BTC, "2020-04-01"): True,
        (BTC, "2022-05-12"): False,
        (BTC, "2024-12-15"): True,
        (BTC, "2025-01-15"): False,
        (BTC, "2026-01-16"): True,
    }
    matches = {BTC: BTC, "ETH/USDC:USDC": ETH, BTC_COIN: BTC_COIN}
    unknown_symbol = "SOL/USDT:USDT"


def test_isolated_reckons_on_the_entry_with_fee_on_cost_and_margin_and_the_next_funding():
    record = on(resolved(load("kucoinfutures"), BTC), "2025-01-15")
    assert record["tier_rule"] == TierRule.FLAT
    assert record["tier_key"] == TierKey.NOTIONAL_AT_ENTRY
    assert record["maintenance_at"] == record["initial_at"] == ValuedAt.ENTRY
    assert record["close_fee"] == CloseFee.COST_AND_MARGIN
    assert record["next_funding"] == NextFunding.LAST_RATE


def test_cross_reckons_on_the_mark_with_the_takers_fee_and_no_funding():
    record = on(in_cross(BTC), "2025-06-01")
    assert record["tier_rule"] == TierRule.LINEAR_IN_SIZE
    assert record["tier_key"] == TierKey.SIZE
    assert record["maintenance_at"] == record["initial_at"] == ValuedAt.MARK
    assert record["close_fee"] == CloseFee.AT_MARK
    assert record["next_funding"] == NextFunding.NONE
    assert record["initial_rate"] == InitialRate.LARGER
    assert record["rate_cap"] == 0.3


@pytest.mark.parametrize(
    ("symbol", "coins", "rate"),
    [
        (BTC, 0.001, 0.0040000133),
        (BTC, 12.102, 0.00416136),
        (ETH, 380.03, 0.0054623236),
    ],
)
def test_cross_rates_grow_with_the_coins_as_the_venue_gave_them(symbol, coins, rate):
    record = on(in_cross(symbol), "2025-06-01")
    assert record["rate"][0] + record["rate_slope"] * coins == pytest.approx(rate, rel=1e-8)
    initial = 1 / record["max_leverage"][0] + record["initial_slope"] * coins
    assert initial == pytest.approx(1.3 * rate, rel=1e-8)


def test_an_inverse_position_of_one_contract_has_the_rate_of_its_payload():
    record = on(in_cross(ETH_COIN), "2025-06-01")
    # liquidation price = bankruptcy price·(1 + rate + fee)
    factor = 1 + record["rate"][0] + record["close_fee_rate"]
    assert 1414.96 * factor == pytest.approx(1429.96, abs=0.01)


def test_cross_before_it_existed_is_extrapolated():
    assert on(in_cross(BTC), "2024-11-30")["extrapolated"] == 1
    assert on(in_cross(BTC), "2024-12-01")["extrapolated"] == 0


def test_cross_closes_parts_over_600000_and_begins_with_the_largest_loss():
    record = on(in_cross(BTC), "2025-06-01")
    assert record["order"] == LiquidationOrder.LARGEST_LOSS
    assert record["steps"][0]["size_kind"] == StepSize.FRACTION
    assert record["steps"][0]["min_notional"] == 600_000
    # the limit is in USDT: a coin-margined position is closed whole
    assert on(in_cross(BTC_COIN), "2025-06-01")["n_steps"] == 1


def test_low_levels_of_isolated_positions_are_taken_over_whole():
    record = on(resolved(load("kucoinfutures"), BTC), "2025-01-15")
    assert record["steps"][0]["min_tier"] == 3
    assert record["steps"][1]["size_kind"] == StepSize.ALL


def test_the_first_row_gives_the_requirement_of_the_position_of_june_2021():
    record = on(resolved(load("kucoinfutures"), BTC), "2021-06-16")
    cost, held_fee, next_rate = 40.008, 0.02880576, 0.0001
    needed = cost * (record["rate"][0] + next_rate) + held_fee
    assert needed == pytest.approx(0.23284656, rel=1e-9)
    assert (cost + cost / 5) * record["close_fee_rate"] == pytest.approx(held_fee, rel=1e-9)


def test_smaller_coins_pay_funding_every_four_hours():
    book = load("kucoinfutures")
    assert book.funding_interval_hours(BTC) == 8
    assert book.funding_interval_hours(XRP) == 4
