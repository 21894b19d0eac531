"""Kraken Futures: inverse wallets by contracts, a linear wallet by value, both at the mark."""

# ruff: noqa: RUF012  (samples are read only)

import pytest

from backtest.core.tiers import tier_index
from backtest.core.types import InitialRate, StepExit, StepFee, StepSize, TierKey, Trigger, ValuedAt
from backtest.venues import load, resolve

from .base import SINCE, UNTIL, VenueChecks, ms, on, resolved

PI, FI, PF, FF = "BTC/USD:BTC", "BTC/USD:BTC-*", "BTC/USD:USD", "BTC/USD:USD-*"
ETH, DOGE = "ETH/USD:USD", "DOGE/USD:USD"


def cross(symbol, date):
    rules = resolve(load("krakenfutures"), symbol, ms(SINCE), ms(UNTIL), mode="cross")
    return on(rules, date)


class TestKrakenFutures(VenueChecks):
    venue = "krakenfutures"
    rows = {
        (PI, "2019-06-01", 3): (3_000_000, 0.05, 10),
        (PI, "2024-01-01", 4): (6_000_000, 0.075, 6.66666667),
        (PI, "2024-01-01", 7): (50_000_000, 0.2, 2.5),
        (FI, "2024-01-01", 7): (50_000_000, 0.2, 2.5),
        (PF, "2024-01-01", 0): (0, 0.01, 50),
        (PF, "2024-01-01", 5): (30_000_000, 0.25, 2),
        (PF, "2026-06-01", 0): (0, 0.005, 100),
        (PF, "2026-06-01", 2): (3_000_000, 0.02, 25),
        (ETH, "2025-11-17", 1): (2_000_000, 0.02, 25),
        (DOGE, "2024-01-01", 1): (250_000, 0.02, 25),
    }
    tables = {
        (PI, "2019-06-01"): (4, 6_000_000),
        (PI, "2024-01-01"): (8, 75_000_000),
        (PF, "2024-01-01"): (6, float("inf")),
        (PF, "2026-06-01"): (3, 5_000_000),
    }
    values = {
        ("inverse.maintenance.tier_key", "2024-01-01"): "size",
        ("maintenance.tier_key", "2024-01-01"): "notional_at_mark",
        ("maintenance.valued_at", "2019-01-01"): "mark",
        ("funding.interval_hours", "2024-01-01"): 1,
        ("funding.hourly_cap", "2022-06-28"): 0.001,
        ("funding.hourly_cap", "2025-11-17"): 0.0025,
        ("funding.period_hours", "2022-06-28"): 8,
        ("funding.period_hours", "2025-11-17"): 24,
        ("bankruptcy.fee_included", "2024-01-01"): False,
    }
    numbers = {
        (PI, "2024-01-01", "inverse"): 1,
        (PI, "2024-01-01", "tier_key"): TierKey.SIZE,
        (PF, "2024-01-01", "tier_key"): TierKey.NOTIONAL_AT_MARK,
        (PF, "2024-01-01", "maintenance_at"): ValuedAt.MARK,
        (PF, "2024-01-01", "trigger"): Trigger.BELOW,
        (PF, "2024-01-01", "initial_rate"): InitialRate.LARGER,
        (PF, "2024-01-01", "lot"): 0.0001,
        (PF, "2024-01-01", "taker_fee"): 0.0005,
        (ETH, "2025-11-17", "lot"): 0.001,
        (DOGE, "2024-01-01", "tick"): 0.000001,
    }
    extrapolated = {
        (PI, "2019-01-01"): False,
        (PI, "2025-12-31"): False,
        (PI, "2026-01-01"): True,
        (PF, "2022-03-21"): True,
        (PF, "2026-08-11"): False,
        (PF, "2026-08-12"): True,
        (FF, "2026-01-01"): True,
        (ETH, "2025-11-16"): True,
        (ETH, "2025-11-17"): False,
        (ETH, "2025-11-18"): True,
    }
    matches = {PI: PI, "BTC/USDT:USDT": PF, "BTC": PF, "DOGE/USDT:USDT": DOGE}


