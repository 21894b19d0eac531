"""What a position must have behind it: maintenance margin, initial margin, closing fee.

`rules` is one RULES record; amounts are in the settle asset. Inside one tier the maintenance margin
is fixed + slope·value + curve·value² in the value of a unit of size (`contracts`). The part that
does not move with the mark (`constant_part`: a closing fee, the next funding) is kept apart.
Isolated positions pass the `margin` in their bucket (without unrealised P&L), cross ones NaN.
Source: the margin sections of the venues' rulebooks; the mechanisms are named there.
"""

# mypy: disable-error-code="no-any-return"

from math import isnan
from typing import Any

from .contracts import notional, price_of, side, signed_units, unit_value
from .jit import jit
from .tiers import initial_rate, tier_index, tier_key, tier_of
from .types import CloseFee, InitialRate, IsolatedOpen, NextFunding, TierRule, ValuedAt

_AT_ENTRY = int(ValuedAt.ENTRY)
_LINEAR_IN_SIZE = int(TierRule.LINEAR_IN_SIZE)
_FEE_AT_MARK = int(CloseFee.AT_MARK)
_FEE_AT_BANKRUPTCY = int(CloseFee.AT_BANKRUPTCY)
_FEE_ON_COST = int(CloseFee.COST_AND_MARGIN)
_LAST_RATE = int(NextFunding.LAST_RATE)
_PLUS_CLOSING_FEE = int(IsolatedOpen.PLUS_CLOSING_FEE)
_MINUS_OPENING_FEE = int(IsolatedOpen.MINUS_OPENING_FEE)
_BY_LEVERAGE = int(InitialRate.LEVERAGE)
_BY_TABLE = int(InitialRate.TABLE)


@jit
def bankruptcy_fee_rate(rules: Any) -> float:
    """Fee rate that a takeover at the bankruptcy price has to leave room for."""
    return rules["close_fee_rate"] if rules["bankruptcy_fee"] else 0.0


@jit
def keeps_fee_apart(rules: Any) -> bool:
    """Whether the closing fee that a takeover charges is the amount reserved at the opening."""
    return rules["bankruptcy_fee"] != 0 and rules["close_fee"] == _FEE_ON_COST


@jit
def bankruptcy_price(rules: Any, size: float, mark: float, equity: float) -> float:
    """Price at which `equity` (at the mark) is used up, closing fee included if the venue does.

    units·(value − value at mark) + equity = |size|·value·fee; 0 for a long and infinite for a short
    that no price can use up.
    """
    s = side(signed_units(rules, size))
    value = s * unit_value(rules, mark) - equity / abs(size)
    return price_of(rules, max(value / (s - bankruptcy_fee_rate(rules)), 0.0))


@jit
def takeover_of(rules: Any, size: float, mark: float, equity: float, reserved: float) -> float:
    """`bankruptcy_price`, with the reserved closing fee kept apart where the venue does so."""
    if not keeps_fee_apart(rules):
        return bankruptcy_price(rules, size, mark, equity)
    units = signed_units(rules, size)
    value = unit_value(rules, mark) - (equity - reserved) / units
    return price_of(rules, max(value, 0.0))


@jit
def fillable_limit(rules: Any, size: float, mark: float, used: float, away: float) -> float:
    """Limit of a forced order: off the mark by `used` (a share, cut to 0..1) of `away`."""
    value = unit_value(rules, mark)
    moved = min(max(used, 0.0), 1.0) * away / abs(size)
    return price_of(rules, max(value - side(signed_units(rules, size)) * moved, 0.0))


@jit
def reserved_fee(rules: Any, size: float, price: float, rate: float) -> float:
    """Closing fee for leaving where the margin rate·value at a price is used up."""
    turned = 1.0 if rules["close_fee"] == _FEE_ON_COST else -side(signed_units(rules, size))
    return notional(rules, size, price) * (1.0 + turned * rate) * rules["close_fee_rate"]


@jit
def fee_of_margin(rules: Any, size: float, entry: float, margin: float) -> float:
    """Closing fee for leaving where a bucket's margin is used up, the fee included."""
    rate, cost = rules["close_fee_rate"], notional(rules, size, entry)
    if rules["close_fee"] == _FEE_ON_COST:
        return (cost + margin) * rate / (1.0 + rate)
    s = side(signed_units(rules, size))
    return max((s * cost - margin) / (s - rate), 0.0) * rate


@jit
def coins(rules: Any, size: float, mark: float) -> float:
    """The position in base coin: its size, or the value of an inverse one at the mark."""
    return abs(size) / mark if rules["inverse"] else abs(size)


