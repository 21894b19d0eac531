"""The store lists what is there and joins files of one series only."""

import hashlib

import polars as pl
import pyarrow.parquet as pq
import pytest

from backtest.errors import DataError, UnknownNameError, UsageError
from backtest.market.layout import folder_of, symbol_of, timeframe_ms
from backtest.market.series import file_hash
from backtest.market.store import Store

HOUR = 3_600_000
START = 1_700_006_400_000
BTC = "BTC/USDT:USDT"


@pytest.mark.parametrize(
    "symbol", ["BTC/USDT:USDT", "BTC/USD:BTC", "BTC/USDT", "BTC/USDT:USDT-261225"]
)
def test_a_symbol_is_found_again_from_its_folder(symbol):
    assert symbol_of(folder_of(symbol)) == symbol


def test_timeframes_are_numbers_with_a_unit():
    assert [timeframe_ms(t) for t in ("1m", "15m", "4h", "1d")] == [
        60_000,
        900_000,
        4 * HOUR,
        24 * HOUR,
    ]
    with pytest.raises(UsageError, match="timeframe '1x'"):
        timeframe_ms("1x")


def test_hidden_names_and_loose_files_are_not_listed(market):
    market.candles(range(3))
    for name in ("_notes", ".git"):
        (market.root / name).mkdir()
    (market.root / "testvenue" / "_events").mkdir()
    (market.root / "loose.parquet").write_bytes(b"")
    (market.root / "testvenue" / "BTC_USDT_USDT" / "trade" / "_old.parquet").write_bytes(b"")
    store = market.store()
    assert store.venues() == ["testvenue"]
    assert store.symbols("testvenue") == [BTC]
    assert store.timeframes("testvenue", BTC, "trade") == ["1h"]


def test_a_venue_without_any_rulebook_lists(market):
    (market.root / "nobodys_venue").mkdir(parents=True)
    assert market.store().venues() == ["nobodys_venue"]
    assert market.store().symbols("nobodys_venue") == []


def test_the_symbol_in_a_files_metadata_wins_over_the_folder_name(market):
    path = market.candles([0, 1], symbol="A_B/USDT")
    assert market.store().symbols("testvenue") == ["A/B:USDT"]
    pl.read_parquet(path).write_parquet(path, metadata={"ccxt_symbol": "A_B/USDT"})
    assert market.store().symbols("testvenue") == ["A_B/USDT"]


def test_a_file_that_says_synthetic_makes_its_series_so(market):
    market.candles([0, 1], name="1h_a")
    path = market.candles([2, 3], name="1h_b")
    assert not market.store().series("testvenue", BTC, "trade", "1h").synthetic
    pl.read_parquet(path).write_parquet(path, metadata={"synthetic": "true"})
    assert market.store().series("testvenue", BTC, "trade", "1h").synthetic


def test_timeframes_are_sorted_by_length_and_windows_belong_to_theirs(market):
    for name in ("1d", "15m", "1h", "1h_2024-01-01_2024-02-01", "5m_x_y"):
        market.candles([0], name=name)
    assert market.store().timeframes("testvenue", BTC, "trade") == ["5m", "15m", "1h", "1d"]


def test_a_series_joins_its_windows_and_no_others(market):
    market.candles([0, 1, 2], name="1h_a_b")
    market.candles([10, 11], name="1h_c_d")
    market.candles([5], name="4h")
    series = market.store().series("testvenue", BTC, "trade", "1h")
    assert [p.stem for p in series.files] == ["1h_a_b", "1h_c_d"]
    assert (series.first, series.last, series.rows) == (START, START + 11 * HOUR, 5)


def test_a_file_that_names_another_symbol_is_not_joined(market):
    path = market.candles([0, 1], name="1h_a")
    astray = market.candles([2, 3], name="1h_b")
    pl.read_parquet(path).write_parquet(path, metadata={"ccxt_symbol": BTC})
    pl.read_parquet(astray).write_parquet(astray, metadata={"ccxt_symbol": "ETH/USDT:USDT"})
    with pytest.raises(DataError, match=r"1h_b\.parquet holds ETH/USDT:USDT by its metadata"):
        market.store().series("testvenue", BTC, "trade", "1h")


def test_overlapping_files_are_cut_where_the_earlier_one_ends(market):
    market.candles([0, 1, 2, 3], name="1h_a", base=100.0)
    market.candles([2, 3, 4, 5], name="1h_b", base=200.0)
    rows = market.store().series("testvenue", BTC, "trade", "1h").scan().collect()
    assert rows["close"].to_list() == [100.0, 101.0, 102.0, 103.0, 204.0, 205.0]
    assert rows["ts"].is_sorted()


