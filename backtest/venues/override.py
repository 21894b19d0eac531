"""Values a user sets in place of a rulebook's, by dotted key."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from ..errors import UnknownNameError
from .check import Place, value_of
from .decisions import check_amount
from .model import Process, Revision, Rulebook, Source, Step, Value
from .schema import DECISIONS, SIZES, STEP, Kind

USER = "override"
OWN_FEES = {"fees.taker": "taker_fee", "fees.clearance": "clearance_fee"}
"""Fees that an instrument may have of its own."""


def override(rulebook: Rulebook, values: Mapping[str, str | float | bool]) -> Rulebook:
    """The rulebook with some values replaced at all dates.

    Keys are decisions ("fees.taker"), sizes of every instrument ("orders.lot") and parts of
    a process ("liquidation.isolated.steps.0.amount", "liquidation.cross.healthy_ratio").
    Values may be text, as a command line gives them. An unknown key is an UnknownNameError.
    """
    if not values:
        return rulebook
    book = replace(
        rulebook, sources={**rulebook.sources, USER: Source("set by the user", "overrides", "")}
    )
    for key, value in values.items():
        book = _override_one(book, key, value)
    return book


def _override_one(book: Rulebook, key: str, value: str | float | bool) -> Rulebook:
    place = Place("overrides") / key
    if key in book.decisions and not kind_of(key).process:
        revision = _revision(parse(place, value, kind_of(key)))
        return replace(_without_own_fees(book, key), decisions=_replaced(book, key, (revision,)))
    if key.startswith("orders.") and key.removeprefix("orders.") in SIZES:
        return _override_sizes(book, place, key.removeprefix("orders."), value)
    name, _, rest = key.partition(".steps.")
    if rest and name in book.decisions and kind_of(name).process:
        return _override_process(book, key, name, value)
    name = key.removesuffix(".healthy_ratio")
    if name != key and name in book.decisions and kind_of(name).process:
        return _override_process(book, key, name, value)
    raise UnknownNameError(f"decision of {book.id}", key, _known(book))


def kind_of(key: str) -> Kind:
    """What a decision may be, whatever kind of contract or margin mode it is for."""
    return DECISIONS[".".join(key.split(".")[-2:])]


def _replaced(
    book: Rulebook, key: str, revisions: tuple[Revision, ...]
) -> dict[str, tuple[Revision, ...]]:
    """The decisions with one replaced; a value for all takes the place of those for some."""
    others = {k: v for k, v in book.decisions.items() if not k.endswith(f".{key}")}
    return {**others, key: revisions}


def _without_own_fees(book: Rulebook, key: str) -> Rulebook:
    """A fee for all takes the place of those that instruments have of their own."""
    own = OWN_FEES.get(key)
    if own is None:
        return book
    instruments = {
        symbol: replace(one, sizes={k: v for k, v in one.sizes.items() if k != own})
        for symbol, one in book.instruments.items()
    }
    return replace(book, instruments=instruments)


def _known(book: Rulebook) -> list[str]:
    keys = [key for key in book.decisions if not kind_of(key).process]
    keys += [f"orders.{name}" for name in SIZES]
    for name in book.decisions:
        if kind_of(name).process:
            keys.append(f"{name}.healthy_ratio")
            steps = max(len(_process(r).steps) for r in book.decisions[name])
            keys += [f"{name}.steps.{i}.{f.name}" for i in range(steps) for f in fields(Step)]
    return keys


def _process(revision: Revision) -> Process:
    assert isinstance(revision.value, Process)
    return revision.value


def _revision(value: Value) -> Revision:
    return Revision(value, -(2**62), USER, "assumed", "set by the user")


def _override_sizes(book: Rulebook, place: Place, name: str, value: Any) -> Rulebook:
    revision = _revision(parse(place, value, SIZES[name]))
    instruments = {
        symbol: replace(one, sizes={**one.sizes, name: (revision,)})
        for symbol, one in book.instruments.items()
    }
    return replace(book, instruments=instruments)


def _override_process(book: Rulebook, key: str, name: str, value: Any) -> Rulebook:
    if key not in _known(book):
        raise UnknownNameError(f"decision of {book.id}", key, _known(book))
    revisions = tuple(
        replace(r, value=_changed(_process(r), key, value), source=USER, confidence="assumed")
        for r in book.decisions[name]
    )
    return replace(book, decisions={**book.decisions, name: revisions})


def _changed(process: Process, key: str, value: Any) -> Process:
    place = Place("overrides") / key
    if key.endswith(".healthy_ratio"):
        ratio = parse(place, value, Kind(low=0.0, high=1.0))
        return replace(process, healthy_ratio=float(ratio))
    index, field = key.rsplit(".", 2)[-2:]
    steps = list(process.steps)
    if int(index) < len(steps):
        changed: dict[str, Any] = {field: parse(place, value, STEP[field])}
        if field == "min_tier":
            changed[field] = int(changed[field])
        steps[int(index)] = replace(steps[int(index)], **changed)
        check_amount(place, steps[int(index)])
    return replace(process, steps=tuple(steps))


def parse(place: Place, value: str | float | bool, kind: Kind) -> str | float | bool:
    """A user's value, perhaps text, as its kind wants it."""
    parsed: Any = value
    if isinstance(value, str) and not kind.words:
        if kind.flag:
            parsed = {"true": True, "false": False}.get(value.lower(), value)
        else:
            try:
                parsed = float(value)
            except ValueError:
                parsed = value
    return value_of(place, parsed, kind)
