"""Dates of rulebooks and imports against the calendar: what cannot have been seen yet.

Only what is brought in is held against the clock; a run never is.
"""

from datetime import UTC, date, datetime

from .check import DAY_MS, Place, day_text
from .model import FOREVER, Revision, Rulebook

WRITTEN = date(2026, 11, 25)
"""The program has not run before this day: a clock that says so is wrong."""
AHEAD_DAYS = 366
"""How far ahead of its day a rule may be announced."""


def refuse_future(place: Place, book: Rulebook) -> None:
    """Refuse looks in the future and rules announced more than a year ahead."""
    _refuse_look(place / "venue.checked_until", book.checked_until)
    for key, history in book.decisions.items():
        _refuse_announced(place / key, history)
    for symbol, instrument in book.instruments.items():
        for key, history in instrument.sizes.items():
            _refuse_announced(place / f"instruments ({symbol})" / key, history)
    for symbol, tables in book.tiers.items():
        for table in tables:
            spot = place / f"tiers ({symbol})"
            _refuse_far(spot / "valid_from", table.valid_from)
            _refuse_look(spot / "seen_from", table.seen_from)
            _refuse_look(spot / "seen_until", table.seen_until)


def refuse_unseen(place: Place, ts_ms: int, remedy: str) -> None:
    """Refuse a date of a look more than a day ahead of the clock: it may be noon elsewhere."""
    if days_ahead(ts_ms) > 1:
        place.refuse(day_text(ts_ms), "is in the future", remedy)


def days_ahead(ts_ms: int) -> int:
    """Days from today (UTC) to a date."""
    today = max(datetime.now(UTC).date(), WRITTEN)
    return ts_ms // DAY_MS - (today - date(1970, 1, 1)).days


def _refuse_look(place: Place, ts_ms: int) -> None:
    if ts_ms < FOREVER:
        refuse_unseen(place, ts_ms, "give the day of the last look")


def _refuse_announced(place: Place, history: tuple[Revision, ...]) -> None:
    for i, revision in enumerate(history):
        _refuse_far(place / i / "valid_from", revision.valid_from)


def _refuse_far(place: Place, ts_ms: int) -> None:
    if days_ahead(ts_ms) > AHEAD_DAYS:
        place.refuse(
            day_text(ts_ms),
            "is more than a year ahead",
            "correct the year, or leave it out until it is near",
        )
