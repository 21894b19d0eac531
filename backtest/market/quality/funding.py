"""Checks of a funding series: its rates, and whether it keeps to a schedule."""

from collections.abc import Iterator

import numpy as np

from backtest.market.check import HOUR_MS, Ints
from backtest.market.quality.candles import check_order, rows_found
from backtest.market.quality.finding import Finding, Series, found
from backtest.market.quality.table import Table

AROUND = 3
"""Settlements before and after one whose distances say what the interval is."""
ALLOWED = tuple(HOUR_MS * h for h in (1, 2, 4, 8, 12, 24))
"""Intervals that venues have had."""


def check_rates(of: Series, table: Table) -> Iterator[Finding]:
    """Stamps out of order or off the hour, and rates that cannot be."""
    yield from check_order(of, table, HOUR_MS)
    rates = table.values["funding_rate"]
    yield from rows_found(of, "rate", table.ts, ~(np.abs(rates) < 1.0), table.path.name)


def check_schedule(of: Series, table: Table) -> Iterator[Finding]:
    """Missing settlements, and changes of the interval between them."""
    if len(table) < 2:
        return
    steps = np.diff(table.ts)
    usual = intervals(steps)
    for i in np.flatnonzero(steps > usual).tolist():
        missing = -(-int(steps[i]) // int(usual[i])) - 1
        span = (int(table.ts[i]) + int(usual[i]), int(table.ts[i + 1]) - int(usual[i]))
        every = f"every {_hours(int(usual[i]))}"
        yield found(of, "funding gap", (span[0], max(span)), missing, every, float(missing))
    for i in (np.flatnonzero(np.diff(usual)) + 1).tolist():
        at, text = int(table.ts[i]), f"{_hours(int(usual[i - 1]))} to {_hours(int(usual[i]))}"
        yield found(of, "interval", (at, at), 1, text, usual[i] / HOUR_MS)


def intervals(steps: Ints) -> Ints:
    """The interval that is in force in each step: its own if a neighbour has it too.

    Otherwise that of the steps around: a step alone is a hole, not a schedule.
    """
    before = np.concatenate([steps[:1], steps[:-1]])
    after = np.concatenate([steps[1:], steps[-1:]])
    allowed = np.isin(steps, ALLOWED)
    kept = allowed & ((steps == before) | (steps == after))
    if len(steps) == 1:
        kept = allowed
    if not kept.any():
        return np.full(len(steps), int(steps.min()), np.int64)
    rows = np.where(kept, np.arange(len(steps)), -1)
    last = np.maximum.accumulate(rows)
    first = int(np.argmax(kept))
    usual: Ints = steps[np.where(last < 0, first, last)]
    return usual


def _hours(ms: int) -> str:
    return f"{ms / HOUR_MS:g}h"
