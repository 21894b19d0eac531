"""dYdX: flat rates by vote, slices of a tenth, a fee out of the equity of what is closed."""

# ruff: noqa: RUF012  (samples are read only)

import pytest

from backtest.core.types import InitialRate, StepExit, StepFee, StepSize, TierRule
from backtest.errors import RulebookError
from backtest.venues import load, resolve

from .base import SINCE, UNTIL, VenueChecks, ms, on, resolved

BTC, ETH, SOL, XRP, LDO = (f"{base}/USD:USDC" for base in ("BTC", "ETH", "SOL", "XRP", "LDO"))


class TestDydx(VenueChecks):
    venue = "dydx"
    rows = {
        (BTC, "2023-11-06", 0): (0, 0.03, 20),
        (ETH, "2024-08-16", 0): (0, 0.03, 20),
        (BTC, "2025-12-08", 0): (0, 0.012, 50),
        (ETH, "2025-12-08", 0): (0, 0.012, 50),
        (SOL, "2024-08-01", 0): (0, 0.05, 10),
        (SOL, "2025-12-08", 0): (0, 0.03, 20),
        (XRP, "2024-08-01", 0): (0, 0.05, 10),
        (LDO, "2024-08-01", 0): (0, 0.1, 5),
    }
    tables = {
        (BTC, "2024-01-17"): (1, 1_000_000),
        (SOL, "2024-01-17"): (1, 250_000),
        (LDO, "2024-01-17"): (1, 100_000),
        (BTC, "2024-01-18"): (1, float("inf")),
    }
    values = {
        ("maintenance.tier_rule", "2024-01-01"): "flat",
        ("trigger.price", "2024-01-01"): "oracle",
        ("trigger.compare", "2024-01-01"): "below",
        ("funding.price", "2024-01-01"): "oracle",
        ("funding.interval_hours", "2024-01-01"): 1,
        ("initial.rate", "2025-10-30"): "table",
        ("initial.rate", "2025-10-31"): "larger",
    }
    numbers = {
        (BTC, "2023-11-06", "maker_fee"): -0.00011,
        (BTC, "2026-04-01", "maker_fee"): 0.0001,
        (BTC, "2026-04-01", "taker_fee"): 0.0005,
        (BTC, "2026-04-01", "clearance_fee"): 0.015,
        (BTC, "2025-12-08", "lot"): 0.0001,
        (BTC, "2025-12-08", "tick"): 1,
        (ETH, "2025-12-08", "lot"): 0.001,
        (SOL, "2025-12-08", "tick"): 0.01,
        (BTC, "2024-01-17", "tiers_complete"): 0,
        (BTC, "2024-01-18", "tiers_complete"): 1,
        (BTC, "2024-01-18", "tier_rule"): TierRule.FLAT,
    }
    extrapolated = {
        (BTC, "2023-10-25"): True,
        (BTC, "2023-11-06"): False,
        (BTC, "2024-08-20T12:00"): False,
        (BTC, "2024-08-21"): True,
        (BTC, "2025-10-10"): True,
        (BTC, "2025-12-08"): False,
        (BTC, "2025-12-09"): True,
        (SOL, "2023-11-06"): True,
        (SOL, "2024-03-01"): True,
        (SOL, "2024-08-01"): False,
        (XRP, "2025-12-08"): True,
    }
    matches = {BTC: BTC, "BTC": BTC, "BTC/USDC:USDC": BTC, "XRP/USDT:USDT": XRP}


def test_liquidation_prices_of_the_front_end_and_an_account_follow_from_the_rates():
    book = load("dydx")
    # (equity − size · oracle − others' maintenance) / (|size| · rate − size)
    rate = on(resolved(book, ETH), "2024-08-01")["rate"][0]
    assert (100 - 1000) / (rate - 1) == pytest.approx(927.8350515463918)
    rate = on(resolved(book, BTC), "2024-08-16")["rate"][0]
    equity, size, oracle, other = 304.384048054, 0.1036, 58672.3367, 0.002 * 2626.778033 * rate
    price = (equity - size * oracle - other) / (size * rate - size)
    assert price == pytest.approx(57459.57529701846)


def test_an_account_of_2024_has_the_initial_margin_of_its_day():
    book = load("dydx")
    found = sum(
        size * oracle / on(resolved(book, symbol), "2024-08-16")["max_leverage"][0]
        for symbol, size, oracle in ((BTC, 0.1036, 58672.3367), (ETH, 0.002, 2626.778033))
    )
    assert found == pytest.approx(304.1853819093)


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_a_block_closes_a_tenth_between_a_thousand_and_a_hundred_thousand(mode):
    rules = resolve(load("dydx"), BTC, ms(SINCE), ms(UNTIL), mode=mode)
    record = on(rules, "2025-12-08")
    tenth, rest = record["steps"][: record["n_steps"]]
    assert (tenth["size_kind"], tenth["amount"]) == (StepSize.FRACTION, 0.1)
    assert (tenth["at_least"], tenth["at_most"]) == (1_000, 100_000)
    assert (tenth["exit"], tenth["spread"]) == (StepExit.FILLABLE, 1.5)
    assert (tenth["fee"], tenth["fee_to_fund"]) == (StepFee.EQUITY_SHARE, 1)
    assert (rest["size_kind"], rest["exit"]) == (StepSize.ALL, StepExit.BANKRUPTCY)
    assert rest["fee"] == StepFee.NONE


def test_the_fund_takes_the_whole_share_of_a_slice_since_the_rates_of_btc_fell():
    rules = resolved(load("dydx"), BTC)
    before, after = on(rules, "2024-08-01"), on(rules, "2025-12-08")
    assert before["rate"][0] > before["clearance_fee"]
    assert after["rate"][0] < after["clearance_fee"]


def test_a_leverage_can_be_chosen_since_the_end_of_october_2025():
    rules = resolve(load("dydx"), BTC, ms(SINCE), ms(UNTIL), mode="cross")
    assert on(rules, "2025-10-30")["initial_rate"] == InitialRate.TABLE
    assert on(rules, "2025-10-31")["initial_rate"] == InitialRate.LARGER


def test_an_isolated_market_has_no_cross_margin():
    book = load("dydx")
    assert on(resolved(book, "AKT/USD:USDC"), "2024-08-01")["rate"][0] == 0.1
    with pytest.raises(RulebookError, match="no cross tiers of AKT/USD:USDC"):
        resolve(book, "AKT/USD:USDC", ms(SINCE), ms(UNTIL), mode="cross")
