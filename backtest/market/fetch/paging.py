"""Pages of history put together so that no row is lost, whatever a page turns out to hold.

A page that does not reach the ends of what was asked is taken for cut short, and the rest asked
again until nothing comes: only then is a hole the exchange's own.
"""

from collections.abc import Callable, Iterator

import numpy as np

from backtest.market.fetch.client import Client, Rows

Ask = Callable[[int, int], Rows]
"""Rows of a span from the first stamp to before the second, as many as come."""


def whole(ask: Ask, first: int, stop: int, room: Callable[[Rows], int]) -> Rows:
    """All rows of a span, one per stamp, sorted.

    `room` says how wide a hole at an end of rows must be, in ms, for a row to fit in.
    """
    found, left = [], [(first, stop)]
    while left:
        start, end = left.pop()
        rows = ask(start, end)
        if len(rows) == 0:
            continue
        found.append(rows)
        low, high, width = int(rows[:, 0].min()), int(rows[:, 0].max()), room(rows)
        left += [hole for hole in ((start, low), (high + 1, end)) if hole[1] - hole[0] >= width]
    return sort(np.concatenate(found)) if found else ask(first, first)


def sort(rows: Rows) -> Rows:
    """Rows by stamp, one for each: the last that came."""
    _, last = np.unique(rows[::-1, 0], return_index=True)
    kept: Rows = rows[::-1][last]
    return kept


def candle_pages(
    client: Client, symbol: str, kind: str, timeframe: str, step: int, first: int, stop: int
) -> Iterator[tuple[int, int, Rows]]:
    """Candles of a span page by page: first, stop and rows of each.

    `first` and `stop` lie on the grid of `step` ms.
    """
    most = client.api.rows[kind]
    if client.api.span:
        most = min(most, max(client.api.span // step, 1))

    def ask(start: int, end: int) -> Rows:
        begin = -(-start // step) * step
        if begin >= end:
            return np.empty((0, 6))
        return client.candles(symbol, kind, timeframe, begin, end, (end - begin) // step)

    for start in range(first, stop, most * step):
        end = min(start + most * step, stop)
        yield start, end, whole(ask, start, end, lambda rows: step)


def first_day(client: Client, symbol: str, kind: str, first: int, stop: int, day: int) -> int:
    """A day before the first candle from `first` on, for other calendars; `stop` without any."""
    if "1d" not in client.timeframes:
        return first
    begin = first // day * day
    for _, _, rows in candle_pages(client, symbol, kind, "1d", day, begin, stop):
        if len(rows):
            return max(first, int(rows[0, 0]) - day)
    return stop


def settlement_pages(
    client: Client, symbol: str, first: int, stop: int
) -> Iterator[tuple[int, int, Rows]]:
    """Settlements of a span: first, stop and rows of each part that is whole."""
    settled = client.api.settled
    if settled.paging == "span":
        yield from _by_span(client, symbol, first, stop)
        return
    pages = {"all": _everything, "cursor": _by_cursor, "page": _by_number}[settled.paging]
    found = []
    for rows in pages(client, symbol, stop):
        found.append(rows)
        if rows[:, 0].min() < first:
            break
    rows = sort(np.concatenate(found)) if found else np.empty((0, 2))
    yield first, stop, rows[(rows[:, 0] >= first) & (rows[:, 0] < stop)]


def _by_span(client: Client, symbol: str, first: int, stop: int) -> Iterator[tuple[int, int, Rows]]:
    settled = client.api.settled

    def ask(start: int, end: int) -> Rows:
        if start >= end:
            return np.empty((0, 2))
        rows = client.settlements(symbol, start, settled.rows, {"until": end - 1})
        return rows[(rows[:, 0] >= start) & (rows[:, 0] < end)]

    width = settled.span or stop - first
    for start in range(first, stop, max(width, 1)):
        end = min(start + width, stop)
        yield start, end, whole(ask, start, end, _widest)


def _widest(rows: Rows) -> int:
    """The longest interval between settlements: a hole that is no wider has room for none."""
    stamps = np.unique(rows[:, 0])
    return int(np.diff(stamps).max()) + 1 if len(stamps) > 1 else 1


def _by_cursor(client: Client, symbol: str, stop: int) -> Iterator[Rows]:
    """Newest first, back from a time."""
    oldest = stop
    while True:
        params = {client.api.settled.cursor: oldest}
        rows = client.settlements(symbol, None, client.api.settled.rows, params)
        rows = rows[rows[:, 0] < oldest]
        if len(rows) == 0:
            return
        oldest = int(rows[:, 0].min())
        yield rows


def _by_number(client: Client, symbol: str, stop: int) -> Iterator[Rows]:
    """Newest first, by the number of a page."""
    number = 1
    while True:
        rows = client.settlements(symbol, None, client.api.settled.rows, {"pageNo": number})
        if len(rows) == 0:
            return
        number += 1
        yield rows


def _everything(client: Client, symbol: str, stop: int) -> Iterator[Rows]:
    """All that there is, in one answer."""
    rows = client.settlements(symbol, None, None, {})
    if len(rows):
        yield rows
