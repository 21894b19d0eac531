"""What the parts of a rulebook say of each other: contracts, settle assets, modes and dates."""

import re

from .check import Place, day_text
from .model import Rulebook

ASSET = re.compile(r"[A-Z0-9]+")
SYMBOL = re.compile(r"([^/:\s]+)/[^/:\s]+:([^/:\-\s]+)(?:-\*|-\d{6})?")


def check_together(place: Place, book: Rulebook) -> None:
    """Refuse a rulebook whose parts contradict each other."""
    _check_settle(place / "venue.settle", book)
    _check_kinds(place, book)
    for symbol, tables in book.tiers.items():
        _check_start(place / f"tiers ({symbol}).valid_from", book, tables[0].valid_from)
    if book.checked_until < book.begins:
        (place / "venue.checked_until").refuse(
            day_text(book.checked_until),
            f"is before the first rule of {day_text(book.begins)}",
            "give the last date on which the rules were looked at",
        )


def _check_start(place: Place, book: Rulebook, date: int) -> None:
    if date < book.begins:
        place.refuse(
            day_text(date),
            f"is before the first rule of {day_text(book.begins)}",
            "correct the date, or date the rules from then on",
        )


def check_symbol(place: Place, texts: dict[str, str]) -> None:
    """Refuse an instrument whose symbol says another base, settle asset or kind than it does."""
    found = SYMBOL.fullmatch(texts["symbol"])
    if found is None:
        (place / "symbol").refuse(
            texts["symbol"], "is not a ccxt symbol of a contract", "write it like BTC/USDT:USDT"
        )
    for key, named, side in (("base", found[1], "begins"), ("settle", found[2], "ends")):
        if texts[key] != named:
            (place / key).refuse(
                texts[key], f"is not {named!r}, which {side} the symbol", "correct one of them"
            )
    if (texts["contract"] == "inverse") != (texts["settle"] == texts["base"]):
        (place / "contract").refuse(
            texts["contract"],
            f"does not fit {texts['symbol']}, which settles in {texts['settle']}",
            "an inverse contract settles in its base, and no other does",
        )


def _check_settle(place: Place, book: Rulebook) -> None:
    if not ASSET.fullmatch(book.settle):
        written = book.settle.upper() if ASSET.fullmatch(book.settle.upper()) else "USDT"
        place.refuse(book.settle, "is not an asset in capitals", f"write it as {written!r}")
    settles = sorted({one.settle for one in book.instruments.values()})
    if settles and book.settle not in settles:
        place.refuse(
            book.settle,
            f"is what no contract settles in ({', '.join(settles)})",
            "give one of these or add the contract",
        )


def _check_kinds(place: Place, book: Rulebook) -> None:
    for symbol, one in book.instruments.items():
        if one.contract not in book.contracts:
            (place / f"instruments ({symbol}).contract").refuse(
                one.contract,
                f"is not among venue.contracts ({', '.join(book.contracts)})",
                "add it there or correct the contract",
            )
    for symbol, tables in book.tiers.items():
        for table in tables:
            if table.mode and table.mode not in book.modes:
                (place / f"tiers ({symbol}).mode").refuse(
                    table.mode,
                    f"is not among venue.modes ({', '.join(book.modes)})",
                    "add it there or correct the mode",
                )
