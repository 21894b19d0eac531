"""Settlements fall on their bars, and those the data lack are charged by a named policy."""

import numpy as np
import pytest

from backtest.core.types import FUNDING_IS_ASSUMED
from backtest.market.cursor import Span
from backtest.market.funding import Missing, Schedule, find_missing, settlements
from backtest.market.stream import Stream
from tests.market.conftest import HOUR, SYMBOL, hours
from tests.market.streams import drained, flagged, funded

EIGHT = (Schedule(0, 8 * HOUR),)


def missing(at, until, since=0, default=8):
    """Runs of missing settlements as (first hour, interval in hours, how many)."""
    span = Span(*hours(since, until))
    start = hours(0)[0]
    runs = find_missing(np.array(hours(*at), np.int64), span, [Schedule(0, default * HOUR)])
    return [((m.first - start) // HOUR, m.interval // HOUR, m.count) for m in runs]


def test_a_settlement_at_an_open_belongs_to_that_open(market):
    market.candles(range(20))
    market.funding([0, 8, 16], [0.0001, -0.0002, 0.0003])
    block = drained(market.stream())
    assert funded(block) == {0.0: 0.0001, 8.0: -0.0002, 16.0: 0.0003}
    assert funded(block, inside=True) == {}
    assert flagged(block, FUNDING_IS_ASSUMED) == []


def test_settlements_before_the_first_bar_of_the_span_are_not_charged_in_it(market):
    market.candles(range(20))
    market.funding([0, 8, 16], [0.25, 0.5, 0.75])
    assert funded(drained(market.stream(since_ms=hours(8.5)[0]))) == {16.0: 0.75}


@pytest.mark.parametrize(("name", "length"), [("4h", 4), ("8h", 8), ("1d", 24)])
def test_settlements_inside_a_longer_bar_are_added_up(market, name, length):
    market.candles(range(0, 48, length), name=name)
    rates = [(h % 5 - 2) * 1e-4 for h in range(48)]
    market.funding(range(48), rates)
    block = drained(market.stream(name=name))
    for bar in range(0, 48, length):
        assert funded(block)[bar] == rates[bar]
        inside = sum(rates[bar + 1 : bar + length])
        assert funded(block, inside=True)[bar] == pytest.approx(inside, abs=1e-18)


def test_a_settlement_inside_a_bar_is_in_no_other_bar(market):
    market.candles([0, 24, 48], name="1d")
    market.funding([8, 48], [0.25, 0.5])
    block = drained(market.stream(name="1d", missing_funding=0.125))
    assert funded(block) == {0.0: 0.125, 24.0: 0.125, 48.0: 0.5}
    assert funded(block, inside=True) == {0.0: 0.375, 24.0: 0.25, 48.0: 0.25}


def test_a_bar_that_is_open_at_the_end_of_the_span_is_funded_to_its_close(market):
    market.candles([0, 24, 48], name="1d")
    market.funding(range(0, 72, 8), [0.25] * 9)
    block = drained(market.stream(name="1d", until_ms=hours(30)[0]))
    assert funded(block, inside=True) == {0.0: 0.5, 24.0: 0.5}


@pytest.mark.parametrize(
    ("policy", "expected"), [("zero", 0.0), ("last", 0.0003), (0.0005, 0.0005), (-1e-5, -1e-5)]
)
def test_a_missing_settlement_is_charged_by_the_policy_and_counted(market, policy, expected):
    market.candles(range(40))
    market.funding([0, 8, 32], [0.0001, 0.0003, 0.0002])
    stream = market.stream(missing_funding=policy)
    block = drained(stream)
    assert funded(block) == {0.0: 0.0001, 8.0: 0.0003, 16.0: expected, 24.0: expected, 32.0: 0.0002}
    assert flagged(block, FUNDING_IS_ASSUMED) == [16.0, 24.0]
    assert stream.statistics[0].funding_events == 5
    assert stream.statistics[0].assumed_funding_events == 2


def test_last_costs_nothing_before_the_first_known_rate(market):
    market.candles(range(20))
    market.funding([16], [0.0003])
    block = drained(market.stream(missing_funding="last"))
    assert funded(block) == {0.0: 0.0, 8.0: 0.0, 16.0: 0.0003}
    assert flagged(block, FUNDING_IS_ASSUMED) == [0.0, 8.0]


def test_last_knows_the_rates_before_the_span(market):
    market.candles(range(40))
    market.funding([0, 8, 32], [0.0001, 0.0003, 0.0002])
    block = drained(market.stream(since_ms=hours(12)[0], missing_funding="last"))
    assert funded(block) == {16.0: 0.0003, 24.0: 0.0003, 32.0: 0.0002}


def test_without_any_funding_the_venues_interval_is_the_schedule(market):
    market.candles(range(3, 20))
    data = market.data(funding_hours=4)
    stream = Stream([data], HOUR, missing_funding=0.0001)
    block = drained(stream)
    assert funded(block) == dict.fromkeys((4.0, 8.0, 12.0, 16.0), 0.0001)
    assert stream.statistics[0].assumed_funding_events == 4


def test_a_settlement_where_the_symbol_has_no_bar_is_not_charged(market):
    market.candles([*range(6), *range(12, 20)])
    market.funding([0, 8, 16], [0.0001, 0.0002, 0.0003])
    stream = market.stream()
    assert funded(drained(stream)) == {0.0: 0.0001, 16.0: 0.0003}
    assert stream.statistics[0].funding_events == 2


def test_a_settlement_where_only_the_mark_goes_on_is_charged(market):
    market.candles([*range(6), *range(12, 20)])
    market.candles(range(20), "mark")
    market.funding([0, 8, 16], [0.0001, 0.0002, 0.0003])
    assert funded(drained(market.stream())) == {0.0: 0.0001, 8.0: 0.0002, 16.0: 0.0003}


def test_only_settlements_of_the_span_are_kept(market):
    market.funding([0, 8, 16, 32, 40])
    series = market.store().series("testvenue", SYMBOL, "funding")
    found = settlements(series, Span(*hours(8, 40)), EIGHT, "last")
    assert found.ts.tolist() == hours(8, 16, 24, 32)
    assert found.assumed.tolist() == [False, False, True, False]
    assert found.rate.tolist() == [8e-6, 16e-6, 16e-6, 32e-6]


def test_settlements_on_time_leave_nothing_missing():
    assert missing(range(0, 80, 8), 80) == []


def test_a_change_of_interval_is_not_a_hole():
    shorter = [*range(0, 40, 8), *range(40, 80, 4), *range(80, 100)]
    assert missing(shorter, 100) == []
    longer = [*range(0, 20), *range(20, 60, 4), *range(60, 120, 8)]
    assert missing(longer, 120) == []


def test_a_few_settlements_at_a_shorter_interval_are_not_a_hole():
    assert missing([0, 8, 16, 18, 20, 22, 24, 32, 40], 48) == []


def test_the_interval_before_the_span_is_in_force_in_it():
    assert missing(range(0, 20, 4), 30, since=19) == [(20, 4, 3)]


def test_a_settlement_an_hour_late_is_not_missing():
    assert missing([0, 8, 17, 24, 32], 40) == []


def test_missing_settlements_before_between_and_after_are_runs():
    assert missing([16, 24, 48, 56], 80) == [(0, 8, 2), (32, 8, 2), (64, 8, 2)]


def test_runs_are_cut_to_the_span():
    assert missing([0, 8, 96, 104], 60, since=30) == [(32, 8, 4)]


def test_one_hole_as_long_as_another_interval_is_still_a_hole():
    assert missing([0, 1, 2, 3, 7, 8, 9], 10, default=1) == [(4, 1, 3)]


def test_holes_at_hourly_funding_are_counted_by_the_hour():
    at = [*range(0, 50), *range(71, 100)]
    assert missing(at, 100, default=1) == [(50, 1, 21)]


def test_a_run_knows_its_stop():
    (run,) = find_missing(np.array(hours(0, 8, 32), np.int64), Span(*hours(0, 40)), EIGHT)
    assert run == Missing(*hours(16, 32), 8 * HOUR, 2)


def test_settlements_may_be_hours_off_the_start_of_the_day():
    span = Span(*hours(0, 30))
    (run,) = find_missing(np.array([], np.int64), span, [Schedule(0, 8 * HOUR, 4 * HOUR)])
    assert run == Missing(*hours(4, 30), 8 * HOUR, 4)


def test_a_schedule_holds_from_its_date_on_and_the_first_before_it_too():
    turns = [Schedule(hours(10)[0], 8 * HOUR, 4 * HOUR), Schedule(hours(24)[0], 6 * HOUR)]
    runs = list(find_missing(np.array([], np.int64), Span(*hours(0, 40)), turns))
    assert runs == [
        Missing(*hours(4, 24), 8 * HOUR, 3),
        Missing(*hours(24, 40), 6 * HOUR, 3),
    ]


def test_a_known_settlement_ends_what_the_schedules_say():
    turns = [Schedule(0, 8 * HOUR, 4 * HOUR), Schedule(hours(24)[0], 8 * HOUR)]
    known = np.array(hours(12, 20, 28), np.int64)
    runs = list(find_missing(known, Span(*hours(0, 40)), turns))
    assert [(r.first, r.count) for r in runs] == [(hours(4)[0], 1), (hours(36)[0], 1)]


def test_a_contract_without_a_schedule_settles_nothing():
    assert list(find_missing(np.array([], np.int64), Span(*hours(0, 40)), ())) == []
