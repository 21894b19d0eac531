"""The bar loop: the order of events inside a bar, which is part of the contract.

1. Open: margin at the mark open; rule changes; funding; a refill; orders; margin again.
2. Inside: liquidation at the marks between open and the extremes.
3. Close: funding settled inside the bar, then equity, samples and standing targets.

A bar in which nothing can happen is only looked at (`quiet`).
"""

# mypy: disable-error-code="no-any-return"

from math import isnan, nan
from typing import Any

from .arrivals import fill_orders
from .coarse import note_reached
from .contracts import notional
from .fills import close_part, closing_fill
from .funding import settle_funding
from .inside import play_inside
from .jit import jit
from .ledger import Fill, record_deposit, refresh_pool, write_trade
from .orders import drop_order, has_order, place_order, size_for_exposure
from .quiet import can_skip, is_calm, skip_quiet
from .resting import end_orders, expire_orders, tidy
from .risk import pool_equity, position_pnl, rules_of, rules_today, usd_price
from .samples import close_equity, exposure, take_samples
from .state import FILLS, NO_TIME, Cause, OnLiquidation, OrderKind, Reason, Rejected, Source, Stop
from .trigger import check_marks, set_marks
from .types import (
    CLOSE,
    FUNDING,
    FUNDING_INSIDE,
    HAS_MARK,
    HAS_TRADE,
    MARK_CLOSE,
    MARK_HIGH,
    MARK_LOW,
    MARK_OPEN,
    SEGMENT_END,
    word,
)

_PRICE = word(Cause.PRICE)
_FUNDING = word(Cause.FUNDING)
_TIER_CHANGE = word(Cause.TIER_CHANGE)
_MARK_OPEN, _MARK_CLOSE = word(MARK_OPEN), word(MARK_CLOSE)
_AT_OPEN, _INSIDE = word(FUNDING), word(FUNDING_INSIDE)
_REFILL = int(OnLiquidation.REFILL)
_END, _FRESH = word(Reason.END), word(Source.REFILL)
_UNSURE, _FILLED = word(Stop.UNSURE), word(Stop.FILLED)
_EXPIRY = word(Reason.EXPIRY)
_EXPIRED = word(Rejected.EXPIRED)
_SIZE = word(OrderKind.SIZE)
_CANCELLED = word(Rejected.CANCELLED_BY_LIQUIDATION)
_SEGMENT_ENDED = word(Rejected.SEGMENT_ENDED)


@jit
def change_rules(w: Any, i: int) -> bool:
    """Put the rules valid at this bar in force; whether any changed.

    A venue may leave an open position its old rules until it changes (`frozen`).
    """
    state = w.state[0]
    if w.ts[i] < state["rules_until"]:
        return False
    state["rules_until"] = NO_TIME
    for s in range(len(w.positions)):
        p = w.positions[s]
        while w.rules[p["current"]]["valid_to"] <= w.ts[i]:
            p["current"] += 1
        if p["size"] == 0.0 or not rules_of(w, s)["frozen"]:
            p["rule"] = p["current"]
        today = rules_today(w, s)
        state["rules_until"] = min(state["rules_until"], today["valid_to"])
        if today["expires"] > w.ts[i]:
            state["rules_until"] = min(state["rules_until"], today["expires"])
    for pool in range(len(w.pools)):
        refresh_pool(w, pool)
    return True


@jit
def renew_start(w: Any, pool: int) -> float:
    """The equity that a refill restores: the starting money, of a coin as much as it buys now."""
    state, price = w.pools[pool], usd_price(w, pool)
    if state["start_usd"] > 0.0 and price > 0.0:
        state["start"] = state["start_usd"] / price
    return state["start"]


