"""One position of a golden case, with rules from what the case states and from the rulebook."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import nan
from typing import Any

from ..core.contracts import unrealized_pnl
from ..explanation.numbers import Position
from ..venues import Instrument, Rulebook, TierTable, at, deductions, override, rules_at
from ..venues.model import ALWAYS, Revision
from .read import Unsupported

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Terms:
    """What holds for all positions of a case.

    `from_code`: another program computed the numbers and knows no fee but one it was given.
    `margin_has_pnl`: the venue reports isolated margin with unrealised P&L in it.
    """

    book: Rulebook
    ts: int
    from_code: bool
    margin_has_pnl: bool


def read_position(terms: Terms, raw: Raw) -> Position:
    """A position of a case; raises Unsupported where it lacks a price or a size."""
    mark, entry = _number(raw, "mark_price"), _number(raw, "entry_price")
    entry = mark if entry is None else entry
    mark = entry if mark is None else mark
    if mark is None or entry is None:
        raise Unsupported("the case has neither entry nor mark price")
    size = _signed_size(terms, raw)
    leverage = _number(raw, "leverage")
    return Position(
        symbol=_symbol(raw),
        size=size,
        entry=entry,
        mark=mark,
        leverage=nan if leverage is None else leverage,
        rules=_rules(terms, raw),
        margin=_margin(terms, raw, unrealized_pnl(size, entry, mark)),
    )


def _symbol(raw: Raw) -> str:
    if not isinstance(raw.get("symbol"), str):
        raise Unsupported("the case has a position without symbol")
    return str(raw["symbol"])


def _margin(terms: Terms, raw: Raw, pnl: float) -> float | None:
    if _number(raw, "extra_margin"):
        raise Unsupported("extra margin apart from isolated_margin is not in this version")
    wallet, margin = _number(raw, "isolated_wallet"), _number(raw, "isolated_margin")
    if wallet is not None or margin is None:
        return wallet
    return margin - pnl if terms.margin_has_pnl else margin


def _rules(terms: Terms, raw: Raw) -> Any:
    book = terms.book
    fee = _number(raw, "taker_fee")
    if fee is None and terms.from_code:
        fee = 0.0
    if fee is not None:
        book = override(book, {"fees.taker": fee})
    symbol = str(raw["symbol"])
    instrument = book.instruments.get(symbol) or _made_up(symbol, book.settle)
    tick = _tick(terms, raw)
    instrument = replace(instrument, sizes={**instrument.sizes, "tick": (_revision(tick),)})
    return rules_at(book, instrument, _tier_table(terms, raw), terms.ts)[0]


def _tick(terms: Terms, raw: Raw) -> float:
    stated = _number(raw, "tick_size")
    if stated is not None:
        return stated
    if str(raw["symbol"]) in terms.book.instruments:
        sizes = terms.book.instruments[str(raw["symbol"])].sizes
        return at(sizes["tick"], terms.ts).number
    # the fewest decimals among the prices the case prints: a mean has more than the tick
    prices = [raw[k] for k in ("entry_price", "mark_price") if raw.get(k) is not None]
    return 10.0 ** -min(_decimals(price) for price in prices)


def _tier_table(terms: Terms, raw: Raw) -> TierTable:
    if raw.get("margin_tiers"):
        return _table_of_leverages(terms, raw["margin_tiers"])
    rate = _number(raw, "mmr")
    if rate is not None:
        return _table(((0.0, rate, 1.0, _number(raw, "maintenance_amount") or 0.0),))
    symbol, leverage = _symbol(raw), _number(raw, "max_leverage")
    if leverage and "maintenance.share_of_initial" in terms.book.decisions:
        return _table_of_leverages(terms, [{"lowerBound": 0, "maxLeverage": leverage}])
    if symbol in terms.book.tiers:
        return at(terms.book.tiers[symbol], terms.ts)
    # initial margin and prices of orders need no maintenance rate
    return _table(((0.0, nan, 1.0, 0.0),))


def _table_of_leverages(terms: Terms, tiers: Any) -> TierTable:
    """Tiers given by maximum leverage only: the rate is a fixed share of 1 / leverage."""
    share = terms.book.at("maintenance.share_of_initial", terms.ts).number
    floors = [float(tier["lowerBound"]) for tier in tiers]
    leverages = [float(tier["maxLeverage"]) for tier in tiers]
    rates = [share / leverage for leverage in leverages]
    amounts = deductions(floors, rates)
    return _table(tuple(zip(floors, rates, leverages, amounts, strict=True)))


def _signed_size(terms: Terms, raw: Raw) -> float:
    unit = raw.get("size_unit") or "base"
    if unit not in ("base", "contracts"):
        raise Unsupported(f"a size in {unit} is not in this version")
    size = _number(raw, "size")
    if not size or raw.get("side") not in ("long", "short"):
        raise Unsupported("the case has a position without size or side")
    if unit == "contracts":
        size *= _contract_size(terms, raw)
    return -abs(size) if raw["side"] == "short" else abs(size)


def _contract_size(terms: Terms, raw: Raw) -> float:
    stated, known = _number(raw, "contract_size"), terms.book.instruments.get(_symbol(raw))
    if stated is None and known is None:
        raise Unsupported("the case has a size in contracts and no contract size")
    return stated if stated is not None else known.contract_size  # type: ignore[union-attr]


def _number(raw: Raw, key: str) -> float | None:
    value = raw.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise Unsupported(f"{key} is {value!r}, which is no number")
    return None if value is None else float(value)


def _decimals(price: Any) -> int:
    exponent = Decimal(repr(price)).normalize().as_tuple().exponent
    return max(-int(exponent), 0)


def _revision(value: float) -> Revision:
    return Revision(value, ALWAYS, "case", "payload")


def _made_up(symbol: str, settle: str) -> Instrument:
    sizes = {name: (_revision(1.0),) for name in ("lot", "tick", "min_size", "min_notional")}
    return Instrument(symbol, symbol, "linear", settle, symbol, 1.0, "case", "payload", sizes)


def _table(rows: tuple[tuple[float, float, float, float], ...]) -> TierTable:
    floors, rates, leverages, deductions = zip(*rows, strict=True)
    return TierTable(
        ALWAYS,
        "case",
        "payload",
        floors,
        rates,
        deductions,
        leverages,
        float("inf"),
        True,
        "settle",
    )
