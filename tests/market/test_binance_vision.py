"""Zips as data.binance.vision has them, made here with every trait that the real ones have had."""

import hashlib
import io
import zipfile

import numpy as np
import polars as pl
import pytest

from backtest.errors import DataError, UsageError
from backtest.market.importers import import_binance_vision, vision_urls
from backtest.market.store import Store

DAY = 86_400_000
MINUTE = 60_000
JAN = 1_704_067_200_000  # 2024-01-01
HEADER = "open_time,open,high,low,close,volume,close_time,quote_volume,count,tb,tq,ignore"


def candles(first, count, *, step=MINUTE, scale=1, base=100.0):
    """Lines of a kline file; `scale` 1000 for microseconds."""
    lines = []
    for n in range(count):
        price = base + n % 10
        opened = (first + n * step) * scale
        lines.append(f"{opened},{price},{price + 1},{price - 1},{price + 0.5},7,"
                     f"{opened + step * scale - 1},3.5,12,1,1,0")  # fmt: skip
    return lines


def pack(root, path, lines, *, header=False, checksum=True):
    """A zip at a path of the archive, with its checksum beside it."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join([HEADER, *lines] if header else lines) + "\n"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(file.stem + ".csv", text)
    file.write_bytes(content.getvalue())
    if checksum:
        digest = hashlib.sha256(content.getvalue()).hexdigest()
        file.with_name(file.name + ".CHECKSUM").write_text(f"{digest}  {file.name}\n")
    return file


UM = "futures/um/monthly"


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "archive"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


def stamps(series):
    return series.scan().collect()["ts"].cast(pl.Int64).to_list()


def test_months_and_days_with_and_without_header_become_one_series(archive, root):
    pack(archive, f"{UM}/klines/BTCUSDT/1h/BTCUSDT-1h-2024-01.zip",
         candles(JAN, 31 * 24, step=60 * MINUTE), header=True)  # fmt: skip
    feb = JAN + 31 * DAY
    pack(archive, "futures/um/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-02-01.zip",
         candles(feb, 24, step=60 * MINUTE), checksum=False)  # fmt: skip
    done = import_binance_vision([archive], root)
    assert (done.files, done.unchecked) == (2, 1)
    (written,) = done.series
    assert (written.of.venue, written.of.symbol) == ("binanceusdm", "BTC/USDT:USDT")
    assert (written.added, written.known) == (768, 0)
    series = Store(root).series("binanceusdm", "BTC/USDT:USDT", "trade", "1h")
    assert stamps(series) == [JAN + n * 60 * MINUTE for n in range(768)]
    frame = series.scan().collect()
    assert frame.row(1)[1:] == (101.0, 102.0, 100.0, 101.5, 7.0)


def test_kinds_come_from_their_folders(archive, root):
    for word in ("klines", "markPriceKlines", "indexPriceKlines"):
        pack(archive, f"{UM}/{word}/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip", candles(JAN, 10))
    import_binance_vision([archive], root)
    store = Store(root)
    for kind in ("trade", "mark", "index"):
        assert store.series("binanceusdm", "BTC/USDT:USDT", kind, "1m").rows == 10


def test_funding_is_rounded_to_its_hour(archive, root):
    lines = [f"{JAN + n * 8 * 3_600_000 + n},8,0.000{n}" for n in range(3)]
    pack(archive, f"{UM}/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2024-01.zip",
         ["calc_time,funding_interval_hours,last_funding_rate", *lines])  # fmt: skip
    import_binance_vision([archive], root)
    series = Store(root).series("binanceusdm", "BTC/USDT:USDT", "funding")
    assert stamps(series) == [JAN + n * 8 * 3_600_000 for n in range(3)]
    assert series.scan().collect()["funding_rate"].to_list() == [0.0, 0.0001, 0.0002]


def test_microseconds_of_spot_are_read(archive, root):
    first = 1_735_689_600_000  # 2025-01-01
    pack(archive, "spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2025-01.zip",
         candles(first, 5, scale=1000))  # fmt: skip
    import_binance_vision([archive], root)
    assert stamps(Store(root).series("binance", "BTC/USDT", "spot", "1m"))[0] == first


def test_volume_of_coin_margined_contracts_is_in_coin(archive, root):
    pack(archive, "futures/cm/monthly/klines/BTCUSD_PERP/1m/BTCUSD_PERP-1m-2024-01.zip",
         candles(JAN, 5))  # fmt: skip
    pack(archive, "futures/cm/monthly/klines/BTCUSD_240329/1m/BTCUSD_240329-1m-2024-01.zip",
         candles(JAN, 5))  # fmt: skip
    import_binance_vision([archive], root)
    store = Store(root)
    assert store.symbols("binancecoinm") == ["BTC/USD:BTC", "BTC/USD:BTC-240329"]
    frame = store.series("binancecoinm", "BTC/USD:BTC", "trade", "1m").scan().collect()
    assert set(frame["volume"]) == {3.5}


def test_files_of_years_are_kept_apart_and_joined(archive, root):
    december = 1_701_388_800_000
    for when, first, count in (("2023-12", december, 31), ("2024-01", JAN, 31)):
        pack(archive, f"{UM}/klines/ETHUSDT/1d/ETHUSDT-1d-{when}.zip",
             candles(first, count, step=DAY))  # fmt: skip
    import_binance_vision([archive], root)
    folder = root / "binanceusdm" / "ETH_USDT_USDT" / "trade"
    assert sorted(p.name for p in folder.iterdir()) == [
        "1d_2023-01-01_2024-01-01.parquet", "1d_2024-01-01_2025-01-01.parquet",
    ]  # fmt: skip
    assert Store(root).series("binanceusdm", "ETH/USDT:USDT", "trade", "1d").rows == 62


def test_a_second_import_adds_only_what_is_new_and_keeps_what_was_there(archive, root):
    path = pack(archive, f"{UM}/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip", candles(JAN, 10))
    import_binance_vision([path], root)
    pack(archive, f"{UM}/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip", candles(JAN, 20, base=200.0))
    (written,) = import_binance_vision([path], root).series
    assert (written.added, written.known, written.differing) == (10, 10, 10)
    frame = Store(root).series("binanceusdm", "BTC/USDT:USDT", "trade", "1m").scan().collect()
    assert frame["open"].to_list()[9:11] == [109.0, 200.0]
    before = {p: p.read_bytes() for p in root.rglob("*.parquet")}
    (again,) = import_binance_vision([path], root).series
    assert (again.added, again.known) == (0, 20)
    assert {p: p.read_bytes() for p in root.rglob("*.parquet")} == before


def test_files_say_where_they_are_from(archive, root):
    path = pack(archive, f"{UM}/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip", candles(JAN, 10))
    import_binance_vision([path], root)
    (file,) = root.rglob("*.parquet")
    notes = pl.read_parquet_metadata(file)
    assert notes["source"] == "data.binance.vision"
    assert notes["ccxt_symbol"] == "BTC/USDT:USDT"
    assert len(notes["sha256"]) == 64
    assert np.datetime64(notes["fetched"].removesuffix("Z")) > np.datetime64("2024-01-01")


def broken_checksum(archive):
    path = pack(archive, f"{UM}/klines/BTCUSDT/1m/BTCUSDT-1m-2024-02.zip", candles(JAN, 3))
    path.with_name(path.name + ".CHECKSUM").write_text("00ff  x.zip\n")
    return "SHA-256"


def corrupt_member(archive):
    path = pack(archive, f"{UM}/klines/BTCUSDT/1m/BTCUSDT-1m-2024-02.zip",
                candles(JAN + 31 * DAY, 500), checksum=False)  # fmt: skip
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    return "corrupt|no whole zip"


def cut_off(archive):
    path = pack(archive, f"{UM}/klines/BTCUSDT/1m/BTCUSDT-1m-2024-02.zip",
                candles(JAN + 31 * DAY, 500), checksum=False)  # fmt: skip
    path.write_bytes(path.read_bytes()[:200])
    return "no whole zip"


def other_month(archive):
    pack(archive, f"{UM}/klines/BTCUSDT/1m/BTCUSDT-1m-2024-02.zip", candles(JAN, 3))
    return "do not belong together"


def other_rows(archive):
    pack(archive, f"{UM}/klines/BTCUSDT/1m/BTCUSDT-1m-2024-02.zip", ["1,2,3", "4,5,6"])
    return "another form"


def other_name(archive):
    pack(archive, f"{UM}/klines/BTCUSDT/1m/january.zip", candles(JAN, 3))
    return "not named as"


@pytest.mark.parametrize("fault", [
    broken_checksum, corrupt_member, cut_off, other_month, other_rows, other_name,
])  # fmt: skip
def test_a_broken_archive_leaves_the_store_as_it_was(archive, root, fault):
    path = pack(archive, f"{UM}/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip", candles(JAN, 10))
    import_binance_vision([path], root)
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    pack(archive, f"{UM}/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip", candles(JAN, 20))
    said = fault(archive)
    with pytest.raises(DataError, match=said) as caught:
        import_binance_vision([archive], root)
    assert "\n" not in str(caught.value)
    assert {p: p.read_bytes() for p in root.rglob("*") if p.is_file()} == before


def test_files_outside_of_the_folders_need_to_be_told(archive, root):
    path = pack(archive, "BTCUSDT-1m-2024-01.zip", candles(JAN, 10))
    with pytest.raises(UsageError, match="--market"):
        import_binance_vision([path], root)
    with pytest.raises(UsageError, match="--kind"):
        import_binance_vision([path], root, market="um")
    (written,) = import_binance_vision([path], root, market="um", kind="mark").series
    assert written.of.kind == "mark"


def test_addresses_are_months_and_the_days_of_the_last_one():
    found = vision_urls("BTC/USDT:USDT", ["mark", "funding"], "1m", JAN, JAN + 33 * DAY)
    place = "https://data.binance.vision/data/futures/um"
    assert found == [
        f"{place}/monthly/markPriceKlines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip",
        f"{place}/daily/markPriceKlines/BTCUSDT/1m/BTCUSDT-1m-2024-02-01.zip",
        f"{place}/daily/markPriceKlines/BTCUSDT/1m/BTCUSDT-1m-2024-02-02.zip",
        f"{place}/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2024-01.zip",
        f"{place}/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2024-02.zip",
    ]
    (coin,) = vision_urls("BTC/USD:BTC", ["trade"], "1h", JAN, JAN + 31 * DAY)
    assert coin.endswith("/cm/monthly/klines/BTCUSD_PERP/1h/BTCUSD_PERP-1h-2024-01.zip")