@jit
def refill(w: Any, i: int) -> None:
    """Restore a pool's starting equity when less than the given share of it is left."""
    config = w.config[0]
    if config["on_liquidation"] != _REFILL:
        return
    for pool in range(len(w.pools)):
        equity = pool_equity(w, pool)
        if equity >= config["refill_below"] * w.pools[pool]["start"]:
            continue
        missing = renew_start(w, pool) - equity
        if missing > 0.0:
            record_deposit(w, w.ts[i], pool, missing, _FRESH)
            w.pools[pool]["equity"] += missing
            refresh_pool(w, pool)


@jit
def settle_expired(w: Any, i: int) -> None:
    """Settle dated futures whose time has come since the last open, at the mark of this one."""
    for s in range(len(w.positions)):
        p, rules = w.positions[s], rules_of(w, s)
        if not w.state[0]["opened"] < rules["expires"] <= w.ts[i]:
            continue
        drop_order(w, w.ts[i], s, _EXPIRED)
        end_orders(w, w.ts[i], s, _EXPIRED)
        if p["size"] != 0.0:
            closed = abs(p["size"])
            fee = notional(rules, closed, p["mark"]) * rules["delivery_fee"]
            pnl = position_pnl(w, s)
            close_part(w, s, closed, Fill(w.ts[i], _EXPIRY, p["mark"], fee, 0.0, pnl))
            refresh_pool(w, p["pool"])


@jit
def open_bar(w: Any, i: int) -> None:
    """Everything that happens at the open of bar i."""
    set_marks(w, i, _MARK_OPEN)
    check_marks(w, i, _PRICE)
    if change_rules(w, i):
        check_marks(w, i, _TIER_CHANGE)
        settle_expired(w, i)
    if settle_funding(w, i, _AT_OPEN):
        check_marks(w, i, _FUNDING)
    if w.state[0]["stopped"]:
        return
    expire_orders(w, w.ts[i])
    if w.config[0]["fine"]:
        return
    refill(w, i)
    if fill_orders(w, i):
        check_marks(w, i, _PRICE)


