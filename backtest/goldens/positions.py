"""One position of a golden case, with rules from what the case states and from the rulebook."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from math import nan
from typing import Any

from ..explanation.numbers import Position, opening_margin
from ..venues import Instrument, Rulebook, TierTable, at, deductions, override, rules_at
from ..venues.model import ALWAYS, Revision
from ..venues.symbols import dated
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
    mode: str
    from_code: bool
    margin_has_pnl: bool
    funding_rate: float = 0.0


def read_position(terms: Terms, raw: Raw) -> Position:
    """A position of a case; raises Unsupported where it lacks a price or a size."""
    mark, entry = _prices(raw)
    instrument = instrument_of(terms, raw)
    size = _signed_size(terms, raw, instrument, mark)
    leverage = _number(raw, "leverage")
    position = Position(
        symbol=_symbol(raw),
        size=size,
        entry=entry,
        mark=mark,
        leverage=leverage or nan,
        rules=_rules(terms, raw, instrument),
        funding_rate=_funding_rate(terms, raw, size),
        reserved=_number(raw, "pos_comm"),
    )
    return replace(position, margin=_margin(terms, raw, position))


def _prices(raw: Raw) -> tuple[float, float]:
    """(mark, entry); a case about a value or a rate only is computed at a price of 1."""
    mark, entry = _number(raw, "mark_price"), _number(raw, "entry_price")
    priceless = raw.get("size_unit") == "quote" or raw.get("m_constant") is not None
    if mark is None and entry is None and priceless:
        return 1.0, 1.0
    price = mark if mark is not None else entry
    if price is None:
        raise Unsupported("the case has neither entry nor mark price")
    return price, price if entry is None else entry


def _funding_rate(terms: Terms, raw: Raw, size: float) -> float:
    """The next funding that the case states or shows, for the side that pays it."""
    stated = _number(raw, "funding_provision")
    rate = terms.funding_rate if stated is None else stated
    return rate if size > 0 else -rate


def instrument_of(terms: Terms, raw: Raw) -> Instrument:
    """The contract of a position, by its ccxt symbol or by the venue's own id."""
    name, kind = _symbol(raw), raw.get("contract", "linear")
    known = terms.book.instruments.values()
    found = [i for i in known if name in (i.symbol, i.id)]
    found += [i for i in known if i.id.endswith("-*") and name.startswith(i.id[:-1])]
    found += [i for i in known if i.symbol == dated(name)[0]]
    found = [i for i in found if i.contract == kind]
    return replace(found[0], family=found[0].symbol) if found else _made_up(name, kind, terms)


def _symbol(raw: Raw) -> str:
    if not isinstance(raw.get("symbol"), str):
        raise Unsupported("the case has a position without symbol")
    return str(raw["symbol"])


def _margin(terms: Terms, raw: Raw, p: Position) -> float | None:
    wallet, margin = _number(raw, "isolated_wallet"), _number(raw, "isolated_margin")
    if wallet is None and margin is not None:
        wallet = margin - p.pnl if terms.margin_has_pnl else margin
    extra = _number(raw, "extra_margin")
    return opening_margin(p) + extra if wallet is None and extra is not None else wallet


def _rules(terms: Terms, raw: Raw, instrument: Instrument) -> Any:
    book = terms.book
    fee = _number(raw, "taker_fee")
    if fee is None and terms.from_code:
        fee = 0.0
    if _number(raw, "maintenance_amount"):
        book = override(book, {"maintenance.tier_rule": "progressive"})
    if fee is not None:
        stated = {"fees.taker": fee}
        if "fees.closing" in book.decisions:
            stated["fees.closing"] = fee
        book = override(book, stated)
        instrument = replace(
            instrument, sizes={k: v for k, v in instrument.sizes.items() if k != "taker_fee"}
        )
    tick = _revision(_tick(terms, raw, instrument))
    instrument = replace(instrument, sizes={**instrument.sizes, "tick": (tick,)})
    table = _tier_table(terms, raw, instrument)
    leverage = _number(raw, "leverage") or 1.0
    return rules_at(book, instrument, table, terms.ts, terms.mode, leverage)[0]


def _tick(terms: Terms, raw: Raw, instrument: Instrument) -> float:
    stated = _number(raw, "tick_size") or _number(raw, "mark_price_round")
    if stated is not None:
        return stated
    if instrument.symbol in terms.book.instruments:
        return at(instrument.sizes["tick"], terms.ts).number
    # the fewest decimals among the prices the case prints: a mean has more than the tick
    prices = [raw[k] for k in ("entry_price", "mark_price") if raw.get(k) is not None]
    return 10.0 ** -min((_decimals(price) for price in prices), default=2)


