"""Hyperliquid: 50x of the first years, margin tables since."""

# ruff: noqa: RUF012  (samples are read only)

from backtest.core.types import StepSize
from backtest.venues import load

from .base import VenueChecks, ms, on, resolved

BTC, ETH, SOL, DOGE = (f"{base}/USDC:USDC" for base in ("BTC", "ETH", "SOL", "DOGE"))


class TestHyperliquid(VenueChecks):
    venue = "hyperliquid"
    rows = {
        (BTC, "2023-03-27", 0): (0, 0.01, 50),
        (ETH, "2024-02-22", 0): (0, 0.01, 50),
        (BTC, "2026-01-15", 0): (0, 0.0125, 40),
        (BTC, "2026-01-15", 1): (150e6, 0.025, 20),
        (ETH, "2026-01-15", 1): (100e6, 1 / 30, 15),
        (DOGE, "2026-01-15", 1): (20e6, 0.1, 5),
        ("BLUR/USDC:USDC", "2026-01-15", 0): (0, 1 / 6, 3),
    }
    deductions = {
        (BTC, "2026-01-15", 1): 1_875_000,
        (ETH, "2026-01-15", 1): 4_000_000 / 3,
        (SOL, "2026-01-15", 1): 1_750_000,
        ("XRP/USDC:USDC", "2026-01-15", 1): 1_000_000,
        (DOGE, "2026-01-15", 1): 1_000_000,
        ("OP/USDC:USDC", "2026-01-15", 1): 150_000,
    }
    values = {
        ("trigger.compare", "2024-01-01"): "below",
        ("funding.price", "2024-01-01"): "oracle",
        ("funding.interval_hours", "2024-01-01"): 1,
        ("funding.interval_hours", "2023-05-20"): 8,
        ("display.cross", "2023-03-27"): "frozen_estimate",
        ("display.cross", "2026-06-22"): "exact",
    }
    numbers = {
        (BTC, "2024-01-15", "taker_fee"): 0.00025,
        (BTC, "2025-06-15", "taker_fee"): 0.00045,
        (BTC, "2025-06-15", "lot"): 0.00001,
        (DOGE, "2025-06-15", "lot"): 1,
        (DOGE, "2025-06-15", "tick"): 0.000001,
    }
    extrapolated = {
        (BTC, "2023-03-27"): False,
        (BTC, "2024-08-05"): True,
        (BTC, "2025-10-10"): True,
        (BTC, "2026-01-15"): False,
        (BTC, "2026-08-23"): True,
    }
    matches = {BTC: BTC, "BTC/USDT:USDT": BTC, "DOGE/USDT:USDT": DOGE}
    unknown_symbol = "HIGH/USDT:USDT"


def test_the_process_looks_at_the_backstop_first():
    record = on(resolved(load("hyperliquid"), BTC), "2026-01-15")
    backstop, fifth, rest = record["steps"][:3]
    assert (backstop["min_margin_ratio"], backstop["size_kind"]) == (1.5, StepSize.ALL)
    assert (fifth["amount"], fifth["min_notional"], fifth["wait_ms"]) == (0.2, 100_000, 30_000)
    assert rest["size_kind"] == StepSize.ALL


def test_funding_became_hourly_in_june_2023():
    book = load("hyperliquid")
    assert book.funding_interval_hours(BTC, ms("2023-06-07")) == 8
    assert book.funding_interval_hours(BTC) == 1
