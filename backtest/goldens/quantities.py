"""The quantities that golden cases ask for, each by its name in the cases."""

from collections.abc import Callable, Mapping
from math import isnan
from typing import Any

from ..core.contracts import notional, side
from ..core.risk import is_liquidated
from ..core.steps import SAME_MONEY
from ..core.tiers import tier_of
from ..core.types import Trigger
from ..explanation.display import exists, shown_ratio
from ..explanation.formulas import funding_rate
from ..explanation.joint import failing_ratio
from ..explanation.numbers import Position, opening_margin, pool_for
from ..venues import at, deductions
from . import blocks, quanta, whole_units
from .positions import instrument_of
from .read import Unsupported
from .subject import Subject

NONE = "none"
"""How cases write that no liquidation price exists."""
Value = Any
"""A number, a flag, a word, or a list or mapping of them."""
SESSION = ("futures_session_upl", "session_rpl", "options_value")
"""Parts of an account's equity beside its balance."""


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


def _liquidation_price(subject: Subject) -> Value:
    """The price the venue shows; what stands for none is shown too where a venue has that."""
    if whole_units.is_whole(subject) and subject.display.liquidation == "integer_contracts":
        return _price(whole_units.liquidation_price(subject))
    if subject.mode == "cross" and subject.display.liquidation == "common_ratio":
        return _price(_common_ratio_prices(subject)[subject.target])
    if subject.mode == "cross" and len(_legs(subject)) > 1:
        return _price(_price_of_legs(subject))
    level = subject.report(asked="liquidation_price").shown["liquidation_price"]
    return level if subject.display.no_price != "none" or isnan(level) else _price(level)


def _legs(subject: Subject) -> list[Position]:
    """The positions in the symbol that the case asks about."""
    symbol = subject.positions[subject.target].symbol
    return [p for p in subject.positions if p.symbol == symbol]


def _price_of_legs(subject: Subject) -> float:
    """One price for both legs of a symbol, with every other mark frozen."""
    legs = _legs(subject)
    others = [p for p in subject.positions if p.symbol != legs[0].symbol]
    wallet = float(subject.account.get("wallet_balance") or subject.pool(subject.target).wallet)
    beside = pool_for(wallet, others)
    ratio = failing_ratio(legs, wallet + beside.other_pnl, beside.other_maintenance)
    return ratio * legs[0].mark


def _common_ratio_prices(subject: Subject) -> list[float]:
    """Liquidation price of each position where all marks move by one ratio.

    Of an account whose equity is not shown, the first price is taken as given.
    """
    positions = subject.positions
    wallet = subject.pool(0).wallet
    given = subject.case["expect"].get("liquidation_price_each")
    if isnan(wallet) and given:
        ratio = float(given[0]) / positions[0].mark
    else:
        ratio = failing_ratio(positions, wallet)
    return [ratio * p.mark for p in positions]


def _bankruptcy_price(subject: Subject) -> Value:
    if "delta_base_quantums" in (subject.case.get("params") or {}):
        return quanta.bankruptcy_price(subject)
    if whole_units.is_whole(subject) and subject.display.bankruptcy == "integer_contracts":
        return whole_units.bankruptcy_price(subject)
    return _price(subject.report(asked="bankruptcy_price").shown["bankruptcy_price"])


def _each(name: str) -> Callable[[Subject], Value]:
    """A number of every position, in their order."""

    def each(subject: Subject) -> Value:
        return [subject.report(i).shown[name] for i in range(len(subject.positions))]

    return each


def _field(name: str) -> Callable[[Subject], Value]:
    return lambda subject: float(getattr(subject.report(), name))


def _is_account(subject: Subject) -> bool:
    """Whether a case asks about all its positions together."""
    return len(subject.positions) > 1 and "target_symbol" not in subject.case


def _total(name: str) -> Callable[[Subject], Value]:
    """A sum over all positions where the case is about the account."""

    def total(subject: Subject) -> Value:
        if not subject.case["positions"]:
            return _of_account(subject, name)
        if not _is_account(subject):
            return subject.report(asked=name).shown[name]
        count = range(len(subject.positions))
        return sum(subject.report(i).shown[name] for i in count)

    return total


