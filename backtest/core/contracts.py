"""What a contract is worth: linear contracts, sizes signed in base units, amounts in quote."""

from math import floor

from .jit import jit


@jit
def notional(size: float, price: float) -> float:
    """Value of the position at a price, in the settle asset: |size|·price."""
    return abs(size) * price


@jit
def unrealized_pnl(size: float, entry: float, price: float) -> float:
    """Profit of the position if it left at a price, in the settle asset: size·(price − entry)."""
    return size * (price - entry)


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
