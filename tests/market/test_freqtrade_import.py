"""Files as freqtrade keeps them, in every format that it has had."""

import gzip
import json

import polars as pl
import pytest

from backtest.errors import DataError, UsageError
from backtest.market.importers import import_freqtrade
from backtest.market.store import Store

START = 1_704_067_200_000  # 2024-01-01
HOUR = 3_600_000


def rows(count, step=HOUR, first=100.0):
    """[ms, open, high, low, close, volume] of each candle."""
    return [[START + n * step, first + n, first + n + 1, first + n - 1, first + n, 5.0]
            for n in range(count)]  # fmt: skip


def write(folder, name, values):
    """A file in the format that its name says."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if ".json" in name:
        raw = json.dumps(values).encode()
        path.write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
        return path
    columns = ("date", "open", "high", "low", "close", "volume")
    frame = pl.DataFrame(values, schema=columns, orient="row")
    frame = frame.with_columns(pl.col("date").cast(pl.Datetime("ms", "UTC")),
                               pl.col("open").cast(pl.Float64))  # fmt: skip
    if name.endswith("feather"):
        frame.write_ipc(path, compression="lz4")
    else:
        frame.write_parquet(path)
    return path


@pytest.mark.parametrize("ending", ["feather", "parquet", "json", "json.gz"])
def test_candles_marks_and_funding_come_from_every_format(tmp_path, ending):
    folder = tmp_path / "user_data" / "data" / "binance" / "futures"
    write(folder, f"BTC_USDT_USDT-1h-futures.{ending}", rows(20))
    write(folder, f"BTC_USDT_USDT-8h-mark.{ending}", rows(3, 8 * HOUR))
    rates = [[START + n * 8 * HOUR + 5, 0.0001 * n, 0.0, 0.0, 0.0, 0.0] for n in range(3)]
    write(folder, f"BTC_USDT_USDT-8h-funding_rate.{ending}", rates)
    done = import_freqtrade([tmp_path / "user_data"], tmp_path / "store")
    assert done.files == 3
    store = Store(tmp_path / "store")
    trade = store.series("binanceusdm", "BTC/USDT:USDT", "trade", "1h").scan().collect()
    assert trade.height == 20
    assert trade.row(3)[1:] == (103.0, 104.0, 102.0, 103.0, 5.0)
    assert store.series("binanceusdm", "BTC/USDT:USDT", "mark", "8h").rows == 3
    funding = store.series("binanceusdm", "BTC/USDT:USDT", "funding").scan().collect()
    assert funding["funding_rate"].to_list() == pytest.approx([0.0, 0.0001, 0.0002])
    assert funding["ts"].cast(pl.Int64).to_list() == [START + n * 8 * HOUR for n in range(3)]


def test_the_kind_of_market_gives_the_venue(tmp_path):
    write(tmp_path / "binance", "BTC_USDT-1h.feather", rows(3))
    write(tmp_path / "binance" / "futures", "BTC_USD_BTC-1h-futures.feather", rows(3))
    write(tmp_path / "okx" / "futures", "ETH_USDT_USDT-1h-futures.feather", rows(3))
    write(tmp_path / "binance", "BTC_USDT-trades.feather", rows(3))
    done = import_freqtrade([tmp_path], tmp_path / "store")
    assert [(w.of.venue, w.of.symbol, w.of.kind) for w in done.series] == [
        ("binance", "BTC/USDT", "spot"), ("binancecoinm", "BTC/USD:BTC", "trade"),
        ("okx", "ETH/USDT:USDT", "trade"),
    ]  # fmt: skip


def test_a_file_on_its_own_needs_a_venue(tmp_path):
    path = write(tmp_path / "data", "BTC_USDT_USDT-1h-futures.feather", rows(3))
    with pytest.raises(UsageError, match="--venue"):
        import_freqtrade([path], tmp_path / "store")
    (written,) = import_freqtrade([path], tmp_path / "store", venue="bybit").series
    assert written.of.venue == "bybit"


@pytest.mark.parametrize("name", [
    "BTC_USDT_USDT-1h-futures.json", "BTC_USDT_USDT-1h-futures.json.gz",
    "BTC_USDT_USDT-1h-futures.feather", "BTC_USDT_USDT-1h-futures.parquet",
])  # fmt: skip
def test_a_broken_file_is_one_sentence_and_nothing_is_written(tmp_path, name):
    folder = tmp_path / "okx" / "futures"
    write(folder, "AAVE_USDT_USDT-1h-futures.feather", rows(3))
    (folder / name).write_bytes(b"[[1, 2], [3")
    with pytest.raises(DataError, match="cannot be read as freqtrade's") as caught:
        import_freqtrade([tmp_path / "okx"], tmp_path / "store")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "store").rglob("*.parquet*"))


def test_other_names_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(UsageError, match="nothing of freqtrade"):
        import_freqtrade([tmp_path], tmp_path / "store")
    path = write(tmp_path / "okx", "prices.feather", rows(3))
    with pytest.raises(DataError, match="not named as"):
        import_freqtrade([path], tmp_path / "store")
