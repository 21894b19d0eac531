"""What a contract is worth.

A unit of size is worth price · multiplier in the settle asset, of an inverse contract 1 / price.
Written in that unit value every contract is linear: P&L is units · (value − value at entry), where
units are the signed size, turned round for inverse contracts because a rising price lowers the
value of what their shorts owe. `rules` is one RULES record.
"""

# mypy: disable-error-code="no-any-return"

from math import inf
from typing import Any

from numpy import floor  # of a float, a float: lots may be more than an integer holds

from .jit import jit


@jit
def unit_value(rules: Any, price: float) -> float:
    """Settle value of one unit of size at a price."""
    return 1.0 / price if rules["inverse"] else price * rules["multiplier"]


@jit
def price_of(rules: Any, value: float) -> float:
    """The price at which a unit of size has a settle value; infinite for an inverse one of 0."""
    if rules["inverse"]:
        return 1.0 / value if value > 0.0 else inf
    return value / rules["multiplier"]


@jit
def signed_units(rules: Any, size: float) -> float:
    """Signed number of unit values whose sum the position's P&L follows."""
    return -size if rules["inverse"] else size


@jit
def notional(rules: Any, size: float, price: float) -> float:
    """Value of the position at a price, in the settle asset."""
    return abs(size) * unit_value(rules, price)


@jit
def size_worth(rules: Any, value: float, price: float) -> float:
    """Size whose value at a price is `value`, with its sign."""
    return value / unit_value(rules, price)


@jit
def unrealized_pnl(rules: Any, size: float, entry: float, price: float) -> float:
    """Profit of the position if it left at a price, in the settle asset."""
    if rules["inverse"]:
        return size * (1.0 / entry - 1.0 / price)
    return size * (price - entry) * rules["multiplier"]


@jit
def side(size: float) -> float:
    """+1 for a long, −1 for a short, 0 for none."""
    return 1.0 if size > 0.0 else (-1.0 if size < 0.0 else 0.0)


@jit
def lots(count: float, lot: float) -> float:
    """A number of lots as a size; 181,753 lots of 0.001 are 181.753 and not 181.75300000000001."""
    per_unit = floor(1.0 / lot + 0.5)
    if per_unit >= 1.0 and abs(per_unit * lot - 1.0) < 1e-9:
        return count / per_unit
    return count * lot


@jit
def whole_lots(size: float, lot: float) -> float:
    """A size freed of what sums of lots carry as rounding error; others stay as they are."""
    nearest = lots(floor(abs(size) / lot + 0.5), lot)
    return side(size) * nearest if abs(abs(size) - nearest) < 1e-6 * lot else size


@jit
def round_down(size: float, lot: float) -> float:
    """Largest multiple of the lot not beyond |size|, with the sign of size.

    A thousand-millionth of a lot is forgiven, so that 0.3 stays three lots of 0.1.
    """
    count = abs(size) / lot
    return side(size) * lots(floor(count + 1e-9 + 1e-14 * count), lot)


@jit
def round_up(size: float, lot: float) -> float:
    """Smallest multiple of the lot not under |size|, with the sign of size.

    What many lots carry as rounding error is forgiven, so that a multiple stays itself.
    """
    count = abs(size) / lot
    return side(size) * lots(-floor(-count + 1e-9 + 1e-14 * count), lot)


@jit
def without_dust(closed: float, held: float, lot: float) -> float:
    """|size| to close of |size| held: all of it if less than half a lot would stay.

    Sums of lots carry rounding errors, and a lot may have grown since the position was opened.
    """
    return held if held - closed < 0.5 * lot else closed
