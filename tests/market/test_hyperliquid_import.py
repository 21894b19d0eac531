"""Days of asset contexts as Hyperliquid's archive has them."""

import pyarrow as pa
import pytest

from backtest.errors import DataError, UsageError
from backtest.market.importers import import_hyperliquid
from backtest.market.store import Store

HEADER = ("time,coin,funding,open_interest,prev_day_px,day_ntl_vlm,premium,oracle_px,mark_px,"
          "mid_px,impact_bid_px,impact_ask_px")  # fmt: skip
BTC = "BTC/USDC:USDC"


def row(time, coin, mark):
    return f"{time},{coin},0.0000125,1,1,1,,{mark - 1},{mark},,,"


def write(folder, day, rows):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{day}.csv.lz4"
    with pa.output_stream(path, compression="lz4") as stream:
        stream.write("\n".join([HEADER, *rows, ""]).encode())
    return path


@pytest.fixture
def days(tmp_path):
    """Two days that meet at midnight, with a minute missing on the second."""
    folder = tmp_path / "asset_ctxs"
    write(
        folder,
        "20251010",
        [
            row(f"2025-10-10T23:5{m}:00Z", coin, base + m)
            for m in (8, 9)
            for coin, base in (("BTC", 100), ("kPEPE", 10))
        ],
    )
    write(folder, "20251011", [row(f"2025-10-11 00:0{m}:00.000", "BTC", 90 + m)
                               for m in (0, 1, 3, 4)])  # fmt: skip
    return folder


def candles(root, kind="mark"):
    rows = Store(root).series("hyperliquid", BTC, kind, "1m").scan().collect().rows()
    return [(f"{ts:%H:%M}", *prices) for ts, *prices in rows]


def test_samples_become_candles_from_one_minute_to_the_next(days, tmp_path):
    done = import_hyperliquid([days], tmp_path / "store")
    assert (done.files, len(done.series)) == (2, 4)
    assert candles(tmp_path / "store") == [
        ("23:58", 108, 109, 108, 109),
        ("23:59", 109, 109, 90, 90),
        ("00:00", 90, 91, 90, 91),
        ("00:01", 91, 91, 91, 91),  # the next minute is missing
        ("00:03", 93, 94, 93, 94),
    ]
    assert candles(tmp_path / "store", "index")[0] == ("23:58", 107, 108, 107, 108)
    assert "kPEPE/USDC:USDC" in Store(tmp_path / "store").symbols("hyperliquid")


def test_some_symbols_only(days, tmp_path):
    import_hyperliquid([days], tmp_path / "store", symbols=[BTC])
    assert Store(tmp_path / "store").symbols("hyperliquid") == [BTC]
    with pytest.raises(UsageError, match="have no DOGE"):
        import_hyperliquid([days], tmp_path / "other", symbols=[BTC, "DOGE/USDC:USDC"])
    assert not list((tmp_path / "other").rglob("*.parquet*"))


def test_a_broken_day_is_one_sentence_and_nothing_is_written(days, tmp_path):
    path = days / "20251012.csv.lz4"
    path.write_bytes((days / "20251010.csv.lz4").read_bytes()[:60])
    with pytest.raises(DataError, match="no day of asset_ctxs") as caught:
        import_hyperliquid([days], tmp_path / "store")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "store").rglob("*.parquet*"))
    with pytest.raises(UsageError, match=r"no \.csv\.lz4"):
        import_hyperliquid([tmp_path / "store"], tmp_path / "store")
