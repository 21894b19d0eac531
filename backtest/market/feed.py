"""One symbol on its way into the blocks: candles, stand-ins, settlements and flags."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtest.core.types import (
    CLOSE,
    FUNDING,
    FUNDING_INSIDE,
    FUNDING_IS_ASSUMED,
    HAS_MARK,
    HAS_TRADE,
    MARK_CLOSE,
    MARK_IS_PROXY,
    MARK_OPEN,
    OPEN,
    SEGMENT_END,
    VOLUME,
)
from backtest.market.check import HOUR_MS, Floats, Ints
from backtest.market.cursor import Cursor, Span
from backtest.market.funding import FundingPolicy, Schedule, settlements
from backtest.market.gaps import Flags, Gap, SymbolStatistics
from backtest.market.layout import timeframe_ms
from backtest.market.series import Series

Bools = NDArray[np.bool_]
TRADE_FIELDS = (*range(OPEN, CLOSE + 1), VOLUME)
MARK_FIELDS = tuple(range(MARK_OPEN, MARK_CLOSE + 1))


@dataclass(frozen=True)
class SymbolData:
    """The series of one symbol; without `mark`, trade prices stand in for it."""

    trade: Series
    mark: Series | None = None
    funding: Series | None = None
    schedules: tuple[Schedule, ...] = (Schedule(0, 8 * HOUR_MS),)
    """When the venue settles funding where the data do not say; none of a dated future."""

    @property
    def symbol(self) -> str:
        """The ccxt symbol, as the trade series names it."""
        return self.trade.symbol

    def mark_for(self, bar_ms: int) -> Series | None:
        """The mark series, or None where its candles are coarser than the bars."""
        if self.mark is None or timeframe_ms(self.mark.timeframe) > bar_ms:
            return None
        return self.mark

    def candles(self, bar_ms: int) -> tuple[Series, ...]:
        """The series whose stamps make up the timeline."""
        mark = self.mark_for(bar_ms)
        return (self.trade,) if mark is None else (self.trade, mark)

    def span(self, bar_ms: int) -> Span:
        """From the first open to the end of the last bar that the candles reach."""
        series = self.candles(bar_ms)
        return Span(min(s.first for s in series), max(s.last for s in series) + bar_ms)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a stream asks of every symbol.

    `goes_on(ts)` says whether any symbol has a bar that opens after `ts` and in the span.
    """

    span: Span
    bar_ms: int
    max_gap_ms: int
    missing_funding: FundingPolicy
    goes_on: Callable[[int], bool]


