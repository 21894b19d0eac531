"""Rules of one position as sentences and as the equation with its numbers put in."""

from math import inf
from typing import Any

from ..core.requirement import bankruptcy_fee_rate, slope_and_fixed
from ..core.types import CloseFee, IsolatedOpen, TierKey, TierRule, Trigger, ValuedAt
from .display import exists
from .numbers import Pool, Position, Report

KEYS = {
    TierKey.NOTIONAL_AT_MARK: "value at mark",
    TierKey.NOTIONAL_AT_ENTRY: "value at entry",
    TierKey.SIZE: "size",
}
OPENINGS = {
    IsolatedOpen.NOTIONAL_OVER_LEVERAGE: "",
    IsolatedOpen.MINUS_OPENING_FEE: " − opening fee",
    IsolatedOpen.PLUS_CLOSING_FEE: " + closing fee at the price that uses the margin up",
}
FEES = {
    CloseFee.NONE: "",
    CloseFee.AT_MARK: " + taker fee · value at mark",
    CloseFee.AT_BANKRUPTCY: " + taker fee at the price that uses the initial margin up",
}


def number(value: float) -> str:
    """A number as people write it: thousands separated, at most ten significant digits."""
    if value in (inf, -inf):
        return "none"
    text = f"{value:,.10g}" if abs(value) >= 1e-4 or value == 0 else f"{value:.6g}"
    return text.replace("e-0", "e-")


def percent(rate: float) -> str:
    """A fraction as percent, without rounding noise."""
    return f"{100 * rate:.6g} %"


def formula(p: Position, pool: Pool | None, r: Report) -> list[str]:
    """How the liquidation price comes about, a line per rule."""
    lines = [_trigger(p.rules, pool), _requirement(p.rules)]
    if pool is None:
        opening = OPENINGS[IsolatedOpen(int(p.rules["isolated_open"]))]
        lines.append(f"isolated margin at the opening = value / leverage{opening}")
    lines.append(_tier(p.rules, r))
    if exists(r.liquidation_price):
        lines.append(_solved(p, pool, r))
    else:
        lines.append("no mark price above 0 liquidates this position")
    lines.append(_bankruptcy(p.rules))
    return lines


def _trigger(rules: Any, pool: Pool | None) -> str:
    equity = "margin" if pool is None else "wallet + P&L of all positions of the pool"
    own = " + unrealised P&L" if pool is None else ""
    strict = "<" if rules["trigger"] == Trigger.BELOW else "<="
    return f"liquidated at the mark price where {equity}{own} {strict} maintenance margin"


def _requirement(rules: Any) -> str:
    at = "entry" if rules["maintenance_at"] == ValuedAt.ENTRY else "mark"
    deduction = " − deduction" if rules["tier_rule"] == TierRule.PROGRESSIVE else ""
    fee = FEES[CloseFee(int(rules["close_fee"]))]
    return f"maintenance margin = rate · value at {at}{deduction}{fee}"


def _tier(rules: Any, r: Report) -> str:
    row = max(r.tier_at_liquidation, 1) - 1
    last = row + 1 == rules["n_tiers"]
    top = float(rules["cap"] if last else rules["floor"][row + 1])
    until = "on" if top == inf or top > 1e15 else f"to {number(top)}"
    key = KEYS[TierKey(int(rules["tier_key"]))]
    text = f"tier {row + 1} at that price: {key} from {number(rules['floor'][row])} {until}, "
    text += f"rate {percent(rules['rate'][row])}"
    if rules["deduction"][row]:
        text += f", deduction {number(rules['deduction'][row])}"
    return text + f", up to {rules['max_leverage'][row]:g}x"


def _solved(p: Position, pool: Pool | None, r: Report) -> str:
    """The equation money + size·(P − entry) = fixed + slope·P, solved for P."""
    row = r.tier_at_liquidation - 1
    slope, fixed = slope_and_fixed(p.rules, row, p.size, p.entry)
    if p.rules["close_fee"] == CloseFee.AT_BANKRUPTCY:
        fixed += r.closing_fee
    money = r.equity - r.unrealized_pnl
    name = "margin" if pool is None else "money"
    if pool is not None:
        fixed += pool.other_maintenance
    return (
        f"P = (size·entry − {name} + fixed) / (size − slope) = "
        f"({number(p.size * p.entry)}{signed(-money)}{signed(fixed)}) / "
        f"({number(p.size)}{signed(-slope)}) = {number(r.liquidation_price)}"
    )


def signed(value: float) -> str:
    """A term of a sum: its sign, then its size; nothing for 0."""
    if value == 0:
        return ""
    return f" {'−' if value < 0 else '+'} {number(abs(value))}"


def _bankruptcy(rules: Any) -> str:
    fee = bankruptcy_fee_rate(rules)
    less = f", closing fee of {percent(fee)} paid" if fee else ""
    return f"bankruptcy price: the mark at which nothing is left{less}"
