"""Every way a file can be wrong ends in one sentence with file, row, value and remedy."""

import polars as pl
import pytest

from backtest.errors import DataError
from tests.market.conftest import hours

BTC = "BTC/USDT:USDT"


def drained(market):
    for _ in market.stream().blocks():
        pass


def broken(market, match):
    return pytest.raises(DataError, match=match)


def changed(column, row, value, rows=6):
    values = {"open": 99.5, "high": 101.0, "low": 99.0, "close": 100.0}
    return {column: pl.Series([value if i == row else values[column] for i in range(rows)])}


def flat(market, column, row, value):
    base = {
        c: pl.lit(v) for c, v in (("open", 99.5), ("high", 101.0), ("low", 99.0), ("close", 100.0))
    }
    return market.candles(range(6), **(base | changed(column, row, value)))


def test_a_file_that_is_no_parquet_is_named(market):
    path = market.candles([0])
    path.write_bytes(b"not parquet at all")
    with broken(market, r"1h\.parquet cannot be read as Parquet .*; write or fetch it again"):
        drained(market)


def test_a_file_cut_short_after_it_was_listed_is_named(market):
    path = market.candles(range(100))
    stream = market.stream()
    path.write_bytes(path.read_bytes()[:200])
    with broken(market, "cannot be read as Parquet"):
        list(stream.blocks())


def test_a_file_with_scrambled_pages_is_named(market):
    path = market.candles(range(100))
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 100 + content[104:])
    with broken(market, r"1h\.parquet cannot be read as Parquet .*; write or fetch it again"):
        drained(market)


def test_stamps_in_another_unit_are_named(market):
    path = market.candles([0, 1])
    times = pl.col("ts").cast(pl.Int64)
    frame = pl.read_parquet(path)
    micro = (times * 1000).cast(pl.Datetime("ms", "UTC"))
    frame.with_columns(ts=micro).write_parquet(path)
    with broken(
        market, r"1h\.parquet has stamps from .* beyond any .*; check that ts counts milli"
    ):
        drained(market)
    early = (times - 2_000_000_000_000).cast(pl.Datetime("ms", "UTC"))
    frame.with_columns(ts=early).write_parquet(path)
    with broken(market, r"1h\.parquet has stamps from 1960-06-29 20:26:40 UTC to 1960"):
        drained(market)


def test_a_missing_column_is_named_with_those_there(market):
    path = market.candles([0, 1])
    pl.read_parquet(path).drop("high").write_parquet(path)
    with broken(market, r"has no column 'high' \(it has ts, open, low, close, volume\)"):
        drained(market)


@pytest.mark.parametrize(
    ("column", "wrong", "found", "expected"),
    [
        ("close", pl.Float32, "float", "double"),
        ("open", pl.String, "string", "double"),
        ("ts", pl.Datetime("ms"), r"timestamp\[ms\]", r"timestamp\[ms, tz=UTC\]"),
        ("ts", pl.Datetime("us", "UTC"), r"timestamp\[us, tz=UTC\]", r"timestamp\[ms, tz=UTC\]"),
    ],
)
def test_a_column_of_the_wrong_type_is_named(market, column, wrong, found, expected):
    path = market.candles([0, 1])
    frame = pl.read_parquet(path)
    if column == "ts" and wrong == pl.Datetime("ms"):
        frame = frame.with_columns(pl.col("ts").dt.replace_time_zone(None))
    else:
        frame = frame.with_columns(pl.col(column).cast(wrong))
    frame.write_parquet(path)
    with broken(market, rf"column '{column}' of .* is {'.*'}{found}, expected {expected}"):
        drained(market)


def test_an_empty_cell_is_named_with_its_row(market):
    flat(market, "close", 4, None)
    with broken(market, r"row 4: close is empty"):
        drained(market)


def test_a_file_whose_stamps_are_all_empty_is_named(market):
    path = market.candles([0, 1])
    empty = pl.lit(None, dtype=pl.Datetime("ms", "UTC"))
    pl.read_parquet(path).with_columns(ts=empty).write_parquet(path)
    with broken(market, r"1h\.parquet row group 0: every ts is empty; write the file again"):
        drained(market)


def test_unsorted_stamps_name_the_row_and_the_time(market):
    market.candles([0, 1, 3, 2])
    with broken(market, r"row 3 \(2023-11-15 02:00 UTC\).*after 2023-11-15 03:00 UTC.*sort"):
        drained(market)