class Feed:
    """Fills one symbol's rows of block after block."""

    def __init__(self, data: SymbolData, terms: Terms) -> None:
        span, own = terms.span, data.span(terms.bar_ms)
        self._terms = terms
        self._trade = Cursor(data.trade, span)
        self._mark = Cursor(data.mark_for(terms.bar_ms), span)
        self._settled = settlements(
            data.funding,
            Span(max(span.since, own.since), min(span.until, own.until)),
            data.schedules,
            terms.missing_funding,
        )
        self._next_settlement = 0
        self.statistics = SymbolStatistics(data.symbol, terms.bar_ms)

    @property
    def last_funding(self) -> float:
        """The last funding rate settled before the span; 0 where the data have none."""
        return self._settled.before

    @property
    def cursors(self) -> tuple[Cursor, Cursor]:
        """Trade and mark: the series whose stamps make up the timeline."""
        return self._trade, self._mark

    def fill(self, ts: Ints, prices: Floats, flags: Flags) -> None:
        """Write the bars `ts` (N,) into `prices` (N_FIELDS, N) and `flags` (N,)."""
        self._fill_candles(ts, prices, flags)
        self._fill_funding(ts, prices, flags)
        self._flag_segment_ends(ts, flags)
        self.statistics.add(ts, flags)

    def finish(self) -> list[Gap]:
        """Everything this symbol lacked, once all blocks are filled."""
        self.statistics.finish()
        symbol = self.statistics.symbol
        runs = self._settled.missing
        return self.statistics.gaps + [
            Gap(symbol, "funding", m.first, m.stop, m.count) for m in runs
        ]

    def _fill_candles(self, ts: Ints, prices: Floats, flags: Flags) -> None:
        traded = _copy(self._trade, ts, prices, TRADE_FIELDS)
        marked = _copy(self._mark, ts, prices, MARK_FIELDS)
        if traded.all() and marked.all():
            flags[:] = HAS_TRADE | HAS_MARK
            return
        proxy = traded & ~marked
        for mark, trade in zip(MARK_FIELDS, TRADE_FIELDS, strict=False):
            np.copyto(prices[mark], prices[trade], where=proxy)
        flags[traded] |= HAS_TRADE
        flags[traded | marked] |= HAS_MARK
        flags[proxy] |= MARK_IS_PROXY

    def _fill_funding(self, ts: Ints, prices: Floats, flags: Flags) -> None:
        settled, bar_ms = self._settled, self._terms.bar_ms
        start = self._next_settlement
        stop = max(start, int(np.searchsorted(settled.ts, ts[-1] + bar_ms)))
        self._next_settlement = stop
        at = settled.ts[start:stop]
        bar = np.searchsorted(ts, at, side="right") - 1
        # In a hole nothing happens until data return, whatever bars other symbols have there.
        carried = (bar >= 0) & (at < ts[bar] + bar_ms) & (flags[bar] != 0)
        at, bar, rate = at[carried], bar[carried], settled.rate[start:stop][carried]
        assumed = settled.assumed[start:stop][carried]
        on_open = at == ts[bar]
        prices[FUNDING, bar[on_open]] = rate[on_open]
        _add(prices[FUNDING_INSIDE], bar[~on_open], rate[~on_open])
        flags[bar[assumed]] |= FUNDING_IS_ASSUMED
        self.statistics.funding_events += len(at)
        self.statistics.assumed_funding_events += int(np.count_nonzero(assumed))

    def _flag_segment_ends(self, ts: Ints, flags: Flags) -> None:
        there = flags & (HAS_TRADE | HAS_MARK) != 0
        present = slice(None) if there.all() else np.flatnonzero(there)
        stamps = ts[present]
        if len(stamps) == 0:
            return
        longest = self._terms.max_gap_ms + self._terms.bar_ms
        ends = np.empty(len(stamps), np.bool_)
        np.greater(np.diff(stamps), longest, out=ends[:-1])
        ends[-1] = self._hole_follows(int(stamps[-1]))
        flags[present] |= ends * np.uint8(SEGMENT_END)

    def _hole_follows(self, last: int) -> bool:
        """Whether nothing of this symbol, but something of the stream, follows for too long."""
        longest = self._terms.max_gap_ms
        ahead = [t for c in self.cursors if (t := c.next_stamp()) is not None]
        if ahead:
            return min(ahead) - last > longest + self._terms.bar_ms
        return self._terms.goes_on(last + longest)


def _copy(cursor: Cursor, ts: Ints, prices: Floats, fields: tuple[int, ...]) -> Bools:
    """Move the rows that fall on the bars `ts` into `prices`; True for every bar that has one."""
    n = int(np.searchsorted(cursor.upcoming(len(ts)), ts[-1], side="right"))
    if n < len(ts):
        prices[list(fields)] = np.nan
    there = np.zeros(len(ts), np.bool_)
    done = 0
    for rows in cursor.take(n):
        # Every row is on the timeline, so equal numbers of both are the same stamps.
        bars = slice(done, done + len(rows)) if n == len(ts) else np.searchsorted(ts, rows.ts)
        for field, values in zip(fields, rows.values, strict=False):
            prices[field, bars] = values
        there[bars] = True
        done += len(rows)
    return there


def _add(sums: Floats, bars: NDArray[np.intp], rates: Floats) -> None:
    """Add rates to the bars they fall into, in order of time; other bars keep their NaN."""
    sums[bars] = 0.0
    np.add.at(sums, bars, rates)
