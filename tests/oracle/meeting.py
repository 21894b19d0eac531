"""Where resting orders meet the prices of a way, and what happens there."""

from math import inf, isnan

from .resting import end_reducers


def on_mark(account, o):
    """Whether an order waits for a price on the mark's way."""
    return o.by == "mark" or one_price(account, o.p)


def one_price(account, p):
    """Whether mark and trade are one price: a proxy, or equal candles."""
    bar = account.bar(p)
    return account.is_proxy(p) or bar[:4] == bar[4:8]


def met_at(account, o):
    """Price at which the present stage meets an order; infinite if it does not."""
    p = o.p
    if not o.rests or o.asleep or not account.trades(p):
        return inf
    now, goal = (p.mark, p.goal) if o.by == "mark" else (p.last, p.last_goal)
    level = o.trigger()
    if isnan(level):
        return now
    if o.falling:
        return min(now, level) if min(now, goal) <= level else inf
    return max(now, level) if max(now, goal) >= level else inf


def may_meet(account, o):
    """Whether some way of the bar may meet an order."""
    if not o.rests or not account.trades(o.p):
        return False
    bar = account.bar(o.p)
    high, low = bar[5:7] if o.by == "mark" else bar[1:3]
    level = o.trigger(o.better(low if o.size > 0.0 else high))
    return isnan(level) or (low <= level if o.falling else high >= level)


def follow(account, series):
    """Let the trailing stops of a symbol follow its prices."""
    for o in account.resting:
        if o.p.series == series:
            o.follow(o.p.mark if o.by == "mark" else o.p.last)


def follow_bar(account, p):
    """Let a position's trailing stops follow a bar that meets none of them."""
    bar = account.bar(p)
    for o in account.resting:
        if o.p is p and account.trades(p):
            high, low = bar[5:7] if o.by == "mark" else bar[1:3]
            o.follow(low if o.size > 0.0 else high)


def meet(account, o, at):
    """Fill an order that is met at a price; a trailing stop may become active instead."""
    if o.dormant:
        o.best = at
        return
    p, bar = o.p, account.bar(o.p)
    base = at
    if o.by == "mark":
        # where the mark was beyond the trigger from the start, the trade price of then is known
        base = p.last if at != o.trigger() else min(max(at, bar[2]), bar[1])
    o.state = "filled"
    account.happened.add(id(o))
    account.possible = account.certain is not None and id(o) not in account.certain
    if o.type == "limit":
        account.fill_resting(o, o.price, o.price, p.today.maker)
    else:
        side = 1.0 if o.size > 0.0 else -1.0
        price = base * (1.0 + account.slippage * side)
        account.fill_resting(o, price, base, p.today.taker)
    account.possible = False
    end_reducers(account, p)
