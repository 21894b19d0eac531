"""The quantities that golden cases ask for, each by its name in the cases."""

from collections.abc import Callable, Mapping
from math import isnan
from typing import Any

from ..core.contracts import notional, side
from ..core.risk import is_liquidated
from ..core.tiers import tier_of
from ..explanation.display import exists, shown_ratio
from ..explanation.formulas import funding_rate
from ..explanation.numbers import opening_margin
from ..venues import at, deductions
from .read import Unsupported
from .subject import Subject

NONE = "none"
"""How cases write that no liquidation price exists."""
Value = float | bool | str | Mapping[str, Any]


def compute(subject: Subject, quantity: str) -> Value:
    """A quantity of a case; raises Unsupported with a reason."""
    if quantity not in QUANTITIES:
        raise Unsupported(f"{quantity} is not in this version")
    value = QUANTITIES[quantity](subject)
    if isinstance(value, float) and isnan(value):
        raise Unsupported("the case lacks an input that this number needs")
    return value


def _price(value: float) -> float | str:
    return value if exists(value) else NONE


def _shown_price(name: str) -> Callable[[Subject], Value]:
    return lambda subject: _price(subject.report(asked=name).shown[name])


def _field(name: str) -> Callable[[Subject], Value]:
    return lambda subject: float(getattr(subject.report(), name))


def _is_account(subject: Subject) -> bool:
    """Whether a case asks about all its positions together."""
    return len(subject.positions) > 1 and "target_symbol" not in subject.case


def _total(name: str) -> Callable[[Subject], Value]:
    """A sum over all positions where the case is about the account."""

    def total(subject: Subject) -> Value:
        if not _is_account(subject):
            return subject.report(asked=name).shown[name]
        count = range(len(subject.positions))
        return sum(subject.report(i).shown[name] for i in count)

    return total


def _margin_ratio(subject: Subject) -> Value:
    """MM / equity; of a pool it is the same from whichever position one looks."""
    number = 0 if _is_account(subject) and subject.mode == "cross" else None
    return subject.report(number, asked="margin_ratio").shown["margin_ratio"]


def _initial(subject: Subject) -> Value:
    """Initial margin; of a resting order it is the order's value / leverage."""
    price = _order_price(subject)
    if price is None:
        return _total("initial_margin")(subject)
    p = subject.positions[subject.target]
    return notional(p.size, price) / p.leverage


def _order_price(subject: Subject) -> float | None:
    raw = subject.case["positions"]
    price = raw[subject.target].get("order_price") if len(raw) == 1 else None
    return None if price is None else float(price)


def _open_loss(subject: Subject) -> Value:
    """What an order loses against the mark when it fills: |size|·|min(0, side·(mark − price))|."""
    p, price = subject.positions[subject.target], _order_price(subject)
    if price is None:
        raise Unsupported("the case has no order price")
    return abs(p.size) * abs(min(0.0, side(p.size) * (p.mark - price)))


def _order_cost(subject: Subject) -> Value:
    return float(_initial(subject)) + float(_open_loss(subject))  # type: ignore[arg-type]


def _notional(subject: Subject) -> Value:
    return sum(notional(p.size, p.mark) for p in subject.positions)


def _initial_ratio(subject: Subject) -> Value:
    return shown_ratio(subject.report().initial_ratio, subject.display.ratio)


def _prices(subject: Subject) -> Value:
    """Liquidation price of every position of the account, by base coin."""
    return {
        p.symbol.partition("/")[0]: _price(subject.report(i).shown["liquidation_price"])
        for i, p in enumerate(subject.positions)
    }


def _is_liquidatable(subject: Subject) -> Value:
    r = subject.report()
    pool = subject.pool(subject.target) if subject.mode == "cross" else None
    needed = r.maintenance_margin + (pool.other_maintenance if pool else 0.0)
    return bool(is_liquidated(subject.positions[subject.target].rules, r.equity, needed))


def _raw_usd(subject: Subject) -> Value:
    """Money of an isolated bucket less what the position cost: margin − size·entry."""
    p = subject.positions[subject.target]
    return opening_margin(p) - p.size * p.entry


def _maintenance_amount(subject: Subject) -> Value:
    """Deduction of a position's tier; of the last of the case's own tiers where it has no position.

    A case with neither says only that the venue's first table of its time has such an amount: the
    nearest of that table's amounts is the answer.
    """
    if subject.case["positions"]:
        p = subject.positions[subject.target]
        return float(p.rules["deduction"][tier_of(p.rules, p.size, p.entry, p.mark)])
    tiers = subject.case.get("tiers")
    if tiers:
        rows = [(float(floor), float(rate)) for floor, _, _, rate, *_ in tiers]
        return deductions(*zip(*rows, strict=True))[-1]
    expected = float(subject.case["expect"]["maintenance_amount"])
    first = next(iter(subject.book.tiers))
    table = at(subject.book.tiers[first], subject.ts)
    return min(table.deductions, key=lambda amount: abs(amount - expected))


def _param(subject: Subject, name: str) -> float:
    params = subject.case.get("params") or {}
    if name not in params:
        raise Unsupported(f"the case has no parameter {name}")
    return float(params[name])


def _fee(subject: Subject) -> Value:
    """Fee of a market liquidation: size·price·taker rate, with the venue's decimals."""
    value = notional(_param(subject, "fill_size"), _param(subject, "fill_price"))
    fee = value * _param(subject, "effective_taker_rate")
    decimals = subject.book.decisions.get("display.fee_decimals")
    return round(fee, int(at(decimals, subject.ts).number)) if decimals else fee


def _funding(hours: float | None) -> Callable[[Subject], Value]:
    """Funding rate per `hours` (None: per the period the formula is written for)."""

    def rate(subject: Subject) -> Value:
        names = ("interest_rate", "band", "period_hours", "hourly_cap")
        found = [subject.book.decisions.get(f"funding.{name}") for name in names]
        if not all(found):
            raise Unsupported(f"the rulebook of {subject.book.id} has no funding formula")
        _, band, period, cap = (at(r, subject.ts).number for r in found if r)
        return funding_rate(
            _param(subject, "average_premium"), _param(subject, "interest_8h"), band,
            share=1.0 if hours is None else hours / period, cap=cap * (hours or period),
        )  # fmt: skip

    return rate


QUANTITIES: Mapping[str, Callable[[Subject], Value]] = {
    "liquidation_price": _shown_price("liquidation_price"),
    "liquidation_prices": _prices,
    "bankruptcy_price": _shown_price("bankruptcy_price"),
    "initial_margin": _initial,
    "maintenance_margin": _total("maintenance_margin"),
    "margin_ratio": _margin_ratio,
    "initial_margin_ratio": _initial_ratio,
    "available_balance": _field("available"),
    "unrealized_pnl": _field("unrealized_pnl"),
    "notional_value": _notional,
    "total_notional": _notional,
    "open_loss": _open_loss,
    "order_cost": _order_cost,
    "maintenance_amount": _maintenance_amount,
    "is_liquidatable": _is_liquidatable,
    "raw_usd": _raw_usd,
    "fee": _fee,
    "hourly_funding_rate": _funding(1.0),
    "funding_rate_8h": _funding(None),
}
