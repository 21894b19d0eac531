"""Reading of instruments with their dated sizes."""

from collections.abc import Mapping
from typing import Any

from .check import Place, entries, known_keys, needed, number, origin, word
from .consistency import check_symbol
from .decisions import read_revisions
from .model import Instrument, Revision
from .schema import CONTRACTS, INSTRUMENT_KEYS, SIZES, Kind

POSITIVE = Kind(low=1e-18)
HOURS = Kind(low=0.0, high=24.0)


def read_instruments(place: Place, content: Mapping[str, Any]) -> dict[str, Instrument]:
    """All instruments by symbol.

    [orders] gives sizes to instruments that name none, beside its decisions; a missing min_size is
    one lot.
    """
    common = {k: v for k, v in content.get("orders", {}).items() if k in SIZES}
    shared = {k: read_revisions(place / "orders" / k, v, SIZES[k]) for k, v in common.items()}
    result: dict[str, Instrument] = {}
    for i, table in enumerate(entries(place / "instruments", content.get("instruments", []))):
        one = _instrument(place / f"instruments.{i}", table, shared)
        if one.symbol in result:
            (place / f"instruments.{i}.symbol").refuse(one.symbol, "is there twice", "keep one")
        result[one.symbol] = one
    return result


def _instrument(
    place: Place, table: Mapping[str, Any], shared: Mapping[str, tuple[Revision, ...]]
) -> Instrument:
    known_keys(place, table, (*INSTRUMENT_KEYS, *SIZES))
    source, confidence = origin(place, table)
    sizes = dict(shared)
    for key, kind in SIZES.items():
        if key in table or (kind.required and key not in sizes):
            sizes[key] = read_revisions(place / key, needed(place, table, key), kind)
    sizes.setdefault("min_size", sizes["lot"])
    texts: dict[str, Any] = {
        k: str(needed(place, table, k)) for k in ("symbol", "id", "contract", "settle", "base")
    }
    word(place / "contract", texts["contract"], CONTRACTS)
    check_symbol(place, texts)
    return Instrument(
        **texts,
        contract_size=number(
            place / "contract_size", needed(place, table, "contract_size"), POSITIVE
        ),
        multiplier=_multiplier(place, table, texts["contract"]),
        expiry_hour=number(place / "expiry_hour", table.get("expiry_hour", 8), HOURS),
        source=source,
        confidence=confidence,
        sizes=sizes,
    )


def _multiplier(place: Place, table: Mapping[str, Any], contract: str) -> float:
    """Settle value of a unit of size per unit of price; only quanto contracts have one."""
    if contract != "quanto":
        if "multiplier" in table:
            (place / "multiplier").refuse(
                table["multiplier"], f"is not for {contract} contracts", "leave it out"
            )
        return 1.0
    return number(place / "multiplier", needed(place, table, "multiplier"), POSITIVE)