@jit
def terms(rules: Any, row: int, size: float, entry: float) -> tuple[float, float, float]:
    """(fixed, slope, curve) of the maintenance margin inside one tier, per unit value."""
    rate, units = rules["rate"][row], abs(size)
    fixed, slope, curve = -rules["deduction"][row], units * rate, 0.0
    if rules["tier_rule"] == _LINEAR_IN_SIZE:
        if rules["inverse"]:
            curve = units * units * rules["rate_slope"]
        else:
            slope = units * min(rate + rules["rate_slope"] * units, rules["rate_cap"])
    elif rules["maintenance_at"] == _AT_ENTRY:
        fixed, slope = fixed + notional(rules, size, entry) * rate, 0.0
    if rules["close_fee"] == _FEE_AT_MARK:
        slope += units * rules["close_fee_rate"]
    return fixed, slope, curve


@jit
def maintenance_in_tier(
    rules: Any, row: int, size: float, entry: float, mark: float, constant: float
) -> float:
    """Maintenance requirement at a mark by one row of the table."""
    fixed, slope, curve = terms(rules, row, size, entry)
    value = unit_value(rules, mark)
    return fixed + slope * value + curve * value * value + constant


@jit
def maintenance_margin(
    rules: Any, size: float, entry: float, mark: float, constant: float
) -> float:
    """Maintenance requirement at a mark: rate·value − deduction, plus the constant part."""
    if size == 0.0:
        return 0.0
    row = tier_of(rules, size, entry, mark)
    return maintenance_in_tier(rules, row, size, entry, mark, constant)


@jit
def required_rate(rules: Any, size: float, entry: float, mark: float, leverage: float) -> float:
    """Initial margin per value: 1/leverage, the table's rate, or the larger of both."""
    if rules["initial_rate"] == _BY_LEVERAGE:
        return 1.0 / leverage
    row = tier_index(rules, tier_key(rules, size, entry, mark))
    table = initial_rate(rules, row, coins(rules, size, mark))
    if rules["initial_rate"] == _BY_TABLE or isnan(leverage):
        return table
    return max(table, 1.0 / leverage)


@jit
def initial_margin(rules: Any, size: float, entry: float, mark: float, leverage: float) -> float:
    """Initial requirement: rate·value, plus the closing fee where the venue counts it."""
    if size == 0.0:
        return 0.0
    price = entry if rules["initial_at"] == _AT_ENTRY else mark
    rate = required_rate(rules, size, entry, mark, leverage)
    margin = notional(rules, size, price) * rate
    if rules["isolated_open"] == _PLUS_CLOSING_FEE:
        at = mark if rules["close_fee"] == _FEE_AT_MARK else entry
        margin += reserved_fee(rules, size, at, rate)
    return margin


@jit
def isolated_cost(
    rules: Any, size: float, price: float, rate: float, fee: float
) -> tuple[float, float]:
    """(margin that stays in the bucket, money that leaves the wallet) when `size` is opened.

    `rate` is the initial margin per value, `fee` the opening fee.
    """
    base = notional(rules, size, price) * rate
    if rules["isolated_open"] == _MINUS_OPENING_FEE:
        return base - fee, base
    if rules["isolated_open"] == _PLUS_CLOSING_FEE:
        base += reserved_fee(rules, size, price, rate)
    return base, base + fee


@jit
def fee_part(rules: Any, size: float, entry: float, leverage: float, margin: float) -> float:
    """The closing fee in the requirement that does not move with the mark."""
    kind = rules["close_fee"]
    if size == 0.0 or (kind != _FEE_AT_BANKRUPTCY and kind != _FEE_ON_COST):
        return 0.0
    if isnan(margin) or (kind == _FEE_ON_COST and not isnan(leverage)):
        rate = required_rate(rules, size, entry, entry, leverage)
        return reserved_fee(rules, size, entry, rate)
    return fee_of_margin(rules, size, entry, margin)


@jit
def constant_part(
    rules: Any, size: float, entry: float, leverage: float, margin: float, funding_rate: float
) -> float:
    """The part of the requirement that does not move with the mark.

    A closing fee at the bankruptcy price, and the next funding of a position that would pay it
    at `funding_rate` (the last one settled; 0 if none is known).
    """
    if size == 0.0:
        return 0.0
    part = fee_part(rules, size, entry, leverage, margin)
    if rules["next_funding"] == _LAST_RATE:
        part += notional(rules, size, entry) * max(0.0, side(size) * funding_rate)
    return part
