"""Which row of the tier table applies, and what it allows.

`rules` is one RULES record. Rows cover `floor < key <= next floor`; the first row also covers 0.
"""

from typing import Any

from .jit import jit
from .types import TierKey

_AT_ENTRY = int(TierKey.NOTIONAL_AT_ENTRY)
_SIZE = int(TierKey.SIZE)
SAME_KEY = 1e-12
"""Share by which a key may pass a floor: sums of lots carry rounding errors."""


@jit
def tier_key(rules: Any, size: float, entry: float, mark: float) -> float:
    """The quantity the table is keyed on: notional at mark, notional at entry, or size."""
    if rules["tier_key"] == _SIZE:
        return abs(size)
    if rules["tier_key"] == _AT_ENTRY:
        return abs(size) * entry
    return abs(size) * mark


@jit
def tier_index(rules: Any, key: float) -> int:
    """Row (from 0) whose interval holds the key; the last row serves beyond the table."""
    row = 0
    while row + 1 < rules["n_tiers"] and key > rules["floor"][row + 1] * (1.0 + SAME_KEY):
        row += 1
    return row


@jit
def tier_of(rules: Any, size: float, entry: float, mark: float) -> int:
    """Row (from 0) of a position at a mark."""
    return tier_index(rules, tier_key(rules, size, entry, mark))


@jit
def size_at_key(rules: Any, key: float, entry: float, mark: float) -> float:
    """|size| whose tier key is `key`: the inverse of `tier_key`, base units."""
    if rules["tier_key"] == _SIZE:
        return key
    if rules["tier_key"] == _AT_ENTRY:
        return key / entry
    return key / mark


@jit
def largest_key_at(rules: Any, leverage: float) -> float:
    """Largest tier key a position may have at a leverage setting; 0 if no row allows it."""
    limit = 0.0
    for row in range(rules["n_tiers"]):
        if rules["max_leverage"][row] + 1e-9 < leverage:
            break
        limit = rules["cap"] if row + 1 == rules["n_tiers"] else rules["floor"][row + 1]
    return limit
