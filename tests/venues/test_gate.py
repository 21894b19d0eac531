"""Gate: a chosen risk limit and whole positions at first, then steps, then progressive tiers."""

# ruff: noqa: RUF012  (samples are read only)

import pytest

from backtest.core.types import IsolatedOpen, Legs, StepSize, TierRule
from backtest.venues import load, resolve

from .base import SINCE, UNTIL, VenueChecks, ms, on, resolved

BTC, ETH, XRP = "BTC/USDT:USDT", "ETH/USDT:USDT", "XRP/USDT:USDT"
HYPE, ZTX, BTC_COIN = "HYPE/USDT:USDT", "ZTX/USDT:USDT", "BTC/USD:BTC"


def in_cross(symbol):
    """The cross rules of a symbol over all years."""
    return resolve(load("gate"), symbol, ms(SINCE), ms(UNTIL), mode="cross")


class TestGate(VenueChecks):
    venue = "gate"
    rows = {
        (BTC, "2021-06-01", 0): (0, 0.005, 100),
        (BTC, "2021-06-01", 7): (7_000_000, 0.04, 12.5),
        (BTC, "2025-07-01", 1): (1_000_000, 0.005, 100),
        (BTC, "2026-03-01", 0): (0, 0.003, 200),
        (BTC, "2026-03-01", 4): (2_000_000, 0.005, 100),
        (XRP, "2023-08-27", 0): (0, 0.01, 50),
        (HYPE, "2026-09-15", 0): (0, 0.008333, 75),
        (BTC_COIN, "2019-01-28", 0): (0, 0.005, 100),
    }
    deductions = {
        (BTC, "2025-07-31", 1): 0,
        (BTC, "2025-09-01", 1): 500,
        (BTC, "2026-03-01", 1): 250,
        (BTC, "2026-03-01", 2): 750,
        (BTC, "2026-03-01", 3): 1500,
        (BTC, "2026-03-01", 4): 2500,
        (ZTX, "2025-11-01", 1): 60,
        (ZTX, "2025-11-01", 2): 120,
        (ZTX, "2025-11-01", 3): 370,
        (ZTX, "2025-11-01", 4): 720,
    }
    tables = {
        (BTC, "2021-06-01"): (8, 8_000_000),
        (BTC, "2026-03-01"): (5, 3_000_000),
        (ZTX, "2025-11-01"): (5, 100_000),
    }
    values = {
        ("maintenance.tier_rule", "2025-07-31T23:59"): "flat",
        ("maintenance.tier_rule", "2025-08-01"): "progressive",
        ("display.ratio", "2025-01-01"): "inverse",
        ("display.no_price", "2023-05-25"): "sentinel",
        ("hedge.legs", "2025-01-01"): "larger_side",
    }
    numbers = {
        (BTC, "2025-09-01", "taker_fee"): 0.0005,
        (BTC, "2025-09-01", "close_fee_rate"): 0.00075,
        (BTC, "2025-09-01", "lot"): 0.0001,
        (XRP, "2023-08-27", "lot"): 10,
        (BTC_COIN, "2023-01-01", "inverse"): 1,
        (BTC, "2024-09-23", "n_steps"): 1,
        (BTC, "2024-09-24", "n_steps"): 2,
        (BTC, "2025-09-01", "isolated_open"): IsolatedOpen.PLUS_CLOSING_FEE,
    }
    extrapolated = {
        (BTC, "2020-03-12"): True,
        (BTC, "2022-05-12"): False,
        (BTC, "2023-06-01"): True,
        (BTC, "2025-09-01"): False,
        (HYPE, "2025-10-10"): True,
        (BTC, "2026-10-01"): True,
    }
    matches = {BTC: BTC, "ETH/USDC:USDC": ETH}
    unknown_symbol = "DOGE/USDT:USDT"


def test_before_september_2024_the_whole_position_went_and_since_then_one_tier_per_step():
    for rules, first in ((resolved(load("gate"), BTC), 0), (in_cross(BTC), 1)):
        old, new = on(rules, "2024-09-23"), on(rules, "2024-09-24")
        assert (old["n_steps"], old["steps"][0]["size_kind"]) == (1, StepSize.ALL)
        step = new["steps"][first]
        assert (step["size_kind"], step["amount"]) == (StepSize.TIERS_DOWN, 1)
        assert step["min_tier"] == 2
    assert on(in_cross(BTC), "2024-09-24")["steps"][0]["size_kind"] == StepSize.NET_LEGS


def maintenance(record, value):
    """Maintenance margin of a value by its row, without the closing fee."""
    n = int(record["n_tiers"])
    row = int((record["floor"][:n] < value).sum()) - 1
    return record["rate"][row] * value - record["deduction"][row]


@pytest.mark.parametrize(("date", "margin"), [("2025-07-28", 6000), ("2025-08-02", 4900)])
def test_the_announced_example_of_1200000_cost_6000_before_and_4900_after(date, margin):
    record = on(resolved(load("gate"), BTC), date)
    assert maintenance(record, 1_200_000) == pytest.approx(margin)


def test_the_base_rate_and_not_the_accounts_is_in_both_margins_of_the_payload_of_2026():
    record = on(in_cross(HYPE), "2026-09-15")
    value, fee = 3.7 * 92.702, record["close_fee_rate"]
    assert value * (record["rate"][0] + fee) == pytest.approx(3.1154453842, rel=1e-9)
    initial = value * (1 / 75 + fee * (1 + 1 / 75))
    assert initial == pytest.approx(4.833976690667, rel=1e-9)


def test_progressive_tiers_are_taken_to_have_come_on_one_day_for_all_contracts():
    for symbol in (BTC, ETH):
        rules = resolved(load("gate"), symbol)
        assert on(rules, "2025-07-31")["tier_rule"] == TierRule.FLAT
        assert on(rules, "2025-08-01")["tier_rule"] == TierRule.PROGRESSIVE


def test_hedged_legs_are_counted_on_the_larger_side():
    assert on(in_cross(BTC), "2025-09-01")["legs"] == Legs.LARGER_SIDE