@pytest.mark.parametrize(
    ("contracts", "initial", "rate"),
    [
        (400_000, 0.02, 0.01),
        (600_000, 0.04, 0.02),
        (2_000_000, 0.06, 0.03),
        (4_000_000, 0.1, 0.05),
        (7_000_000, 0.15, 0.075),
        (15_000_000, 0.25, 0.125),
        (30_000_000, 0.3, 0.15),
        (60_000_000, 0.4, 0.2),
    ],
)
def test_inverse_levels_are_those_of_the_schedule(contracts, initial, rate):
    record = on(resolved(load("krakenfutures"), PI), "2024-01-01")
    row = tier_index(record, float(contracts))
    assert record["rate"][row] == pytest.approx(rate)
    assert 1 / record["max_leverage"][row] == pytest.approx(initial)


def test_the_maintenance_rate_is_half_of_the_initial_rate_on_every_level():
    book = load("krakenfutures")
    for symbol in book.symbols():
        for record in resolved(book, symbol):
            n = record["n_tiers"]
            assert record["rate"][:n] * record["max_leverage"][:n] == pytest.approx(0.5, rel=1e-6)


def test_the_requirement_of_the_worked_example_is_met_at_its_liquidation_price():
    record = cross(PI, "2024-01-01")
    size, entry, balance = 1000.0, 8000.0, 0.01
    rate = record["rate"][tier_index(record, size)]
    level = size * (1 + rate) / (size / entry + balance)
    assert level == pytest.approx(7481.48, abs=0.005)


def test_an_inverse_wallet_is_closed_as_a_whole_at_the_price_of_zero_equity():
    for date in ("2020-03-12", "2026-06-01"):
        record = cross(PI, date)
        step = record["steps"][0]
        assert (record["n_steps"], record["healthy_ratio"]) == (1, 0.0)
        assert (step["size_kind"], step["exit"]) == (StepSize.ALL, StepExit.ZERO_EQUITY)
        assert step["fee"] == StepFee.TAKER
        assert record["clearance_fee"] == 0.0


def test_linear_positions_are_reduced_to_the_initial_margin_from_2026_03_26_on():
    old, new = cross(PF, "2026-03-25"), cross(PF, "2026-03-26")
    assert (old["n_steps"], old["healthy_ratio"]) == (1, 0.0)
    assert old["steps"][0]["fee"] == StepFee.TAKER
    cure, rest = new["steps"][:2]
    assert (cure["size_kind"], cure["amount"]) == (StepSize.CURE, 0.5)
    assert rest["size_kind"] == StepSize.ALL
    assert {int(cure["fee"]), int(rest["fee"])} == {StepFee.TAKER_AND_CLEARANCE}


def test_what_is_not_known_of_partial_liquidation_is_marked_as_assumed():
    book, date = load("krakenfutures"), ms("2026-06-01")
    for key in ("liquidation.isolated", "liquidation.cross", "fees.clearance"):
        revision = book.at(key, date, "linear")
        assert revision.confidence == "assumed"
        assert revision.note


def test_cross_needs_the_rate_of_the_level_whatever_the_leverage():
    assert cross(PF, "2024-01-01")["initial_rate"] == InitialRate.TABLE


def test_dated_contracts_expire_at_three_in_the_afternoon():
    book = load("krakenfutures")
    assert book.instrument("BTC/USD:BTC-220930").expires == ms("2022-09-30T15:00:00")
    assert book.instrument("BTC/USD:USD-260925").expires == ms("2026-09-25T15:00:00")


def test_the_venues_own_names_stand_beside_the_symbols():
    book = load("krakenfutures")
    names = {symbol: one.id for symbol, one in book.instruments.items()}
    assert names == {
        PI: "PI_XBTUSD",
        FI: "FI_XBTUSD",
        PF: "PF_XBTUSD",
        FF: "FF_XBTUSD",
        ETH: "PF_ETHUSD",
        DOGE: "PF_DOGEUSD",
    }
