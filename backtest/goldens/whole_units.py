"""Cases of a venue that counts in whole units: from its fields to an `IntegerPosition`."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import floor, isnan
from typing import Any

from ..explanation.integers import IntegerPosition, exact
from ..venues import at
from .read import Unsupported
from .subject import Subject

RATE_DIGITS = 6
"""Funding rates are published with at most this many digits."""


def position(subject: Subject) -> IntegerPosition:
    """The position of a case in whole units; Unsupported where costs are missing."""
    raw: Mapping[str, Any] = subject.case["positions"][subject.target]
    p = subject.positions[subject.target]
    cost, value = raw.get("posCost"), raw.get("markValue")
    if cost is None or value is None:
        raise Unsupported("the case has no cost or no value in whole units")
    table = 1.0 / float(p.rules["max_leverage"][0])
    rate = table if isnan(p.leverage) else 1.0 / p.leverage
    whole = IntegerPosition(
        contracts=int(raw["size"]),
        side=1 if p.size > 0 else -1,
        inverse=bool(p.rules["inverse"]),
        cost=abs(int(cost)),
        value=abs(int(value)),
        initial_rate=rate if raw.get("mmr") is not None else max(rate, table),
        maintenance_rate=float(p.rules["rate"][0]),
        taker_fee=float(p.rules["taker_fee"]),
        funding_rate=0.0,
        tick=float(p.rules["tick"]),
        price_unit=_unit(subject) * abs(p.size) / int(raw["size"]) * float(p.rules["multiplier"]),
        added=int(raw.get("posCross") or 0),
        lost=int(raw.get("posLoss") or 0),
        free=_free(subject),
    )
    return _with_funding(subject, whole)


def _unit(subject: Subject) -> float:
    """Whole units in one of the settle asset."""
    kind = subject.case["positions"][0].get("contract", "linear")
    key = "display.integer_unit"
    if key not in subject.book.decisions:
        raise Unsupported(f"the rulebook of {subject.book.id} has no whole unit")
    return at(subject.book.history(key, kind, subject.mode), subject.ts).number


def _free(subject: Subject) -> int:
    """What a cross account can add: margin balance less what is bound."""
    names = ("marginBalance_XBt", "initMargin_XBt", "maintMargin_XBt")
    found = [subject.account.get(name) for name in names]
    if any(value is None for value in found):
        return 0
    balance, orders, bound = (int(value or 0) for value in found)
    return balance - orders - bound


def _with_funding(subject: Subject, whole: IntegerPosition) -> IntegerPosition:
    """The next funding, read off the maintenance margin that the case states."""
    stated = subject.case["expect"].get("posMaint")
    if stated is None:
        return whole
    extra = Fraction(int(stated) - whole.fee, whole.cost) - exact(whole.maintenance_rate)
    rate = round(float(extra), RATE_DIGITS)
    return replace(whole, funding_rate=whole.side * max(rate, 0.0))


def is_whole(subject: Subject) -> bool:
    """Whether a case gives its position in whole units."""
    raw = subject.case["positions"]
    return len(raw) == 1 and raw[0].get("posCost") is not None


def liquidation_price(subject: Subject) -> float:
    """Liquidation price; of a cross account that is not shown, from its bankruptcy price."""
    whole, bust = position(subject), subject.case["expect"].get("bankruptcy_price")
    hidden = subject.mode == "cross" and whole.free == 0
    if hidden and bust is None:
        raise Unsupported("the case does not show what stands behind the position")
    return whole.price_after(float(bust)) if hidden else whole.liquidation_price


def bankruptcy_price(subject: Subject) -> float:
    """Bankruptcy price; of a cross account that is not shown, from its liquidation price."""
    whole, level = position(subject), subject.case["expect"].get("liquidation_price")
    hidden = subject.mode == "cross" and whole.free == 0
    if hidden and level is None:
        raise Unsupported("the case does not show what stands behind the position")
    return whole.price_before(float(level)) if hidden else whole.bankruptcy_price


def execution(subject: Subject) -> tuple[int, int]:
    """(value, commission) of the case's forced fill in whole units, commission rounded down."""
    raw, expect = subject.case["positions"][subject.target], subject.case["expect"]
    p, maker = subject.positions[subject.target], "adl_price" in expect
    price = exact(float(expect["adl_price" if maker else "bankruptcy_price"]))
    unit = exact(_unit(subject) * abs(p.size) / int(raw["size"]))
    each = round(unit / price) if p.rules["inverse"] else round(unit * price)
    fee = exact(float(p.rules["maker_fee" if maker else "taker_fee"]))
    return int(raw["size"]) * each, floor(int(raw["size"]) * each * fee)


def realised(subject: Subject) -> int:
    """Loss of the forced fill against the cost, with both commissions."""
    whole = position(subject)
    value, commission = execution(subject)
    gain = value - whole.cost
    pnl = (-whole.side if whole.inverse else whole.side) * gain
    return pnl - commission - floor(whole.cost * exact(whole.taker_fee))
