"""One symbol's finer series, and how they fill the bars inside a bar."""

from functools import cached_property

import numpy as np

from backtest.core.types import (
    FUNDING,
    FUNDING_INSIDE,
    FUNDING_IS_ASSUMED,
    HAS_MARK,
    HAS_TRADE,
    MARK_IS_COARSE,
    MARK_IS_PROXY,
    SEGMENT_END,
    VOLUME,
)
from backtest.market.check import Floats
from backtest.market.cursor import Rows
from backtest.market.feed import MARK_FIELDS, TRADE_FIELDS, SymbolData
from backtest.market.finer.agreement import Agreement
from backtest.market.finer.bar import Bar, Room
from backtest.market.finer.coarse import fill_from_bar, keep_mark_range, let_trade_stand_in
from backtest.market.finer.window import Window
from backtest.market.funding import FundingPolicy, Settlements, settlements
from backtest.market.layout import timeframe_ms

SAME_VOLUME = 1e-9
"""Relative difference of volumes that is only the rounding of their sum."""


class FinerSymbol:
    """The finer windows of one symbol, trade and mark by the length of their bars in ms."""

    def __init__(
        self, data: SymbolData, trade: dict[int, Window], mark: dict[int, Window],
        missing_funding: FundingPolicy,
    ) -> None:  # fmt: skip
        self.data = data
        self.trade = trade
        self.mark = mark
        self._missing_funding = missing_funding
        bar_ms = timeframe_ms(data.trade.timeframe)
        self._coarse = Window(data.trade, bar_ms, volume=True)

    def fill(self, bar: Bar, room: Room, agreement: Agreement | None) -> bool:
        """Fill the finer bars; False where finer trade does not cover a bar that traded.

        Without an `agreement` to hold them against, the finer series are not looked at.
        """
        if agreement is None:
            fill_from_bar(bar, room)
        elif not self._fill_trade(bar, room, agreement):
            return False
        else:
            self._fill_mark(bar, room, agreement)
        self._fill_funding(bar, room)
        room.flags[-1] |= np.uint8(bar.flags & SEGMENT_END)
        return True

    def _fill_trade(self, bar: Bar, room: Room, agreement: Agreement) -> bool:
        if not bar.flags & HAS_TRADE:
            return True
        window = self.trade.get(room.length)
        rows = window.rows(bar.open, bar.end) if window else None
        if window is None or rows is None or not self._complete(bar, rows, len(room.ts)):
            return False
        agreement.compare(bar, "trade", rows, window.series.timeframe, whole=True)
        _put(rows, room, TRADE_FIELDS, HAS_TRADE)
        return True

    def _complete(self, bar: Bar, rows: Rows, n: int) -> bool:
        """Whether no candle is missing but of times without a trade: the volumes tell."""
        if len(rows) == n:
            return True
        if bar.length != self._coarse.length_ms:
            volume = bar.fields[VOLUME]
        else:
            whole = self._coarse.rows(bar.open, bar.end)
            volume = np.nan if whole is None else whole.values[4][0]
        return bool(abs(rows.values[4].sum() - volume) <= SAME_VOLUME * volume)

    def _fill_mark(self, bar: Bar, room: Room, agreement: Agreement) -> None:
        if not bar.flags & HAS_MARK:
            return
        if bar.flags & MARK_IS_PROXY and bar.flags & HAS_TRADE:
            let_trade_stand_in(bar, room)
            return
        window = self.mark.get(room.length)
        rows = window.rows(bar.open, bar.end) if window else None
        if window is not None and rows is not None:
            whole = len(rows) == len(room.ts) and not bar.flags & MARK_IS_COARSE
            agreement.compare(bar, "mark", rows, window.series.timeframe, whole)
            _put(rows, room, MARK_FIELDS, HAS_MARK)
        lacking = room.flags & HAS_MARK == 0
        if lacking.any():
            keep_mark_range(bar, room, lacking)

    def _fill_funding(self, bar: Bar, room: Room) -> None:
        """Move the bar's settlements to the finer bars they fall into."""
        room.prices[FUNDING, 0] = bar.fields[FUNDING]
        room.flags[0] |= np.uint8(bar.flags & FUNDING_IS_ASSUMED)
        if np.isnan(bar.fields[FUNDING_INSIDE]):
            return
        settled = self._settled
        first, stop = np.searchsorted(settled.ts, (bar.open, bar.end))
        room.flags[0] &= np.uint8(~FUNDING_IS_ASSUMED & 255)
        for k in range(int(first), int(stop)):
            into, late = divmod(int(settled.ts[k]) - bar.open, room.length)
            if into or late:
                _add(room.prices[FUNDING_INSIDE if late else FUNDING], into, settled.rate[k])
            if settled.assumed[k]:
                room.flags[into] |= np.uint8(FUNDING_IS_ASSUMED)

    @cached_property
    def _settled(self) -> Settlements:
        data = self.data
        span = data.span(timeframe_ms(data.trade.timeframe))
        return settlements(data.funding, span, data.schedules, self._missing_funding)


def _put(rows: Rows, room: Room, fields: tuple[int, ...], flag: int) -> None:
    at = (rows.ts - room.ts[0]) // room.length
    for field, values in zip(fields, rows.values, strict=True):
        room.prices[field, at] = values
    room.flags[at] |= np.uint8(flag)


def _add(rates: Floats, at: int, rate: float) -> None:
    rates[at] = rate if np.isnan(rates[at]) else rates[at] + rate