def test_a_file_inside_another_is_skipped_and_named(market):
    market.candles([0, 1, 5, 6], name="1h_long")
    inside = market.candles([2, 3], name="1h_short", base=500.0)
    series = market.store().series("testvenue", BTC, "trade", "1h")
    assert series.skipped == (inside,)
    assert series.scan().collect().height == 4


def test_of_files_that_begin_together_the_longest_is_read_first(market):
    market.candles([0, 1], name="1h_a", base=500.0)
    market.candles([0, 1, 2], name="1h_b", base=100.0)
    series = market.store().series("testvenue", BTC, "trade", "1h")
    assert [p.stem for p in series.files] == ["1h_b"]


def test_dates_in_a_name_are_labels_only(market):
    market.candles([0, 1], name="1h_1999-01-01_1999-02-01")
    assert market.store().series("testvenue", BTC, "trade", "1h").first == START


def test_stamps_are_read_where_a_file_has_no_statistics(market):
    path = market.candles([0, 1, 2])
    pl.read_parquet(path).write_parquet(path, statistics=False)
    series = market.store().series("testvenue", BTC, "trade", "1h")
    assert (series.first, series.last) == (START, START + 2 * HOUR)


def test_a_row_group_without_rows_does_not_move_the_span(market):
    path = market.candles([5, 6, 7])
    table = pl.read_parquet(path).to_arrow().cast(pq.read_schema(path))
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table.slice(0, 0))
        writer.write_table(table)
    series = market.store().series("testvenue", BTC, "trade", "1h")
    assert pq.ParquetFile(path).metadata.num_row_groups == 2
    assert (series.first, series.last) == (START + 5 * HOUR, START + 7 * HOUR)


def test_a_file_without_rows_adds_nothing(market):
    market.candles([], name="1h_a")
    full = market.candles([0, 1], name="1h_b")
    assert market.store().series("testvenue", BTC, "trade", "1h").files == [full]


def test_a_series_whose_files_have_no_rows_is_empty_and_not_missing(market):
    candles, funding = market.candles([]), market.funding([0])
    pl.read_parquet(funding).clear().write_parquet(funding)
    with pytest.raises(DataError, match=f"^{candles} is empty: it has columns but no rows; "):
        market.store().series("testvenue", BTC, "trade", "1h")
    with pytest.raises(DataError, match=f"^{funding} is empty"):
        market.store().find("testvenue", BTC, "funding")


def test_hashes_are_those_of_the_files(market):
    path = market.candles([0, 1])
    assert market.store().series("testvenue", BTC, "trade", "1h").files == [path]
    assert file_hash(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_missing_store_says_how_to_name_one(tmp_path):
    with pytest.raises(DataError, match=r"no folder '.*absent'.*--data"):
        Store(tmp_path / "absent")


def test_an_unknown_venue_lists_what_there_is(market):
    market.candles([0])
    with pytest.raises(
        UnknownNameError, match="unknown venue 'testvenu'; did you mean 'testvenue'"
    ):
        market.store().symbols("testvenu")


def test_asking_whether_a_series_is_there_never_raises(market):
    market.candles([0])
    (market.root / "_notes" / "BTC_USDT_USDT").mkdir(parents=True)
    store = market.store()
    assert store.has("testvenue", BTC, "trade", "1h")
    assert not store.has("testvenue", BTC, "mark", "1h")
    assert not store.has("testvenue", "ETH/USDT:USDT", "trade", "1h")
    assert not store.has("_notes", BTC, "trade", "1h")


def test_an_unknown_symbol_suggests_the_ccxt_name(market):
    market.candles([0])
    with pytest.raises(UnknownNameError, match="did you mean 'BTC/USDT:USDT'"):
        market.store().series("testvenue", "BTCUSDT", "trade", "1h")


def test_a_missing_timeframe_names_those_that_exist(market):
    market.candles([0])
    with pytest.raises(DataError, match=r"no 5m trade candles of BTC/USDT:USDT .* trade in 1h"):
        market.store().series("testvenue", BTC, "trade", "5m")


def test_a_missing_kind_names_the_other_kinds(market):
    market.candles([0])
    with pytest.raises(DataError, match=r"no funding of BTC/USDT:USDT .* has only trade 1h"):
        market.store().series("testvenue", BTC, "funding")
    assert market.store().find("testvenue", BTC, "funding") is None


def test_an_unknown_kind_is_refused(market):
    market.candles([0])
    with pytest.raises(UnknownNameError, match="unknown kind of series 'marks'"):
        market.store().timeframes("testvenue", BTC, "marks")
