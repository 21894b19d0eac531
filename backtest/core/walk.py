"""Walking one way through the inside of a bar.

A way has stages: for some symbols first the favourable extreme, then the adverse extremes, the
favourable ones of the others, and the close. On a stage mark and trade price of every symbol move
to their goals; resting orders and liquidation come in the order in which the price meets them. Of
two prices whose order is unknown the choice decides: the pessimistic one lets a mark reach its goal
as soon as that liquidates and the orders later, the optimistic one as soon as it does not. A third
choice, WAIT, lets a mark of which only a longer bar's range is known stand still (`coarse`).
"""

# mypy: disable-error-code="no-any-return"

from math import inf, nan
from typing import Any

from .coarse import is_coarse, is_last, is_owed, note_harmless
from .contracts import side
from .jit import jit
from .legs import leading_side
from .risk import is_cross
from .state import Done
from .triggered import fill_resting, follow_all, met_at, on_mark_path, one_price
from .types import (
    CLOSE,
    HAS_MARK,
    HAS_TRADE,
    HIGH,
    LOW,
    MARK_CLOSE,
    OPEN,
    word,
)
from .way import advance, extreme_mark, failing_share, fails, in_group

PRELUDE, ADVERSE, FAVOURABLE, ENDING = word(0), word(1), word(2), word(3)
PESSIMIST, OPTIMIST, WAIT = word(0), word(1), word(2)
OTHER_PRICE, MARK = word(0), word(1)
"""Whose way an order lies on."""
_RESTS = int(Done.RESTS)


@jit
def lean_of(w: Any, s: int) -> float:
    """Side whose adverse prices a symbol is walked to: of its position, or of what may open."""
    p = w.positions[s]
    both = p["size"] + (w.positions[p["twin"]]["size"] if p["twin"] >= 0 else 0.0)
    if both != 0.0:
        return side(both)
    if p["size"] != 0.0 and is_cross(w):
        return side(leading_side(w, s))
    for k in range(w.state[0]["resting"]):
        o = w.resting[k]
        same = w.positions[o["symbol"]]["series"] == p["series"]
        if same and o["done"] == _RESTS and not o["reduce_only"]:
            return side(o["size"])
    return 1.0


@jit
def set_out(w: Any, i: int, group: int) -> None:
    """Put a group's prices where its walk begins, and note which way its symbols lean."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if in_group(w, s, group):
            traded = w.flags[p["series"], i] & HAS_TRADE
            p["last"] = w.prices[OPEN, p["series"], i] if traded else nan
            p["lean"] = lean_of(w, s)
            follow_all(w, s)


@jit
def set_goals(w: Any, i: int, group: int, stage: int) -> None:
    """Where mark and trade price of every symbol go on a stage."""
    w.state[0]["stage"] = stage
    for s in range(len(w.positions)):
        p = w.positions[s]
        if not in_group(w, s, group):
            continue
        p["goal"], p["last_goal"] = p["mark"], p["last"]
        p["still"] = int(w.state[0]["choice"] == WAIT and is_coarse(w, i, s))
        traded = w.flags[p["series"], i] & HAS_TRADE
        if stage == ENDING:
            if p["still"] and is_last(w, i, s):
                p["still"] = 0
            if w.flags[p["series"], i] & HAS_MARK and not p["still"]:
                p["goal"] = w.prices[MARK_CLOSE, p["series"], i]
            if traded:
                p["last_goal"] = w.prices[CLOSE, p["series"], i]
            continue
        if (stage == PRELUDE and not p["favoured"]) or (stage == FAVOURABLE and p["favoured"]):
            continue
        direction = -p["lean"] if stage == ADVERSE else p["lean"]
        if p["still"] and w.state[0]["due"] and is_owed(p, direction):
            p["still"] = 0
        if not p["still"]:
            p["goal"] = extreme_mark(w, i, s, direction)
        if traded:
            p["last_goal"] = w.prices[LOW if direction < 0.0 else HIGH, p["series"], i]


@jit
def limit_reach(w: Any, i: int, group: int) -> None:
    """Let every mark go to its goal, or to the first order on its own way."""
    for s in range(len(w.positions)):
        if in_group(w, s, group):
            w.positions[s]["reach"] = w.positions[s]["goal"]
    for k in range(w.state[0]["resting"]):
        o = w.resting[k]
        if o["done"] != _RESTS or not in_group(w, o["symbol"], group):
            continue
        if not on_mark_path(w, i, o):
            continue
        at, p = met_at(w, i, k), w.positions[o["symbol"]]
        if at != inf and abs(at - p["mark"]) < abs(p["reach"] - p["mark"]):
            stop_at(w, o["symbol"], at)


@jit
def stop_at(w: Any, s: int, at: float) -> None:
    """Let the marks of a symbol's positions go no further than a price."""
    series = w.positions[s]["series"]
    for o in range(len(w.positions)):
        if w.positions[o]["series"] == series:
            w.positions[o]["reach"] = at


