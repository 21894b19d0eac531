"""A rulebook's decisions as short texts, to be read next to another venue's."""

from dataclasses import dataclass, replace
from typing import Any

from .model import Instrument, Process, Revision, Rulebook
from .processes import left_over, process_text
from .provenance import described
from .schema import CONTRACTS, MODES

NAMES = {
    "tier key": "maintenance.tier_key",
    "tier rule": "maintenance.tier_rule",
    "MM valued at": "maintenance.valued_at",
    "closing fee in MM": "maintenance.close_fee",
    "next funding in MM": "maintenance.next_funding",
    "new tiers reach open positions": "maintenance.change",
    "IM valued at": "initial.valued_at",
    "IM rate": "initial.rate",
    "isolated margin at open": "initial.isolated_open",
    "a resting order reserves": "orders.margin",
    "resting orders per symbol": "orders.max_open",
    "farthest price of an order": "orders.band",
    "isolated is": "isolated.form",
    "gains of a cross position": "cross.gains",
    "legs of a hedge": "hedge.legs",
    "trigger price": "trigger.price",
    "liquidated when equity is": "trigger.compare",
    "closing fee in bankruptcy price": "bankruptcy.fee_included",
    "orders a liquidation cancels": "orders.cancelled",
    "worked on first": "liquidation.order",
    "isolated liquidation": "liquidation.isolated",
    "cross liquidation": "liquidation.cross",
    "funding from": "funding.from",
    "funding price": "funding.price",
    "funding hours": "funding.interval_hours",
    "maker fee": "fees.maker",
    "taker fee": "fees.taker",
    "base rate of closing fee": "fees.closing",
    "clearance fee": "fees.clearance",
    "delivery fee": "fees.delivery",
    "isolated price on the screen": "display.isolated",
    "cross price on the screen": "display.cross",
    "margin ratio on the screen": "display.ratio",
}
"""What a reader calls each decision, in the order of the way from opening to the end."""
WORDS = {
    "trigger.compare": {"at_or_below": "<= MM", "below": "< MM"},
    "isolated.form": {"position": "a position's own margin", "sub_account": "a sub-account"},
    "initial.rate": {
        "leverage": "1/leverage",
        "table": "the table's",
        "larger": "larger of 1/leverage and the table's",
    },
    "orders.margin": {
        "none": "nothing",
        "initial": "the initial margin",
        "initial_and_fees": "the initial margin and both fees",
        "initial_and_opening_fee": "the initial margin and the opening fee",
    },
    "orders.cancelled": {
        "symbol": "the symbol's",
        "bucket": "the position's or the pool's",
        "account": "all of the account",
    },
    "bankruptcy.fee_included": {"True": "yes", "False": "no"},
}
"""Words of a rulebook that say too little outside it."""
ABSENT = {"hedge.legs": "no hedge mode", "fees.closing": "the taker fee"}
"""What it means that a rulebook leaves a decision out."""


@dataclass(frozen=True)
class Fact:
    """One decision of one venue: its text, and what it is from.

    `variant` is the kind of contract or the margin mode that it holds for, "" for all others.
    `key` is where the value stands in the rulebook, `origin` the row that `provenance` gives;
    None where the rulebook leaves it out.
    """

    venue: str
    decision: str
    key: str
    variant: str
    text: str
    origin: dict[str, Any] | None = None

    @property
    def who(self) -> str:
        """The venue, with the contracts or mode that the text is for."""
        return f"{self.venue} {self.variant}".strip()


def facts(book: Rulebook, ts_ms: int) -> list[Fact]:
    """Every decision in force at a date, in one order for all venues.

    A kind of contract or a margin mode has a fact of its own where its text differs.
    """
    found = [_stated(book, "contracts", ", ".join(_kinds(book)))]
    found.append(_stated(book, "margin modes", ", ".join(book.modes)))
    for name, key in NAMES.items():
        found += _decision(book, ts_ms, name, key)
        if key.startswith("liquidation.") and key != "liquidation.order":
            found += _left_over(book, ts_ms, key)
    return found


def policy(book: Rulebook, ts_ms: int) -> dict[str, str]:
    """Name and text of every decision in force at a date; variants follow in the same text."""
    cells: dict[str, str] = {}
    for fact in facts(book, ts_ms):
        if fact.variant:
            cells[fact.decision] += f"; {fact.variant}: {fact.text}"
        else:
            cells[fact.decision] = fact.text
    return cells


def _stated(book: Rulebook, name: str, text: str) -> Fact:
    return Fact(book.id, name, "", "", text)


def _left_over(book: Rulebook, ts_ms: int, key: str) -> list[Fact]:
    """What a process leaves of the money, and that of some contracts where it differs."""
    mode = key.partition(".")[2]
    usual = _stated(book, f"rest after {mode} liquidation", left_over(book.process(mode, ts_ms)))
    found = [usual]
    for variant in CONTRACTS:
        text = left_over(book.process(mode, ts_ms, variant))
        if text != usual.text and _has(book, variant):
            found.append(replace(usual, variant=variant, text=text))
    return found


def _kinds(book: Rulebook) -> list[str]:
    """Kinds of contracts, and whether dated ones are among them."""
    dated = any(_is_family(one) for one in book.instruments.values())
    return [*book.contracts, *(["dated"] if dated else [])]


def _is_family(instrument: Instrument) -> bool:
    return instrument.symbol.endswith("-*")


def _decision(book: Rulebook, ts_ms: int, name: str, key: str) -> list[Fact]:
    """The usual value of a decision, then those that differ for some contracts or a mode."""
    usual = _fact(book, ts_ms, (name, key, ""))
    found = [usual]
    for variant in (*CONTRACTS, *MODES):
        if f"{variant}.{key}" in book.decisions and _has(book, variant):
            other = _fact(book, ts_ms, (name, key, variant))
            found += [other] if other.text != usual.text else []
    return found


def _has(book: Rulebook, variant: str) -> bool:
    return variant in book.contracts or variant in book.modes


def _fact(book: Rulebook, ts_ms: int, what: tuple[str, str, str]) -> Fact:
    name, key, variant = what
    if key not in book.decisions and not variant:
        return Fact(book.id, name, key, variant, ABSENT[key])
    revision = book.at(key, ts_ms, *([variant] if variant else []))
    text = text_of(key, revision)
    if key == "funding.interval_hours":
        text += _phase(book, ts_ms)
    place = f"{variant}.{key}" if variant else key
    return Fact(book.id, name, place, variant, text, described(book, revision))


def _phase(book: Rulebook, ts_ms: int) -> str:
    """The hour that a schedule is counted from, where it is not midnight."""
    phase = book.at("funding.phase_hours", ts_ms).number
    return f", from {phase:02.0f}:00 UTC" if phase else ""


def text_of(key: str, revision: Revision) -> str:
    """A value as a reader says it: words without underscores, fees in percent."""
    value = revision.value
    if isinstance(value, Process):
        return process_text(value)
    if key.startswith("fees."):
        return f"{100 * revision.number:.5g}%"
    if key == "orders.band":
        return f"{100 * revision.number:g}% away" if value else "any"
    if isinstance(value, float):
        return f"{value:g}"
    return WORDS.get(key, {}).get(str(value), str(value).replace("_", " "))
