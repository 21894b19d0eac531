"""Deribit: rates that grow with the coins of a position, in three eras."""

# ruff: noqa: RUF012  (samples are read only)

import pytest

from backtest.core.types import InitialRate, StepExit, StepFee, StepSize, TierKey, TierRule
from backtest.venues import load, resolve

from .base import SINCE, UNTIL, VenueChecks, ms, on, resolved

BTC, ETH = "BTC/USD:BTC", "ETH/USD:ETH"
BTC_DATED, ETH_DATED = "BTC/USD:BTC-*", "ETH/USD:ETH-*"
BTC_USDC, SOL_USDC = "BTC/USDC:USDC", "SOL/USDC:USDC"


class TestDeribit(VenueChecks):
    venue = "deribit"
    rows = {
        (BTC, "2022-01-10", 0): (0, 0.00525, 100),
        (BTC, "2022-01-11", 0): (0, 0.01, 50),
        (ETH, "2022-01-10", 0): (0, 0.01, 50),
        (BTC_DATED, "2022-01-10", 0): (0, 0.00525, 100),
        (BTC_DATED, "2023-07-01", 0): (0, 0.01, 50),
        (BTC_DATED, "2024-11-15", 0): (0, 0.02, 25),
        (ETH_DATED, "2022-11-17", 0): (0, 0.01, 50),
        (ETH_DATED, "2025-06-01", 0): (0, 0.02, 25),
        (BTC_USDC, "2025-06-01", 0): (0, 0.01, 50),
        (SOL_USDC, "2025-06-01", 0): (0, 0.02, 25),
    }
    tables = {(BTC, "2025-06-01"): (1, float("inf"))}
    values = {
        ("maintenance.tier_rule", "2023-01-01"): "linear_in_size",
        ("trigger.compare", "2023-01-01"): "below",
        ("initial.rate", "2023-01-01"): "table",
        ("funding.interval_hours", "2023-01-01"): 1,
        ("funding.band", "2025-01-01"): 0.00025,
    }
    numbers = {
        (BTC, "2022-01-10", "rate_slope"): 5e-5,
        (BTC, "2025-06-01", "initial_slope"): 5e-5,
        (ETH, "2022-01-10", "rate_slope"): 2e-6,
        (ETH, "2022-01-11", "rate_slope"): 4e-6,
        (SOL_USDC, "2025-06-01", "rate_slope"): 5e-6,
        (BTC, "2020-06-01", "clearance_fee"): 0.003,
        (BTC, "2022-01-10", "clearance_fee"): 0.005,
        (BTC, "2022-01-11", "clearance_fee"): 0.0075,
        (BTC, "2026-08-01", "clearance_fee"): 0.01,
        (ETH, "2022-01-10", "clearance_fee"): 0.009,
        (ETH, "2023-06-01", "clearance_fee"): 0.009,
        (ETH, "2025-06-01", "clearance_fee"): 0.0075,
        (ETH_DATED, "2026-08-01", "clearance_fee"): 0.01,
        (BTC, "2025-06-01", "lot"): 10,
        (BTC, "2025-06-01", "tick"): 0.5,
        (ETH, "2025-06-01", "lot"): 1,
        (BTC, "2025-06-01", "tier_rule"): TierRule.LINEAR_IN_SIZE,
        (BTC, "2025-06-01", "tier_key"): TierKey.SIZE,
        (BTC, "2025-06-01", "inverse"): 1,
        (SOL_USDC, "2025-06-01", "inverse"): 0,
    }
    extrapolated = {
        (BTC, "2021-05-19"): True,
        (BTC, "2022-01-10"): False,
        (BTC, "2023-03-10"): False,
        (BTC, "2026-07-31T12:00"): False,
        (BTC, "2026-08-01"): True,
        (BTC_DATED, "2023-07-15"): False,
        (BTC_DATED, "2024-01-01"): True,
        (BTC_DATED, "2025-06-01"): False,
        (ETH_DATED, "2023-07-15"): True,
        (SOL_USDC, "2023-07-15"): True,
        (SOL_USDC, "2025-06-01"): False,
    }
    matches = {
        BTC: BTC,
        "BTC/USD:BTC-250926": "BTC/USD:BTC-250926",
        "ETH": ETH,
        "BTC/USDT:USDT": BTC_USDC,
    }