def _of_account(subject: Subject, name: str) -> Value:
    """A requirement of an account without positions: nothing, or what its ratio says it is."""
    expect, balance = subject.case["expect"], subject.account.get("margin_balance")
    ratio = expect.get(RATIO_OF[name])
    if balance is not None and ratio:
        return float(balance) / float(ratio)
    hidden = any(key in subject.account for key in SESSION)
    if balance is None and subject.account.get("collateral") and not hidden:
        return 0.0
    raise Unsupported("the case has no position")


RATIO_OF = {"maintenance_margin": "margin_ratio", "initial_margin": "initial_margin_ratio"}


def _account_ratio(name: str) -> Callable[[Subject], Value]:
    """Balance over requirement of an account whose positions are not shown."""

    def ratio(subject: Subject) -> Value:
        balance, needed = subject.account.get("margin_balance"), subject.case["expect"].get(name)
        if balance is None or not needed:
            raise Unsupported("the case has no position")
        found = float(needed) / float(balance)
        return shown_ratio(found, "inverse")

    return ratio


def _margin_ratio(subject: Subject) -> Value:
    """MM / equity; of a pool it is the same from whichever position one looks."""
    if not subject.case["positions"]:
        return _account_ratio("maintenance_margin")(subject)
    number = 0 if _is_account(subject) and subject.mode == "cross" else None
    return subject.report(number, asked="margin_ratio").shown["margin_ratio"]


def _initial(subject: Subject) -> Value:
    """Initial margin; of a resting order it is the order's value / leverage."""
    if quanta.is_quanta(subject):
        return quanta.margins(subject)[0] / quanta.QUOTE
    price = _order_price(subject)
    if price is None:
        return float(_total("initial_margin")(subject)) + _added(subject)
    p = subject.positions[subject.target]
    return float(notional(p.rules, p.size, price)) / p.leverage


def _added(subject: Subject) -> float:
    """Margin added to an isolated position, which its initial margin contains."""
    raw = subject.case["positions"]
    return float(raw[0].get("extra_margin") or 0.0) if len(raw) == 1 else 0.0


def _maintenance(subject: Subject) -> Value:
    if quanta.is_quanta(subject):
        return quanta.margins(subject)[1] / quanta.QUOTE
    return _total("maintenance_margin")(subject)


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
    return float(_initial(subject)) + float(_open_loss(subject))


def _notional(subject: Subject) -> Value:
    return sum(p.notional for p in subject.positions)


def _initial_ratio(subject: Subject) -> Value:
    if not subject.case["positions"]:
        return _account_ratio("initial_margin")(subject)
    return shown_ratio(subject.report().initial_ratio, subject.display.ratio)


def _prices(subject: Subject) -> Value:
    """Liquidation price of every position of the account, by base coin."""
    return {
        p.symbol.partition("/")[0]: _price(subject.report(i).shown["liquidation_price"])
        for i, p in enumerate(subject.positions)
    }


def _is_liquidatable(subject: Subject) -> Value:
    if not subject.case["positions"]:
        return False
    which = 0 if _is_account(subject) else subject.target
    r, rules = subject.report(which), subject.positions[which].rules
    pool = subject.pool(which) if subject.mode == "cross" else None
    needed = r.maintenance_margin + (pool.other_maintenance if pool else 0.0)
    # sums of binary fractions may miss equality by a rounding error
    least = needed * (1.0 - SAME_MONEY) if rules["trigger"] == Trigger.BELOW else needed
    return bool(is_liquidated(rules, r.equity, least))


def _equity(subject: Subject) -> Value:
    """Equity of the account: balance, session results, and all positions at their marks."""
    parts = [subject.account.get(name) for name in SESSION]
    if any(part is not None for part in parts):
        return sum(float(part or 0.0) for part in (subject.account["wallet_balance"], *parts))
    if subject.case["positions"]:
        return subject.report(0 if _is_account(subject) else None).equity
    return sum(float(v) for v in (subject.account.get("collateral") or {}).values())


def _margin_balance(subject: Subject) -> Value:
    """Equity that counts as margin: without the value of options."""
    options = float(subject.account.get("options_value") or 0.0)
    return float(_equity(subject)) - options


def _available_funds(subject: Subject) -> Value:
    needed = subject.case["expect"].get("initial_margin")
    if needed is None:
        raise Unsupported("the case has no initial margin")
    return float(_margin_balance(subject)) - float(needed)


