"""Imported tier tables joined to a rulebook.

On one day an imported table wins over a built-in one; all other tables of both stay.
"""

from collections.abc import Iterable
from dataclasses import astuple, replace
from hashlib import sha256

from .check import DAY_MS
from .derive import instrument
from .folder import import_file
from .model import Instrument, Rulebook, Source, TierTable
from .schema import MODES
from .store import Imported, read


def with_imports(book: Rulebook) -> Rulebook:
    """A rulebook with the tier tables that were imported for its venue."""
    return joined(book, read(import_file(book.id)))


def joined(book: Rulebook, found: list[Imported]) -> Rulebook:
    """A rulebook with some imported tables; its hash covers them."""
    if not found:
        return book
    keys = _keys(found)
    by_symbol: dict[str, list[TierTable]] = {}
    for one in found:
        table = replace(one.table, source=keys[one.origin])
        by_symbol.setdefault(one.symbol, []).append(table)
    tiers = {s: merged(book.tiers.get(s, ()), tables) for s, tables in by_symbol.items()}
    return replace(
        book,
        sources={**book.sources, **{key: origin for origin, key in keys.items()}},
        instruments={**book.instruments, **_instruments(book, found, keys)},
        tiers={**book.tiers, **{s: tables for s, tables in tiers.items() if tables}},
        hash=_hash(book, found),
    )


def merged(built_in: Iterable[TierTable], imported: Iterable[TierTable]) -> tuple[TierTable, ...]:
    """Tables of both in order of date; a built-in one stays in modes not imported on its day."""
    new = list(imported)
    taken = {(t.valid_from // DAY_MS, mode) for t in new for mode in _modes(t)}
    kept = []
    for table in built_in:
        left = [m for m in _modes(table) if (table.valid_from // DAY_MS, m) not in taken]
        if len(left) == len(_modes(table)):
            kept.append(table)
        else:
            kept += [replace(table, mode=mode) for mode in left]
    tables = sorted((*kept, *new), key=lambda t: t.valid_from)
    first = next((i for i, t in enumerate(tables) if t.listed), len(tables))
    return tuple(tables[first:])


def _modes(table: TierTable) -> tuple[str, ...]:
    return (table.mode,) if table.mode else MODES


def _keys(found: list[Imported]) -> dict[Source, str]:
    """A key for every source, in the order they come in."""
    origins = dict.fromkeys(one.origin for one in found)
    return {origin: f"imported-{i}" for i, origin in enumerate(origins, start=1)}


def _instruments(
    book: Rulebook, found: list[Imported], keys: dict[Source, str]
) -> dict[str, Instrument]:
    """Contracts of the symbols that the rulebook has none of; the last import tells."""
    result = {}
    for one in found:
        if one.symbol not in book.instruments and (one.carried or one.symbol not in result):
            result[one.symbol] = instrument(book, one.symbol, one.carried, keys[one.origin])
    return result


def _hash(book: Rulebook, found: list[Imported]) -> str:
    """A hash of the rulebook's files and of what was imported, whatever wrote the file."""
    digest = sha256(book.hash.encode())
    for one in found:
        row = (one.symbol, astuple(one.table), astuple(one.origin), sorted(one.carried.items()))
        digest.update(repr(row).encode())
    return digest.hexdigest()