@jit
def note_extremes(w: Any, i: int) -> None:
    """Widen every running trade's range of marks by this bar."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["size"] != 0.0 and w.flags[p["series"], i] & HAS_MARK:
            p["low"] = min(p["low"], w.prices[MARK_LOW, p["series"], i])
            p["high"] = max(p["high"], w.prices[MARK_HIGH, p["series"], i])


@jit
def end_position(w: Any, i: int, s: int) -> None:
    """Close a position at this close, because no data follow or the account has stopped."""
    p = w.positions[s]
    if p["size"] == 0.0:
        return
    price = p["close"] if w.flags[p["series"], i] & HAS_TRADE else p["mark"]
    closed = abs(p["size"])
    close_part(w, s, closed, closing_fill(w, w.ts[i], s, closed, price, 0.0, _END))
    refresh_pool(w, p["pool"])


@jit
def end_segments(w: Any, i: int) -> None:
    """Close what must not be carried on: symbols without data, everything once stopped."""
    stopped = w.state[0]["stopped"]
    for s in range(len(w.positions)):
        if w.flags[w.positions[s]["series"], i] & SEGMENT_END or stopped:
            end_position(w, i, s)
            reason = _CANCELLED if stopped else _SEGMENT_ENDED
            drop_order(w, w.ts[i], s, reason)
            end_orders(w, w.ts[i], s, reason)


@jit
def keep_target(w: Any, s: int) -> None:
    """Queue what brings a position back to its standing target, if that is asked for.

    What is less than the venue's minimum is not sent: it would be refused at every bar.
    """
    p, config, rules = w.positions[s], w.config[0], rules_today(w, s)
    drift = abs(exposure(w, s) - p["target"])
    lost = config["reenter"] and p["size"] == 0.0 and p["target"] != 0.0
    if not lost and (config["rebalance"] < 0.0 or drift <= config["rebalance"]):
        return
    size = size_for_exposure(w, s, p["target"], p["close"])
    opened = abs(size) if size * p["size"] >= 0.0 else abs(size) - abs(p["size"])
    worth = notional(rules, opened, p["close"])
    small = opened < rules["min_size"] or worth < rules["min_notional"]
    if opened <= 0.0 or not small:
        place_order(w, s, _SIZE, size, nan)


@jit
def keep_targets(w: Any, i: int) -> None:
    """Bring positions back to their standing targets, on the closes of their trade candles."""
    config = w.config[0]
    if config["rebalance"] < 0.0 and not config["reenter"]:
        return
    for s in range(len(w.positions)):
        flags = w.flags[w.positions[s]["series"], i]
        trades = flags & HAS_TRADE and not flags & SEGMENT_END
        if trades and not isnan(w.positions[s]["target"]) and not has_order(w, s):
            keep_target(w, s)


@jit
def close_bar(w: Any, i: int) -> None:
    """Everything that happens at the close of bar i."""
    set_marks(w, i, _MARK_CLOSE)
    for s in range(len(w.positions)):
        p = w.positions[s]
        if w.flags[p["series"], i] & HAS_TRADE:
            p["close"] = w.prices[CLOSE, p["series"], i]
        p["closing_mark"] = p["mark"] if p["mark"] > 0.0 else nan
    if settle_funding(w, i, _INSIDE):
        check_marks(w, i, _FUNDING)
    end_segments(w, i)
    close_equity(w)
    keep_targets(w, i)
    take_samples(w, i)


@jit
def is_due(w: Any, i: int) -> bool:
    """Whether an order event is due at bar i that has not been taken."""
    n = w.state[0]["order"]
    return n < len(w.orders) and w.orders[n]["ts"] <= w.ts[i]


@jit
def end_bar(w: Any, i: int) -> None:
    """The close of a bar, after its inside has been played as finer bars."""
    for s in range(len(w.positions)):
        w.positions[s]["funded"] = w.ts[i]
    note_extremes(w, i)
    close_bar(w, i)
    tidy(w)
    w.state[0]["last_ts"] = w.ts[i]


@jit
def run_bar(w: Any, i: int) -> bool:
    """One bar, in full; False if it stopped inside, because its ways part and it is to ask."""
    state = w.state[0]
    if state["opened"] != w.ts[i]:
        filled = w.counts[FILLS]
        open_bar(w, i)
        state["opened"] = w.ts[i]
        if w.config[0]["pause"] and not w.config[0]["fine"] and w.counts[FILLS] != filled:
            state["unsure"] = _FILLED
            return False
    elif is_due(w, i):
        state["following"] = 1
        if fill_orders(w, i):
            check_marks(w, i, _PRICE)
        state["following"] = 0
    if not is_calm(w, i) and not play_inside(w, i):
        state["unsure"] = _UNSURE
        return False
    note_extremes(w, i)
    if w.config[0]["fine"]:
        set_marks(w, i, _MARK_CLOSE)
        note_reached(w, i)
    else:
        close_bar(w, i)
    tidy(w)
    return True


@jit
def run_bars(w: Any, first: int, last: int) -> int:
    """Run bars [first, last); returns how far it came.

    A stopped account ends early, and so does one that is unsure of a bar.
    """
    i = first
    while i < last:
        if can_skip(w):
            i = skip_quiet(w, i, last)
            if i == last:
                break
        if not run_bar(w, i):
            break
        i += 1
        if w.state[0]["stopped"]:
            break
    if i > first and not w.config[0]["fine"]:
        w.state[0]["last_ts"] = w.ts[i - 1]
    return i


@jit
def finish(w: Any, ts: int) -> None:
    """Write the trades still open at the end of the run, valued at their last mark."""
    for s in range(len(w.positions)):
        p = w.positions[s]
        if p["size"] == 0.0:
            continue
        held = p["pnl"]
        p["pnl"] = held + position_pnl(w, s)
        write_trade(w, s, Fill(ts, _END, p["mark"], 0.0, 0.0, 0.0))
        p["pnl"] = held
