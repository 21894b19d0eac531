"""The inside of a bar: the ways that its prices leave open, and the one an account takes.

Most bars leave one way only: no order can be met, and no more than one thing can fail. Where there
are several, all are tried from the state at the open. What happens on each of them is certain, what
happens on some is possible. The pessimistic account takes the way that ends with the least equity,
the optimistic one that with the most.
"""

# mypy: disable-error-code="no-any-return"

from math import inf, isnan
from typing import Any

from .coarse import forget_owed, guess_marks, may_wait, note_harmless, some_coarse
from .funding import pay_funding
from .jit import jit
from .legs import leading_side
from .price import has_cliffs
from .risk import is_cross, pool_equity, rules_of
from .state import FILLS, FUNDINGS, Cause, Done, Path
from .triggered import comes_falling, follow_bar, may_meet, meets_orders
from .types import FUNDING_INSIDE, HAS_MARK, MARK_CLOSE, Gains, word
from .walk import (
    ADVERSE,
    ENDING,
    FAVOURABLE,
    PESSIMIST,
    PRELUDE,
    WAIT,
    set_out,
    walk,
)
from .way import advance, extreme_mark, fails, in_group

BEFORE, TRIAL = word(0), word(1)
"""Slots where the state is kept: of the open, and of a group's start."""
_YES = word(1)
_FUNDING, _PRICE = word(Cause.FUNDING), word(Cause.PRICE)
_RESTS, _FILLED = int(Done.RESTS), int(Done.FILLED)
_OPTIMISTIC = int(Path.OPTIMISTIC)
_OWN = int(Gains.OWN)
SAME = 1e-12
"""Share by which equities of two ways differ through rounding alone."""


@jit
def keep(w: Any, slot: int) -> None:
    """Remember the whole state."""
    for n in range(len(w.carried)):
        w.kept[slot, n] = w.carried[n]
    for k in range(w.state[0]["resting"]):
        w.kept_resting[slot, k] = w.resting[k]


@jit
def restore(w: Any, slot: int) -> None:
    """Go back to a state that was kept."""
    for n in range(len(w.carried)):
        w.carried[n] = w.kept[slot, n]
    for k in range(w.state[0]["resting"]):
        w.resting[k] = w.kept_resting[slot, k]


@jit
def groups(w: Any) -> int:
    """Number of groups that are walked one by one: pools, or in isolated mode symbols."""
    if is_cross(w):
        return len(w.pools)
    count = 0
    for s in range(len(w.positions)):
        count = max(count, w.positions[s]["series"] + 1)
    return count


@jit
def aim(w: Any, i: int, group: int, better: float) -> None:
    """Let every mark go to the bar's worst (−1) or best price for its own position."""
    for s in range(len(w.positions)):
        if in_group(w, s, group):
            p = w.positions[s]
            p["reach"] = extreme_mark(w, i, s, better * leading_side(w, s))


@jit
def stay(w: Any, group: int) -> None:
    """Let no mark of a group go anywhere."""
    for s in range(len(w.positions)):
        if in_group(w, s, group):
            p = w.positions[s]
            p["reach"], p["still"] = p["mark"], 0


@jit
def turns(w: Any, group: int) -> bool:
    """Whether the favourable prices of a bar can fail a pool of several positions."""
    for s in range(len(w.positions)):
        p, rules = w.positions[s], rules_of(w, s)
        moves = p["twin"] >= 0 or has_cliffs(rules) or rules["rate_slope"] > 0.0
        moves = moves or rules["gains"] == _OWN
        if in_group(w, s, group) and p["size"] != 0.0 and moves:
            return True
    return False


