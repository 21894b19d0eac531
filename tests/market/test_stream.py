"""Symbols of any spans come as aligned blocks that say which candles are real."""

import math
from dataclasses import replace

import polars as pl
import pytest

from backtest.core.types import (
    HAS_MARK,
    HAS_TRADE,
    MARK_IS_PROXY,
    MARK_LOW,
    N_FIELDS,
    OPEN,
    VOLUME,
)
from backtest.errors import DataError, UsageError
from backtest.market.stream import Stream
from tests.market.conftest import HOUR, SYMBOL, hours
from tests.market.streams import at_hours, closes, drained, flagged, mark_closes, same_bytes

ETH = "ETH/USDT:USDT"
SOL = "SOL/USDT:USDT"


def test_trade_and_mark_stand_side_by_side(market):
    market.candles(range(4), base=100.0)
    market.candles(range(4), "mark", base=200.0)
    market.funding([0])
    block = drained(market.stream())
    assert block.prices.shape == (N_FIELDS, 1, 4)
    assert closes(block) == [100.0, 101.0, 102.0, 103.0]
    assert mark_closes(block) == [200.0, 201.0, 202.0, 203.0]
    assert (block.prices[OPEN, 0, 1], block.prices[MARK_LOW, 0, 1]) == (100.5, 200.0)
    assert block.flags[0].tolist() == [HAS_TRADE | HAS_MARK] * 4


def test_columns_are_found_by_name_in_any_order(market):
    path = market.candles(range(3))
    frame = pl.read_parquet(path)
    frame.select("volume", "close", "low", "ts", "high", "open").write_parquet(path)
    assert closes(drained(market.stream(volume=True))) == [100.0, 101.0, 102.0]


def test_trade_stands_in_where_one_mark_candle_is_missing(market):
    market.candles(range(4), base=100.0)
    market.candles([0, 1, 3], "mark", base=200.0)
    block = drained(market.stream())
    assert mark_closes(block) == [200.0, 201.0, 102.0, 203.0]
    assert flagged(block, MARK_IS_PROXY) == [2.0]


def test_trade_stands_in_where_there_is_no_mark_at_all(market):
    market.candles(range(3))
    market.funding([0])
    block = drained(market.stream())
    assert mark_closes(block) == closes(block)
    assert block.flags[0].tolist() == [HAS_TRADE | HAS_MARK | MARK_IS_PROXY] * 3


def test_trade_stands_in_for_marks_coarser_than_the_bars(market):
    market.candles(range(8), base=100.0)
    market.candles([0, 4], "mark", name="4h", base=200.0)
    coarse = market.store().series("testvenue", SYMBOL, "mark", "4h")
    block = drained(Stream([replace(market.data(), mark=coarse)], HOUR))
    assert mark_closes(block) == closes(block)
    assert len(flagged(block, MARK_IS_PROXY)) == 8


def test_marks_without_trade_make_bars_in_which_nothing_can_fill(market):
    market.candles([1, 2], base=100.0)
    market.candles(range(5), "mark", base=200.0)
    block = drained(market.stream())
    assert mark_closes(block) == [200.0, 201.0, 202.0, 203.0, 204.0]
    assert [math.isnan(c) for c in closes(block)] == [True, False, False, True, True]
    assert flagged(block, HAS_TRADE) == [1.0, 2.0]
    assert len(flagged(block, HAS_MARK)) == 5
    assert flagged(block, MARK_IS_PROXY) == []


def test_the_timeline_is_the_union_of_all_symbols(market):
    market.candles([0, 1, 2])
    market.candles([2, 3], symbol=ETH)
    market.candles([7], symbol=SOL)
    block = drained(market.stream(SYMBOL, ETH, SOL))
    assert at_hours(block) == [0, 1, 2, 3, 7]
    assert [flagged(block, HAS_TRADE, s) for s in range(3)] == [[0, 1, 2], [2, 3], [7]]


def test_a_symbol_without_candles_has_neither_prices_nor_flags(market):
    market.candles(range(20))
    market.candles([0, 19], symbol=ETH)
    market.funding([0, 8, 16], symbol=ETH)
    block = drained(market.stream(SYMBOL, ETH))
    assert not block.flags[1, 1:19].any()
    assert all(math.isnan(p) for p in block.prices[:, 1, 1:19].ravel())


def test_what_one_symbol_says_does_not_depend_on_its_company(market):
    market.candles([0, 1, 2, 9, 10, 11])
    market.candles([0, 1, 9, 11], "mark", base=200.0)
    market.funding([0, 8, 16])
    market.candles(range(12), symbol=ETH)
    alone = drained(market.stream())
    among = drained(market.stream(ETH, SYMBOL))
    here = among.flags[1] != 0
    assert among.ts[here].tolist() == alone.ts.tolist()
    assert among.prices[:, 1:, here].tobytes() == alone.prices.tobytes()
    assert among.flags[1, here].tobytes() == alone.flags[0].tobytes()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 1000])
