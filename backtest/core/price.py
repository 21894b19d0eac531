"""The marks at which a bucket is liquidated, solved exactly over the tier table.

A position has a `level` on its adverse side. It can have one on the other side too (`far`): where a
flat table is keyed on the value at the mark, a rising value lifts the whole position into a dearer
tier, and where the rate grows with the coins, those of an inverse short grow as the mark falls.
"""

# mypy: disable-error-code="no-any-return"

from math import inf, sqrt
from typing import Any

from .contracts import price_of, signed_units, unit_value
from .jit import jit
from .requirement import terms
from .tiers import tier_index, tier_key
from .types import TierKey, TierRule, Trigger, word

_AT_MARK = int(TierKey.NOTIONAL_AT_MARK)
_FLAT = int(TierRule.FLAT)
_BELOW = int(Trigger.BELOW)
_FIRST = word(0)
NUDGE = 1.0 + 2e-12
"""A value this much over a tier's floor is inside the tier."""


@jit
def has_cliffs(rules: Any) -> bool:
    """Whether the requirement jumps as the mark moves."""
    flat = rules["tier_rule"] == _FLAT and rules["tier_key"] == _AT_MARK
    return flat and rules["n_tiers"] > 1


@jit
def none_at(size: float) -> float:
    """How a level that does not exist is written: 0 for a long, infinite for a short."""
    return 0.0 if size > 0.0 else inf


@jit
def _root(rules: Any, row: int, size: float, entry: float, wallet: float) -> float:
    """Unit value at which wallet + P&L equals the requirement of one tier; the adverse root.

    Where a position fails at every value, the one that nothing is beyond: infinite where it gains
    from a rise, else 0.
    """
    fixed, slope, curve = terms(rules, row, size, entry)
    units = signed_units(rules, size)
    behind = wallet - fixed - units * unit_value(rules, entry)
    if curve == 0.0 and units == slope:  # the requirement takes all that is gained
        return 0.0 if behind > 0.0 else inf
    if curve == 0.0:
        return -behind / (units - slope)
    # behind + (units − slope)·v − curve·v² = 0, solved without losing digits
    b = units - slope
    inside = b * b + 4.0 * curve * behind
    if inside < 0.0:
        return inf if units > 0.0 else 0.0
    if units < 0.0:
        return 2.0 * behind / (-b + sqrt(inside))
    return -2.0 * behind / (b + sqrt(inside))


@jit
def _healthy_at(
    rules: Any, row: int, size: float, entry: float, wallet: float, value: float
) -> bool:
    fixed, slope, curve = terms(rules, row, size, entry)
    pnl = signed_units(rules, size) * (value - unit_value(rules, entry))
    return wallet + pnl - fixed - slope * value - curve * value * value > 0.0


@jit
def _floor_value(rules: Any, row: int, size: float) -> float:
    """Unit value at which a position enters a row of a table keyed on its value at the mark."""
    return rules["floor"][row] / abs(size)


@jit
def _continuous(rules: Any, size: float, entry: float, wallet: float) -> float:
    """The adverse root where the requirement has no jumps, or a tier that does not move."""
    row = _FIRST
    if rules["tier_key"] != _AT_MARK:
        row = tier_index(rules, tier_key(rules, size, entry, entry))
    else:
        # margin minus requirement falls along the adverse move: the first tier whose upper
        # edge lies on the other side of zero holds the root
        rises = signed_units(rules, size) > 0.0
        while row + 1 < rules["n_tiers"]:
            edge = _floor_value(rules, row + 1, size)
            if _healthy_at(rules, row, size, entry, wallet, edge) == rises:
                break
            row += 1
    return _root(rules, row, size, entry, wallet)


@jit
def _far_root(rules: Any, size: float, entry: float, wallet: float) -> float:
    """Unit value at which a requirement that grows faster than the gains has caught up; inf."""
    _, slope, curve = terms(rules, _FIRST, size, entry)
    units = signed_units(rules, size)
    if curve == 0.0 or units < 0.0:
        return inf
    b, behind = units - slope, wallet - units * unit_value(rules, entry)
    return (b + sqrt(max(b * b + 4.0 * curve * behind, 0.0))) / (2.0 * curve)


