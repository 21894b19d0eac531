"""Rules of one position as sentences, in the words of its rulebook."""

from math import inf

from ..core.requirement import bankruptcy_fee_rate, coins, keeps_fee_apart, required_rate
from ..core.tiers import initial_rate
from ..core.types import (
    CloseFee,
    Gains,
    InitialRate,
    IsolatedOpen,
    NextFunding,
    TierKey,
    TierRule,
    Trigger,
    ValuedAt,
)
from .asked import Asked, leverage_decides
from .equation import lines as equation
from .figures import number, percent

KEYS = {
    TierKey.NOTIONAL_AT_MARK: "value at mark",
    TierKey.NOTIONAL_AT_ENTRY: "value at entry",
    TierKey.SIZE: "size",
}
OPENINGS = {
    IsolatedOpen.NOTIONAL_OVER_LEVERAGE: "",
    IsolatedOpen.MINUS_OPENING_FEE: " − opening fee",
    IsolatedOpen.PLUS_CLOSING_FEE: " + closing fee",
}
RATES = {
    "progressive": "rate · {value} − deduction",
    "flat": "rate · {value}",
    "linear_in_size": "(rate + slope · coins) · {value}",
    "over_leverage": "rate / leverage · {value}",
}
"""The maintenance margin of a tier by the rulebook's word for its rule."""


def formula(a: Asked) -> list[str]:
    """How margins and prices come about, a line per rule."""
    found = [_trigger(a), _requirement(a), _initial(a)]
    if a.pool is None:
        found.append(_opening(a))
    return [*found, _tier(a), *equation(a), _bankruptcy(a)]


def price_word(a: Asked) -> str:
    """The price that values and triggers: mark or oracle."""
    return str(a.word("trigger.price"))


def _trigger(a: Asked) -> str:
    strict = "<" if a.rules["trigger"] == Trigger.BELOW else "<="
    return f"liquidated at the {price_word(a)} price where {_equity(a)} {strict} maintenance margin"


def _equity(a: Asked) -> str:
    if a.pool is None:
        return "margin + unrealised P&L"
    if a.rules["gains"] == Gains.OWN:
        return "wallet + P&L, of other positions only their losses,"
    return "wallet + P&L of all positions of the pool"


def _value(a: Asked, field: str) -> str:
    return f"value at {'entry' if a.rules[field] == ValuedAt.ENTRY else price_word(a)}"


def _requirement(a: Asked) -> str:
    rule = RATES[str(a.word("maintenance.tier_rule"))].format(value=_value(a, "maintenance_at"))
    return f"maintenance margin = {rule}{_fee(a)}{_funding(a)}"


def _fee(a: Asked) -> str:
    """The closing fee inside the requirement, and what it is charged on."""
    rate = percent(float(a.rules["close_fee_rate"]))
    used = "margin" if a.pool is None else "initial margin"
    return {
        CloseFee.NONE: "",
        CloseFee.AT_MARK: f" + closing fee {rate} · value at {price_word(a)}",
        CloseFee.AT_BANKRUPTCY: f" + closing fee {rate} · value where the {used} is used up",
        CloseFee.COST_AND_MARGIN: f" + closing fee {rate} · (value at entry + margin)",
    }[CloseFee(int(a.rules["close_fee"]))]


def _funding(a: Asked) -> str:
    if a.rules["next_funding"] != NextFunding.LAST_RATE:
        return ""
    rate = a.position.funding_rate
    paid = f"{percent(abs(rate))} · value at entry" if rate * a.position.size > 0 else "0 here"
    return f" + next funding of the side that pays it ({paid})"


def _initial(a: Asked) -> str:
    rate, value = _rate(a), _value(a, "initial_at")
    fee = ""
    if a.rules["isolated_open"] == IsolatedOpen.PLUS_CLOSING_FEE:
        fee = " + closing fee"
    return f"initial margin = {value} · {rate}{fee}"


def _rate(a: Asked) -> str:
    """The initial margin per value, and where it comes from."""
    p, kind = a.position, InitialRate(int(a.rules["initial_rate"]))
    if kind == InitialRate.LEVERAGE:
        return f"1/leverage ({percent(1.0 / p.leverage)})"
    rate = percent(float(required_rate(p.rules, p.size, p.entry, p.mark, p.leverage)))
    if kind == InitialRate.TABLE or p.leverage == inf:
        return f"the table's rate ({rate})"
    return f"the larger of 1/leverage and the table's rate ({rate})"


def _opening(a: Asked) -> str:
    fee = OPENINGS[IsolatedOpen(int(a.rules["isolated_open"]))]
    p = a.position
    rate = percent(float(required_rate(p.rules, p.size, p.entry, p.entry, p.leverage)))
    return f"isolated margin at the opening = value at entry · {rate}{fee}"


def _tier(a: Asked) -> str:
    rules, there = a.rules, a.report.tier_at_liquidation
    row, when = (there or a.report.tier) - 1, "there" if there else "now"
    kind = TierKey(int(rules["tier_key"]))
    key = KEYS[kind].replace("mark", price_word(a))
    unit = a.unit if kind == TierKey.SIZE else a.instrument.settle
    last = row + 1 == rules["n_tiers"]
    top = float(rules["cap"] if last else rules["floor"][row + 1])
    floor = number(float(rules["floor"][row]))
    span = f"{floor} {unit} on" if top > 1e15 else f"{floor} to {number(top)} {unit}"
    text = f"tier {row + 1} {when}: {key} from {span}"
    return f"{text}, {_tier_rate(a, row)}, {_tier_leverage(a, row)}"


def _tier_rate(a: Asked, row: int) -> str:
    rules, rate = a.rules, float(a.rules["rate"][row])
    if rules["tier_rule"] == TierRule.LINEAR_IN_SIZE and rules["rate_slope"]:
        text = f"rate {percent(rate)} + {percent(float(rules['rate_slope']))} per coin"
        return text if rules["inverse"] else f"{text}, at most {percent(float(rules['rate_cap']))}"
    if str(a.word("maintenance.tier_rule")) == "over_leverage":
        return f"rate / leverage {percent(rate)}"
    deduction = float(rules["deduction"][row])
    return f"rate {percent(rate)}" + (f", deduction {number(deduction)}" if deduction else "")


def _tier_leverage(a: Asked, row: int) -> str:
    p = a.position
    if leverage_decides(a.rules):
        return f"up to {a.rules['max_leverage'][row]:g}x"
    held = float(coins(p.rules, p.size, p.mark))
    return f"initial rate {percent(float(initial_rate(p.rules, row, held)))}"


def _bankruptcy(a: Asked) -> str:
    text = f"bankruptcy price: the {price_word(a)} price at which nothing is left"
    if keeps_fee_apart(a.rules):
        return f"{text} but the closing fee set apart, {number(a.report.closing_fee)}"
    fee = float(bankruptcy_fee_rate(a.rules))
    return text + (f", closing fee of {percent(fee)} paid" if fee else "")
