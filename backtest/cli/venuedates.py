"""Venues at the dates that were asked for, and those that did not exist then."""

from typing import Any

from backtest.errors import UsageError

from .policies import Column


def column(name: str, date: str | None) -> Column:
    """A venue at its own date (VENUE@DATE), at that of --date, or when its rules were checked.

    Refuses a date before the venue's first rule.
    """
    from backtest import venues
    from backtest.config import parse_time

    venue, at, own = name.partition("@")
    if at and not own:
        raise UsageError(f"{name!r} names no date after the @; write it like {venue}@2024-05-01.")
    book = venues.load(venue)
    when = own or date
    ts = book.checked_until if when is None else parse_time(when)
    book.refuse_before(ts)
    return Column(book, ts, name)


def all_columns(date: str | None) -> tuple[list[Column], str]:
    """Every venue that had rules at a date, and a sentence about those that had none yet."""
    from backtest import venues
    from backtest.config import parse_time

    if date is None:
        return [column(name, None) for name in venues.known()], ""
    ts = parse_time(date)
    books = [venues.load(name) for name in venues.known()]
    young = [book for book in books if ts < book.begins]
    if len(young) == len(books):
        first = min(books, key=lambda book: book.begins)
        raise UsageError(
            f"no venue has rules of {_day(ts)}: the first, those of {first.id}, begin on "
            f"{_day(first.begins)}; give a later date."
        )
    return [Column(book, ts, book.id) for book in books if book not in young], _note(young, ts)


def _note(young: list[Any], ts: int) -> str:
    """What a list says of the venues that it leaves out; nothing if there are none."""
    if not young:
        return ""
    names = ", ".join(f"{book.id} ({_day(book.begins)})" for book in young)
    return f"left out, as their rules begin after {_day(ts)}: {names}"


def _day(ms: int) -> str:
    from backtest.config import format_time

    return format_time(ms)[:10]
