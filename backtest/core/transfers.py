"""Money that the trader moves: into an isolated position, and from and to a reserve outside."""

# mypy: disable-error-code="no-any-return"

from typing import Any

from .jit import jit
from .ledger import record_deposit, refresh_level, refresh_pool, reject
from .refusals import ROUNDING
from .resting import available
from .risk import is_cross, position_initial, position_pnl
from .state import Rejected, Source
from .types import word

_RESERVE = word(Source.RESERVE)
_NO_POSITION = word(Rejected.NO_POSITION)
_INSUFFICIENT_MARGIN = word(Rejected.INSUFFICIENT_MARGIN)
_RESERVE_EXCEEDED = word(Rejected.RESERVE_EXCEEDED)


@jit
def is_over(amount: float, limit: float) -> bool:
    """Whether an amount is more than there is, by more than what sums of amounts are rounded by."""
    return amount > limit * (1.0 + ROUNDING)


@jit
def transfer(w: Any, ts: int, order: Any) -> None:
    """Move money from the reserve into the pool of a symbol, or back if it is free there."""
    s, amount = order["symbol"], order["value"]
    number = w.positions[s]["pool"]
    pool = w.pools[number]
    if is_over(amount, pool["reserve"]):
        reject(w, ts, s, _RESERVE_EXCEEDED, 0.0, order["price"], (amount, pool["reserve"]))
        return
    free = available(w, number)
    if amount < 0.0 and is_over(-amount, free):
        reject(w, ts, s, _INSUFFICIENT_MARGIN, 0.0, order["price"], (-amount, free))
        return
    amount = max(min(amount, pool["reserve"]), -max(free, 0.0))
    pool["reserve"] -= amount
    record_deposit(w, ts, number, amount, _RESERVE)
    refresh_pool(w, number)


@jit
def removable(w: Any, s: int) -> float:
    """Margin that may be taken out of an isolated position: what is over its initial margin.

    Gains cannot be taken out, losses are covered first.
    """
    p = w.positions[s]
    return p["margin"] + min(position_pnl(w, s), 0.0) - position_initial(w, s)


@jit
def add_margin(w: Any, ts: int, order: Any) -> None:
    """Move money between the wallet and an isolated position's margin."""
    s, amount = order["symbol"], order["value"]
    p = w.positions[s]
    pool = w.pools[p["pool"]]
    if is_cross(w) or p["size"] == 0.0:
        reject(w, ts, s, _NO_POSITION, 0.0, order["price"], (amount, 0.0))
        return
    free = available(w, p["pool"]) if amount > 0.0 else removable(w, s)
    if is_over(abs(amount), free):
        reject(w, ts, s, _INSUFFICIENT_MARGIN, 0.0, order["price"], (abs(amount), free))
        return
    amount = min(amount, free) if amount > 0.0 else max(amount, -free)
    pool["cash"] -= amount
    p["margin"] += amount
    refresh_level(w, s)
