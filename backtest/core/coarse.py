"""Marks of which the finer bars know no more than a longer bar's range (MARK_IS_COARSE).

Such a mark may stand anywhere in the range at any moment of the longer bar, and reaches both ends
of it at some moment. Pessimist and optimist let it reach them in the finer bar that they walk; the
choice WAIT leaves them to a later one. An end is owed until it was walked to, or met a state in
which it would have had no consequence; the last finer bar that can tell pays what is owed.
"""

# mypy: disable-error-code="no-any-return"

from math import inf, isnan, nan
from typing import Any

from .jit import jit
from .legs import leading_side
from .state import Done, OrderType, TriggerBy
from .triggered import event_price, is_asleep, meets_orders
from .types import (
    FUNDING,
    FUNDING_INSIDE,
    HAS_MARK,
    MARK_CLOSE,
    MARK_HIGH,
    MARK_IS_COARSE,
    MARK_LOW,
)
from .way import extreme_mark, fails, in_group

_RESTS, _BY_MARK = int(Done.RESTS), int(TriggerBy.MARK)
_TRAILING = int(OrderType.TRAILING_STOP)


@jit
def is_coarse(w: Any, i: int, s: int) -> bool:
    """Whether only a longer bar's range is known of a symbol's mark."""
    return w.flags[w.positions[s]["series"], i] & MARK_IS_COARSE != 0


@jit
def some_coarse(w: Any, i: int, group: int) -> bool:
    """Whether a group has a symbol whose mark is coarse."""
    for s in range(len(w.positions)):
        series = w.positions[s]["series"]
        if w.flags[series, i] & MARK_IS_COARSE and in_group(w, s, group):
            return True
    return False


@jit
def end_of(w: Any, i: int) -> int:
    """Time at which a finer bar ends."""
    return w.ts[i] + w.ts[1] - w.ts[0]


@jit
def is_last(w: Any, i: int, s: int) -> bool:
    """Whether the longer bar ends with this one, so that its close is known."""
    return end_of(w, i) >= w.positions[s]["coarse_to"]


@jit
def is_owed(p: Any, direction: float) -> bool:
    """Whether the lowest (−1) or highest mark of the longer bar is still to be reached."""
    return not isnan(p["owed_low"] if direction < 0.0 else p["owed_high"])


@jit
def triggers(w: Any, s: int, goal: float) -> bool:
    """Whether a symbol's mark does something to a resting order on its way to a goal."""
    p = w.positions[s]
    for k in range(w.state[0]["resting"]):
        o = w.resting[k]
        if w.positions[o["symbol"]]["series"] != p["series"] or o["by"] != _BY_MARK:
            continue
        if o["done"] != _RESTS or is_asleep(w, o):
            continue
        if o["type"] == _TRAILING or event_price(o, p["mark"], goal) != inf:
            return True
    return False


@jit
def turn_still(w: Any) -> None:
    """Suspend, and then restore, what the walk's stage says of marks that stand still."""
    for s in range(len(w.positions)):
        w.positions[s]["still"] = -w.positions[s]["still"]


@jit
def is_harmless(w: Any, i: int, group: int, one: int, direction: float) -> bool:
    """Whether a mark may reach an end of its range now without any consequence.

    Those of other symbols are at their best.
    """
    series = w.positions[one]["series"]
    if triggers(w, one, extreme_mark(w, i, one, direction)):
        return False
    for s in range(len(w.positions)):
        p = w.positions[s]
        if in_group(w, s, group):
            towards = direction if p["series"] == series else leading_side(w, s)
            p["reach"] = extreme_mark(w, i, s, towards)
    return not fails(w, group)


@jit
def note_harmless(w: Any, i: int, group: int) -> None:
    """Let marks reach what is owed where that has no consequence."""
    if not some_coarse(w, i, group):
        return
    turn_still(w)
    for s in range(len(w.positions)):
        p = w.positions[s]
        if not in_group(w, s, group) or not is_coarse(w, i, s):
            continue
        if is_owed(p, -1.0) and is_harmless(w, i, group, s, -1.0):
            p["owed_low"] = nan
        if is_owed(p, 1.0) and is_harmless(w, i, group, s, 1.0):
            p["owed_high"] = nan
    turn_still(w)


@jit
def forget_owed(w: Any, i: int, group: int) -> None:
    """Nothing is owed of marks that have been walked to both ends of their ranges."""
    for s in range(len(w.positions)):
        if in_group(w, s, group) and is_coarse(w, i, s):
            w.positions[s]["owed_low"] = w.positions[s]["owed_high"] = nan


@jit
def reaches(w: Any, i: int, s: int, direction: float) -> bool:
    """Whether a bar whose mark is known reaches what is owed."""
    p = w.positions[s]
    if is_coarse(w, i, s) or not w.flags[p["series"], i] & HAS_MARK:
        return False
    if direction < 0.0:
        return w.prices[MARK_LOW, p["series"], i] <= p["owed_low"]
    return w.prices[MARK_HIGH, p["series"], i] >= p["owed_high"]


@jit
def note_reached(w: Any, i: int) -> None:
    """Nothing is owed of an end of a range that a bar with a known mark has reached."""
    for s in range(len(w.positions)):
        if reaches(w, i, s, -1.0):
            w.positions[s]["owed_low"] = nan
        if reaches(w, i, s, 1.0):
            w.positions[s]["owed_high"] = nan


@jit
def may_change(w: Any, i: int, group: int) -> bool:
    """Whether something in a later bar may change what a mark would liquidate or trigger."""
    if meets_orders(w, i, group) or w.ts[i] >= w.state[0]["rules_until"]:
        return True
    for s in range(len(w.positions)):
        p = w.positions[s]
        if not in_group(w, s, group):
            continue
        if reaches(w, i, s, -1.0) or reaches(w, i, s, 1.0):
            return True
        funded = not isnan(w.prices[FUNDING, p["series"], i])
        if p["size"] != 0.0 and (funded or not isnan(w.prices[FUNDING_INSIDE, p["series"], i])):
            return True
    return False


@jit
def may_wait(w: Any, i: int, group: int) -> bool:
    """Whether a later bar may be a better moment for what a group's marks have still to reach."""
    for s in range(len(w.positions)):
        later = w.positions[s]["coarse_to"] > end_of(w, len(w.ts) - 1)
        if later and in_group(w, s, group) and is_coarse(w, i, s):
            return True
    changed = False
    for later_bar in range(i + 1, len(w.ts)):
        changed = changed or may_change(w, later_bar, group)
        if changed and some_coarse(w, later_bar, group):
            return True
    return False


@jit
def guess_marks(w: Any, i: int, group: int) -> None:
    """Move coarse marks to where they are guessed, unless something would have happened there."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if in_group(w, s, group):
            p["still"], p["reach"] = 0, p["mark"]
            if is_coarse(w, i, s):
                p["reach"] = w.prices[MARK_CLOSE, p["series"], i]
                if triggers(w, s, p["reach"]):
                    return
    if fails(w, group):
        return
    for s in range(len(w.positions)):
        if in_group(w, s, group):
            w.positions[s]["mark"] = w.positions[s]["reach"]
