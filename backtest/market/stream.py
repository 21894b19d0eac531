"""Any number of symbols as one sequence of aligned blocks of bars, in flat memory.

The timeline is the sorted union of the bar opens of all symbols. Each series is decoded once,
batch by batch, and copied into the block's own buffers. How many bars a block holds changes
nothing in what they say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from backtest.core.types import FUNDING, N_FIELDS
from backtest.errors import DataError, UsageError
from backtest.market.check import Floats, Ints
from backtest.market.cursor import Span, read_rows
from backtest.market.feed import Feed, SymbolData, Terms
from backtest.market.funding import FundingPolicy, known_policy
from backtest.market.gaps import Flags, Gap, SymbolStatistics
from backtest.market.layout import time_text, timeframe_ms

DAY_MS = 86_400_000
BLOCK_BARS = 65_536
MAX_BLOCK_CELLS = 1 << 19
"""Bars times symbols in one block at most, so that many symbols do not mean much memory."""

LEAST_BATCH_ROWS = 4096
"""Rows decoded at a time even where blocks are smaller."""


@dataclass(frozen=True)
class Block:
    """Consecutive bars of all symbols of a stream.

    `ts` (N,) holds bar opens in ms; `prices` (N_FIELDS, S, N) the fields that
    `backtest.core.types` numbers, NaN where there is none; `flags` (S, N) its flag bits.
    """

    ts: Ints
    prices: Floats
    flags: Flags


class Stream:
    """Aligned blocks of bars with since_ms <= open < until_ms; None leaves an end open.

    `blocks()` may be called again and starts from the beginning each time. `statistics` and
    `gaps` speak of the last pass, and are complete once it has been drawn to its end.
    """

    def __init__(
        self,
        symbols: Sequence[SymbolData],
        timeframe_ms: int,
        since_ms: int | None = None,
        until_ms: int | None = None,
        *,
        block_bars: int = BLOCK_BARS,
        volume: bool = False,
        max_gap_ms: int = DAY_MS,
        missing_funding: FundingPolicy = "zero",
    ) -> None:
        self.symbols = tuple(symbols)
        self.timeframe_ms = timeframe_ms
        self.max_gap_ms = max_gap_ms
        self.missing_funding = known_policy(missing_funding)
        self.statistics: tuple[SymbolStatistics, ...] = ()
        self.last_funding: list[float] = []
        self._gaps: list[Gap] = []
        self._check(block_bars)
        self._asked = (since_ms, until_ms)
        self._rows = max(1, min(block_bars, MAX_BLOCK_CELLS // len(self.symbols)))
        spans = [s.span(timeframe_ms) for s in self.symbols]
        since = min(s.since for s in spans) if since_ms is None else self._next_open(since_ms)
        until = max(s.until for s in spans)
        # The bar that is open at until_ms runs to its end, with what is settled inside it.
        until = until if until_ms is None else min(until, self._next_open(until_ms))
        self.span = Span(since, until, max(self._rows, LEAST_BATCH_ROWS), volume)
        if not any(s.since < self.span.until and s.until > since for s in spans):
            raise self._nothing()

    def _next_open(self, ms: int) -> int:
        return -(-ms // self.timeframe_ms) * self.timeframe_ms

    @property
    def gaps(self) -> list[Gap]:
        """Everything missing in the last pass, sorted by symbol, start and kind."""
        return sorted(self._gaps, key=lambda g: (g.symbol, g.start, g.kind))

    def blocks(self) -> Iterator[Block]:
        """The bars in order, `block_bars` at a time; only the last block is shorter.

        Raises DataError when a file turns out to be broken, or when nothing lies in the span.
        """
        terms = Terms(
            self.span, self.timeframe_ms, self.max_gap_ms, self.missing_funding, self._goes_on
        )
        feeds = [Feed(data, terms) for data in self.symbols]
        self.statistics = tuple(f.statistics for f in feeds)
        self.last_funding = [f.last_funding for f in feeds]
        self._gaps = []
        ts = self._timeline(feeds)
        if len(ts) == 0:
            raise self._nothing()
        while len(ts):
            block = self._empty_block(ts)
            for s, feed in enumerate(feeds):
                feed.fill(ts, block.prices[:, s], block.flags[s])
            yield block
            ts = self._timeline(feeds)
        for feed in feeds:
            self._gaps += feed.finish()

    def _goes_on(self, ts: int) -> bool:
        rest = Span(ts + 1, self.span.until, LEAST_BATCH_ROWS)
        every = (s for data in self.symbols for s in data.candles(self.timeframe_ms))
        return any(next(read_rows(s, rest), None) is not None for s in every)

    def _timeline(self, feeds: Sequence[Feed]) -> Ints:
        """Opens of the next block: the first n of the union of what every series has next.

        Each of them is among the first n of its own series.
        """
        ahead = [c.upcoming(self._rows) for feed in feeds for c in feed.cursors]
        longest = max(ahead, key=len)
        others = [ts for ts in ahead if len(ts) and not np.array_equal(ts, longest)]
        if not others:
            return longest.copy()
        return np.unique(np.concatenate([longest, *others]))[: self._rows]

    def _empty_block(self, ts: Ints) -> Block:
        shape = (len(self.symbols), len(ts))
        prices: Floats = np.empty((N_FIELDS, *shape))
        prices[FUNDING:] = np.nan
        return Block(ts, prices, np.zeros(shape, np.uint8))

    def _check(self, block_bars: int) -> None:
        if not self.symbols:
            raise UsageError("a stream needs at least one symbol; name one with --symbol.")
        if block_bars < 1:
            raise UsageError(f"block_bars is {block_bars}; a block holds at least 1 bar.")
        names = [s.symbol for s in self.symbols]
        if twice := {n for n in names if names.count(n) > 1}:
            raise UsageError(f"symbol {min(twice)} is given twice; name each symbol once.")
        for data in self.symbols:
            self._check_timeframe(data)

    def _check_timeframe(self, data: SymbolData) -> None:
        if timeframe_ms(data.trade.timeframe) != self.timeframe_ms:
            raise DataError(
                f"the trade candles of {data.symbol} are {data.trade.timeframe}, the stream's "
                f"bars {self.timeframe_ms // 60_000} min; pass candles of the bars' timeframe."
            )
        if data.mark is not None and timeframe_ms(data.mark.timeframe) < self.timeframe_ms:
            raise DataError(
                f"the mark candles of {data.symbol} are {data.mark.timeframe}, finer than the "
                f"bars ({data.trade.timeframe}); pass mark candles of the bars' timeframe."
            )

    def _nothing(self) -> DataError:
        spans = [s.span(self.timeframe_ms) for s in self.symbols]
        first, last = min(s.since for s in spans), max(s.until for s in spans)
        asked = (("from", self._asked[0]), ("before", self._asked[1]))
        when = " ".join(f"{word} {time_text(t)}" for word, t in asked if t is not None)
        return DataError(
            f"there are no candles of {', '.join(s.symbol for s in self.symbols)} {when}; "
            f"the data reach from {time_text(first)} to {time_text(last)}, choose a time there."
        )


__all__ = ["Block", "FundingPolicy", "Gap", "Stream", "SymbolData", "SymbolStatistics"]
