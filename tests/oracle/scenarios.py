"""Random plans: a venue at a date, an account that is often in trouble, a market with holes."""

from math import exp, log, nan

import numpy as np

from backtest.core.types import N_FIELDS
from backtest.errors import RulebookError
from backtest.venues.load import known, load

from .market import fill_market
from .orders import Order
from .plan import Plan
from .requests import resting_orders

BARS = 160
LEVERAGES = (1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 12.5, 20.0, 25.0, 33.0, 50.0, 75.0, 100.0, 125.0)
HOUR = 3_600_000
TIMEFRAMES = (HOUR, HOUR, HOUR, 300_000, 10_000)


class Choice:
    """A source of choices from a seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def of(self, options):
        """One of several."""
        return options[int(self.rng.integers(len(options)))]

    def chance(self, share):
        """Whether what happens in a share of all cases does."""
        return self.rng.random() < share

    def between(self, low, high):
        """A number between two."""
        return float(self.rng.uniform(low, high))

    def scaled(self, low, high):
        """A number between two, each power of ten as likely as another."""
        return exp(self.between(log(low), log(high))) if high > low else low


def plan_of(seed, book=None, bars=BARS):
    """The plan of a seed; of a venue, if one is given."""
    c = Choice(seed)
    for _ in range(200):
        try:
            return _plan(c, book or _venue(c), seed, bars)
        except RulebookError:
            continue
    raise AssertionError(f"seed {seed} finds no symbol that is listed")


def _venue(c):
    """A venue; one that is made up now and then."""
    return load(c.of(known()))


def _plan(c, book, seed, bars):
    timeframe = c.of(TIMEFRAMES)
    mode = c.of(book.modes)
    start = _date(c, book, bars * timeframe) // timeframe * timeframe
    symbols = _symbols(c, book, mode, start)
    legs = "hedge.legs" in book.decisions and c.chance(0.4)
    assets = sorted({book.instrument(s).settle for s in symbols})
    pools = [assets.index(book.instrument(s).settle) for s in symbols]
    leverage = c.of(LEVERAGES[: c.of((6, 10, 14))])
    plan = Plan(
        book, symbols, mode, leverage, pools, [1.0] * len(assets), legs, _settings(c, timeframe),
        [], start + timeframe * np.arange(bars, dtype=np.int64),
        np.full((N_FIELDS, len(symbols), bars), nan), np.zeros((len(symbols), bars), np.uint8),
        [c.of((0.0, 0.0001, -0.0003)) for _ in symbols], [-1] * len(assets), [0.0] * len(assets),
        [0.0] * len(assets), seed,
    )  # fmt: skip
    firsts = fill_market(c, plan)
    _fill_money(c, plan, firsts)
    plan.orders = sorted([*_orders(c, plan), *resting_orders(c, plan)], key=lambda one: one.ts)
    return plan


def _date(c, book, span):
    """A start near a change of the rules, or anywhere in the rulebook's time."""
    begins, ends = book.begins, book.checked_until
    moments = {r.valid_from for k, h in book.decisions.items() for r in h if "display" not in k}
    moments |= {t.valid_from for tables in book.tiers.values() for t in tables}
    changes = sorted(m for m in moments if m >= begins)
    if changes and c.chance(0.6):
        return max(int(c.of(changes) - c.between(0.05, 0.95) * span), begins)
    return int(c.between(begins, ends))


def _symbols(c, book, mode, start):
    """One to four symbols that have tiers in the mode; dated ones end soon."""
    names = [s for s in book.symbols() if any(t.mode in ("", mode) for t in book.tiers[s])]
    count = c.of((1, 1, 2, 3, 4)) if mode == "cross" else c.of((1, 1, 2))
    picked = [names[k] for k in c.rng.permutation(len(names))[:count]]
    if c.chance(0.7):
        first = book.instruments[picked[0]].settle
        same = [s for s in names if book.instruments[s].settle == first]
        picked = [same[k] for k in c.rng.permutation(len(same))[:count]]
    return [_member(s, start) for s in picked]


def _member(symbol, start):
    """A dated contract of a family, that ends some days from now."""
    if not symbol.endswith("-*"):
        return symbol
    day = np.datetime64(start + 3 * 86_400_000, "ms").astype("datetime64[D]")
    return symbol[:-1] + str(day).replace("-", "")[2:]


def _settings(c, timeframe):
    return {
        "timeframe": timeframe,
        "sample": timeframe * c.of((1, 1, 1, 24)),
        "slippage": c.of((0.0, 0.0005)),
        "liquidation_slippage": c.of((0.0, 0.0, 0.001, -1.0)),
        "on_liquidation": c.of(("continue", "refill", "refill", "stop")),
        "refill_below": c.of((0.5, 0.9, 0.05)),
        "rebalance": c.of((-1.0, -1.0, 0.0, 0.5)),
        "reenter": c.chance(0.3),
        "path": c.of(("pessimistic", "optimistic")),
    }


def _fill_money(c, plan, firsts):
    """Wallets so large that positions come to lie anywhere in the tables."""
    for pool in range(len(plan.cash)):
        mine = [k for k, number in enumerate(plan.pools) if number == pool]
        k = c.of(mine)
        r, price = plan.dated[k].at(int(plan.times[0])), firsts[k]
        unit = 1.0 / price if r.inverse else price * r.multiplier
        ends = [*r.floors[1:], r.cap if r.cap < 1e300 else 10.0 * max(r.floors[-1], 1e5)]
        per_key = unit if r.key == "size" else 1.0
        least = max(200.0 * r.lot * unit, 3.0 * r.min_notional)
        wanted = max(c.of(ends) * per_key * c.between(0.2, 1.3), least)
        plan.cash[pool] = float(f"{wanted / plan.leverage:.6g}")
        if r.inverse and c.chance(0.7):
            plan.priced_by[pool] = c.of((k, k, -2))
            if plan.priced_by[pool] >= 0 and c.chance(0.5):
                plan.start_usd[pool] = plan.cash[pool] * price


def _orders(c, plan):
    """Targets and sizes at random opens, some at a price of their own, some for the wrong leg."""
    bars, count = len(plan.times), len(plan.symbols)
    number = c.of((6, 12, 24)) * count
    found = []
    for bar in np.sort(c.rng.integers(0, bars, number)):
        k = int(c.rng.integers(count))
        close = float(plan.prices[3, k, max(bar - 1, 0)])
        price = close if c.chance(0.15) and close == close else nan
        exposure = c.of((1.0, 1.0, 0.9, 0.5, 0.2, 0.0)) * c.between(0.7, 1.0) * c.of((1, -1))
        value, kind = exposure * plan.leverage, "exposure"
        if c.chance(0.3) and close == close:
            r = plan.dated[k].at(int(plan.times[bar]))
            unit = 1.0 / close if r.inverse else close * r.multiplier
            value, kind = value * plan.cash[plan.pools[k]] / unit, "size"
        leg = k + count * ((value < 0.0) != c.chance(0.1)) if plan.legs else k
        found.append(Order(int(plan.times[bar]) - c.of((0, 1)), leg, kind, float(value), price))
    return found
