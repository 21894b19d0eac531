"""Random candles of trade and mark, funding and holes, as rough as leverage is thin."""

import numpy as np

from .bar import AT_OPEN, ENDS, HAS_MARK, HAS_TRADE, INSIDE, IS_ASSUMED, IS_PROXY, MARK_OPEN, OPEN

SPREAD = 0.3


def fill_market(c, plan):
    """Fill in prices and flags; returns every symbol's first price."""
    rough = c.of((0.02, 0.06, 0.2)) / max(plan.leverage, 3.0)
    common = c.rng.standard_t(3, len(plan.times))
    firsts = []
    for k in range(len(plan.symbols)):
        together = c.of((0.0, 0.7, -0.7))
        own = c.rng.standard_t(3, len(plan.times))
        steps = rough * (together * common + (1.0 - abs(together)) * own)
        first = c.scaled(0.05, 50_000.0)
        _fill_prices(c, plan.prices[:, k], first, steps, rough)
        _fill_funding(c, plan.prices[:, k], plan.flags[k], plan.leverage)
        _make_holes(c, plan.prices[:, k], plan.flags[k])
        firsts.append(first)
    return firsts


def _fill_prices(c, prices, first, steps, rough):
    """A walk with gaps between bars; the mark keeps near the trades, or is the same candle."""
    bars, rng = len(steps), c.rng
    gaps = np.where(rng.random(bars) < 0.1, rng.normal(0, 2 * rough, bars), 0.0)
    close = first * np.exp(np.cumsum(np.clip(steps + gaps, -0.7, 0.7)))
    opens = np.concatenate([[first], close[:-1]]) * np.exp(gaps)
    apart = rng.normal(0, 0.1 * rough, (2, bars)) * c.of((0.0, 1.0, 1.0))
    for start, shift in ((OPEN, np.zeros((2, bars))), (MARK_OPEN, apart)):
        one, last = opens * (1 + shift[0]), close * (1 + shift[1])
        wick = np.minimum(np.abs(rng.normal(0, 0.6 * rough, (2, bars))), 0.5)
        high = np.maximum(one, last) * (1 + wick[0])
        low = np.minimum(one, last) * (1 - wick[1])
        prices[start : start + 4] = one, high, low, last


def _fill_funding(c, prices, flags, leverage):
    """Rates at opens, small as a rule; some inside a bar."""
    bars, rng = len(flags), c.rng
    large = SPREAD / leverage * c.of((0.0, 0.1, 1.0))
    rates = np.where(rng.random(bars) < 0.2, large, 0.0003) * rng.normal(0, 1, bars)
    every = c.of((1, 4, 8))
    prices[AT_OPEN, ::every] = rates[::every]
    inside = rng.random(bars) < c.of((0.0, 0.0, 0.05))
    prices[INSIDE, inside] = rates[inside]
    flags[rng.random(bars) < 0.05] |= IS_ASSUMED


def _make_holes(c, prices, flags):
    """Bars without trade or without both, proxies of the mark, an end of the data in between."""
    bars = len(flags)
    kind = c.rng.random(bars) if c.chance(0.5) else np.full(bars, 0.5)
    flags |= HAS_TRADE | HAS_MARK
    flags[kind < 0.04] &= ~np.uint8(HAS_TRADE)
    flags[kind < 0.02] &= ~np.uint8(HAS_MARK)
    flags[: int(c.rng.integers(0, 4)) * c.chance(0.2)] &= ~np.uint8(HAS_TRADE | HAS_MARK)
    proxy = (kind > 0.94) & (flags & HAS_TRADE > 0) & (flags & HAS_MARK > 0)
    prices[MARK_OPEN : MARK_OPEN + 4, proxy] = prices[OPEN : OPEN + 4, proxy]
    flags[proxy] |= IS_PROXY
    if c.chance(0.15):
        flags[bars // 2] |= ENDS
    prices[OPEN : OPEN + 4, flags & HAS_TRADE == 0] = np.nan
    prices[MARK_OPEN : MARK_OPEN + 4, flags & HAS_MARK == 0] = np.nan
