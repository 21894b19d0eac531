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
    if key in book.decisions and not DECISIONS[key].process:
        revision = _revision(parse(place, value, DECISIONS[key]))
        return replace(book, decisions={**book.decisions, key: (revision,)})
    if key.startswith("orders.") and key.removeprefix("orders.") in SIZES:
        return _override_sizes(book, place, key.removeprefix("orders."), value)
    name, _, rest = key.partition(".steps.")
    if rest and name in book.decisions and DECISIONS[name].process:
        return _override_process(book, key, name, value)
    name = key.removesuffix(".healthy_ratio")
    if name != key and name in book.decisions and DECISIONS[name].process:
        return _override_process(book, key, name, value)
    raise UnknownNameError(f"decision of {book.id}", key, _known(book))


def _known(book: Rulebook) -> list[str]:
    keys = [key for key in book.decisions if not DECISIONS[key].process]
    keys += [f"orders.{name}" for name in SIZES]
    for name, kind in DECISIONS.items():
        if kind.process:
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
        ratio = parse(place, value, Kind(low=1e-9, high=1.0))
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
