"""Finer data with holes are left alone, and those that contradict the bars are refused."""

import pickle
import random

import numpy as np
import polars as pl
import pytest

from backtest.core.types import CLOSE, HAS_TRADE, MARK_IS_PROXY, MARK_LOW, MARK_OPEN
from backtest.errors import DataError, UsageError
from tests.market.conftest import HOUR, SYMBOL
from tests.market.finer_market import MINUTE, Layers, made_of
from tests.market.streams import same_bytes


@pytest.fixture
def layers(market):
    return Layers(market).write("trade", "1h")


def test_a_bar_with_a_hole_in_its_finer_trade_is_not_looked_into(layers):
    layers.write("trade", "5m", without=(30,))
    block, finer = layers.coarse(), layers.finer()
    covered = [finer.bars(block, i, HOUR) is not None for i in range(8)]
    assert covered == [True, True, False, True, True, True, True, True]


def test_the_next_finer_timeframe_that_covers_the_bar_is_taken(layers):
    layers.write("trade", "5m", without=(30,)).write("trade", "1m")
    block, finer = layers.coarse(), layers.finer()
    assert [len(finer.bars(block, i, HOUR).ts) for i in (1, 2, 3)] == [12, 60, 12]


def test_times_without_a_trade_are_no_hole_as_the_volumes_tell(layers):
    minutes = layers.minutes[SYMBOL, "trade"]
    minutes[:4, 130:140] = minutes[3, 129]
    minutes[4, 130:140] = 0.0
    layers.write("trade", "1h").write("trade", "1m", without=range(130, 140))
    inside = layers.finer().bars(layers.coarse(), 2, HOUR)
    quiet = inside.flags[0] & HAS_TRADE == 0
    assert np.flatnonzero(quiet).tolist() == list(range(10, 20))
    assert (inside.flags[0] & MARK_IS_PROXY).all()
    still = inside.prices[MARK_OPEN : MARK_OPEN + 4, 0, quiet]
    assert (still == inside.prices[CLOSE, 0, 9]).all()


def test_quiet_times_are_told_at_the_second_level_too(layers):
    minutes = layers.minutes[SYMBOL, "trade"]
    minutes[:4, 130:133] = minutes[3, 129]
    minutes[4, 130:133] = 0.0
    layers.write("trade", "1h", "5m").write("trade", "1m", without=range(130, 133))
    finer = layers.finer()
    five = finer.bars(layers.coarse(), 2, HOUR)
    assert finer.bars(five, 2, 5 * MINUTE).flags[0].tolist()[:3] == [6, 6, 6]


def test_finer_trade_that_leaves_the_bar_is_refused_with_both_values_and_what_to_do(layers):
    low = made_of(layers.minutes[SYMBOL, "trade"], 5)[2]
    bar_low = low[24:36].min()
    low[26] = 90.0
    layers.write("trade", "5m", low=pl.Series(low))
    with pytest.raises(DataError) as caught:
        layers.finer().bars(layers.coarse(), 2, HOUR)
    message = str(caught.value)
    assert "the 5m trade candles of BTC/USDT:USDT contradict the 1h candle" in message
    assert "2023-11-15 02:00 UTC" in message
    assert f"they make its low 90 where it has {bar_low:g}" in message
    assert "--timeframe-detail off" in message
    assert "--detail-tolerance 0." in message
    allowed = float(message.split("--detail-tolerance ")[1].rstrip("."))
    finer = layers.finer(tolerance=allowed)
    assert finer.bars(layers.coarse(), 2, HOUR) is not None


