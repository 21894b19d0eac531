"""Imported tier tables beside the built-in ones."""

from dataclasses import replace

from backtest.venues import TierTable
from backtest.venues.imported import merged
from backtest.venues.listing import listed_until, unlisted
from backtest.venues.model import FOREVER

DAY = 86_400_000


def table(day, source, mode="", hour=0):
    return TierTable(
        valid_from=day * DAY + hour * DAY // 24, source=source, confidence="payload",
        floors=(0.0,), rates=(0.01,), deductions=(0.0,), max_leverages=(50.0,), cap=1.0,
        complete=True, unit="settle", mode=mode,
    )  # fmt: skip


def names(tables):
    return [(t.valid_from // DAY, t.source, t.mode) for t in tables]


def test_tables_of_both_stand_in_order_of_date():
    assert names(merged([table(1, "a"), table(3, "a")], [table(2, "b")])) == [
        (1, "a", ""), (2, "b", ""), (3, "a", ""),
    ]  # fmt: skip


def test_on_one_day_an_imported_table_wins_at_whatever_hour():
    assert names(merged([table(1, "a", hour=5)], [table(1, "b", hour=3)])) == [(1, "b", "")]


def test_a_built_in_table_stays_in_the_mode_that_was_not_imported():
    found = merged([table(1, "a")], [table(1, "b", "isolated")])
    assert names(found) == [(1, "a", "cross"), (1, "b", "isolated")]


def test_a_symbol_is_not_delisted_before_it_was_listed():
    assert names(merged([], [unlisted(1, "b", "payload"), table(1, "b")])) == [(1, "b", "")]
    assert merged([], [unlisted(1, "b", "payload")]) == ()


def test_a_listing_ends_with_the_first_table_that_says_so():
    gone = [replace(unlisted(0, "b", "payload"), valid_from=day * DAY) for day in (2, 5)]
    tables = [table(1, "a"), gone[0], table(4, "a"), gone[1]]
    ends = [listed_until(tables, day * DAY) // DAY for day in (0, 1, 2, 3, 4, 5, 6)]
    assert ends == [2, 2, 2, 2, 5, 5, 5]
    assert listed_until(tables[:3], 4 * DAY) == FOREVER
    assert listed_until(tables[:1], 0) == FOREVER
