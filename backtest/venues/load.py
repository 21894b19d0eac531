"""Loading of rulebooks: NAME.toml with instruments/NAME.toml and tiers/NAME.toml beside it."""

import tomllib
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..errors import RulebookError, UnknownNameError
from .check import Place, known_keys, milliseconds, needed, words_of
from .consistency import check_together
from .contracts import read_instruments
from .decisions import read_decisions
from .folder import built_in, data_folder, rulebook_file, stamp, user_venues
from .imported import with_imports
from .model import DEFAULT, Rulebook, Source, at
from .schema import CONTRACTS, DECISIONS, MODES, SOURCE_KEYS, VENUE_KEYS
from .tables import read_tiers

PARTS = ("instruments", "tiers")
_TABLES = dict.fromkeys(
    (
        "venue",
        "sources",
        "orders",
        *PARTS,
        *CONTRACTS,
        *MODES,
        *(k.split(".")[0] for k in DECISIONS),
    )
)


def known() -> list[str]:
    """Ids of the venues that have a rulebook, the user's own among them."""
    return sorted({*built_in(), *user_venues()})


def load(venue: str) -> Rulebook:
    """The rulebook of a venue by its ccxt id, with imported tiers; read once per state of them."""
    if venue not in known():
        hint = f"Your own belong in {data_folder()}/venues."
        raise UnknownNameError("venue", venue, known(), hint)
    return _load(venue, stamp(venue))


@cache
def _load(venue: str, state: tuple[object, ...]) -> Rulebook:
    path = rulebook_file(venue)
    book = load_file(path)
    if book.id != venue:
        place = Place(path.name, "venue.id")
        place.refuse(book.id, f"is not {venue!r}", "name the file after its id")
    return with_imports(book)


def load_file(path: str | Path) -> Rulebook:
    """The rulebook in a file; refuses what is wrong with file, key, value and remedy."""
    path = Path(path)
    digest = sha256()
    content = _parse(path, digest)
    for part in PARTS:
        beside = path.parent / part / path.name
        if beside.is_file():
            content[part] = [*content.get(part, []), *_parse(beside, digest).get(part, [])]
    return _rulebook(Place(path.name), content, digest.hexdigest())


def _parse(path: Path, digest: Any) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise RulebookError(
            f"rulebook {path} cannot be read ({error.strerror}); check the path."
        ) from error
    digest.update(text)
    try:
        return tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulebookError(
            f"{path.name}: is not valid TOML: {error}; correct the line."
        ) from error


def _rulebook(place: Place, content: Mapping[str, Any], digest: str) -> Rulebook:
    known_keys(place, content, _TABLES)
    venue = needed(place, content, "venue")
    known_keys(place / "venue", venue, VENUE_KEYS)
    sources = _sources(place / "sources", content.get("sources", {}))
    inside = Place(place.file, sources=frozenset(sources))
    decisions = read_decisions(inside, content)
    rules = decisions["maintenance.tier_rule"]
    kinds = words_of(
        place / "venue.contracts", needed(place / "venue", venue, "contracts"), CONTRACTS
    )
    modes = words_of(place / "venue.modes", venue.get("modes", list(MODES)), MODES)
    book = Rulebook(
        id=str(needed(place / "venue", venue, "id")),
        name=str(needed(place / "venue", venue, "name")),
        settle=str(needed(place / "venue", venue, "settle")),
        contracts=kinds,
        modes=modes,
        checked_until=milliseconds(
            place / "venue.checked_until",
            needed(place / "venue", venue, "checked_until"),
            end=True,
        ),
        sources={
            **sources,
            DEFAULT: Source("what most venues do", "backtest/venues/schema.py", ""),
        },
        decisions=decisions,
        instruments=read_instruments(inside, content),
        tiers=read_tiers(inside, content.get("tiers", []), lambda ts: str(at(rules, ts).value)),
        hash=digest,
    )
    for symbol in book.tiers:
        if symbol not in book.instruments:
            (place / "tiers").refuse(symbol, "has no instrument", "add it to [[instruments]]")
    check_together(place, book)
    return book


SAID = {"title": "name what was read", "where": "say where to find it"}
"""What a source must say, and what to do where it does not; a date may be unknown."""


def _sources(place: Place, written: Mapping[str, Any]) -> dict[str, Source]:
    result = {}
    known_keys(place, written, written)
    for key, table in written.items():
        known_keys(place / key, table, SOURCE_KEYS)
        title, where, date = (str(needed(place / key, table, k)) for k in SOURCE_KEYS)
        for name, remedy in SAID.items():
            if not str(table[name]).strip():
                (place / key / name).refuse(table[name], "says nothing", remedy)
        result[key] = Source(title, where, date)
    return result
