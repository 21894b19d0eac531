"""One stage of a way: prices go straight to their goals and meet orders and levels as they come."""

from math import inf

from .meeting import follow, meet, met_at, on_mark, one_price

LOW, HIGH, CLOSE = 2, 1, 3


def walk(group, stage, fearful, cause):
    """Walk a stage as a pessimist or as an optimist."""
    for p in group.members:
        _set_goal(group.account, p, stage)
    if fearful:
        _pessimist(group, cause)
    else:
        _optimist(group, stage, cause)


def _set_goal(account, p, stage):
    """Where mark and trade price of a symbol go on a stage."""
    p.goal, p.last_goal = p.mark, p.last
    if stage == "ending":
        if account.has_mark(p):
            p.goal = account.bar(p)[account.MARK_CLOSE]
        if account.trades(p):
            p.last_goal = account.bar(p)[CLOSE]
        return
    if {"prelude": not p.favoured, "favourable": p.favoured}.get(stage, False):
        return
    falls = (p.lean > 0.0) == (stage == "adverse")
    p.goal = account.extreme(p, falls)
    if account.trades(p):
        p.last_goal = account.bar(p)[LOW if falls else HIGH]


def _limit(group):
    """Let marks go to their goals, or to the first order on their own way."""
    for p in group.members:
        p.reach = p.goal
    for o in group.orders():
        at, p = met_at(group.account, o), o.p
        if at < inf and on_mark(group.account, o) and abs(at - p.mark) < abs(p.reach - p.mark):
            for one in group.account.positions:
                if one.series == p.series:
                    one.reach = at


def _next(group, marks):
    """(order, price) that comes first on the marks' ways, or on those of trades alone; None."""
    found, nearest = None, inf
    for o in group.orders():
        at, now = met_at(group.account, o), o.p.mark if marks else o.p.last
        if at < inf and on_mark(group.account, o) == marks and abs(at / now - 1.0) < nearest:
            found, nearest = (o, at), abs(at / now - 1.0)
    return found


def _arrive(group, o, at, marks):
    """Move the prices of an order's symbol to where it is met; another mark as far as it may."""
    joint = one_price(group.account, o.p)
    for p in group.account.positions:
        if p.series != o.p.series:
            continue
        if marks:
            p.mark, p.last = at, at if joint else p.last
        else:
            p.last = at
            p.mark = min(max(at, min(p.mark, p.goal)), max(p.mark, p.goal))
    follow(group.account, o.p.series)


def _meet(group, found, marks):
    o, at = found
    _arrive(group, o, at, marks)
    meet(group.account, o, at)


def _finish(group, marks=True):
    """Put the prices where the stage ends."""
    for p in group.members:
        p.mark, p.last = p.goal if marks else p.mark, p.last_goal
    for p in group.members:
        follow(group.account, p.series)


def _falls(group, cause):
    """Whether something is liquidated on the marks' ways."""
    steps = len(group.account.records["liquidations"])
    group.advance(cause)
    return len(group.account.records["liquidations"]) != steps


def _pessimist(group, cause):
    """Every mark may reach its goal before any order on another price fills."""
    while True:
        _limit(group)
        if _falls(group, cause):
            continue
        other, own = _next(group, marks=False), _next(group, marks=True)
        if other is not None:
            _meet(group, other, marks=False)
        elif own is not None:
            _meet(group, own, marks=True)
        else:
            break
    _finish(group)


def _optimist(group, stage, cause):
    """Marks reach their goals at the best moment between the orders' fills."""
    passed = False
    while True:
        _limit(group)
        other, own = _next(group, marks=False), _next(group, marks=True)
        if not passed and _must_fall(group, stage):
            if other is not None:
                _meet(group, other, marks=False)
            else:
                passed = not _falls(group, cause)
        elif own is not None:
            _meet(group, own, marks=True)
        elif other is not None:
            passed = True
            _meet(group, other, marks=False)
        else:
            break
    _finish(group, marks=not (passed or (group.several and stage == "adverse")))


def _must_fall(group, stage):
    """Whether something fails whatever the order; of a pool one mark is adverse, others best."""
    if not group.several:
        if group.pool is not None:
            return bool(group.pool.open()) and group.fails(group.pool, group.pool.open())
        return any(group.fails(p, [p]) for p in group.members if p.size)
    if stage != "adverse":
        return group.fails(group.pool, group.pool.open())
    for one in group.pool.open():
        _limit(group)
        for p in group.members:
            if p.series != one.series:
                p.reach = group.account.extreme(p, p.lean < 0.0)
        if group.fails(group.pool, group.pool.open()):
            return True
    _limit(group)
    return False
