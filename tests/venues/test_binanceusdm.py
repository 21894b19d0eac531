"""Binance USD-M: figures of the rulebook's sources, and the whole bracket history."""

# ruff: noqa: RUF012  (samples are read only)

import numpy as np
import pytest

from backtest.venues import load

from .base import VenueChecks, ms, on, resolved

BTC, ETH, SOL, HIGH, ALGO, ZEC = (
    f"{base}/USDT:USDT" for base in ("BTC", "ETH", "SOL", "HIGH", "ALGO", "ZEC")
)


class TestBinance(VenueChecks):
    venue = "binanceusdm"
    rows = {
        (BTC, "2020-09-01", 1): (50_000, 0.005, 100),
        (BTC, "2021-06-01", 3): (1_000_000, 0.025, 20),
        (BTC, "2022-03-01", 4): (7_500_000, 0.05, 10),
        (BTC, "2022-06-01", 4): (10_000_000, 0.05, 10),
        (BTC, "2022-12-01", 2): (250_000, 0.01, 25),
        (BTC, "2023-03-01", 2): (250_000, 0.01, 50),
        (BTC, "2026-09-01", 0): (0, 0.004, 150),
        (BTC, "2026-09-01", 11): (1_200_000_000, 0.5, 1),
        (ETH, "2022-03-01", 1): (10_000, 0.0065, 75),
        (SOL, "2022-11-01", 0): (0, 0.01, 50),
        (SOL, "2022-12-01", 0): (0, 0.02, 12),
        (SOL, "2022-12-01", 1): (150_000, 0.025, 11),
        (SOL, "2023-02-01", 0): (0, 0.02, 20),
        (SOL, "2023-02-17", 0): (0, 0.01, 50),
        (SOL, "2023-02-17", 1): (50_000, 0.02, 20),
        (ZEC, "2026-09-29T18:00", 8): (25_000_000, 0.5, 1),
        (HIGH, "2026-09-01", 3): (70_000, 0.1667, 3),
    }
    deductions = {
        (BTC, "2020-09-01", 2): 1300,
        (BTC, "2021-06-01", 3): 16_300,
        (BTC, "2026-09-01", 4): 132_000,
        (BTC, "2026-09-01", 11): 421_482_000,
        (HIGH, "2026-09-01", 5): 150_744,
    }
    tables = {
        (BTC, "2021-06-01"): (4, 3_500_000),
        (BTC, "2026-09-01"): (12, 1_800_000_000),
        (HIGH, "2026-09-01"): (6, 800_000),
    }
    values = {
        ("maintenance.valued_at", "2024-01-01"): "mark",
        ("trigger.compare", "2024-01-01"): "at_or_below",
        ("funding.from", "2024-01-01"): "margin",
        ("hedge.legs", "2024-01-01"): "separate",
    }
    numbers = {
        (BTC, "2022-06-04", "taker_fee"): 0.0004,
        (BTC, "2024-06-04", "taker_fee"): 0.0005,
        (BTC, "2021-06-04", "clearance_fee"): 0.015,
        (BTC, "2024-06-04", "clearance_fee"): 0.0125,
        (ETH, "2025-08-07", "clearance_fee"): 0.0125,
        (ALGO, "2025-08-07", "clearance_fee"): 0.015,
        (ZEC, "2025-08-07", "clearance_fee"): 0.025,
        (BTC, "2024-06-04", "min_notional"): 100,
        (BTC, "2021-06-04", "tick"): 0.01,
        (BTC, "2024-06-04", "tick"): 0.1,
        (SOL, "2024-06-04", "lot"): 1,
        (SOL, "2025-06-04", "lot"): 0.01,
    }
    extrapolated = {
        (BTC, "2020-03-12"): True,
        (BTC, "2021-05-19"): False,
        (ETH, "2021-05-19"): True,
        (ETH, "2022-05-12"): False,
        (BTC, "2026-09-29T23:59"): False,
        (BTC, "2026-09-30"): True,
        # a table newer than the last look at the rules is known on its own day
        (ZEC, "2026-09-30T17:00"): False,
        (ZEC, "2026-09-30T18:00"): True,
    }
    matches = {
        BTC: BTC,
        "BTC/USDC:USDC": "BTC/USDC:USDC",
        "ETH/USDC:USDC": ETH,
    }


def test_the_smart_reduction_waits_for_the_second_tier():
    step = on(resolved(load("binanceusdm"), BTC), "2024-01-01")["steps"][0]
    assert (step["min_tier"], step["amount"], step["fee_to_fund"]) == (2, 0.9, 1)


@pytest.mark.market_data
def test_every_table_equals_the_recorded_bracket_history(market_data):
    import polars as pl

    history = pl.read_parquet(market_data / "binance-tier-history.parquet")
    book = load("binanceusdm")
    for symbol in book.symbols():
        rules = resolved(book, symbol)
        mine = history.filter(pl.col("symbol") == symbol)
        starts = mine["valid_from"].unique().sort()
        tables = [t for t in book.tiers[symbol] if t.complete]
        assert [t.valid_from for t in tables] == starts.cast(pl.Int64).to_list()
        for start, table in zip(starts, tables, strict=True):
            rows = mine.filter(pl.col("valid_from") == start).sort("tier")
            record = on(rules, start.replace(tzinfo=None).isoformat())
            n = int(record["n_tiers"])
            assert n == len(rows)
            for field, column in (
                ("floor", "min_notional"),
                ("rate", "maintenance_margin_rate"),
                ("max_leverage", "max_leverage"),
            ):
                assert np.array_equal(record[field][:n], rows[column].to_numpy())
            amounts = rows["maintenance_amount"].to_list()
            assert record["deduction"][:n].tolist() == pytest.approx(amounts, rel=1e-6)
            assert table.cap == rows["max_notional"][-1]


def test_the_last_table_still_held_in_the_last_snapshot():
    table = load("binanceusdm").tiers["XRP/USDT:USDT"][-1]
    assert table.floors == (
        0, 40_000, 80_000, 150_000, 400_000, 1e6, 2e6, 10e6, 20e6, 25e6, 50e6,
    )  # fmt: skip
    assert table.valid_from < ms("2026-09-29")
