"""What a position must have behind it: maintenance margin, initial margin, closing fee.

`rules` is one RULES record; amounts are in the settle asset. Isolated positions pass the
`margin` in their bucket (without unrealised P&L), cross positions pass NaN.
Source: the margin sections of the venues' rulebooks; the mechanisms are named there.
"""

# mypy: disable-error-code="no-any-return"

from math import isnan
from typing import Any

from .contracts import notional, side
from .jit import jit
from .tiers import tier_of
from .types import CloseFee, IsolatedOpen, ValuedAt

_AT_ENTRY = int(ValuedAt.ENTRY)
_FEE_AT_MARK = int(CloseFee.AT_MARK)
_FEE_AT_BANKRUPTCY = int(CloseFee.AT_BANKRUPTCY)
_PLUS_CLOSING_FEE = int(IsolatedOpen.PLUS_CLOSING_FEE)
_MINUS_OPENING_FEE = int(IsolatedOpen.MINUS_OPENING_FEE)


@jit
def bankruptcy_fee_rate(rules: Any) -> float:
    """Fee rate that a takeover at the bankruptcy price has to leave room for."""
    return rules["taker_fee"] if rules["bankruptcy_fee"] else 0.0


@jit
def bankruptcy_price(rules: Any, size: float, mark: float, equity: float) -> float:
    """Price at which `equity` (at the mark) is used up, closing fee included if the venue does.

    side·|size|·(price − mark) + equity = |size|·price·fee; never under 0.
    """
    s = side(size)
    price = (s * mark - equity / abs(size)) / (s - bankruptcy_fee_rate(rules))
    return max(price, 0.0)


@jit
def leverage_bankruptcy_fee(rules: Any, size: float, entry: float, leverage: float) -> float:
    """Taker fee for closing at entry·(1 − side/leverage), the price that uses up entry/leverage."""
    return notional(size, entry) * (1.0 - side(size) / leverage) * rules["taker_fee"]


@jit
def constant_close_fee(
    rules: Any, size: float, entry: float, leverage: float, margin: float
) -> float:
    """The part of the closing fee in the requirement that does not move with the mark."""
    if rules["close_fee"] != _FEE_AT_BANKRUPTCY or size == 0.0:
        return 0.0
    if isnan(margin):
        return leverage_bankruptcy_fee(rules, size, entry, leverage)
    price = max((side(size) * entry - margin / abs(size)) / (side(size) - rules["taker_fee"]), 0.0)
    return notional(size, price) * rules["taker_fee"]


@jit
def slope_and_fixed(rules: Any, row: int, size: float, entry: float) -> tuple[float, float]:
    """MM(mark) = fixed + slope·mark inside one tier, without the constant closing fee."""
    rate = rules["rate"][row]
    slope, fixed = abs(size) * rate, -rules["deduction"][row]
    if rules["maintenance_at"] == _AT_ENTRY:
        slope, fixed = 0.0, fixed + abs(size) * entry * rate
    if rules["close_fee"] == _FEE_AT_MARK:
        slope += abs(size) * rules["taker_fee"]
    return slope, fixed


@jit
def maintenance_margin(
    rules: Any, size: float, entry: float, mark: float, constant_fee: float
) -> float:
    """Maintenance requirement at a mark: rate·value − deduction + closing fee."""
    if size == 0.0:
        return 0.0
    slope, fixed = slope_and_fixed(rules, tier_of(rules, size, entry, mark), size, entry)
    return fixed + slope * mark + constant_fee


@jit
def initial_margin(
    rules: Any, size: float, entry: float, mark: float, leverage: float, mode: int
) -> float:
    """Initial requirement: value/leverage, plus the closing fee where the venue counts it."""
    price = entry if rules["initial_at"][mode] == _AT_ENTRY else mark
    margin = notional(size, price) / leverage
    if rules["isolated_open"] == _PLUS_CLOSING_FEE:
        margin += leverage_bankruptcy_fee(rules, size, entry, leverage)
    return margin


@jit
def isolated_cost(
    rules: Any, size: float, price: float, leverage: float, fee: float
) -> tuple[float, float]:
    """(margin that stays in the bucket, money that leaves the wallet) when `size` is opened."""
    base = notional(size, price) / leverage
    if rules["isolated_open"] == _MINUS_OPENING_FEE:
        return base - fee, base
    if rules["isolated_open"] == _PLUS_CLOSING_FEE:
        base += leverage_bankruptcy_fee(rules, size, price, leverage)
    return base, base + fee
