"""OKX: flat tiers in contracts, with regular ladders."""

# ruff: noqa: RUF012  (samples are read only)

import pytest

from backtest.core.types import TierKey
from backtest.venues import load

from .base import VenueChecks, on, resolved

BTC, ETH, XRP, SNX = (f"{base}/USDT:USDT" for base in ("BTC", "ETH", "XRP", "SNX"))


class TestOkx(VenueChecks):
    venue = "okx"
    rows = {
        (BTC, "2026-05-20", 0): (0, 0.004, 100),
        (BTC, "2026-05-20", 3): (200, 0.0125, 40),
        (ETH, "2021-06-11", 1): (300, 0.005, 100),
        (ETH, "2026-05-20", 1): (500, 0.005, 66.66),
        (SNX, "2026-05-20", 2): (48_000, 0.04, 12.5),
    }
    tables = {
        (BTC, "2026-05-20"): (99, 19_400),
        (SNX, "2026-05-20"): (87, 2_172_000),
    }
    values = {
        ("maintenance.close_fee", "2024-01-01"): "at_mark",
        ("display.isolated", "2024-01-01"): "tick_nearer",
        ("bankruptcy.fee_included", "2024-01-01"): True,
    }
    numbers = {
        (BTC, "2023-01-01", "lot"): 0.01,
        (BTC, "2026-05-01", "lot"): 0.0001,
        (ETH, "2022-09-30", "tick"): 0.01,
        (BTC, "2026-05-01", "taker_fee"): 0.0005,
        (BTC, "2026-05-01", "tier_key"): TierKey.SIZE,
    }
    extrapolated = {
        (BTC, "2022-05-12"): True,
        (ETH, "2021-06-11"): False,
        (ETH, "2021-06-12"): True,
        (BTC, "2026-05-28T12:00"): False,
        (BTC, "2026-05-29"): True,
    }
    matches = {BTC: BTC, "BTC/USDC:USDC": BTC}
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


def test_two_tiers_down_needs_the_third_tier_and_cover_of_the_first():
    step = on(resolved(load("okx"), BTC), "2026-05-20")["steps"][1, 0]
    assert (step["min_tier"], step["amount"], step["covers_first_tier"]) == (3, 2, 1)
