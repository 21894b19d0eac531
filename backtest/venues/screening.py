"""What makes a tier table on its way in unfit for its venue's rulebook."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from .calendar import refuse_unseen
from .check import Place, day_text, milliseconds, word
from .draft import Draft, Tier
from .model import Rulebook, TierTable
from .schema import CONFIDENCES, MODES, UNITS


def check_origin(place: Place, draft: Draft) -> None:
    """Refuse a table without a source, and unknown words."""
    if not draft.origin.title.strip():
        place.lacks("source", "say where the tiers are from with --source or a column 'source'")
    word(place / "confidence", draft.confidence, CONFIDENCES)
    word(place / "mode", draft.mode, ("", *MODES))
    word(place / "unit", draft.unit, UNITS)


def check_date(place: Place, book: Rulebook, date: int) -> None:
    """Refuse a date in the future, or before the first thing that is known of a venue."""
    refuse_unseen(place, date, "correct the date")
    if date < book.begins:
        place.refuse(
            day_text(date),
            f"is before {book.id} existed (its first rule is of {day_text(book.begins)})",
            "correct the date",
        )


def check_end(place: Place, end: datetime | None) -> None:
    """Refuse a table that is said to have held until a day in the future."""
    if end is not None:
        refuse_unseen(place, milliseconds(place, end), "leave it out where no end is known")


def check_unit(place: Place, book: Rulebook, kind: str, draft: Draft) -> None:
    """Refuse tiers in contracts where the venue's are in value, and the other way round."""
    refuse_unit(place, book, kind, (draft.mode, draft.unit, milliseconds(place, draft.valid_from)))
    known = draft.symbol in book.instruments or "contract_size" in draft.carried
    if draft.unit == "contracts" and not known:
        place.refuse(
            draft.unit, "cannot be used, as the contract size is not known",
            "give it as contract_size or add the symbol to [[instruments]]",
        )  # fmt: skip


def refuse_unit(place: Place, book: Rulebook, kind: str, table: tuple[str, str, int]) -> None:
    """Refuse a table (mode, unit, date) whose unit is not what the venue's tiers are keyed on."""
    mode, unit, ts = table
    for one in (mode,) if mode else book.modes:
        by_size = book.at("maintenance.tier_key", ts, kind, one).value == "size"
        if by_size == (unit == "settle"):
            wants = "size ('contracts' or 'base')" if by_size else "value ('settle')"
            place.refuse(
                unit, f"does not fit {book.id}, whose {one} tiers are by {wants}",
                "give the unit that the venue uses, or the one mode that the table is for",
            )  # fmt: skip


def check_edges(place: Place, tiers: Sequence[Tier]) -> None:
    """Refuse tiers that do not begin where the one before ends, or end before they begin."""
    for number, tier in enumerate(tiers, start=1):
        if tier.cap is not None and tier.floor is not None and tier.cap < tier.floor:
            (place / f"tier {number}" / "cap").refuse(
                tier.cap, f"is under the floor {tier.floor:g}", "correct the bounds"
            )
    for number, (low, high) in enumerate(pairwise(tiers), start=2):
        spot = place / f"tier {number}" / "floor"
        if low.cap is None or not isinstance(high.floor, int | float):
            spot.refuse(high.floor, "follows a tier without an end", "give every tier its bounds")
        if high.floor > low.cap:
            spot.refuse(high.floor, f"leaves a gap after {low.cap:g}", "give the missing tier")
        if high.floor < low.cap:
            spot.refuse(high.floor, f"overlaps the tier up to {low.cap:g}", "correct the bounds")


def check_initial(place: Place, table: TierTable) -> None:
    """Refuse a maintenance rate over the initial rate of its tier."""
    pairs = zip(table.rates, table.max_leverages, strict=True)
    for number, (rate, leverage) in enumerate(pairs, start=1):
        if rate * leverage > 1.0 + 1e-9:
            (place / f"tier {number}" / "rate").refuse(
                rate, f"is over the initial rate 1/{leverage:g}",
                "write rates as fractions (0.5 % is 0.005)",
            )  # fmt: skip