@jit
def is_funded_inside(w: Any, i: int, group: int) -> bool:
    """Whether a group has an open position whose funding is settled inside the bar."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        held = in_group(w, s, group) and p["size"] != 0.0
        if held and not isnan(w.prices[FUNDING_INSIDE, p["series"], i]):
            return True
    return False


@jit
def is_open(w: Any, i: int, group: int) -> bool:
    """Whether a bar may leave several ways open for a group."""
    if meets_orders(w, i, group) or is_funded_inside(w, i, group):
        return True
    alone = not is_cross(w) or w.pools[group]["open"] <= 1
    vague = some_coarse(w, i, group)
    if alone and not vague:
        return False
    aim(w, i, group, -1.0)
    if fails(w, group):
        return True
    if not vague:
        return False
    aim(w, i, group, 1.0)
    return fails(w, group)


@jit
def symbols_in(w: Any, group: int) -> int:
    """Number of symbols in a group."""
    count = 0
    for s in range(len(w.positions)):
        if in_group(w, s, group) and w.positions[s]["leg"] >= 0:
            count += 1
    return count


@jit
def favours(w: Any, i: int, s: int, route: int) -> int:
    """Whether a symbol goes to its favourable price first on a route.

    0: none does. 1: all do. 2: those do where that price meets orders that open, 3: those
    where it meets orders that reduce.
    """
    if route < 2:
        return route
    p = w.positions[s]
    for k in range(w.state[0]["resting"]):
        o = w.resting[k]
        same = w.positions[o["symbol"]]["series"] == p["series"]
        if same and may_meet(w, i, k) and comes_falling(o) == (p["lean"] < 0.0):
            opens = o["size"] * w.positions[o["symbol"]]["size"] >= 0.0
            if opens == (route == 2):
                return 1
    return 0


@jit
def choices(w: Any, i: int, group: int) -> int:
    """Number of ways to walk a route: pessimist, optimist; WAIT where a mark is coarse."""
    return 3 if some_coarse(w, i, group) else 2


@jit
def ways(w: Any, i: int, group: int) -> int:
    """Number of ways of a bar: routes, each walked with every choice."""
    routes = 1
    if meets_orders(w, i, group):
        routes = 2 if symbols_in(w, group) == 1 else 4
    return routes * choices(w, i, group)


@jit
def pay_inside(w: Any, i: int, group: int, costs: int, gains: int) -> None:
    """Settle a group's funding of inside the bar at the mark's close, where it costs or gains."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        rate = w.prices[FUNDING_INSIDE, p["series"], i]
        if not in_group(w, s, group) or isnan(rate) or p["funded"] == w.ts[i]:
            continue
        cost = p["size"] * rate > 0.0
        if p["size"] == 0.0 or (costs if cost else gains) == 0:
            continue
        if not w.flags[p["series"], i] & HAS_MARK:
            continue
        saved = p["mark"]
        p["funded"], p["funding_rate"] = w.ts[i], rate
        p["mark"] = w.prices[MARK_CLOSE, p["series"], i]
        pay_funding(w, i, s, rate)
        p["mark"] = saved