def test_a_stamp_that_occurs_twice_is_named(market):
    market.candles([0, 1, 1, 2])
    with broken(market, r"row 2 \(2023-11-15 01:00 UTC\): the stamp occurs twice"):
        drained(market)


def test_order_is_checked_across_row_groups(market):
    path = market.candles([0, 1, 2, 3, 3, 4])
    pl.read_parquet(path).write_parquet(path, row_group_size=4)
    with broken(market, r"row 4 \(2023-11-15 03:00 UTC\): the stamp occurs twice"):
        drained(market)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_order_is_checked_across_batches(market, monkeypatch, rows):
    monkeypatch.setattr("backtest.market.stream.LEAST_BATCH_ROWS", rows)
    market.candles([0, 1, 2, 3, 4, 5, 5, 6])
    with broken(market, r"row 6 \(2023-11-15 05:00 UTC\): the stamp occurs twice"):
        list(market.stream(block_bars=rows).blocks())


def test_row_groups_out_of_order_are_refused_even_where_only_the_outer_ones_are_asked_for(market):
    path = market.candles([0, 1, 90, 91, 2, 3])
    pl.read_parquet(path).write_parquet(path, row_group_size=2)
    with broken(market, r"row 4 \(2023-11-15 02:00 UTC\).*sort the file by ts"):
        list(market.stream(until_ms=hours(10)[0]).blocks())


def test_a_bar_off_the_grid_of_its_timeframe_is_named(market):
    market.candles([0, 1.5, 2.5])
    with broken(market, r"row 1 \(2023-11-15 01:30 UTC\): the bar's open is not a multiple"):
        drained(market)


@pytest.mark.parametrize("kind", ["trade", "mark"])
def test_a_price_that_is_not_a_number_is_named(market, kind):
    market.candles(range(6))
    market.candles(
        range(6), kind, close=pl.Series([100.0, 101.0, float("nan"), 103.0, 104.0, 105.0])
    )
    with broken(market, rf"{kind}.*row 2 \(2023-11-15 02:00 UTC\): close nan is not a positive"):
        drained(market)


@pytest.mark.parametrize("value", [-99.0, 0.0, float("inf")])
def test_a_price_that_is_not_positive_and_finite_is_named(market, value):
    flat(market, "low", 3, value)
    with broken(market, rf"row 3 .*low {value} is not a positive finite price; mend or remove"):
        drained(market)


def test_an_infinite_high_is_named(market):
    flat(market, "high", 2, float("inf"))
    with broken(market, r"row 2 .*high inf is not a positive finite price"):
        drained(market)


def test_a_high_below_the_low_is_named(market):
    flat(market, "high", 5, 98.0)
    with broken(market, r"row 5 \(2023-11-15 05:00 UTC\): high 98.0 is below low 99.0"):
        drained(market)


@pytest.mark.parametrize("column", ["open", "close"])
@pytest.mark.parametrize("value", [101.5, 98.5])
def test_a_price_outside_the_range_of_its_bar_is_named(market, column, value):
    flat(market, column, 1, value)
    with broken(market, rf"row 1 .*{column} {value} lies outside low 99.0 to high 101.0"):
        drained(market)


def test_a_volume_is_checked_only_where_it_is_read(market):
    market.candles(range(3), volume=pl.Series([1.0, -2.0, 3.0]))
    drained(market)
    with broken(market, r"row 1 .*volume -2.0 is not a finite number of at least 0"):
        list(market.stream(volume=True).blocks())


def test_funding_off_the_hour_is_named(market):
    market.candles(range(20))
    market.funding([0, 8.25, 16])
    with broken(market, r"funding.parquet row 1 \(2023-11-15 08:15 UTC\).*not on a whole hour"):
        drained(market)


def test_a_funding_rate_that_is_not_a_number_is_named(market):
    market.candles(range(20))
    market.funding([0, 8, 16], [0.0001, float("nan"), 0.0001])
    with broken(market, r"row 1 .*funding_rate nan is not a finite number"):
        drained(market)


def test_a_settlement_that_occurs_twice_is_named(market):
    market.candles(range(20))
    market.funding([0, 8, 8])
    with broken(market, r"row 2 .*the stamp occurs twice"):
        drained(market)


@pytest.mark.parametrize("rate", [1.0, -5.0])
def test_a_funding_rate_in_percent_is_named(market, rate):
    market.candles(range(20))
    market.funding([0, 8, 16], [0.0001, rate, 0.0001])
    with broken(market, rf"row 1 .*funding_rate {rate} is no fraction .*write 0.0001 for 0.01 %"):
        drained(market)
