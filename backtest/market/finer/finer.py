"""The finer series of a run, and the bars inside any bar of it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from backtest.core.types import N_FIELDS
from backtest.market.finer.agreement import Agreement
from backtest.market.finer.bar import Bar, Room
from backtest.market.finer.symbol import FinerSymbol
from backtest.market.finer.window import Window
from backtest.market.series import Series
from backtest.market.stream import Block


class Finer:
    """Looks into single bars of a run; bars in order of time are cheap, any order is right.

    `timeframes` names the length in ms of the run's bars and of all finer ones, the coarsest
    first. `agreement` holds the worst differences between finer candles and the bars they make
    up. What it answers depends on nothing that was asked before, so it may be pickled, or built
    anew, at any point of a run.
    """

    def __init__(
        self, symbols: Sequence[FinerSymbol], timeframes: Mapping[int, str], agreement: Agreement
    ) -> None:
        self.timeframes = dict(sorted(timeframes.items(), reverse=True))
        self.agreement = agreement
        self._symbols = tuple(symbols)

    @property
    def carried(self) -> dict[str, Any]:
        """What has been met and read so far, as plain values."""
        return {"met": self.agreement.differences, "used": [w.used for w in self._windows]}

    def carry_on(self, carried: Mapping[str, Any]) -> None:
        """Go on from what was carried."""
        self.agreement.remember(carried["met"])
        for window, used in zip(self._windows, carried["used"], strict=True):
            window.used = window.used or used

    @property
    def _windows(self) -> list[Window]:
        return [w for s in self._symbols for m in (s.trade, s.mark) for w in m.values()]

    @property
    def used(self) -> list[Series]:
        """The finer series that were read so far."""
        return [w.series for w in self._windows if w.used]

    def bars(
        self, block: Block, i: int, length_ms: int, needed: Collection[int] | None = None
    ) -> Block | None:
        """The bars inside bar i of a block whose bars are `length_ms` long.

        They are of the next finer timeframe that covers the whole bar with trade for all `needed`
        symbols (by number; None: all), and `length_ms // len(ts)` long; None if there is none.
        Other symbols have what `fill_from_bar` says. Either block may come from a call before.
        Raises DataError where finer candles are broken or contradict the bar.
        """
        wanted = range(len(self._symbols)) if needed is None else needed
        for finer_ms in self.timeframes:
            if finer_ms < length_ms and length_ms % finer_ms == 0:
                found = self._inside(block, i, (length_ms, finer_ms), wanted)
                if found is not None:
                    return found
        return None

    def _inside(
        self, block: Block, i: int, lengths: tuple[int, int], needed: Collection[int]
    ) -> Block | None:
        length, finer = lengths
        ts = int(block.ts[i]) + np.arange(length // finer, dtype=np.int64) * finer
        shape = (len(self._symbols), len(ts))
        made = Block(ts, np.full((N_FIELDS, *shape), np.nan), np.zeros(shape, np.uint8))
        # The needed ones first: if one of them is not covered, the others need not be looked at.
        for s in sorted(range(len(self._symbols)), key=lambda s: s not in needed):
            room = Room(ts, made.prices[:, s], made.flags[s])
            agreement = self.agreement if s in needed else None
            if not self._symbols[s].fill(self._bar(block, i, s, length), room, agreement):
                return None
        return made

    def _bar(self, block: Block, i: int, s: int, length: int) -> Bar:
        return Bar(
            self._symbols[s].data.symbol,
            self.timeframes[length],
            int(block.ts[i]),
            length,
            block.prices[:, s, i],
            int(block.flags[s, i]),
        )