@jit
def play(w: Any, i: int, group: int, way: int, cause: int) -> None:
    """The inside of a bar on one of its ways.

    Funding of inside the bar is paid first where that is worse for the pessimist, or better for
    the optimist, and else at the close.
    """
    state, count = w.state[0], choices(w, i, group)
    state["choice"] = way % count
    for s in range(len(w.positions)):
        if in_group(w, s, group):
            w.positions[s]["favoured"] = favours(w, i, s, way // count)
    hopeful = int(state["choice"] != PESSIMIST)
    note_harmless(w, i, group)
    paid = w.counts[FUNDINGS]
    pay_inside(w, i, group, 1 - hopeful, hopeful)
    if w.counts[FUNDINGS] != paid:
        stay(w, group)
        advance(w, i, group, _FUNDING)
    walk(w, i, group, PRELUDE, cause)
    walk(w, i, group, ADVERSE, cause)
    walk(w, i, group, FAVOURABLE, cause)
    walk(w, i, group, ENDING, cause)
    paid = w.counts[FUNDINGS]
    pay_inside(w, i, group, _YES, _YES)
    if w.counts[FUNDINGS] != paid:
        walk(w, i, group, ENDING, _FUNDING)
    if state["choice"] != WAIT or state["due"]:
        forget_owed(w, i, group)
    note_harmless(w, i, group)
    if state["choice"] == WAIT:
        guess_marks(w, i, group)


@jit
def money_of(w: Any, group: int) -> float:
    """Equity of the pools that a group's walk changes."""
    if is_cross(w):
        return pool_equity(w, group)
    total = 0.0
    for pool in range(len(w.pools)):
        for s in range(len(w.positions)):
            if in_group(w, s, group) and w.positions[s]["pool"] == pool:
                total += pool_equity(w, pool)
                break
    return total


@jit
def note_agreement(w: Any, group: int) -> None:
    """Count in the state that is kept what has happened on a way."""
    for k in range(w.state[0]["resting"]):
        w.kept_resting[TRIAL, k]["hits"] += w.resting[k]["done"] == _FILLED
    for s in range(len(w.positions)):
        w.kept_positions[s]["falls"] += w.positions[s]["fell"]
    for pool in range(len(w.pools)):
        w.kept_pools[pool]["falls"] += w.pools[pool]["fell"]


@jit
def forget_agreement(w: Any) -> None:
    """Begin to compare the ways of a bar."""
    for k in range(w.state[0]["resting"]):
        w.resting[k]["hits"] = 0
    for s in range(len(w.positions)):
        w.positions[s]["fell"] = w.positions[s]["falls"] = 0
    for pool in range(len(w.pools)):
        w.pools[pool]["fell"] = w.pools[pool]["falls"] = 0


@jit
def try_ways(w: Any, i: int, group: int, cause: int) -> tuple[int, int, bool]:
    """(worst way, best way, whether they end differently); the state stays as it is.

    Of ways with the same equity the worse has more liquidation steps.
    """
    count = ways(w, i, group)
    low, high, least, most = 0, 0, inf, -inf
    exits_low, exits_high = 0, 0
    same = True
    first_exits, first_fills = 0, 0
    for way in range(count):
        play(w, i, group, way, cause)
        money, exits, fills = money_of(w, group), w.state[0]["exits"], w.counts[FILLS]
        note_agreement(w, group)
        restore(w, TRIAL)
        if way == 0:
            first_exits, first_fills = exits, fills
        elif exits != first_exits or fills != first_fills:
            same = False
        rounding = SAME * abs(money)
        if (
            way == 0
            or money < least - rounding
            or (money <= least + rounding and exits > exits_low)
        ):
            low, least, exits_low = way, money, exits
        if way == 0 or money > most + rounding or (money >= most - rounding and exits < exits_high):
            high, most, exits_high = way, money, exits
    same = same and most - least <= SAME * max(abs(most), abs(least))
    return low, high, not same


@jit
def take_way(w: Any, i: int, group: int, cause: int) -> bool:
    """Play the inside of a bar for a group with several ways; False: they part, and it must ask."""
    state = w.state[0]
    set_out(w, i, group)
    state["due"] = int(not some_coarse(w, i, group) or not may_wait(w, i, group))
    keep(w, TRIAL)
    low, high, parts = try_ways(w, i, group, cause)
    if parts and w.config[0]["ask"] and state["decided"] != w.ts[i]:
        return False
    if parts and state["parted_at"] != w.ts[i]:
        state["parted"], state["parted_at"] = state["parted"] + 1, w.ts[i]
    state["trials"] = ways(w, i, group)
    hopeful = parts and w.config[0]["path"] == _OPTIMISTIC
    play(w, i, group, high if hopeful else low, cause)
    state["trials"] = 0
    return True


@jit
def only_way(w: Any, i: int, group: int, cause: int) -> None:
    """The inside of a bar that leaves one way: what can fail alone fails, nothing else happens."""
    if not is_cross(w) or w.pools[group]["open"] <= 1:
        aim(w, i, group, -1.0)
        advance(w, i, group, cause)
        aim(w, i, group, 1.0)
        advance(w, i, group, cause)
    elif turns(w, group):
        aim(w, i, group, 1.0)
        advance(w, i, group, cause)
    if w.state[0]["resting"] > 0:
        for s in range(len(w.positions)):
            if in_group(w, s, group):
                follow_bar(w, i, s)
    if some_coarse(w, i, group):
        forget_owed(w, i, group)
        guess_marks(w, i, group)


@jit
def play_inside(w: Any, i: int) -> bool:
    """The inside of a bar; False if its ways part and somebody must say how to go on.

    The account is then as it was at the open.
    """
    several = False
    for group in range(groups(w)):
        several = several or is_open(w, i, group)
    if several:
        forget_agreement(w)
        keep(w, BEFORE)
    for group in range(groups(w)):
        if not several or not is_open(w, i, group):
            only_way(w, i, group, _PRICE)
        elif not take_way(w, i, group, _PRICE):
            restore(w, BEFORE)
            return False
    return True
