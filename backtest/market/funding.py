"""Which settlements a symbol has: those in the data, and those its schedule says are missing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from backtest.errors import UsageError
from backtest.market.check import HOUR_MS, Floats, Ints
from backtest.market.cursor import Span, read_rows
from backtest.market.series import Series

FundingPolicy = Literal["zero", "last"] | float
"""The rate of a missing settlement: nothing, the last rate known before it, or this rate."""

STANDARD_INTERVALS_MS = tuple(h * HOUR_MS for h in (1, 2, 4, 6, 8))


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a venue settles from `since` on: every `interval`, `phase` after a full day; ms."""

    since: int
    interval: int
    phase: int = 0

    def next_at(self, ts: int) -> int:
        """The first settlement at or after a time."""
        return ts + (self.phase - ts) % self.interval


@dataclass(frozen=True, slots=True)
class Missing:
    """A run of settlements the data lack: first <= scheduled time < stop, `count` of them."""

    first: int
    stop: int
    interval: int
    count: int


@dataclass(frozen=True, slots=True)
class Settlements:
    """All settlements of a symbol in a span, sorted: time in ms, rate, and whether assumed."""

    ts: Ints
    rate: Floats
    assumed: np.ndarray[tuple[int], np.dtype[np.bool_]]
    missing: tuple[Missing, ...]
    before: float = 0.0
    """The last rate that the data settled before the span; 0 where there is none."""


def known_policy(policy: FundingPolicy) -> FundingPolicy:
    """The policy itself. Raises UsageError for a word that is none or a rate that is not finite."""
    if policy in ("zero", "last"):
        return policy
    if isinstance(policy, (int, float)) and np.isfinite(policy):
        return float(policy)
    raise UsageError(
        f"missing funding cannot be {policy!r}; give zero, last or a rate such as 0.0001."
    )


def settlements(
    series: Series | None, span: Span, schedules: Sequence[Schedule], policy: FundingPolicy
) -> Settlements:
    """Settlements of a symbol with since <= ts < until, holes filled as the policy says.

    The interval in force is the one the data keep; the schedules, in order of date, hold before
    the first settlement and where there is no series at all. Without a schedule nothing is
    missing. With `"last"` a settlement before the first known rate costs nothing.
    """
    known, rates = _read(series, span)
    runs = tuple(find_missing(known, span, schedules))
    times = [np.arange(m.first, m.first + m.count * m.interval, m.interval) for m in runs]
    absent = np.concatenate([np.empty(0, np.int64), *times])
    ts = np.concatenate([known, absent])
    rate = np.concatenate([rates, _assumed_rates(known, rates, absent, policy)])
    assumed = np.arange(len(ts)) >= len(known)
    order = np.argsort(ts, kind="stable")
    order = order[(ts[order] >= span.since) & (ts[order] < span.until)]
    earlier = rates[known < span.since]
    before = float(earlier[-1]) if len(earlier) else 0.0
    return Settlements(ts[order], rate[order], assumed[order], runs, before)


def _read(series: Series | None, span: Span) -> tuple[Ints, Floats]:
    """Every settlement of the series: the interval in force may come from before the span."""
    if series is None:
        return np.empty(0, np.int64), np.empty(0)
    whole = Span(series.first, series.last + 1, span.batch_rows)
    rows = list(read_rows(series, whole))
    ts = np.concatenate([r.ts for r in rows])
    return ts, np.concatenate([r.values[0] for r in rows])


def find_missing(known: Ints, span: Span, schedules: Sequence[Schedule]) -> Iterator[Missing]:
    """Runs of settlements that are scheduled in the span and not among the known ones.

    A settlement is missing when its scheduled time and one more interval pass before the next
    known one: if that comes sooner, it was only late. A longer gap that is a standard interval
    and is followed by an equal one is a change of interval.
    """
    if not schedules:
        return
    before = int(known[0]) if len(known) else span.until
    yield from _scheduled(schedules, before, span)
    interval = [s for s in schedules if s.since <= before or s is schedules[0]][-1].interval
    gaps = np.diff(known).tolist()
    for i, gap in enumerate(gaps):
        if gap == interval:
            continue
        follows = i + 1 < len(gaps) and gaps[i + 1] == gap
        if gap in STANDARD_INTERVALS_MS and follows:
            interval = gap
        elif gap >= 2 * interval:
            at = int(known[i])
            last = at + gap // interval * interval
            yield from _clipped(at + interval, last, interval, span)
    if len(known):
        yield from _clipped(int(known[-1]) + interval, span.until, interval, span)


def _scheduled(schedules: Sequence[Schedule], before: int, span: Span) -> Iterator[Missing]:
    """The settlements of the span before a time, by the schedule in force; the first before it."""
    ends = [*(s.since for s in schedules[1:]), before]
    start = span.since
    for schedule, end in zip(schedules, ends, strict=True):
        stop = min(end, before)
        if start < stop:
            yield from _clipped(schedule.next_at(start), stop, schedule.interval, span)
            start = stop


def _clipped(first: int, stop: int, interval: int, span: Span) -> Iterator[Missing]:
    """The part of a run first, first + interval, ... < stop that lies in the span."""
    if first < span.since:
        first += -(-(span.since - first) // interval) * interval
    stop = min(stop, span.until)
    count = -(-(stop - first) // interval)
    if count > 0:
        yield Missing(first, stop, interval, count)


def _assumed_rates(known: Ints, rates: Floats, absent: Ints, policy: FundingPolicy) -> Floats:
    if policy == "zero":
        return np.zeros(len(absent))
    if policy == "last":
        before = np.searchsorted(known, absent) - 1
        padded = np.concatenate([rates, [0.0]])  # index -1: nothing is known yet
        return padded[before]
    return np.full(len(absent), float(policy))
