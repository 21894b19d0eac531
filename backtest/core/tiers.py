"""Which row of the tier table applies, and what it allows.

`rules` is one RULES record. Rows cover `floor < key <= next floor`; the first row also covers 0.
"""

# mypy: disable-error-code="no-any-return"

from typing import Any

from .contracts import notional, size_worth
from .jit import jit
from .types import InitialRate, TierKey

_AT_ENTRY = int(TierKey.NOTIONAL_AT_ENTRY)
_SIZE = int(TierKey.SIZE)
_BY_LEVERAGE = int(InitialRate.LEVERAGE)
SAME_KEY = 1e-12
"""Share by which a key may pass a floor: sums of lots carry rounding errors."""


@jit
def tier_key(rules: Any, size: float, entry: float, mark: float) -> float:
    """The quantity the table is keyed on: notional at mark, notional at entry, or size."""
    if rules["tier_key"] == _SIZE:
        return abs(size)
    return notional(rules, size, entry if rules["tier_key"] == _AT_ENTRY else mark)


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
    """|size| whose tier key is `key`: the inverse of `tier_key`, units of size."""
    if rules["tier_key"] == _SIZE:
        return key
    return size_worth(rules, key, entry if rules["tier_key"] == _AT_ENTRY else mark)


@jit
def initial_rate(rules: Any, row: int, coins: float) -> float:
    """The table's own initial margin rate of a row for a position of `coins` base coins."""
    return 1.0 / rules["max_leverage"][row] + rules["initial_slope"] * coins


@jit
def largest_key_at(rules: Any, leverage: float, mark: float) -> float:
    """Largest tier key a position may have at a leverage setting; 0 if no row allows it.

    Where the table's rate is what opening needs, whatever the leverage, the table's end.
    """
    if rules["initial_rate"] != _BY_LEVERAGE:
        return rules["cap"]
    limit = 0.0
    for row in range(rules["n_tiers"]):
        if rules["max_leverage"][row] + 1e-9 < leverage:
            break
        limit = rules["cap"] if row + 1 == rules["n_tiers"] else rules["floor"][row + 1]
    if rules["initial_slope"] > 0.0 and limit > 0.0:
        coins = (1.0 / leverage - 1.0 / rules["max_leverage"][0]) / rules["initial_slope"]
        limit = min(limit, coins * mark if rules["inverse"] else coins)
    return limit
