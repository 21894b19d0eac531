"""Reading of dated decisions and liquidation processes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..core.types import STEP_WIDTH
from .check import (
    Place,
    ascending,
    entries,
    known_keys,
    milliseconds,
    needed,
    number,
    origin,
    value_of,
)
from .model import ALWAYS, DEFAULT, Process, Revision, Step, Value
from .schema import (
    CONTRACTS,
    DECISIONS,
    MODES,
    PROCESS_KEYS,
    REVISION_KEYS,
    SIZES,
    STEP,
    VARIED,
    Kind,
)

USUAL = "the rulebook says nothing else"


def read_decisions(place: Place, content: Mapping[str, Any]) -> dict[str, tuple[Revision, ...]]:
    """All decisions of a file, by dotted key; refuses unknown and missing ones.

    A value for one kind of contract or one margin mode has that word before its key.
    """
    for table, names in _tables().items():
        also = VARIED if table in MODES else SIZES if table == "orders" else ()
        known_keys(place / table, content.get(table, {}), (*names, *also))
    decisions = {}
    for key, kind in DECISIONS.items():
        table, name = key.split(".")
        found = content.get(table, {})
        if name in found or (kind.required and kind.default is None):
            where = place / table
            decisions[key] = read_revisions(where / name, needed(where, found, name), kind)
        elif kind.default is not None:
            decisions[key] = (Revision(kind.default, ALWAYS, DEFAULT, "assumed", USUAL),)
    for variant in (*CONTRACTS, *MODES):
        decisions |= _read_variant(place / variant, variant, content.get(variant, {}))
    return decisions


def _tables() -> dict[str, list[str]]:
    """Keys of every table of decisions."""
    tables: dict[str, list[str]] = {}
    for key in DECISIONS:
        table, name = key.split(".")
        tables.setdefault(table, []).append(name)
    return tables


def _read_variant(
    place: Place, variant: str, content: Mapping[str, Any]
) -> dict[str, tuple[Revision, ...]]:
    """Decisions that hold for one kind of contract or one margin mode only."""
    tables = _tables()
    own = tables.get(variant, [])
    known_keys(place, content, (*VARIED, *own))
    found = {}
    for table in (name for name in content if name in VARIED):
        known_keys(place / table, content[table], tables[table])
        for name, written in content[table].items():
            kind = DECISIONS[f"{table}.{name}"]
            revisions = read_revisions(place / table / name, written, kind)
            found[f"{variant}.{table}.{name}"] = revisions
    return found


def read_revisions(place: Place, written: Any, kind: Kind) -> tuple[Revision, ...]:
    """The dated revisions of one decision, in order of date."""
    if not isinstance(written, list) or not written or not isinstance(written[0], dict):
        place.refuse(
            written, "is not a list of dated values",
            "write [ { value = …, valid_from = 2025-10-15, source = …, confidence = … } ]",
        )  # fmt: skip
    revisions = [_revision(place / i, table, kind) for i, table in enumerate(written)]
    ascending(place, [r.valid_from for r in revisions], [t["valid_from"] for t in written])
    return tuple(revisions)


def _revision(place: Place, table: Mapping[str, Any], kind: Kind) -> Revision:
    known_keys(place, table, PROCESS_KEYS if kind.process else REVISION_KEYS)
    source, confidence = origin(place, table)
    date = milliseconds(place / "valid_from", needed(place, table, "valid_from"))
    value: Value
    if kind.process:
        value = _process(place, table)
    else:
        value = value_of(place / "value", needed(place, table, "value"), kind)
    return Revision(value, date, source, confidence, str(table.get("note", "")))


def _process(place: Place, table: Mapping[str, Any]) -> Process:
    written = entries(place / "steps", needed(place, table, "steps"))
    if not written:
        (place / "steps").refuse(written, "has no step", "give at least one that closes all")
    if len(written) > STEP_WIDTH:
        (place / "steps").refuse(
            len(written), f"are more than {STEP_WIDTH} steps", "merge steps or widen STEP_WIDTH"
        )
    ratio = number(
        place / "healthy_ratio", table.get("healthy_ratio", 1.0), Kind(low=0.0, high=1.0)
    )
    return Process(tuple(_step(place / "steps" / i, s) for i, s in enumerate(written)), ratio)


def _step(place: Place, table: Mapping[str, Any]) -> Step:
    known_keys(place, table, STEP)
    fields: dict[str, Any] = {}
    for key, kind in STEP.items():
        if key in table or kind.required:
            fields[key] = value_of(place / key, needed(place, table, key), kind)
    step = Step(**fields)
    check_amount(place / "amount", step)
    return replace(step, min_tier=int(step.min_tier))


def check_amount(place: Place, step: Step) -> None:
    """Refuse an amount that a step of this size could never reach or that says nothing."""
    if step.size not in ("all", "net_legs") and step.amount <= 0.0:
        place.refuse(step.amount, f"says nothing for size {step.size!r}", "give an amount over 0")
    if step.size in ("cure", "fraction") and step.amount > 1.0:
        what = "a margin ratio" if step.size == "cure" else "a share of the position"
        place.refuse(step.amount, f"is {what} over 1", "give at most 1")
    if step.size == "tiers_down" and step.amount % 1.0:
        place.refuse(step.amount, "is no number of tiers", "give a whole number")
    if step.at_least > step.at_most:
        place.refuse(step.at_least, f"is over at_most {step.at_most:g}", "swap them")
