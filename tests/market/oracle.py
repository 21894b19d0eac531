"""A second stream, slow and plain: dictionaries of hours instead of files, batches and blocks."""

from dataclasses import dataclass, field
from math import nan

from backtest.core.types import (
    FUNDING,
    FUNDING_INSIDE,
    FUNDING_IS_ASSUMED,
    HAS_MARK,
    HAS_TRADE,
    MARK_IS_PROXY,
    MARK_OPEN,
    N_FIELDS,
    SEGMENT_END,
    VOLUME,
)

INTERVAL = 8
"""Hours between two settlements of the markets the oracle knows."""


@dataclass
class Market:
    """One symbol: candles by the hour they open at, and rates by the hour they settle at."""

    trade: dict[int, list[float]]
    mark: dict[int, list[float]] = field(default_factory=dict)
    funding: dict[int, float] = field(default_factory=dict)

    @property
    def present(self) -> list[int]:
        """Hours at which there is a candle of either kind."""
        return sorted({*self.trade, *self.mark})


@dataclass
class Request:
    """What a stream is asked for; times and lengths in hours."""

    bar: int
    since: int
    until: int
    max_gap: int


def timeline(markets: list[Market], request: Request) -> list[int]:
    """Opens of all bars of the stream."""
    every = {h for m in markets for h in m.present}
    return sorted(h for h in every if request.since <= h < request.until)


def rounded_up(hour: int, bar: int) -> int:
    """The next hour at which a bar opens."""
    return -(-hour // bar) * bar


def schedule(market: Market, request: Request) -> dict[int, float | None]:
    """Rate of every settlement in the bars of the span, None where the data lack it."""
    first = max(rounded_up(request.since, request.bar), market.present[0])
    stop = min(rounded_up(request.until, request.bar), market.present[-1] + request.bar)
    return {h: market.funding.get(h) for h in range(first, stop) if h % INTERVAL == 0}


def bars(
    markets: list[Market], number: int, request: Request
) -> dict[int, tuple[list[float], int]]:
    """Fields and flags of one symbol, by the open of the bar."""
    line, market = timeline(markets, request), markets[number]
    settlements, ends = schedule(market, request), segment_ends(line, market, request)
    return {h: bar(market, h, request.bar, settlements, h in ends) for h in line}


def bar(
    market: Market, hour: int, length: int, settlements: dict[int, float | None], ends: bool
) -> tuple[list[float], int]:
    """Fields and flags of one bar of one symbol."""
    fields, flags = [nan] * N_FIELDS, 0
    trade, mark = market.trade.get(hour), market.mark.get(hour)
    if trade is None and mark is None:
        return fields, flags
    if trade is not None:
        fields[:MARK_OPEN], fields[VOLUME] = trade[:4], trade[4]
        flags |= HAS_TRADE
    flags |= HAS_MARK if mark else HAS_MARK | MARK_IS_PROXY
    fields[MARK_OPEN:FUNDING] = (mark or trade)[:4]
    for h in range(hour, hour + length):
        if h in settlements:
            at = FUNDING if h == hour else FUNDING_INSIDE
            rate = settlements[h]
            fields[at] = (0.0 if fields[at] != fields[at] else fields[at]) + (rate or 0.0)
            flags |= FUNDING_IS_ASSUMED if rate is None else 0
    return fields, flags | (SEGMENT_END if ends else 0)


def segment_ends(line: list[int], market: Market, request: Request) -> set[int]:
    """Bars of a symbol after which it has none for longer than the permitted gap.

    After its last bar the hole lasts at least to the end of the last bar that others have.
    """
    here = [h for h in market.present if h in line]
    following = [*here[1:], line[-1] + request.bar]
    holes = {h: then - h - request.bar for h, then in zip(here, following, strict=False)}
    return {h for h, hole in holes.items() if hole > request.max_gap}


def lacking(market: Market, request: Request) -> dict[str, set[int]]:
    """Opens of missing bars and times of missing settlements, by the kind of gap."""
    here = [h for h in market.present if request.since <= h < request.until]
    between = range(here[0], here[-1], request.bar) if here else range(0)
    return {
        "mark": {h for h in here if h not in market.mark},
        "trade": {h for h in here if h not in market.trade},
        "both": {h for h in between if h not in here},
        "funding": {h for h, rate in schedule(market, request).items() if rate is None},
    }
