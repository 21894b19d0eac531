"""Where every value comes from, for tables and manifests."""

from collections.abc import Mapping
from dataclasses import asdict
from math import isinf
from typing import Any

from .model import Instrument, Process, Revision, Rulebook, at
from .override import OWN_FEES
from .schema import DECISIONS


def provenance(rulebook: Rulebook, ts_ms: int) -> list[dict[str, object]]:
    """Every decision in force at a time.

    One mapping per decision with key, value (a process as a list of steps), valid_from
    (milliseconds UTC), source title, where, date, confidence and note.
    """
    return [
        {"key": key, **described(rulebook, rulebook.at(key, ts_ms))} for key in rulebook.decisions
    ]


def described(rulebook: Rulebook, revision: Revision) -> dict[str, object]:
    """A value with where it is from, as plain values."""
    source = rulebook.sources[revision.source]
    value = revision.value
    return {
        "value": asdict(value) if isinstance(value, Process) else value,
        "valid_from": revision.valid_from,
        "source": source.title,
        "where": source.where,
        "date": source.date,
        "confidence": revision.confidence,
        "note": revision.note,
    }


def finite(value: Any) -> Any:
    """A value as JSON has it: a limit that a venue or a step does not have is null."""
    if isinstance(value, Mapping):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and isinf(value) else value


def effective(
    rulebook: Rulebook, ts_ms: int, instrument: Instrument, mode: str
) -> list[dict[str, object]]:
    """The decisions in force for one contract in one margin mode, as `provenance` has them.

    The key says under which word a value of a contract or a mode stands; a fee of the contract's
    own takes the place of the venue's, under instruments.SYMBOL.
    """
    rows = []
    for key in (key for key in DECISIONS if key in rulebook.decisions):
        own = OWN_FEES.get(key)
        if own is not None and own in instrument.sizes:
            place, revision = f"instruments.{instrument.family}.{own}", instrument.sizes[own]
        else:
            place = _place(rulebook, key, instrument.contract, mode)
            revision = rulebook.decisions[place]
        rows.append({"key": place, **described(rulebook, at(revision, ts_ms))})
    return rows


def _place(rulebook: Rulebook, key: str, *variants: str) -> str:
    """Where the value of a decision stands; of the variants that have one, the last wins."""
    for variant in reversed(variants):
        if f"{variant}.{key}" in rulebook.decisions:
            return f"{variant}.{key}"
    return key


def tier_provenance(
    rulebook: Rulebook, symbol: str, ts_ms: int, mode: str = ""
) -> dict[str, object]:
    """Source, date, confidence and note of the tier table of a symbol or a family at a time.

    With a margin mode the table that is for it; else the last of all.
    """
    table = at(rulebook.tables(symbol, mode) if mode else rulebook.tiers[symbol], ts_ms)
    source = rulebook.sources[table.source]
    return {
        "key": f"tiers.{symbol}",
        "value": len(table.floors),
        "valid_from": table.valid_from,
        "source": source.title,
        "where": source.where,
        "date": source.date,
        "confidence": table.confidence,
        "note": table.note,
        "complete": table.complete,
    }