def _tier_table(terms: Terms, raw: Raw, instrument: Instrument) -> TierTable:
    if raw.get("margin_tiers"):
        return _table_of_leverages(terms, raw["margin_tiers"])
    growing = _growing_table(raw)
    if growing is not None:
        return growing
    rate, initial = _number(raw, "mmr"), _number(raw, "imf") or _number(raw, "im")
    if rate is not None:
        highest = 1.0 / initial if initial else _own_leverage(terms, instrument)
        return _table(((0.0, rate, highest, _number(raw, "maintenance_amount") or 0.0),))
    leverage = _number(raw, "max_leverage")
    if leverage and "maintenance.share_of_initial" in terms.book.decisions:
        return _table_of_leverages(terms, [{"lowerBound": 0, "maxLeverage": leverage}])
    if instrument.symbol in terms.book.tiers and (found := _known(terms, instrument)):
        return at(found, terms.ts)
    # initial margin and prices of orders need no maintenance rate
    return _table(((0.0, nan, 1.0 / initial if initial else 1.0, 0.0),))


def _known(terms: Terms, instrument: Instrument) -> tuple[TierTable, ...]:
    """The rulebook's tier tables of a contract in the case's margin mode."""
    return terms.book.tables(instrument.symbol, terms.mode)


def _own_leverage(terms: Terms, instrument: Instrument) -> float:
    """The rulebook's maximum leverage, where the case states a maintenance rate only."""
    if instrument.symbol in terms.book.tiers and (found := _known(terms, instrument)):
        return at(found, terms.ts).max_leverages[0]
    return 1.0


def _growing_table(raw: Raw) -> TierTable | None:
    """A table whose rate grows with size, from the constants that the case states."""
    base, constant = _number(raw, "base_mmr"), _number(raw, "m_constant")
    if base is not None and constant:
        return replace(_table(((0.0, base, 1.0, 0.0),)), rate_slope=base / constant)
    mm0, im0, slope = (_number(raw, key) for key in ("mm0", "im0", "slope_per_coin"))
    if mm0 is None or im0 is None:
        return None
    table = _table(((0.0, mm0, 1.0 / im0, 0.0),))
    return replace(table, rate_slope=slope or 0.0, initial_slope=slope or 0.0)


def _table_of_leverages(terms: Terms, tiers: Any) -> TierTable:
    """Tiers given by maximum leverage only: the rate is a fixed share of 1 / leverage."""
    share = terms.book.at("maintenance.share_of_initial", terms.ts).number
    floors = [float(tier["lowerBound"]) for tier in tiers]
    leverages = [float(tier["maxLeverage"]) for tier in tiers]
    rates = [share / leverage for leverage in leverages]
    amounts = deductions(floors, rates)
    return _table(tuple(zip(floors, rates, leverages, amounts, strict=True)))


def _signed_size(terms: Terms, raw: Raw, instrument: Instrument, mark: float) -> float:
    unit = raw.get("size_unit") or "base"
    if unit not in ("base", "contracts", "quote"):
        raise Unsupported(f"a size in {unit} is not in this version")
    size = _number(raw, "size")
    if not size or raw.get("side") not in ("long", "short"):
        raise Unsupported("the case has a position without size or side")
    if unit == "contracts":
        size *= _contract_size(terms, raw, instrument)
    elif unit == "quote" and instrument.contract != "inverse":
        size /= mark
    return -abs(size) if raw["side"] == "short" else abs(size)


def _contract_size(terms: Terms, raw: Raw, instrument: Instrument) -> float:
    stated = _number(raw, "contract_size")
    known = instrument.symbol in terms.book.instruments
    if stated is None and not known:
        raise Unsupported("the case has a size in contracts and no contract size")
    if stated is None or (stated == 1.0 and known):
        return instrument.contract_size
    return stated


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


def _made_up(symbol: str, kind: str, terms: Terms) -> Instrument:
    sizes = {name: (_revision(1.0),) for name in ("lot", "tick", "min_size", "min_notional")}
    settle = terms.book.settle
    return Instrument(symbol, symbol, kind, settle, symbol, 1.0, "case", "payload", sizes)


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