def _free_collateral(subject: Subject) -> Value:
    return float(_equity(subject)) - float(_total("initial_margin")(subject))


def _rate(subject: Subject) -> Value:
    """The maintenance rate at the position's size, closing fee apart."""
    r = subject.report()
    return (r.maintenance_margin - r.closing_fee) / r.notional


def _deductions(subject: Subject) -> Value:
    """Deductions of the case's own tiers, whose limits are upper ends."""
    tiers = subject.case.get("tiers") or []
    floors = [0.0, *(float(tier["risk_limit"]) for tier in tiers[:-1])]
    return deductions(floors, [float(tier["maintenance_rate"]) for tier in tiers])


def _rate_table(subject: Subject) -> Value:
    """(maintenance, initial) rate at each value that the case lists."""
    raw, rows = subject.case["positions"][0], []
    tables = subject.book.tables(instrument_of(subject.terms, raw).symbol, subject.mode)
    table = at(tables, subject.ts)
    for value in subject.case.get("position_values_xbt") or []:
        row = max(i for i, floor in enumerate(table.floors) if floor < float(value))
        rows.append([table.rates[row], 1.0 / table.max_leverages[row]])
    return rows


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
    if subject.case.get("params"):
        value = _param(subject, "fill_size") * _param(subject, "fill_price")
        fee = value * _param(subject, "effective_taker_rate")
    else:
        p = subject.positions[subject.target]
        fee = p.notional * float(p.rules["taker_fee"])
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


def _whole(name: str) -> Callable[[Subject], Value]:
    return lambda subject: getattr(whole_units.position(subject), name)


QUANTITIES: Mapping[str, Callable[[Subject], Value]] = {
    "liquidation_price": _liquidation_price,
    "liquidation_prices": _prices,
    "liquidation_price_each": _common_ratio_prices,
    "bankruptcy_price": _bankruptcy_price,
    "initial_margin": _initial,
    "initial_margin_each": _each("initial_margin"),
    "maintenance_margin": _maintenance,
    "maintenance_margin_each": _each("maintenance_margin"),
    "mmr": _rate,
    "margin_ratio": _margin_ratio,
    "initial_margin_ratio": _initial_ratio,
    "available_balance": _field("available"),
    "equity": _equity,
    "margin_balance": _margin_balance,
    "available_funds": _available_funds,
    "free_collateral": _free_collateral,
    "unrealized_pnl": _field("unrealized_pnl"),
    "notional_value": _notional,
    "total_notional": _notional,
    "open_loss": _open_loss,
    "order_cost": _order_cost,
    "maintenance_amount": _maintenance_amount,
    "deductions": _deductions,
    "table": _rate_table,
    "is_liquidatable": _is_liquidatable,
    "raw_usd": _raw_usd,
    "fee": _fee,
    "hourly_funding_rate": _funding(1.0),
    "funding_rate_8h": _funding(None),
    "posInit": _whole("initial"),
    "posComm": _whole("fee"),
    "posMaint": _whole("maintenance"),
    "posMargin": _whole("margin"),
    "maintMargin": lambda s: whole_units.position(s).margin + whole_units.position(s).unrealized,
    "unrealised": _whole("unrealized"),
    "realised_pnl": whole_units.realised,
    "exec_cost": lambda subject: whole_units.execution(subject)[0],
    "exec_commission": lambda subject: whole_units.execution(subject)[1],
    "bankruptcy_quote_quantums": quanta.bankruptcy_quote,
    "fillable_price": quanta.fillable_price,
    "insurance_fund_delta_quote_quantums": quanta.fund_delta,
    "insurance_fund_delta_usdc": lambda subject: quanta.fund_delta(subject) / quanta.QUOTE,
    "min_notional_liquidatable": lambda subject: quanta.limits(subject)[0],
    "max_notional_liquidatable": lambda subject: quanta.limits(subject)[1],
    "subticks": quanta.subticks,
    "initial_margin_quote_quantums": lambda subject: quanta.margins(subject)[0],
    "maintenance_margin_quote_quantums": lambda subject: quanta.margins(subject)[1],
    "imf_eff_ppm": quanta.effective_rate,
    "max_abs_8h_funding_ppm": quanta.largest_funding,
    "usdc_after": lambda subject: blocks.after_block(subject)[0],
    "position_after": lambda subject: blocks.after_block(subject)[1],
}
