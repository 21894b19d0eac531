"""Drafts checked, all of them, and then kept in the user's data folder."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import DataError
from ...venues import load
from ...venues.check import Place
from ...venues.draft import Draft
from ...venues.drafts import checked
from ...venues.folder import import_file
from ...venues.model import Rulebook
from ...venues.store import Imported, read, write


@dataclass(frozen=True)
class Outcome:
    """What an import did."""

    venue: str
    path: Path
    tables: int
    symbols: int
    delisted: int
    replaced: int
    first: int
    last: int
    renamed: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


def keep(venue: str, file: str, drafts: Sequence[Draft], symbols: Iterable[str] = ()) -> Outcome:
    """Check all tables of an import and keep them; nothing is kept if one is wrong.

    With `symbols` only those. A table of the same symbol, mode and date as one imported before
    takes its place. `file` is the import's name in messages.
    """
    book = load(venue)
    if not drafts:
        raise DataError(f"{file} has no tier tables; nothing was imported.")
    found, renamed = _as_symbols(book, _chosen(venue, file, drafts, symbols))
    new = _unique(file, [checked(book, file, draft) for draft in found])
    path = import_file(venue)
    old = {one.key: one for one in read(path)}
    write(path, [*{**old, **new}.values()])
    return _outcome(book, path, list(new.values()), len(old.keys() & new.keys()), renamed)


def _chosen(
    venue: str, file: str, drafts: Sequence[Draft], symbols: Iterable[str]
) -> Sequence[Draft]:
    wanted = list(symbols)
    known = {draft.symbol for draft in drafts}
    for symbol in wanted:
        if symbol not in known:
            raise DataError(
                f"{file} has no tiers of {symbol!r} on {venue}; it has {len(known)} symbols, "
                f"like {', '.join(sorted(known)[:3])}."
            )
    return [d for d in drafts if d.symbol in wanted] if wanted else drafts


def _as_symbols(book: Rulebook, drafts: Sequence[Draft]) -> tuple[list[Draft], tuple[str, ...]]:
    """Drafts with the venue's own ids replaced by ccxt symbols, and the ids.

    Where two names of one symbol meet at a date, the one that ends gives way to the other.
    """
    settles = _settles(book, drafts)
    names = {d.symbol: _symbol(book, d.symbol, settles) for d in drafts}
    renamed = tuple(name for name, symbol in names.items() if name != symbol)
    found = [replace(d, symbol=names[d.symbol]) for d in drafts]
    listed = {(d.symbol, d.mode, d.valid_from) for d in found if d.tiers}
    kept = [d for d in found if d.tiers or (d.symbol, d.mode, d.valid_from) not in listed]
    return kept, renamed


def _settles(book: Rulebook, drafts: Sequence[Draft]) -> list[str]:
    """Settle assets that end the ids of a venue whose ids are base and settle asset in one word."""
    if not any(i.id == i.base + i.settle for i in book.instruments.values()):
        return []
    found = {i.settle for i in book.instruments.values()}
    found |= {d.symbol.partition(":")[2].partition("-")[0] for d in drafts}
    return sorted(found - {""}, key=len, reverse=True)


def _symbol(book: Rulebook, name: str, settles: Iterable[str]) -> str:
    """The ccxt symbol of a venue's id; other names as they are."""
    known = {i.id: i.symbol for i in book.instruments.values()}
    if "/" in name or name in known:
        return known.get(name, name)
    for settle in settles:
        found = re.fullmatch(rf"(\w+?){settle}(?:_(\d{{6}}))?", name)
        if found:
            end = f"-{found[2]}" if found[2] else ""
            return f"{found[1]}/{settle}:{settle}{end}"
    return name


def _unique(file: str, tables: list[Imported]) -> dict[tuple[str, str, int], Imported]:
    found: dict[tuple[str, str, int], Imported] = {}
    for one in tables:
        if one.key in found:
            (Place(file) / one.symbol / "valid_from").refuse(
                one.origin.date, "is there twice", "give each table once"
            )
        found[one.key] = one
    return found


def _outcome(
    book: Rulebook, path: Path, new: list[Imported], replaced: int, renamed: tuple[str, ...]
) -> Outcome:
    last = {one.symbol: one for one in sorted(new, key=lambda one: one.key)}
    dates = [one.table.valid_from for one in new]
    return Outcome(
        venue=book.id,
        path=path,
        tables=len(new),
        symbols=len(last),
        delisted=sum(not one.table.listed for one in last.values()),
        replaced=replaced,
        first=min(dates),
        last=max(dates),
        renamed=renamed,
        assumed=tuple(
            s for s, one in last.items() if s not in book.instruments and not one.carried
        ),
    )