def test_differences_within_the_tolerance_are_kept_and_the_worst_reported(layers):
    close = made_of(layers.minutes[SYMBOL, "trade"], 5)[3]
    high = made_of(layers.minutes[SYMBOL, "trade"], 5)[1] + 1.0
    close[[23, 35]] *= (1.0001, 1.0002)
    layers.write("trade", "5m", close=pl.Series(close), high=pl.Series(high))
    layers.write("trade", "1h", high=pl.Series(high.reshape(-1, 12).max(axis=1)))
    block, finer = layers.coarse(), layers.finer()
    for i in range(8):
        finer.bars(block, i, HOUR)
    (worst,) = finer.agreement.differences
    assert (worst.symbol, worst.kind, worst.finer, worst.price) == (SYMBOL, "trade", "5m", "close")
    assert worst.ts == block.ts[2]
    assert worst.relative == pytest.approx(0.0002)
    resumed = layers.finer()
    resumed.agreement.remember(finer.agreement.differences)
    resumed.bars(block, 1, HOUR)
    assert resumed.agreement.differences == [worst]


def test_a_few_finer_marks_may_not_leave_the_range_of_the_bars_mark(layers):
    layers.write("mark", "1h").write("trade", "5m")
    low = made_of(layers.minutes[SYMBOL, "mark"], 5)[2]
    low[26] -= 5.0
    layers.write("mark", "5m", low=pl.Series(low), without=(25,))
    with pytest.raises(DataError, match=r"5m mark candles .* contradict .*: they make its low"):
        layers.finer().bars(layers.coarse(), 2, HOUR)
    assert layers.finer().bars(layers.coarse(), 3, HOUR).prices[MARK_LOW].min() > 80.0


@pytest.mark.parametrize("finer", ["5m", "1m"])
def test_the_order_of_questions_and_a_pickle_between_them_change_no_answer(layers, finer):
    layers.write("mark", "1h").write("trade", finer).write("mark", finer)
    block, straight = layers.coarse(), layers.finer()
    expected = [straight.bars(block, i, HOUR) for i in range(8)]
    numbers, asked = list(range(8)) * 3, layers.finer()
    random.Random(1).shuffle(numbers)
    for i in numbers:
        assert same_bytes(asked.bars(block, i, HOUR), expected[i])
        asked = pickle.loads(pickle.dumps(asked))
    assert asked.used == straight.used


def test_how_many_rows_are_held_changes_no_answer(layers, monkeypatch):
    layers.write("mark", "1h").write("trade", "5m").write("mark", "5m")
    block, finer = layers.coarse(), layers.finer()
    expected = [finer.bars(block, i, HOUR) for i in range(8)]
    monkeypatch.setattr("backtest.market.finer.window.BATCH_ROWS", 7)
    small = layers.finer()
    for i in range(8):
        assert same_bytes(small.bars(block, i, HOUR), expected[i])


def test_only_series_that_were_read_count_as_used(layers):
    layers.write("trade", "5m", "1m")
    block, finer = layers.coarse(), layers.finer()
    assert finer.used == []
    finer.bars(block, 0, HOUR)
    assert [s.timeframe for s in finer.used] == ["5m"]


def test_detail_takes_one_timeframe_or_none(layers):
    layers.write("trade", "30m", "5m", "1m")
    assert list(layers.finer().timeframes.values()) == ["1h", "30m", "5m", "1m"]
    assert list(layers.finer(detail="1m").timeframes.values()) == ["1h", "1m"]
    assert layers.finer(detail="off") is None


def test_a_store_without_finer_series_has_nothing_to_look_into(layers):
    layers.write("mark", "1m").write("trade", "8h")
    assert layers.finer() is None


def test_timeframes_that_do_not_divide_the_bars_are_left_out(layers):
    layers.write("trade", "40m", "30m")
    assert list(layers.finer().timeframes.values()) == ["1h", "30m"]
    with pytest.raises(UsageError, match=r"--timeframe-detail 7m is no part of .* bars .1h."):
        layers.finer(detail="7m")


def test_a_detail_that_no_symbol_has_is_refused_with_what_there_is(layers):
    layers.write("trade", "5m")
    with pytest.raises(DataError, match=r"no 1m trade candles of BTC/USDT:USDT .*there are 5m"):
        layers.finer(detail="1m")
    with pytest.raises(UsageError, match="timeframe 'fine' is not a number with a unit"):
        layers.finer(detail="fine")
    with pytest.raises(UsageError, match="tolerance of finer data is 5"):
        layers.finer(tolerance=5)
