"""Whether finer candles say the same as the bar they make up, and how far they are apart."""

from collections.abc import Iterable
from typing import NamedTuple

from backtest.core.types import MARK_OPEN, OPEN
from backtest.errors import DataError
from backtest.market.cursor import Rows
from backtest.market.finer.bar import Bar
from backtest.market.layout import PRICE_COLUMNS, time_text

OPENS = {"trade": OPEN, "mark": MARK_OPEN}


class Difference(NamedTuple):
    """A price of a bar, and what its finer candles make of it; `ts` is the bar's open in ms."""

    symbol: str
    kind: str
    bar: str
    finer: str
    ts: int
    price: str
    coarse: float
    made: float

    @property
    def relative(self) -> float:
        """How far they are apart, as a fraction of the bar's price."""
        return abs(self.made - self.coarse) / self.coarse


class Agreement:
    """The worst difference of each symbol's trade and mark that was met so far.

    Plain values: a run that is resumed hands back what it had with `remember`.
    """

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance
        self._worst: dict[tuple[str, str], Difference] = {}

    @property
    def differences(self) -> list[Difference]:
        """The worst one of each symbol and kind that has any, sorted by both."""
        return [self._worst[key] for key in sorted(self._worst)]

    def remember(self, differences: Iterable[Difference]) -> None:
        """Take over what was met before, or by another process."""
        for one in differences:
            key = (one.symbol, one.kind)
            before = self._worst.get(key)
            if before is None or (one.relative, -one.ts) > (before.relative, -before.ts):
                self._worst[key] = one

    def compare(self, bar: Bar, kind: str, rows: Rows, finer: str, whole: bool) -> None:
        """Hold the candles inside a bar against it.

        With `whole` they must make up the bar; otherwise they must lie between its low and its
        high. Raises DataError where they are further apart than the tolerance.
        """
        first = OPENS[kind]
        coarse = bar.fields[first : first + 4].tolist()
        made = _made(rows) if whole else _stretched(coarse, rows)
        if made == coarse:
            return
        found = [
            Difference(bar.symbol, kind, bar.timeframe, finer, bar.open, name, was, now)
            for name, was, now in zip(PRICE_COLUMNS, coarse, made, strict=True)
        ]
        worst = max(found, key=lambda one: one.relative)
        if worst.relative > self.tolerance:
            raise self._contradiction(worst)
        self.remember([worst])

    def _contradiction(self, one: Difference) -> DataError:
        apart, least = f"{100 * one.relative:.3g} %", f"{100 * self.tolerance:.3g} %"
        enough = max(round(one.relative * 1.05, 4), 0.0001)
        return DataError(
            f"the {one.finer} {one.kind} candles of {one.symbol} contradict the {one.bar} candle "
            f"of {time_text(one.ts)}: they make its {one.price} {one.made:.10g} where it has "
            f"{one.coarse:.10g}, {apart} apart and more than the {least} allowed; mend the files, "
            f"leave finer data out with --timeframe-detail off, or give "
            f"--detail-tolerance {enough:g}."
        )


def _made(rows: Rows) -> list[float]:
    open_, high, low, close = rows.values[:4]
    return [float(open_[0]), float(high.max()), float(low.min()), float(close[-1])]


def _stretched(coarse: list[float], rows: Rows) -> list[float]:
    """The coarse bar, wider where candles leave it."""
    _, high, low, _ = _made(rows)
    return [coarse[0], max(coarse[1], high), min(coarse[2], low), coarse[3]]