def requirements(symbol, date, coins, price=1.0):
    """(initial, maintenance) margin of a position of `coins`: coins · (rate + slope · coins)."""
    record = on(resolved(load("deribit"), symbol), date)
    initial = 1.0 / record["max_leverage"][0] + record["initial_slope"] * coins
    maintenance = record["rate"][0] + record["rate_slope"] * coins
    return coins * initial * price, coins * maintenance * price


@pytest.mark.parametrize(
    ("symbol", "date", "usd", "mark", "initial", "maintenance"),
    [
        ("ETH/USD:ETH-221118", "2022-11-17", 1, 1190.88, 1.6794e-5, 8.397e-6),
        ("BTC/USD:BTC-250926", "2025-05-15", 100, 106115.91, 3.7695e-5, 1.8847e-5),
        (BTC, "2025-05-15", 100, 103554.56, 1.9314e-5, 9.657e-6),
        (ETH, "2026-02-16", 1, 1963.31, 1.0187e-5, 5.093e-6),
    ],
)
def test_inverse_positions_of_accounts_have_their_margins(
    symbol, date, usd, mark, initial, maintenance
):
    found = requirements(symbol, date, usd / mark)
    assert found == pytest.approx((initial, maintenance), rel=1e-4)


def test_the_examples_of_linear_margin_come_out():
    assert requirements(SOL_USDC, "2025-06-01", 25, 200) == pytest.approx((200.625, 100.625))
    assert requirements(SOL_USDC, "2025-06-01", 6000, 200)[0] == pytest.approx(84_000)


def test_dated_futures_doubled_while_perpetuals_stayed():
    before, after = "2023-07-01", "2025-06-01"
    old, new = (requirements(BTC_DATED, day, 0.001) for day in (before, after))
    assert [b / a for a, b in zip(old, new, strict=True)] == pytest.approx([2, 2], rel=1e-4)
    assert requirements(BTC, before, 0.001) == requirements(BTC, after, 0.001)


def test_a_dated_future_settles_at_eight_in_the_morning():
    instrument = load("deribit").instrument("BTC/USD:BTC-250926")
    assert instrument.expires == ms("2025-09-26T08:00")
    assert (instrument.id, instrument.settle, instrument.contract_size) == ("BTC-*", "BTC", 10)


def test_nobody_sets_a_leverage_but_of_a_sub_account():
    book = load("deribit")
    found = {
        mode: on(resolve(book, BTC, ms(SINCE), ms(UNTIL), mode=mode), "2025-06-01")["initial_rate"]
        for mode in ("cross", "isolated")
    }
    assert found == {"cross": InitialRate.TABLE, "isolated": InitialRate.LARGER}


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_a_liquidation_closes_parts_at_the_market_and_pays_both_fees(mode):
    rules = resolve(load("deribit"), BTC, ms(SINCE), ms(UNTIL), mode=mode)
    record = on(rules, "2025-06-01")
    part, rest = record["steps"][: record["n_steps"]]
    assert (part["size_kind"], part["amount"]) == (StepSize.CURE, 0.99)
    assert rest["size_kind"] == StepSize.ALL
    for step in (part, rest):
        assert step["exit"] == StepExit.MARKET
        assert step["fee"] == StepFee.TAKER_AND_CLEARANCE
        assert step["fee_to_fund"] == 1


def test_from_august_2026_the_fee_exceeds_what_a_closed_part_frees():
    record = on(resolved(load("deribit"), BTC), "2026-08-02")
    assert record["rate"][0] < record["taker_fee"] + record["clearance_fee"]
    assert record["extrapolated"] == 1
