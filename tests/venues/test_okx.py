"""OKX: flat tiers in contracts, with regular ladders; linear, inverse and dated contracts."""

# ruff: noqa: RUF012  (samples are read only)

import pytest

from backtest.core.types import Legs, StepSize, TierKey, TierRule
from backtest.venues import load, resolve

from .base import SINCE, UNTIL, VenueChecks, ms, on, resolved

BTC, ETH, XRP, SNX = (f"{base}/USDT:USDT" for base in ("BTC", "ETH", "XRP", "SNX"))
BTC_USD, ETH_USD, DATED = "BTC/USD:BTC", "ETH/USD:ETH", "BTC/USD:USD-260626"


def steps_of(symbol, mode):
    """The liquidation steps of a symbol in one margin mode in 2026-05."""
    record = on(resolve(load("okx"), symbol, ms(SINCE), ms(UNTIL), mode=mode), "2026-05-20")
    return record["steps"][: record["n_steps"]]


class TestOkx(VenueChecks):
    venue = "okx"
    rows = {
        (BTC, "2026-05-20", 0): (0, 0.004, 100),
        (BTC, "2026-05-20", 3): (200, 0.0125, 40),
        (ETH, "2021-06-11", 1): (300, 0.005, 100),
        (ETH, "2026-05-20", 1): (500, 0.005, 66.66),
        (SNX, "2026-05-20", 2): (48_000, 0.04, 12.5),
        (BTC_USD, "2026-01-20", 0): (0, 0.004, 100),
        (ETH_USD, "2022-09-30", 0): (0, 0.004, 100),
        (DATED, "2026-05-20", 0): (0, 0.02, 20),
    }
    tables = {
        (BTC, "2026-05-20"): (99, 19_400),
        (SNX, "2026-05-20"): (87, 2_172_000),
        (BTC_USD, "2026-01-20"): (1, 300),
        (ETH_USD, "2022-09-30"): (1, 10),
        (DATED, "2026-05-20"): (1, 40),
    }
    values = {
        ("maintenance.close_fee", "2024-01-01"): "at_mark",
        ("display.isolated", "2024-01-01"): "tick_nearer",
        ("bankruptcy.fee_included", "2024-01-01"): True,
        ("hedge.legs", "2024-01-01"): "joint_tier",
    }
    numbers = {
        (BTC, "2023-01-01", "lot"): 0.01,
        (BTC, "2026-05-01", "lot"): 0.0001,
        (ETH, "2022-09-30", "tick"): 0.01,
        (BTC, "2026-05-01", "taker_fee"): 0.0005,
        (BTC, "2026-05-01", "tier_key"): TierKey.SIZE,
        (BTC_USD, "2026-01-20", "tier_key"): TierKey.SIZE,
        (BTC_USD, "2026-01-20", "tier_rule"): TierRule.FLAT,
        (BTC_USD, "2026-01-20", "inverse"): 1,
        (BTC_USD, "2026-05-01", "lot"): 10,
        (ETH_USD, "2026-05-01", "lot"): 10,
        (ETH_USD, "2022-09-30", "tick"): 0.01,
        (DATED, "2026-05-20", "inverse"): 0,
        (DATED, "2026-05-20", "lot"): 0.0001,
    }
    extrapolated = {
        (BTC, "2022-05-12"): True,
        (ETH, "2021-06-11"): False,
        (ETH, "2021-06-12"): True,
        (BTC, "2026-05-28T12:00"): False,
        (BTC, "2026-05-29"): True,
        (BTC_USD, "2026-01-20T12:00"): False,
        (BTC_USD, "2026-01-21"): True,
        (ETH_USD, "2022-10-01"): True,
    }
    matches = {
        BTC: BTC,
        "BTC/USDC:USDC": BTC,
        "BTC/USD:USD": BTC,
        "BTC": BTC,
        BTC_USD: BTC_USD,
        DATED: DATED,
    }
    unknown_symbol = "DOGE/USDT:USDT"


@pytest.mark.parametrize(
    ("symbol", "contracts", "rate", "initial_rate"),
    [
        (BTC, 740_000, 0.1875, 0.20),
        ("SOL/USDT:USDT", 760_000, 0.20, 0.235),
        (XRP, 730_000, 0.375, 0.41),
        (SNX, 2_172_000, 0.46, 0.50),
        (SNX, 97_000, 0.045, 0.085),
        ("0G/USDT:USDT", 82_000, 0.045, 0.085),
    ],
)
def test_ladders_reach_the_recorded_figures(symbol, contracts, rate, initial_rate):
    book = load("okx")
    record = on(resolved(book, symbol), "2026-05-20")
    size = contracts * book.instrument(symbol).contract_size
    n = int(record["n_tiers"])
    ends = [*record["floor"][1:n], record["cap"]]
    row = next(i for i, end in enumerate(ends) if end == pytest.approx(size))
    assert record["rate"][row] == pytest.approx(rate)
    assert 1 / record["max_leverage"][row] == pytest.approx(initial_rate)


@pytest.mark.parametrize("mode", ["isolated", "cross"])
def test_two_tiers_down_needs_the_third_tier_and_cover_of_the_first(mode):
    step = steps_of(BTC, mode)[-2]
    assert (step["min_tier"], step["amount"], step["covers_first_tier"]) == (3, 2, 1)


@pytest.mark.parametrize("symbol", [BTC, BTC_USD, DATED])
def test_cross_closes_opposite_legs_against_each_other_before_anything_else(symbol):
    assert steps_of(symbol, "cross")["size_kind"].tolist() == [
        StepSize.NET_LEGS,
        StepSize.TIERS_DOWN,
        StepSize.ALL,
    ]
    assert StepSize.NET_LEGS not in steps_of(symbol, "isolated")["size_kind"]


def test_maintenance_of_two_legs_does_not_net():
    assert (resolved(load("okx"), BTC)["legs"] == Legs.JOINT_TIER).all()


def test_a_dated_contract_settles_at_eight_hours_utc():
    assert on(resolved(load("okx"), DATED), "2026-05-20")["expires"] == ms("2026-06-26T08:00")


@pytest.mark.parametrize(("symbol", "contract_size"), [(BTC_USD, 100), (ETH_USD, 10)])
def test_inverse_contracts_have_a_size_in_usd_and_are_settled_in_coin(symbol, contract_size):
    contract = load("okx").instrument(symbol)
    assert (contract.contract_size, contract.settle) == (contract_size, contract.base)
