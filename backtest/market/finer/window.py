"""Any stretch of a series, cheap where stretches are asked for in order of time."""

from collections.abc import Iterator

import numpy as np

from backtest.market.cursor import Rows, Span, read_rows
from backtest.market.series import Series

BATCH_ROWS = 8192
JUMP_ROWS = 1 << 18
"""A stretch further ahead than this is looked up by the statistics of the row groups; a nearer
one is reached by decoding what lies between, which costs a few milliseconds."""

_END = 1 << 62


class Window:
    """The rows of a series around the stretch that was asked for last.

    Everything but the series itself is a cache: a pickled window starts with none, and answers
    the same. It holds two batches at most, and one open file.
    """

    def __init__(self, series: Series, length_ms: int, volume: bool = False) -> None:
        self.series = series
        self.length_ms = length_ms
        self.used = False
        self._volume = volume
        self._held: list[Rows] = []
        self._since = self._until = 0
        self._source: Iterator[Rows] | None = None

    def __reduce__(self) -> tuple[type["Window"], tuple[Series, int, bool], dict[str, bool]]:
        return Window, (self.series, self.length_ms, self._volume), {"used": self.used}

    def rows(self, since: int, until: int) -> Rows | None:
        """The rows with since <= ts < until, None where there is none.

        Raises DataError, naming file and row, when what it reads is broken.
        """
        if not any(s.start < until and s.stop > since for s in self.series.segments):
            return None
        self.used = True
        if since < self._since or until > self._until:
            self._move(since, until)
        found = [cut for rows in self._held if len(cut := _between(rows, since, until))]
        return _joined(found) if found else None

    def _move(self, since: int, until: int) -> None:
        """Hold all rows with since <= ts < until, and forget the batches before them."""
        source = self._source
        ahead = since - self._until
        if source is None or since < self._since or ahead > JUMP_ROWS * self.length_ms:
            span = Span(since, self.series.last + 1, BATCH_ROWS, self._volume)
            source = self._source = read_rows(self.series, span)
            self._held, self._until = [], since
        self._held = [rows for rows in self._held if rows.ts[-1] >= since]
        self._since = since
        while self._until < until:
            rows = next(source, None)
            self._until = _END if rows is None else int(rows.ts[-1]) + 1
            if rows is not None and rows.ts[-1] >= since:
                self._held.append(rows)


def _between(rows: Rows, since: int, until: int) -> Rows:
    start, stop = np.searchsorted(rows.ts, (since, until))
    return rows.cut(int(start), int(stop))


def _joined(parts: list[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    columns = zip(*(p.values for p in parts), strict=True)
    return Rows(
        np.concatenate([p.ts for p in parts]), tuple(np.concatenate(list(c)) for c in columns)
    )
