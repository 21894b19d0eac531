"""Funding: a signed payment on the position carried in, at the price the venue settles at."""

from math import isnan
from typing import Any

from .contracts import unit_value
from .jit import jit
from .ledger import refresh_level, slot
from .risk import is_cross, rules_of, usd_price
from .state import FUNDINGS
from .types import FUNDING_INSIDE, FUNDING_IS_ASSUMED, HAS_MARK, MARK_IS_PROXY, FundingFrom

_WALLET = int(FundingFrom.WALLET)


@jit
def take_from_bucket(w: Any, s: int, amount: float) -> None:
    """Move a funding payment out of the money the venue takes it from.

    Cross: the pool. Isolated: the position's margin, or the wallet and, when that is empty,
    the margin for the rest.
    """
    p = w.positions[s]
    pool = w.pools[p["pool"]]
    if is_cross(w):
        pool["cash"] -= amount
    elif rules_of(w, s)["funding_from"] == _WALLET:
        from_cash = min(amount, max(pool["cash"], 0.0))
        pool["cash"] -= from_cash
        p["margin"] -= amount - from_cash
    else:
        p["margin"] -= amount


@jit
def pay_funding(w: Any, i: int, s: int, rate: float) -> None:
    """Charge value·rate: a long pays a positive rate, a short receives it."""
    p = w.positions[s]
    amount = p["size"] * unit_value(rules_of(w, s), p["mark"]) * rate
    take_from_bucket(w, s, amount)
    w.pools[p["pool"]]["funding"] += amount
    p["funding"] += amount
    p["pnl"] -= amount
    refresh_level(w, s)
    n = slot(w, FUNDINGS, len(w.funding))
    if n >= 0:
        r, flags = w.funding[n], w.flags[p["series"], i]
        r["ts"], r["symbol"], r["size"], r["price"] = w.ts[i], s, p["size"], p["mark"]
        r["funding_rate"], r["amount"] = rate, amount
        r["is_assumed"] = (flags & FUNDING_IS_ASSUMED) != 0
        r["mark_is_proxy"] = (flags & MARK_IS_PROXY) != 0
        r["usd_price"] = usd_price(w, p["pool"])


@jit
def settle_funding(w: Any, i: int, field: int) -> bool:
    """Charge every open position whose symbol settles funding here; whether any did."""
    paid = False
    for s in range(len(w.positions)):
        p = w.positions[s]
        rate = w.prices[field, p["series"], i]
        if isnan(rate):
            continue
        p["funding_rate"] = rate
        priced = w.flags[p["series"], i] & HAS_MARK  # without a price nothing happens
        paid_inside = field == FUNDING_INSIDE and p["funded"] == w.ts[i]
        if priced and p["size"] != 0.0 and not paid_inside:
            pay_funding(w, i, s, rate)
            paid = True
        else:
            refresh_level(w, s)  # a requirement may hold the next payment at this rate
    return paid
