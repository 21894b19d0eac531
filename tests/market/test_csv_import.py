"""CSV files: plain ones are read as they are, ambiguous ones are asked about."""

import polars as pl
import pytest

from backtest.errors import BacktestError, DataError, UsageError
from backtest.market.importers import Reading, import_csv
from backtest.market.intake import SeriesName
from backtest.market.store import Store

START = 1_704_067_200  # 2024-01-01, in seconds
TRADE = SeriesName("okx", "BTC/USDT:USDT", "trade", "1m")
MARK = SeriesName("okx", "BTC/USDT:USDT", "mark", "1m")
FUNDING = SeriesName("okx", "BTC/USDT:USDT", "funding", "funding")


def candles(times, header="time,open,high,low,close,volume"):
    return "\n".join([header, *(f"{t},100,101,99,100.5,201" for t in times)]) + "\n"


def read(tmp_path, text, of=TRADE, name="data.csv", **reading):
    """The frame that a file becomes."""
    (tmp_path / name).write_text(text)
    given = {"columns": {}, **reading}
    import_csv([tmp_path / name], tmp_path / "store", of, Reading(**given))
    return Store(tmp_path / "store").series(*of).scan().collect()


@pytest.mark.parametrize(("times", "zone"), [
    ([START + 60 * n for n in range(3)], None),
    ([(START + 60 * n) * 1000 for n in range(3)], None),
    ([(START + 60 * n) * 1_000_000 for n in range(3)], None),
    ([(START + 60 * n) * 1_000_000_000 for n in range(3)], None),
    ([f"{START + 60 * n}.0" for n in range(3)], None),
    ([f"2024-01-01T00:0{n}:00Z" for n in range(3)], None),
    ([f"2024-01-01 01:0{n}:00+01:00" for n in range(3)], None),
    ([f"2024-01-01 00:0{n}:00" for n in range(3)], "UTC"),
    ([f"2024-01-01 00:0{n}" for n in range(3)], "UTC"),
    ([f"2023-12-31 19:0{n}:00" for n in range(3)], "America/New_York"),
])  # fmt: skip
def test_times_of_every_form_are_understood(tmp_path, times, zone):
    frame = read(tmp_path, candles(times), volume_unit="base", zone=zone)
    assert frame["ts"].cast(pl.Int64).to_list() == [(START + 60 * n) * 1000 for n in range(3)]
    assert frame.row(0)[1:] == (100.0, 101.0, 99.0, 100.5, 201.0)


def test_volume_in_money_becomes_coin(tmp_path):
    frame = read(tmp_path, candles([START]), volume_unit="quote")
    assert frame["volume"].to_list() == [2.0]


def test_times_of_closes_become_opens(tmp_path):
    ends = [START + 60, START + 120]
    frame = read(tmp_path, candles([t * 1000 - 1 for t in ends]), volume_unit="base", stamp="close")
    assert frame["ts"].cast(pl.Int64).to_list() == [START * 1000, (START + 60) * 1000]
    frame = read(tmp_path, candles(ends), of=MARK, name="b.csv", stamp="close")
    assert frame["ts"].cast(pl.Int64).to_list() == [START * 1000, (START + 60) * 1000]


def test_columns_are_mapped(tmp_path):
    text = candles([START], "when,mid,o,h,l,vol_base").replace("when,mid,o,h,l", "when,O1,H1,L1,C1")
    columns = {"ts": "when", "open": "O1", "high": "H1", "low": "L1", "close": "C1",
               "volume": "vol_base"}  # fmt: skip
    assert read(tmp_path, text, columns=columns, volume_unit="base").height == 1


def test_rates_in_percent_are_turned_into_fractions(tmp_path):
    text = "ts,rate\n" + "".join(f"{START + 28_800 * n},0.01\n" for n in range(3))
    assert read(tmp_path, text, FUNDING, rate_unit="percent")["funding_rate"][0] == 0.0001


@pytest.mark.parametrize(("text", "of", "reading", "said"), [
    (candles([START]), TRADE, {}, "--volume-unit"),
    (candles([START], "a,open,high,low,close,volume"), TRADE, {}, "no column that may be ts"),
    (candles([START], "ts,time,high,low,close,v"), TRADE, {}, "several columns that may be ts"),
    (candles([START + 30]), MARK, {}, "--stamp close"),
    (candles([17]), MARK, {}, "no seconds, ms, us or ns"),
    (candles(["2024-01-01 00:00:00"]), MARK, {}, "--zone"),
    (candles(["2024-01-01 00:00:00"]), MARK, {"zone": "Mars"}, "--zone Mars"),
    (candles(["yesterday"]), MARK, {}, "no known form"),
    (candles([START]), MARK, {"columns": {"opne": "open"}}, "did you mean 'open'"),
    (candles([START]), MARK, {"columns": {"open": "opne"}}, "did you mean 'open'"),
    ("ts,rate\n1704067200,0.01\n", FUNDING, {}, "--rate-unit"),
])  # fmt: skip
def test_what_could_mean_two_things_is_asked(tmp_path, text, of, reading, said):
    with pytest.raises(UsageError, match=said) as caught:
        read(tmp_path, text, of, **reading)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "store").rglob("*.parquet*"))


@pytest.mark.parametrize("text", [
    "", "time,open,high,low,close\n1704067200,1,2\n",
    "time,open,high,low,close\n1704067200,a,2,1,1\n", "time,open,high,low,close\n,1,2,1,1\n",
])  # fmt: skip
def test_a_broken_file_is_one_sentence_and_nothing_is_written(tmp_path, text):
    with pytest.raises(BacktestError) as caught:
        read(tmp_path, text, MARK)
    assert isinstance(caught.value, DataError)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "store").rglob("*.parquet*"))
