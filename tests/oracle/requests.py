"""Random resting orders near the price, cancellations, margin that is moved, transfers."""

from math import inf, isnan, nan

from .orders import Order

TYPES = ("limit", "limit", "stop", "take_profit", "trailing_stop")


def resting_orders(c, plan):
    """Events of a plan that rest or move money; none of them in half of the plans."""
    if c.chance(0.4):
        return []
    for pool, cash in enumerate(plan.cash):
        plan.reserves[pool] = cash * c.of((0.0, 0.2, 1.0))
    found, away = [], c.of((0.01, 0.05, 0.3)) / max(plan.leverage, 3.0)
    for bar in sorted(c.rng.integers(1, len(plan.times), c.of((6, 15, 40)))):
        k = int(c.rng.integers(len(plan.symbols)))
        close = float(plan.prices[3, k, bar - 1])
        if not isnan(close):
            found.append(_event(c, plan, (int(bar), k, close, away), len(found) + 1))
    return found


def _event(c, plan, where, number):
    bar, k, *_ = where
    ts, count = int(plan.times[bar]) - c.of((0, 1)), len(plan.symbols)
    leg = k + count * c.chance(0.5) if plan.legs else k
    kind = c.of(("size",) * 12 + ("cancel", "add_margin", "transfer"))
    if kind == "cancel":
        return Order(ts, leg, kind, float(c.rng.integers(1, number + 1)), nan)
    if kind != "size":
        money = plan.cash[plan.pools[k]] * c.between(-0.3, 0.3)
        return Order(ts, leg, kind, money, nan)
    return _order(c, plan, (ts, leg, *where), number)


def _order(c, plan, where, number):
    """One order: any type, trigger, side and flags, at a price near the last close."""
    ts, leg, bar, k, close, away = where
    r, kind, side = plan.dated[k].at(ts), c.of(TYPES), c.of((1.0, -1.0))
    unit = 1.0 / close if r.inverse else close * r.multiplier
    size = side * c.between(0.02, 1.0) * plan.leverage * plan.cash[plan.pools[k]] / unit
    reduce_only = c.chance(0.4)
    size = side * inf if reduce_only and kind != "limit" and c.chance(0.3) else float(size)
    against = side if kind == "stop" else -side
    against *= 1.0 if c.chance(0.9) else -1.0
    price = close * (1.0 + against * away * c.between(0.0, 1.0))
    if kind == "trailing_stop" and c.chance(0.5):
        price = nan
    until = int(plan.times[bar]) + plan.settings["timeframe"] * int(c.rng.integers(0, 12))
    return Order(
        ts, leg, "size", size, price, kind, c.of(("last", "mark")) if kind != "limit" else "last",
        reduce_only, kind == "limit" and c.chance(0.2),
        away * c.between(0.05, 1.0) if kind == "trailing_stop" else 0.0,
        until if c.chance(0.3) else 0, number,
    )  # fmt: skip
