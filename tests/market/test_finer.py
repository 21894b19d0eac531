"""Bars inside a bar are those of the finer series, and say what is not known of them."""

import numpy as np
import pytest

from backtest.core.types import (
    CLOSE,
    FUNDING_IS_ASSUMED,
    HAS_MARK,
    HAS_TRADE,
    HIGH,
    LOW,
    MARK_CLOSE,
    MARK_HIGH,
    MARK_IS_COARSE,
    MARK_IS_PROXY,
    MARK_LOW,
    MARK_OPEN,
    OPEN,
    SEGMENT_END,
)
from tests.market.conftest import HOUR, SYMBOL, hours
from tests.market.finer_market import MINUTE, OTHER, Layers, every, resampled, settled
from tests.market.streams import drained, same_bytes

BOTH = HAS_TRADE | HAS_MARK


@pytest.fixture
def layers(market):
    return Layers(market)


@pytest.mark.parametrize(("bar", "finer"), [("1h", "5m"), ("4h", "1h"), ("15m", "1m")])
def test_bars_inside_are_those_of_a_stream_of_the_finer_series(layers, market, bar, finer):
    layers.write("trade", bar, finer).write("mark", bar, finer)
    market.funding(range(8))
    found = every(layers.finer(name=bar), layers.coarse(name=bar), _ms(bar))
    assert same_bytes(found, drained(market.stream(name=finer, volume=True)))


@pytest.mark.parametrize("detail", ["15m", "5m", "1m"])
def test_bars_inside_make_up_the_bar(layers, detail):
    layers.write("trade", "1h", detail).write("mark", "1h", detail)
    block, finer = layers.coarse(), layers.finer()
    for i in range(len(block.ts)):
        inside = finer.bars(block, i, HOUR)
        assert len(inside.ts) == HOUR // _ms(detail)
        for first in (OPEN, MARK_OPEN):
            assert resampled(inside, first) == block.prices[first : first + 4, 0, i].tolist()
    assert finer.agreement.differences == []


def test_a_bar_is_looked_into_level_by_level(layers):
    layers.write("trade", "1h", "15m", "5m", "1m").write("mark", "1h", "1m")
    block, finer = layers.coarse(), layers.finer()
    assert list(finer.timeframes.values()) == ["1h", "15m", "5m", "1m"]
    quarter = finer.bars(block, 3, HOUR)
    five = finer.bars(quarter, 2, 15 * MINUTE)
    one = finer.bars(five, 1, 5 * MINUTE)
    assert [len(b.ts) for b in (quarter, five, one)] == [4, 3, 5]
    assert one.ts[0] == hours(3)[0] + 35 * MINUTE
    assert finer.bars(one, 0, MINUTE) is None
    # The fine mark is there again at the finest level.
    flags = [set(b.flags[0].tolist()) for b in (quarter, five, one)]
    assert flags == [{BOTH | MARK_IS_COARSE}, {BOTH | MARK_IS_COARSE}, {BOTH}]


def test_without_finer_mark_every_bar_has_the_range_of_the_bars_mark(layers):
    layers.write("trade", "1h", "5m").write("mark", "1h")
    block = layers.coarse()
    inside = layers.finer().bars(block, 2, HOUR)
    open_, high, low, close = block.prices[MARK_OPEN : MARK_CLOSE + 1, 0, 2]
    assert (inside.flags == BOTH | MARK_IS_COARSE).all()
    assert (inside.prices[MARK_HIGH] == high).all()
    assert (inside.prices[MARK_LOW] == low).all()
    assert inside.prices[MARK_OPEN, 0, 0] == open_
    assert inside.prices[MARK_CLOSE, 0, -1] == close
    guesses = inside.prices[MARK_CLOSE, 0, :-1]
    assert guesses.tolist() == np.clip(inside.prices[CLOSE, 0, :-1], low, high).tolist()


