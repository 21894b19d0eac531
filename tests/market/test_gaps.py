"""Holes end a segment when they are too long, and everything missing is listed."""

from backtest.core.types import SEGMENT_END
from backtest.market.gaps import Gap
from tests.market.conftest import HOUR, SYMBOL, hours
from tests.market.streams import drained, flagged

ETH = "ETH/USDT:USDT"


def gap(kind, first, stop, bars, symbol=SYMBOL):
    return Gap(symbol, kind, *hours(first, stop), bars)


def ends(market, *symbols, of=0, **options):
    return flagged(drained(market.stream(*symbols, **options)), SEGMENT_END, of)


def test_a_hole_longer_than_the_permitted_gap_ends_the_segment_at_the_last_close(market):
    market.candles([0, 1, 27, 28])
    assert ends(market) == [1.0]


def test_a_hole_as_long_as_the_permitted_gap_does_not(market):
    market.candles([0, 1, 26, 27])  # the hole is [2, 26): 24 hours
    assert ends(market) == []
    assert ends(market, max_gap_ms=23 * HOUR) == [1.0]


def test_a_hole_across_two_blocks_ends_the_segment_in_the_first(market):
    market.candles([0, 1, 2, 3, 40, 41])
    for size in (1, 3, 4, 5):
        assert ends(market, block_bars=size) == [3.0]


def test_marks_alone_keep_a_segment_going(market):
    market.candles([0, 1, 40])
    market.candles(range(41), "mark")
    assert ends(market) == []


def test_the_end_of_the_stream_is_not_the_end_of_a_segment(market):
    market.candles(range(5))
    market.candles(range(5), symbol=ETH)
    assert ends(market, SYMBOL, ETH) == []


def test_a_symbol_that_stops_while_others_go_on_ends_there(market):
    market.candles(range(60))
    market.candles(range(10), symbol=ETH)
    for size in (1, 4, 10, 11, 100):
        assert ends(market, SYMBOL, ETH, of=1, block_bars=size) == [9.0]
        assert ends(market, SYMBOL, ETH, of=0, block_bars=size) == []


def test_a_symbol_that_stops_less_than_the_permitted_gap_before_the_end_goes_on(market):
    market.candles(range(30))
    market.candles(range(10), symbol=ETH)
    assert ends(market, SYMBOL, ETH, of=1, max_gap_ms=20 * HOUR) == []
    assert ends(market, SYMBOL, ETH, of=1, max_gap_ms=19 * HOUR) == [9.0]


def test_only_bars_inside_the_span_count_as_going_on(market):
    market.candles(range(60))
    market.candles(range(10), symbol=ETH)
    assert ends(market, SYMBOL, ETH, of=1, until_ms=hours(34)[0]) == []
    assert ends(market, SYMBOL, ETH, of=1, until_ms=hours(35)[0]) == [9.0]


def test_every_kind_of_gap_is_listed_with_its_bars(market):
    market.candles([0, 1, 2, 3, 6, 7, 8, 20])
    market.candles([0, 1, 4, 5, 6, 8, 20], "mark")
    market.funding([0, 16])
    stream = market.stream()
    drained(stream)
    assert stream.gaps == [
        gap("mark", 2, 4, 2),
        gap("trade", 4, 6, 2),
        gap("mark", 7, 8, 1),
        gap("funding", 8, 16, 1),
        gap("both", 9, 20, 11),
    ]


def test_a_stand_in_interrupted_by_a_hole_is_two_gaps(market):
    market.candles([0, 1, 5, 6])
    market.funding([0])
    stream = market.stream()
    drained(stream)
    assert stream.gaps == [gap("mark", 0, 2, 2), gap("both", 2, 5, 3), gap("mark", 5, 7, 2)]


def test_bars_before_the_first_and_after_the_last_candle_are_no_gap(market):
    market.candles(range(30))
    market.candles(range(30), "mark")
    market.candles(range(10, 20), symbol=ETH)
    market.candles(range(10, 20), "mark", symbol=ETH)
    market.funding(range(0, 30, 8))
    market.funding([8, 16], symbol=ETH)
    stream = market.stream(SYMBOL, ETH)
    drained(stream)
    assert stream.gaps == []


def test_bars_are_counted_by_what_they_have(market):
    market.candles([0, 1, 2, 5])
    market.candles([1, 2, 3], "mark")
    market.funding([0])
    stream = market.stream()
    drained(stream)
    (counts,) = stream.statistics
    assert (counts.bars, counts.trade_bars, counts.proxy_bars) == (5, 4, 2)
    assert [counts.first, counts.last] == hours(0, 5)
