"""A rulebook file looked over before it is used."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from .calendar import refuse_future
from .check import Place, day_text
from .drafts import OVER_LEVERAGE, tier_rule
from .folder import BUILT_IN, built_in, data_folder
from .load import load_file
from .model import DEFAULT, FOREVER, Rulebook
from .resolve import resolve
from .screening import check_initial, refuse_unit


@dataclass(frozen=True)
class Findings:
    """What a rulebook file holds: how many values of each confidence, and where it belongs."""

    book: Rulebook
    stated: int
    defaults: int
    confidences: dict[str, int]
    tables: int
    installed: Path

    @property
    def in_use(self) -> bool:
        """Whether the venue is built in or its file lies in the user's data folder."""
        return self.installed.is_file()


def examine(path: str | Path) -> Findings:
    """The findings of a file; refuses what a run would refuse, dates that cannot be known yet, and
    the id of a built-in venue.
    """
    path = Path(path)
    book = load_file(path)
    place = Place(path.name)
    own = path.resolve().parent == BUILT_IN.resolve()
    if book.id in built_in() and not own:
        (place / "venue.id").refuse(book.id, "is a built-in venue", "give your venue another id")
    if book.id != path.stem:
        (place / "venue.id").refuse(
            book.id, f"is not the file's name {path.stem!r}", "name the file after its id"
        )
    if not book.symbols():
        place.lacks("tiers", "a venue needs a contract with tiers to be run")
    refuse_future(place, book)
    _try_all(place, book)
    return _findings(book)


def _try_all(place: Place, book: Rulebook) -> None:
    """Resolve every symbol in every mode that has tiers of it."""
    for symbol in book.symbols():
        kind = book.instruments[symbol].contract
        for table in (t for t in book.tiers[symbol] if t.listed):
            spot = place / f"tiers ({symbol}).unit"
            refuse_unit(spot, book, kind, (table.mode, table.unit, table.valid_from))
            if tier_rule(book, kind, table.mode, table.valid_from) != OVER_LEVERAGE:
                date = day_text(table.valid_from)
                check_initial(place / f"tiers ({symbol}) {date}", table)
        for mode in (m for m in book.modes if book.tables(symbol, m)):
            if not symbol.endswith("-*"):
                resolve(book, symbol, book.tables(symbol, mode)[0].valid_from, FOREVER, mode=mode)


def _findings(book: Rulebook) -> Findings:
    revisions = [r for history in book.decisions.values() for r in history]
    folder = BUILT_IN if book.id in built_in() else data_folder() / "venues"
    stated = [r for r in revisions if r.source != DEFAULT]
    sure = Counter(r.confidence for r in stated)
    sizes = [one.sizes.values() for one in book.instruments.values()]
    sure.update(r.confidence for histories in sizes for history in histories for r in history)
    sure.update(table.confidence for tables in book.tiers.values() for table in tables)
    return Findings(
        book=book,
        stated=len(stated),
        defaults=len(revisions) - len(stated),
        confidences=dict(sure.most_common()),
        tables=sum(len(tables) for tables in book.tiers.values()),
        installed=folder / f"{book.id}.toml",
    )