def test_blocks_of_any_size_give_the_same_bytes(market, monkeypatch, size):
    monkeypatch.setattr("backtest.market.stream.LEAST_BATCH_ROWS", 5)
    market.candles([*range(40), *range(70, 100)])
    market.candles(range(10, 120), "mark", base=200.0)
    market.candles([*range(30), 99, 140], symbol=ETH)
    market.funding(range(0, 96, 8))
    options = {"volume": True, "max_gap_ms": 5 * HOUR}
    whole = market.stream(SYMBOL, ETH, **options)
    parts = market.stream(SYMBOL, ETH, block_bars=size, **options)
    assert same_bytes(drained(parts), drained(whole))
    assert parts.gaps == whole.gaps
    assert parts.statistics == whole.statistics


def test_only_the_last_block_is_shorter(market):
    market.candles(range(10))
    market.candles(range(5, 25), symbol=ETH)
    stream = market.stream(SYMBOL, ETH, block_bars=6)
    assert [len(b.ts) for b in stream.blocks()] == [6, 6, 6, 6, 1]


def test_blocks_of_many_symbols_are_shorter(market, monkeypatch):
    monkeypatch.setattr("backtest.market.stream.MAX_BLOCK_CELLS", 10)
    market.candles(range(12))
    market.candles(range(12), symbol=ETH)
    assert [len(b.ts) for b in market.stream(SYMBOL, ETH).blocks()] == [5, 5, 2]


def test_a_stream_can_be_drawn_again(market):
    market.candles(range(30))
    stream = market.stream(block_bars=7)
    next(stream.blocks())
    first = drained(stream)
    assert same_bytes(first, drained(stream))
    assert stream.statistics[0].bars == 30


def test_blocks_already_drawn_keep_their_values(market):
    market.candles(range(30))
    blocks = list(market.stream(block_bars=10).blocks())
    assert [closes(b)[0] for b in blocks] == [100.0, 110.0, 120.0]


def test_since_is_included_and_until_is_not(market):
    market.candles(range(10))
    block = drained(market.stream(since_ms=hours(3)[0], until_ms=hours(6)[0]))
    assert at_hours(block) == [3.0, 4.0, 5.0]


def test_volume_is_there_only_where_it_is_asked_for(market):
    market.candles(range(3))
    assert all(math.isnan(v) for v in drained(market.stream()).prices[VOLUME, 0])
    assert drained(market.stream(volume=True)).prices[VOLUME, 0].tolist() == [10.0] * 3


def test_files_outside_the_span_are_not_opened(market):
    outside = market.candles(range(10), name="1h_a")
    market.candles(range(10, 20), name="1h_b")
    cut, whole = market.stream(since_ms=hours(10)[0]), market.stream()
    outside.write_bytes(b"")
    assert len(drained(cut).ts) == 10
    with pytest.raises(DataError, match="1h_a"):
        drained(whole)


def test_row_groups_outside_the_span_are_not_decoded(market):
    low = pl.Series([-1.0] * 10 + [99.0 + h for h in range(10, 20)])
    path = market.candles(range(20), low=low)
    pl.read_parquet(path).write_parquet(path, row_group_size=10)
    assert len(drained(market.stream(since_ms=hours(10)[0])).ts) == 10
    with pytest.raises(DataError, match=r"row 0 .*low -1.0 is not a positive"):
        drained(market.stream())


def test_a_span_without_candles_names_the_times_there_are(market):
    market.candles(range(10))
    expected = r"no candles of BTC/USDT:USDT from 2023-11-15 20:00 UTC.*to 2023-11-15 10:00 UTC"
    with pytest.raises(DataError, match=expected):
        market.stream(since_ms=hours(20)[0])


def test_a_span_inside_a_hole_is_refused(market):
    market.candles([0, 1, 50])
    stream = market.stream(since_ms=hours(10)[0], until_ms=hours(20)[0])
    with pytest.raises(DataError, match="there are no candles"):
        drained(stream)


def test_candles_of_another_timeframe_are_refused(market):
    market.candles(range(4))
    with pytest.raises(DataError, match=r"trade candles of BTC/USDT:USDT are 1h, .* bars 240 min"):
        Stream([market.data()], 4 * HOUR)


def test_marks_finer_than_the_bars_are_refused(market):
    market.candles(range(4))
    market.candles([0, 0.25], "mark", name="15m")
    fine = market.store().series("testvenue", SYMBOL, "mark", "15m")
    with pytest.raises(DataError, match=r"mark candles .* are 15m, finer than the bars \(1h\)"):
        Stream([replace(market.data(), mark=fine)], HOUR)


def test_requests_that_make_no_sense_are_refused(market):
    market.candles(range(4))
    with pytest.raises(UsageError, match="BTC/USDT:USDT is given twice"):
        market.stream(SYMBOL, SYMBOL)
    with pytest.raises(UsageError, match="at least one symbol"):
        Stream([], HOUR)
    with pytest.raises(UsageError, match="block_bars is 0"):
        market.stream(block_bars=0)
    with pytest.raises(UsageError, match="missing funding cannot be 'first'"):
        market.stream(missing_funding="first")
    with pytest.raises(UsageError, match="missing funding cannot be nan"):
        market.stream(missing_funding=float("nan"))
