"""What a bar alone says of the finer bars inside it, where there is no finer series."""

import numpy as np

from backtest.core.types import (
    CLOSE,
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
)
from backtest.market.check import Floats
from backtest.market.feed import MARK_FIELDS, Bools
from backtest.market.finer.bar import Bar, Room


def keep_mark_range(bar: Bar, room: Room, where: Bools) -> None:
    """Say of the finer bars `where` that their mark is somewhere in the bar's own range.

    MARK_LOW and MARK_HIGH are the bar's. The first open and the last close are the bar's as well;
    between them, open and close are a guess: trade where there is a candle, held inside the range,
    else what was last known.
    """
    low, high = bar.fields[MARK_LOW], bar.fields[MARK_HIGH]
    opens, closes = _guesses(bar, room)
    prices = room.prices
    for field, values in ((MARK_OPEN, opens), (MARK_CLOSE, closes)):
        np.copyto(prices[field], np.clip(values, low, high), where=where)
    prices[MARK_LOW, where], prices[MARK_HIGH, where] = low, high
    room.flags[where] |= np.uint8(HAS_MARK | MARK_IS_COARSE | bar.flags & MARK_IS_PROXY)


def _guesses(bar: Bar, room: Room) -> tuple[Floats, Floats]:
    known = room.flags & HAS_TRADE != 0
    opens = np.where(known, room.prices[OPEN], bar.fields[MARK_OPEN])
    closes = np.where(known, room.prices[CLOSE], bar.fields[MARK_OPEN])
    opens[0], closes[-1] = bar.fields[MARK_OPEN], bar.fields[MARK_CLOSE]
    return opens, closes


def let_trade_stand_in(bar: Bar, room: Room) -> None:
    """Use trade as the mark, as the bar does; while nobody trades the price stands still."""
    traded = room.flags & HAS_TRADE != 0
    last = np.maximum.accumulate(np.where(traded, np.arange(len(traded)), -1))
    still = np.where(last < 0, bar.fields[OPEN], room.prices[CLOSE, last])
    for mark, trade in zip(MARK_FIELDS, (OPEN, HIGH, LOW, CLOSE), strict=True):
        room.prices[mark] = np.where(traded, room.prices[trade], still)
    room.flags[:] |= np.uint8(HAS_MARK | MARK_IS_PROXY)


def fill_from_bar(bar: Bar, room: Room) -> None:
    """The finer bars of a symbol that nobody holds or orders: its mark's range, no trade.

    Only the last one trades, at the bar's close alone, so that the close is known afterwards.
    """
    if bar.flags & HAS_MARK:
        keep_mark_range(bar, room, np.ones(len(room.ts), np.bool_))
    if bar.flags & HAS_TRADE:
        room.prices[[OPEN, HIGH, LOW, CLOSE], -1] = bar.fields[CLOSE]
        room.flags[-1] |= HAS_TRADE