def test_finer_mark_is_used_where_it_is_there(layers):
    layers.write("trade", "1h", "5m").write("mark", "1h").write("mark", "5m", without=(25, 26))
    block = layers.coarse()
    inside = layers.finer().bars(block, 2, HOUR)
    coarse = (inside.flags[0] & MARK_IS_COARSE) != 0
    assert np.flatnonzero(coarse).tolist() == [1, 2]
    assert (inside.prices[MARK_LOW, 0, coarse] == block.prices[MARK_LOW, 0, 2]).all()
    assert inside.prices[MARK_LOW, 0, ~coarse].min() >= block.prices[MARK_LOW, 0, 2]


def test_finer_trade_stands_in_where_trade_stands_in_for_the_mark(layers):
    layers.write("trade", "1h", "5m")
    inside = layers.finer().bars(layers.coarse(), 1, HOUR)
    assert (inside.flags == BOTH | MARK_IS_PROXY).all()
    assert (inside.prices[MARK_OPEN : MARK_CLOSE + 1] == inside.prices[OPEN : CLOSE + 1]).all()


def test_a_bar_that_only_the_mark_has_gets_no_trade(layers):
    layers.write("trade", "1h", without=(4,)).write("trade", "5m").write("mark", "1h", "5m")
    inside = layers.finer().bars(layers.coarse(), 4, HOUR)
    assert (inside.flags == HAS_MARK).all()
    assert np.isnan(inside.prices[OPEN : CLOSE + 1]).all()


def test_funding_is_settled_at_the_finer_bar_that_opens_then(layers, market):
    layers.hours = 24
    layers.write("trade", "8h", "1h")
    market.funding([0, 4, 8, 12], [0.1, 0.2, 0.3, 0.4])
    block = drained(market.stream(name="8h"))
    assert settled(layers.finer(name="8h").bars(block, 0, 8 * HOUR)) == {0: 0.1, 4: 0.2}


def test_funding_that_the_data_lack_stays_marked_as_assumed(layers, market):
    layers.hours = 24
    layers.write("trade", "8h", "1h")
    market.funding([0, 4, 8, 20], [0.1, 0.2, 0.3, 0.4])
    block = drained(market.stream(name="8h", missing_funding=0.7))
    inside = layers.finer(name="8h", missing_funding=0.7).bars(block, 1, 8 * HOUR)
    assert settled(inside) == {0: 0.3, 4: 0.7}
    assert np.flatnonzero(inside.flags[0] & FUNDING_IS_ASSUMED).tolist() == [4]


def test_the_end_of_a_segment_is_the_last_bar_inside(layers, market):
    layers.hours = 48
    layers.write("trade", "1h", without=range(10, 40)).write("trade", "5m")
    block = drained(market.stream(max_gap_ms=12 * HOUR))
    assert block.flags[0, 9] & SEGMENT_END
    inside = layers.finer().bars(block, 9, HOUR)
    assert np.flatnonzero(inside.flags[0] & SEGMENT_END).tolist() == [11]


def test_symbols_that_nobody_needs_keep_their_bar_and_trade_at_its_close_only(layers):
    layers.write("trade", "1h", "5m").write("mark", "1h")
    layers.write("trade", "1h", symbol=OTHER).write("mark", "1h", symbol=OTHER)
    block, finer = layers.coarse(SYMBOL, OTHER), layers.finer(SYMBOL, OTHER)
    assert finer.bars(block, 1, HOUR) is None
    assert finer.bars(block, 1, HOUR, needed=(1,)) is None
    inside = finer.bars(block, 1, HOUR, needed=(0,))
    assert (inside.flags[1, :-1] == HAS_MARK | MARK_IS_COARSE).all()
    assert inside.flags[1, -1] == BOTH | MARK_IS_COARSE
    assert (inside.prices[MARK_LOW, 1] == block.prices[MARK_LOW, 1, 1]).all()
    assert (inside.prices[[OPEN, HIGH, LOW, CLOSE], 1, -1] == block.prices[CLOSE, 1, 1]).all()


def _ms(name):
    return {"1m": 1, "5m": 5, "15m": 15, "1h": 60, "4h": 240}[name] * MINUTE
