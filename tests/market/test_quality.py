"""Faults planted in a small store, each found by its check and by no other."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from backtest.errors import UnknownNameError
from backtest.market.quality import CHECKS, Limits, check_store, frame_of

from .conftest import HOUR, SYMBOL, hours

DAYS = list(range(480))
WAVE = 100.0 + 5.0 * np.sin(np.arange(480) / 7.0)


def found(market, **given):
    """(check, hour it starts, rows) of every finding."""
    report = check_store(market.store(), **given)
    start = hours(0)[0]
    return [(f.check, (f.start - start) / HOUR, f.count) for f in report.findings]


def checks(market, **given):
    return {check for check, _, _ in found(market, **given)}


def altered(hour, **values):
    """Whole columns as the builder makes them, but for one hour."""
    close = 100.0 + np.array(DAYS, float)
    columns = {"open": close - 0.5, "high": close + 1.0, "low": close - 1.0, "close": close}
    columns["volume"] = np.full(len(DAYS), 10.0)
    for name, value in values.items():
        columns[name][hour] = value
    return {name: pl.Series(column) for name, column in columns.items()}


def test_whole_series_have_nothing_to_find(market):
    market.candles(DAYS)
    market.candles(DAYS, "mark", base=100.2)
    market.funding([h for h in DAYS if h % 8 == 0])
    assert found(market) == []


@pytest.mark.parametrize(("values", "check"), [
    ({"low": 0.0}, "price"),
    ({"open": -1.0, "low": -2.0}, "price"),
    ({"close": np.nan}, "price"),
    ({"high": np.inf}, "price"),
    ({"high": 100.0}, "ohlc"),
    ({"low": 119.9}, "ohlc"),
    ({"volume": -1.0}, "volume"),
    ({"volume": np.nan}, "volume"),
])  # fmt: skip
def test_a_candle_that_cannot_be_is_found(market, values, check):
    market.candles(DAYS, **altered(20, **values))
    assert found(market) == [(check, 20.0, 1)]


def test_holes_are_found_with_the_bars_they_lack(market):
    market.candles([h for h in DAYS if h not in (7, 100, 101, 102)])
    assert found(market) == [("gap", 7.0, 1), ("gap", 100.0, 3)]


def test_stamps_out_of_order_twice_and_off_the_grid_are_found(market):
    market.candles([0, 1, 3, 2, 4, 4, 5, 6.5])
    assert {"unsorted", "duplicate", "off grid"} <= checks(market)


def test_a_price_that_stands_still_without_volume_is_found(market):
    flat = {name: np.where(np.isin(DAYS, range(40, 50)), 140.0, 100.0 + np.array(DAYS))
            for name in ("open", "high", "low", "close")}  # fmt: skip
    columns = {name: pl.Series(column) for name, column in flat.items()}
    volume = pl.Series(np.where(np.isin(DAYS, range(40, 50)), 0.0, 10.0))
    market.candles(DAYS, **columns, volume=volume)
    assert found(market) == [("stale", 40.0, 10)]
    assert found(market, limits=Limits(stale_ms=11 * HOUR)) == []


def test_a_flat_candle_with_volume_is_a_quiet_market(market):
    market.candles(DAYS, **{name: pl.lit(140.0) for name in ("open", "high", "low", "close")})
    assert found(market) == []


def test_volume_in_another_unit_is_found(market):
    volume = np.where(np.arange(480) < 240, 12.0, 12.0 * 100.0)
    market.candles(DAYS, volume=pl.Series(volume))
    assert found(market) == [("volume jump", 240.0, 1)]


def test_a_busy_day_is_no_other_unit(market):
    volume = np.where(np.isin(np.arange(480) // 24, (5,)), 12.0 * 40.0, 12.0)
    market.candles(DAYS, volume=pl.Series(volume))
    assert found(market) == []


def test_a_wick_that_the_mark_does_not_have_is_found(market):
    market.candles(DAYS, **altered(200, low=270.0))
    market.candles(DAYS, "mark", base=100.2)
    ((check, hour, count),) = found(market)
    assert (check, hour, count) == ("mark", 200.0, 1)
    (finding,) = check_store(market.store()).findings
    # the mark's low is 100.2 + 200 − 1
    assert finding.worst == pytest.approx(1 - 270.0 / 299.2)
    assert found(market, limits=Limits(band=0.1)) == []


def test_a_mark_that_was_copied_from_trade_is_found(market):
    market.candles(DAYS)
    market.candles(DAYS, "mark")
    assert found(market) == [("copy", 0.0, 480)]


def test_spot_candles_in_the_place_of_a_perpetual_are_found(market):
    market.candles(DAYS)
    market.candles(DAYS, "spot", symbol="BTC/USDT", volume=pl.lit(10.0))
    assert found(market) == [("spot", 0.0, 480)]


def test_a_perpetual_beside_spot_is_no_copy(market):
    market.candles(DAYS, base=100.1)
    market.candles(DAYS, "spot", symbol="BTC/USDT", volume=pl.lit(10.0))
    assert found(market) == []


def quarters(change=None):
    """Four quarters of every hour that make up what the builder writes."""
    close = np.repeat(100.0 + np.array(DAYS, float), 4)
    frame = {"open": close - 0.5, "high": close + 1.0, "low": close - 1.0, "close": close}
    frame["volume"] = np.full(len(close), 2.5)
    for name, (row, value) in (change or {}).items():
        frame[name][row] = value
    return {name: pl.Series(column) for name, column in frame.items()}


@pytest.mark.parametrize(("change", "expected"), [
    (None, []),
    ({"low": (81, 100.0)}, [("fine", 20.0, 1)]),
    ({"close": (83, 120.5)}, [("fine", 20.0, 1)]),
    ({"close": (82, 120.5)}, []),
    ({"volume": (82, 5.0)}, [("volume fine", 20.0, 1)]),
])  # fmt: skip
def test_finer_candles_must_make_up_the_hour(market, change, expected):
    market.candles(DAYS)
    market.candles([q / 4 for q in range(1920)], name="15m", **quarters(change))
    assert found(market) == expected


def test_an_hour_without_all_of_its_quarters_is_not_judged(market):
    market.candles(DAYS)
    rows = [q for q in range(1920) if q != 80]
    columns = {n: c.gather(rows) for n, c in quarters({"low": (81, 100.0)}).items()}
    market.candles([q / 4 for q in rows], name="15m", **columns)
    assert found(market) == [("gap", 20.0, 1)]


def test_files_that_overlap_must_agree(market):
    market.candles(DAYS[:300], name="1h_a")
    market.candles(DAYS[200:], name="1h_b")
    assert found(market) == []
    market.candles(DAYS[200:], name="1h_b", base=100.01)
    assert found(market) == [("overlap", 200.0, 100)]


def test_a_hole_between_files_is_a_note(market):
    market.candles(DAYS[:200], name="1h_a")
    market.candles(DAYS[300:], name="1h_b")
    assert found(market) == [("split", 200.0, 100)]
    assert CHECKS["split"].level == "note"


def test_missing_settlements_are_counted_by_the_interval_around_them(market):
    every_8 = list(range(0, 240, 8))
    every_4 = list(range(240, 480, 4))
    kept = [h for h in every_8 + every_4 if h not in (80, 88, 400)]
    market.funding(kept)
    # the first step of 4 hours begins at 240
    assert found(market) == [("funding gap", 80.0, 2), ("funding gap", 400.0, 1),
                             ("interval", 240.0, 1)]  # fmt: skip


def test_settlements_off_the_hour_and_rates_in_percent_are_found(market):
    market.funding([0, 8, 16.25, 24, 32], [1e-4, 1e-4, 1e-4, 1e-4, 1.5])
    assert {("off grid", 16.25, 1), ("rate", 32.0, 1)} <= set(found(market))


def test_a_file_that_cannot_be_read_is_a_finding_and_the_others_are_looked_at(market):
    market.candles(DAYS[:10], name="1h_a").write_bytes(b"PAR1 no more")
    market.candles([20, 22], name="1h_b")
    assert {check for check, _, _ in found(market)} == {"unreadable", "gap"}


def test_a_file_of_another_symbol_is_found(market):
    path = market.candles(DAYS)
    frame = pl.read_parquet(path)
    frame.write_parquet(path, metadata={"ccxt_symbol": "ETH/USDT:USDT"})
    assert found(market) == [("name", 0.0, 480)]


def test_symbols_that_are_not_there_are_refused(market):
    market.candles(DAYS)
    with pytest.raises(UnknownNameError, match="did you mean"):
        check_store(market.store(), symbols=["BTC/USDT:USD"])
    with pytest.raises(UnknownNameError, match="venue"):
        check_store(market.store(), venues=["nowhere"])


def test_the_frame_has_times_and_levels(market):
    market.candles([h for h in DAYS if h != 7])
    frame = frame_of(check_store(market.store()).findings)
    assert frame.select("level", "symbol", "check", "count").rows() == [
        ("warning", SYMBOL, "gap", 1)
    ]
    assert frame["start"].dtype == pl.Datetime("ms", "UTC")


def test_the_page_of_data_lists_every_check_with_its_level():
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| ")]
    said = {name.strip(): level.strip() for name, level in rows}
    assert {name: said.get(name) for name in CHECKS} == {n: c.level for n, c in CHECKS.items()}
