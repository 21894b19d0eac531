"""The checks before a position opens or grows; refusals are recorded with their numbers."""

from typing import Any

from .contracts import notional, unrealized_pnl
from .jit import jit
from .ledger import Fill, mean_price, reject
from .requirement import initial_margin
from .risk import pool_backing, position_initial, rules_today, twin_size
from .state import Rejected
from .tiers import largest_key_at, tier_key
from .types import Legs, word

_BELOW_MINIMUM = word(Rejected.BELOW_MINIMUM)
_INSUFFICIENT_MARGIN = word(Rejected.INSUFFICIENT_MARGIN)
_MAX_LEVERAGE = word(Rejected.MAX_LEVERAGE)
_POSITION_LIMIT = word(Rejected.POSITION_LIMIT)
_TIERS_UNKNOWN = word(Rejected.TIERS_UNKNOWN)
_ALLOWED = word(-1)
_LARGER_SIDE = int(Legs.LARGER_SIDE)
ROUNDING = 1e-12
"""Share by which a limit may be passed: amounts computed in two ways differ by rounding."""


@jit
def size_limit_breach(w: Any, s: int, size: float, price: float) -> tuple[int, float, float]:
    """(reason, key, limit) if `size` more breaks the tier's leverage or the table; else −1."""
    p, rules = w.positions[s], rules_today(w, s)
    total = abs(p["size"] + size) + twin_size(w, s)
    entry = mean_price(rules, abs(p["size"]), p["entry"], abs(size), price)
    key = tier_key(rules, total, entry, p["mark"])
    limit = largest_key_at(rules, w.config[0]["leverage"], p["mark"])
    if key <= limit * (1.0 + ROUNDING):
        return _ALLOWED, key, limit
    if limit < rules["cap"]:
        return _MAX_LEVERAGE, key, limit
    return (_POSITION_LIMIT if rules["tiers_complete"] else _TIERS_UNKNOWN), key, limit


@jit
def cross_needs(w: Any, s: int, size: float, fill: Fill) -> tuple[float, float]:
    """(initial margin of the whole pool after the fill, equity after it).

    Where the margin of the larger leg is enough for both, the smaller one adds none; of two that
    are as large as each other the first leg has it (`is_smaller_leg`).
    """
    p, rules = w.positions[s], rules_today(w, s)
    pool, total, required = p["pool"], p["size"] + size, 0.0
    other = twin_size(w, s) if rules["legs"] == _LARGER_SIDE else 0.0
    leads = abs(total) > other or (abs(total) == other and s < p["twin"])
    for o in range(len(w.positions)):
        outgrown = o == p["twin"] and other > 0.0 and leads
        if o != s and w.positions[o]["pool"] == pool and not outgrown:
            required += position_initial(w, o)
    if leads:
        entry = mean_price(rules, abs(p["size"]), p["entry"], abs(size), fill.price)
        required += initial_margin(rules, total, entry, p["mark"], w.config[0]["leverage"])
    lost = unrealized_pnl(rules, size, p["mark"], fill.price)
    return required, pool_backing(w, pool) - fill.fee - lost


@jit
def is_refused(w: Any, s: int, size: float, fill: Fill, needs: tuple[float, float]) -> bool:
    """Whether the venue refuses to open a size; `needs` is (margin required, available)."""
    rules = rules_today(w, s)
    value = notional(rules, size, fill.price)
    if abs(size) < rules["min_size"] * (1.0 - ROUNDING) or value < rules["min_notional"]:
        least = max(rules["min_notional"], notional(rules, rules["min_size"], fill.price))
        reject(w, fill.ts, s, _BELOW_MINIMUM, size, fill.price, (least, value))
        return True
    reason, key, limit = size_limit_breach(w, s, size, fill.price)
    if reason != _ALLOWED:
        reject(w, fill.ts, s, reason, size, fill.price, (key, limit))
        return True
    if needs[0] > needs[1] * (1.0 + ROUNDING):
        reject(w, fill.ts, s, _INSUFFICIENT_MARGIN, size, fill.price, needs)
        return True
    return False
