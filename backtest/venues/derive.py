"""Contracts of symbols that have imported tiers and no instrument in the rulebook.

Lot and tick are those the import carries, else those of a contract on the same coin, else the
finest the venue is known to have: a guess that refuses no order, marked as `assumed`.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from .check import Place
from .model import ALWAYS, FOREVER, HOUR_MS, Instrument, Revision, Rulebook, at
from .symbols import dated

SIZES = ("lot", "tick", "min_size", "min_notional")
CARRIED = ("contract_size", *SIZES)
"""Numbers that an import may carry; sizes in units of the instrument."""
LOT, TICK = 1e-6, 1e-8
"""Where the venue has no contract of the kind at all."""
_SYMBOL = re.compile(r"([^/:\s]+)/([^/:\s]+):([^/:\-\s]+)(?:-\d{6})?")


def kind_of(place: Place, book: Rulebook, symbol: str) -> str:
    """The kind of contract a ccxt symbol names; refuses what is no symbol of the venue's."""
    if symbol in book.instruments:
        return book.instruments[symbol].contract
    found = _SYMBOL.fullmatch(symbol)
    if found is None:
        place.refuse(symbol, "is not a ccxt symbol of a contract", "write it like BTC/USDT:USDT")
    base, quote, settle = found.groups()
    kind = "linear" if settle == quote else "inverse" if settle == base else "quanto"
    if kind not in book.contracts or kind == "quanto":
        place.refuse(
            symbol, f"is {kind}, which {book.id} is not known to list without an instrument",
            "correct the symbol or add it to [[instruments]] of the venue",
        )  # fmt: skip
    return kind


def instrument(
    book: Rulebook, symbol: str, carried: Mapping[str, float | str], origin: str
) -> Instrument:
    """The contract of a symbol that the rulebook lacks; `origin` is its source's key."""
    base, rest = symbol.split("/")
    quote, settle = rest.split(":")[0], rest.split(":")[1].split("-")[0]
    contract = "linear" if settle == quote else "inverse"
    like = _alike(book, base, contract, settle)
    known = "lot" in carried
    return Instrument(
        symbol=symbol,
        id=str(carried.get("id", "")),
        contract=contract,
        settle=settle,
        base=base,
        contract_size=float(carried.get("contract_size", like.contract_size if like else 1.0)),
        source=origin,
        confidence="payload" if known else "assumed",
        sizes=_carried(carried, origin) if known else _assumed(book, contract, settle, like),
        expires=_expiry(symbol, like),
    )


def _alike(book: Rulebook, base: str, contract: str, settle: str) -> Instrument | None:
    """A contract of the venue on the same coin, of the same settle asset first."""
    found = [i for i in book.instruments.values() if (i.base, i.contract) == (base, contract)]
    found.sort(key=lambda i: (i.settle != settle, i.symbol))
    return found[0] if found else None


def _carried(carried: Mapping[str, float | str], origin: str) -> dict[str, tuple[Revision, ...]]:
    lot = carried["lot"]
    missing = {"tick": TICK, "min_size": lot, "min_notional": 0.0}
    return {
        name: (
            Revision(float(carried[name]), ALWAYS, origin, "payload")
            if name in carried
            else Revision(float(missing[name]), ALWAYS, origin, "assumed"),
        )
        for name in SIZES
    }


def _assumed(
    book: Rulebook, contract: str, settle: str, like: Instrument | None
) -> dict[str, tuple[Revision, ...]]:
    if like is not None:
        note = f"as of {like.symbol}"
        return {
            name: tuple(replace(r, confidence="assumed", note=note) for r in like.sizes[name])
            for name in SIZES
        }
    kin = [i for i in book.instruments.values() if i.contract == contract]
    lot, tick = _finest(kin, "lot", LOT), _finest(kin, "tick", TICK)
    least = _finest([i for i in kin if i.settle == settle], "min_notional", 0.0)
    values = {"lot": lot, "tick": tick, "min_size": lot, "min_notional": least}
    note = "not known; the finest of the venue's contracts"
    key = kin[0].source if kin else book.decisions["fees.taker"][0].source
    return {name: (Revision(v, ALWAYS, key, "assumed", note),) for name, v in values.items()}


def _finest(kin: list[Instrument], name: str, default: float) -> float:
    return min((at(i.sizes[name], FOREVER).number for i in kin), default=default)


def _expiry(symbol: str, like: Instrument | None) -> int:
    family, midnight = dated(symbol)
    if not family:
        return FOREVER
    return midnight + round((like.expiry_hour if like else 8.0) * HOUR_MS)
