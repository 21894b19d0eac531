"""Any stretch of a series, cheap where stretches are asked for in order of time."""

import numpy as np

from backtest.market.cursor import Rows, Span, read_rows
from backtest.market.series import Series

BATCH_ROWS = 1 << 15
"""Rows held: of minutes three weeks. A file is open only while they are read, as an open one
costs several times their memory; decoding the row group up to them costs a few milliseconds."""

_END = 1 << 62


class Window:
    """The rows of a series around the stretch that was asked for last.

    What it holds is a cache: a pickled window starts with none, and answers the same.
    """

    def __init__(self, series: Series, length_ms: int, volume: bool = False) -> None:
        self.series = series
        self.length_ms = length_ms
        self.used = False
        self._volume = volume
        self._held: Rows | None = None
        self._since = self._until = 0

    def __reduce__(self) -> tuple[type["Window"], tuple[Series, int, bool], dict[str, bool]]:
        """What a pickle keeps: where to read, and that it was read."""
        return Window, (self.series, self.length_ms, self._volume), {"used": self.used}

    def rows(self, since: int, until: int) -> Rows | None:
        """The rows with since <= ts < until, None where there is none.

        Raises DataError, naming file and row, when what it reads is broken.
        """
        if not any(s.start < until and s.stop > since for s in self.series.segments):
            return None
        self.used = True
        if since < self._since or until > self._until:
            self._read(since, until)
        if self._held is None:
            return None
        start, stop = np.searchsorted(self._held.ts, (since, until))
        return self._held.cut(int(start), int(stop)) if start < stop else None

    def _read(self, since: int, until: int) -> None:
        """Hold all rows with since <= ts < until, and those decoded along with them."""
        self._held, self._since, self._until = None, since, since
        span = Span(since, self.series.last + 1, BATCH_ROWS, self._volume)
        parts = []
        for rows in read_rows(self.series, span):
            parts.append(rows)
            self._until = int(rows.ts[-1]) + 1
            if self._until >= until:
                break
        else:
            self._until = _END
        self._held = _joined(parts)


def _joined(parts: list[Rows]) -> Rows | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    columns = zip(*(p.values for p in parts), strict=True)
    return Rows(np.concatenate([p.ts for p in parts]), tuple(np.concatenate(c) for c in columns))
