"""The mark at which a bucket is liquidated, solved exactly over the tier table."""

# mypy: disable-error-code="no-any-return"

from typing import Any

from .jit import jit
from .requirement import slope_and_fixed
from .tiers import size_at_key, tier_index, tier_key
from .types import TierKey, Trigger, word

_AT_MARK = int(TierKey.NOTIONAL_AT_MARK)
_BELOW = int(Trigger.BELOW)
_FIRST = word(0)


@jit
def _root(rules: Any, row: int, size: float, entry: float, wallet: float) -> float:
    slope, fixed = slope_and_fixed(rules, row, size, entry)
    return (fixed - wallet + size * entry) / (size - slope)


@jit
def _healthy_at(
    rules: Any, row: int, size: float, entry: float, wallet: float, mark: float
) -> bool:
    slope, fixed = slope_and_fixed(rules, row, size, entry)
    return wallet + size * (mark - entry) - fixed - slope * mark > 0.0


@jit
def liquidation_price(rules: Any, size: float, entry: float, wallet: float) -> float:
    """Mark at which wallet + size·(mark − entry) equals the maintenance margin.

    `wallet` is the money behind the position without its own unrealised P&L, less every
    requirement that does not depend on this mark (other positions, constant closing fee).
    The tier is that of the position at the returned price. A long that cannot be liquidated
    gives 0. Requires a continuous requirement (a progressive table) or a tier that does not
    move with the mark: a flat table keyed on notional at mark has several such marks.
    """
    if size == 0.0:
        return 0.0
    row = _FIRST
    if rules["tier_key"] != _AT_MARK:
        row = tier_index(rules, tier_key(rules, size, entry, entry))
    else:
        # margin minus requirement falls along the adverse move: the first tier whose upper
        # edge lies on the other side of zero holds the root
        while row + 1 < rules["n_tiers"]:
            edge = size_at_key(rules, rules["floor"][row + 1], entry, 1.0) / abs(size)
            if _healthy_at(rules, row, size, entry, wallet, edge) == (size > 0.0):
                break
            row += 1
    price = _root(rules, row, size, entry, wallet)
    return max(price, 0.0) if size > 0.0 else price


@jit
def crosses(rules: Any, size: float, level: float, mark: float) -> bool:
    """Whether a mark liquidates a position with this level: at it, or strictly beyond it."""
    if mark == level:
        return rules["trigger"] != _BELOW
    return mark < level if size > 0.0 else mark > level
