"""What a stream met on its way: bars, holes, stand-ins and settlements of each symbol."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backtest.core.types import HAS_MARK, HAS_TRADE, MARK_IS_PROXY
from backtest.market.check import Ints

Flags = NDArray[np.uint8]
GapKind = Literal["trade", "mark", "both", "funding"]

_GAP_OF_STATE: dict[int, GapKind] = {
    HAS_TRADE | HAS_MARK | MARK_IS_PROXY: "mark",
    HAS_MARK: "trade",
}
_STATE = HAS_TRADE | HAS_MARK | MARK_IS_PROXY


class Gap(NamedTuple):
    """Something missing: of what kind, from `start` (inclusive) to `stop` (exclusive), in ms.

    `bars` counts the missing candles, for funding the missing settlements.
    """

    symbol: str
    kind: GapKind
    start: int
    stop: int
    bars: int


@dataclass
class SymbolStatistics:
    """Counts over the bars of one symbol that a stream has handed out."""

    symbol: str
    timeframe_ms: int
    bars: int = 0
    trade_bars: int = 0
    proxy_bars: int = 0
    funding_events: int = 0
    assumed_funding_events: int = 0
    first: int | None = None
    last: int | None = None
    gaps: list[Gap] = field(default_factory=list)
    _state: int = field(default=0, init=False, repr=False)
    _since: int = field(default=0, init=False, repr=False)
    _count: int = field(default=0, init=False, repr=False)

    def add(self, ts: Ints, flags: Flags) -> None:
        """Count the next bars of the timeline; `ts` and `flags` have one length."""
        present: Flags = flags & np.uint8(_STATE)
        if not present.all():
            kept = present != 0
            ts, present = ts[kept], present[kept]
        if len(ts) == 0:
            return
        self.bars += len(ts)
        self.trade_bars += int(np.count_nonzero(present & HAS_TRADE))
        self.proxy_bars += int(np.count_nonzero(present & MARK_IS_PROXY))
        for start, stop in self._runs(ts, present):
            self._extend(int(ts[start]), int(ts[stop - 1]), int(present[start]), stop - start)

    def finish(self) -> None:
        """Close the run that the last bar belongs to."""
        self._close()
        self.gaps.sort(key=lambda g: (g.start, g.kind))

    def _runs(self, ts: Ints, present: Flags) -> Sequence[tuple[int, int]]:
        """Stretches without a hole in which the same candles are there."""
        breaks = (np.diff(ts) != self.timeframe_ms) | (present[1:] != present[:-1])
        edges = [0, *(np.flatnonzero(breaks) + 1).tolist(), len(ts)]
        return list(pairwise(edges))

    def _extend(self, start: int, last: int, state: int, count: int) -> None:
        after = None if self.last is None else self.last + self.timeframe_ms
        if after is not None and start > after:
            self._close()
            bars = (start - after) // self.timeframe_ms
            self.gaps.append(Gap(self.symbol, "both", after, start, bars))
        if state != self._state:
            self._close()
        if self._state == 0:
            self._state, self._since, self._count = state, start, 0
        self._count += count
        self.first = start if self.first is None else self.first
        self.last = last

    def _close(self) -> None:
        kind = _GAP_OF_STATE.get(self._state)
        if kind is not None and self.last is not None:
            stop = self.last + self.timeframe_ms
            self.gaps.append(Gap(self.symbol, kind, self._since, stop, self._count))
        self._state = 0