@jit
def next_order(w: Any, i: int, group: int, way: int) -> int:
    """The order that is met first on the marks' ways, or on the others; −1 if none."""
    found, nearest = -1, inf
    for k in range(w.state[0]["resting"]):
        o = w.resting[k]
        if o["done"] != _RESTS or not in_group(w, o["symbol"], group):
            continue
        if int(on_mark_path(w, i, o)) != way or (way == MARK and w.positions[o["symbol"]]["still"]):
            continue
        at, p = met_at(w, i, k), w.positions[o["symbol"]]
        now = p["mark"] if way == MARK else p["last"]
        if at != inf and abs(at / now - 1.0) < nearest:
            found, nearest = k, abs(at / now - 1.0)
    return found


@jit
def arrive(w: Any, i: int, k: int, way: int) -> float:
    """Move the prices of an order's symbol to where it is met; returns that price.

    A mark that is another price goes along as far as its own way allows.
    """
    o = w.resting[k]
    at, series = met_at(w, i, k), w.positions[o["symbol"]]["series"]
    joint = one_price(w, i, o["symbol"])
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["series"] != series:
            continue
        if way == MARK:
            p["mark"] = at
            p["last"] = at if joint else p["last"]
        else:
            p["last"] = at
            low, high = min(p["mark"], p["goal"]), max(p["mark"], p["goal"])
            p["mark"] = min(max(at, low), high)
    follow_all(w, o["symbol"])
    return at


@jit
def meet(w: Any, i: int, k: int, way: int) -> None:
    """Go to where an order is met, and fill it."""
    fill_resting(w, i, k, arrive(w, i, k, way))


@jit
def stands_still(w: Any, group: int) -> bool:
    """Whether the stage says nothing of the mark of some open position."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if in_group(w, s, group) and p["still"] and p["size"] != 0.0:
            return True
    return False


@jit
def fails_for_sure(w: Any, i: int, group: int) -> bool:
    """Whether something is liquidated on the stage whatever else happens; sets the ways to it.

    All marks of a pool need not be adverse at once: one is, with the others at their best.
    """
    if not is_cross(w) or w.pools[group]["open"] <= 1:
        return fails(w, group)
    if w.state[0]["stage"] != ADVERSE:
        return not stands_still(w, group) and fails(w, group)
    for one in range(len(w.positions)):
        p = w.positions[one]
        if p["size"] == 0.0 or p["still"] or not in_group(w, one, group):
            continue
        limit_reach(w, i, group)
        for s in range(len(w.positions)):
            p = w.positions[s]
            if in_group(w, s, group) and p["series"] != w.positions[one]["series"]:
                p["reach"] = extreme_mark(w, i, s, p["lean"])
        if failing_share(w, group) != inf:
            return True
    limit_reach(w, i, group)
    return False


@jit
def finish_stage(w: Any, group: int) -> None:
    """Put all prices of a group where the stage ends."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if in_group(w, s, group):
            p["mark"], p["last"] = p["goal"], p["last_goal"]
            follow_all(w, s)


@jit
def walk_pessimist(w: Any, i: int, group: int, cause: int) -> None:
    """A stage in which every mark may reach its goal before any order on another price fills."""
    while True:
        limit_reach(w, i, group)
        exits = w.state[0]["exits"]
        advance(w, i, group, cause)
        if w.state[0]["exits"] != exits:
            continue
        other, own = next_order(w, i, group, OTHER_PRICE), next_order(w, i, group, MARK)
        if other >= 0:
            meet(w, i, other, OTHER_PRICE)
        elif own >= 0:
            meet(w, i, own, MARK)
        else:
            break
    finish_stage(w, group)


@jit
def walk_optimist(w: Any, i: int, group: int, cause: int) -> None:
    """A stage in which marks reach their goals at the best moment between the orders' fills."""
    passed = False
    while True:
        limit_reach(w, i, group)
        other, own = next_order(w, i, group, OTHER_PRICE), next_order(w, i, group, MARK)
        if not passed and fails_for_sure(w, i, group):
            if other >= 0:
                meet(w, i, other, OTHER_PRICE)
                note_harmless(w, i, group)
                continue
            exits = w.state[0]["exits"]
            advance(w, i, group, cause)
            passed = w.state[0]["exits"] == exits
        elif own >= 0:
            meet(w, i, own, MARK)
        elif other >= 0:
            passed = True
            meet(w, i, other, OTHER_PRICE)
            note_harmless(w, i, group)
        else:
            break
    spread = is_cross(w) and w.pools[group]["open"] > 1 and w.state[0]["stage"] == ADVERSE
    if not passed and not spread:
        finish_stage(w, group)
        return
    for s in range(len(w.positions)):
        if in_group(w, s, group):
            w.positions[s]["last"] = w.positions[s]["last_goal"]
            follow_all(w, s)


@jit
def walk(w: Any, i: int, group: int, stage: int, cause: int) -> None:
    """One stage of a walk, as the account's choice has it."""
    set_goals(w, i, group, stage)
    if w.state[0]["choice"] == PESSIMIST:
        walk_pessimist(w, i, group, cause)
    else:
        walk_optimist(w, i, group, cause)