@jit
def _down_the_cliffs(rules: Any, size: float, entry: float, wallet: float, row: int) -> float:
    """First failing value on the way down from a row; 0 if there is none."""
    while row >= 0:
        root = _root(rules, row, size, entry, wallet)
        if root > _floor_value(rules, row, size):
            return root
        row -= 1
    return 0.0


@jit
def _up_the_cliffs(rules: Any, size: float, entry: float, wallet: float, row: int) -> float:
    """First failing value on the way up from a row, for a position that loses as value rises."""
    start = row
    while True:
        root = _root(rules, row, size, entry, wallet)
        floor = _floor_value(rules, row, size)
        if row > start and root <= floor:
            return floor * NUDGE
        if row + 1 == rules["n_tiers"] or root <= _floor_value(rules, row + 1, size):
            return root
        row += 1


@jit
def _failing_from(rules: Any, size: float, entry: float, wallet: float, row: int) -> int:
    """Row in which a position that fails in a row began to fail; the row itself if it does not."""
    if signed_units(rules, size) > 0.0:
        while row + 1 < rules["n_tiers"]:
            if _root(rules, row, size, entry, wallet) <= _floor_value(rules, row + 1, size):
                break
            row += 1
    else:
        while row > 0 and _root(rules, row, size, entry, wallet) <= _floor_value(rules, row, size):
            row -= 1
    return row


@jit
def _far_cliff(rules: Any, size: float, entry: float, wallet: float, row: int) -> float:
    """First floor above a row whose tier a position that gains cannot afford; inf if none."""
    for above in range(row + 1, rules["n_tiers"]):
        floor = _floor_value(rules, above, size)
        if _root(rules, above, size, entry, wallet) > floor:
            return floor * NUDGE
    return inf


@jit
def liquidation_prices(
    rules: Any, size: float, entry: float, wallet: float, mark: float
) -> tuple[float, float]:
    """(level, far): marks at which wallet + P&L equals the maintenance margin.

    `wallet` is the money behind the position without its own unrealised P&L, less every
    requirement that does not depend on this mark (other positions, the constant part). `level` is
    on the adverse side, `far` on the other one, where a dearer tier liquidates; the present `mark`
    lies between them. 0 and infinity stand for none.
    """
    if size == 0.0:
        return 0.0, 0.0
    gains = signed_units(rules, size) > 0.0
    level, far = 0.0, inf
    if not has_cliffs(rules):
        level = _continuous(rules, size, entry, wallet)
        far = _far_root(rules, size, entry, wallet)
    else:
        row = tier_index(rules, tier_key(rules, size, entry, mark))
        row = _failing_from(rules, size, entry, wallet, row)
        if gains:
            level = _down_the_cliffs(rules, size, entry, wallet, row)
            far = _far_cliff(rules, size, entry, wallet, row)
        else:
            level = _up_the_cliffs(rules, size, entry, wallet, row)
    price = price_of(rules, max(level, 0.0))
    other = none_at(-size) if far == inf else price_of(rules, far)
    return price, other


@jit
def liquidation_price(rules: Any, size: float, entry: float, wallet: float, mark: float) -> float:
    """The level on the adverse side: `liquidation_prices` without the other one."""
    return liquidation_prices(rules, size, entry, wallet, mark)[0]


@jit
def crosses(rules: Any, size: float, level: float, mark: float) -> bool:
    """Whether a mark liquidates a position with this level: at it, or strictly beyond it."""
    if mark == level:
        return rules["trigger"] != _BELOW
    return mark < level if size > 0.0 else mark > level


@jit
def crosses_far(size: float, far: float, mark: float) -> bool:
    """Whether a mark lifts a position into a tier that liquidates it."""
    return mark >= far if size > 0.0 else mark <= far
