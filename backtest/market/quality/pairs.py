"""Checks of two series against each other: mark and trade, coarse and fine, perpetual and spot."""

from collections.abc import Iterator

import numpy as np

from backtest.market.check import Floats, Ints
from backtest.market.layout import PRICE_COLUMNS, timeframe_ms
from backtest.market.quality.candles import moment, worst_found
from backtest.market.quality.finding import Finding, Limits, Series, apart, episodes, found
from backtest.market.quality.table import Table
from backtest.values import HOUR

LEAST = 100
"""Bars that two series must share before one is called a copy of the other."""
SAME, COPY = 0.5, 0.98
"""Share of closes, or of whole candles, that are equal in a copy and never by chance."""
DAY = 24 * HOUR


def check_band(of: Series, trade: Table, mark: Table, limits: Limits) -> Iterator[Finding]:
    """Bars in which a high, low or close of trade is far from that of the mark."""
    shared, mine, its = np.intersect1d(trade.ts, mark.ts, return_indices=True)
    if len(shared) == 0:
        return
    gone = np.zeros((3, len(shared)))
    for n, name in enumerate(PRICE_COLUMNS[1:]):
        gone[n] = apart(trade.values[name][mine], mark.values[name][its])
    most = gone.max(axis=0)
    for first, last in episodes(shared, most > limits.band, DAY):
        part = slice(first, last + 1)
        worst = first + int(np.argmax(most[part]))
        name = PRICE_COLUMNS[1:][int(np.argmax(gone[:, worst]))]
        traded, marked = trade.values[name][mine[worst]], mark.values[name][its[worst]]
        detail = f"{name} {traded:.6g}, mark {marked:.6g}, {moment(int(shared[worst]))}"
        count = int((most[part] > limits.band).sum())
        span = (int(shared[first]), int(shared[last]))
        yield found(of, "mark", span, count, detail, float(most[worst]))


def check_copy(of: Series, trade: Table, mark: Table) -> Iterator[Finding]:
    """A mark whose candles are those of trade."""
    yield from _same(of, "copy", mark, trade, (PRICE_COLUMNS, COPY), "the trade candles")


def check_spot(of: Series, trade: Table, spot: Table, where: str) -> Iterator[Finding]:
    """Candles of a perpetual whose closes are those of a spot market."""
    yield from _same(of, "spot", trade, spot, (("close",), SAME), where)


def _same(
    of: Series, check: str, one: Table, other: Table, how: tuple[tuple[str, ...], float], text: str
) -> Iterator[Finding]:
    shared, mine, its = np.intersect1d(one.ts, other.ts, return_indices=True)
    if len(shared) < LEAST:
        return
    names, least = how
    equal = np.ones(len(shared), np.bool_)
    for name in names:
        equal &= one.values[name][mine] == other.values[name][its]
    share = float(equal.mean())
    if share >= least:
        span = (int(shared[0]), int(shared[-1]))
        count = int(equal.sum())
        yield found(of, check, span, count, f"{share:.1%} are those of {text}", share)


def check_fine(
    of: Series, coarse: Table, fine: Table, finer: str, limits: Limits
) -> Iterator[Finding]:
    """Coarse bars that the finer ones, where all of them are there, do not make up."""
    whole, per = timeframe_ms(of.timeframe), timeframe_ms(finer)
    opens, rows = _full_bars(fine.ts, whole, whole // per)
    shared, mine, which = np.intersect1d(coarse.ts, opens, return_indices=True)
    if len(shared) == 0:
        return
    made = _made(fine, rows[which], whole // per)
    names = [name for name in PRICE_COLUMNS if name in made]
    gone = np.max([apart(made[n], coarse.values[n][mine]) for n in names], axis=0)
    yield from worst_found(of, "fine", shared, gone, limits.price, f"{finer} against it")
    if "volume" in made:
        lost = apart(made["volume"], coarse.values["volume"][mine])
        yield from worst_found(
            of, "volume fine", shared, lost, limits.volume, f"{finer} against it"
        )


def _full_bars(ts: Ints, whole: int, count: int) -> tuple[Ints, Ints]:
    """(open of each coarse bar of which all finer ones are there, row of the first of these)."""
    if len(ts) < count:
        return ts[:0], ts[:0]
    first = np.flatnonzero(ts % whole == 0)
    first = first[first + count <= len(ts)]
    last = ts[first + count - 1]
    step = whole // count
    full = last == ts[first] + whole - step
    return ts[first[full]], first[full]


def _made(fine: Table, first: Ints, count: int) -> dict[str, Floats]:
    """The coarse bars that finer ones make up, each of `count` rows from one in `first` on."""
    rows = first[:, None] + np.arange(count)
    values = {name: column[rows] for name, column in fine.values.items()}
    made = {
        "open": values["open"][:, 0],
        "high": values["high"].max(axis=1),
        "low": values["low"].min(axis=1),
        "close": values["close"][:, -1],
    }
    if "volume" in values:
        made["volume"] = values["volume"].sum(axis=1)
    return made
