"""Reading of dated tier tables with their deductions."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import inf, isclose
from typing import Any

from ..core.types import TierRule
from .check import (
    DAY_MS,
    Place,
    ascending,
    day_text,
    entries,
    known_keys,
    milliseconds,
    needed,
    number,
    origin,
    value_of,
    word,
)
from .listing import unlisted
from .model import ALWAYS, FOREVER, TierTable
from .rows import Row, read_rows
from .schema import MODES, RATE, TIER_KEYS, UNITS, Kind

FLAG = Kind(flag=True)
SLOPES = ("rate_slope", "rate_cap", "initial_slope")
PROGRESSIVE = TierRule.PROGRESSIVE.name.lower()


def read_tiers(
    place: Place, written: Any, rule: Callable[[int], str]
) -> dict[str, tuple[TierTable, ...]]:
    """All tier tables by symbol, in order of date. `rule(ts)` gives the tier rule at a date."""
    found: dict[str, list[tuple[TierTable, Any]]] = {}
    for i, table in enumerate(entries(place / "tiers", written)):
        spot = place / f"tiers.{i}"
        known_keys(spot, table, TIER_KEYS)
        symbol = str(needed(spot, table, "symbol"))
        named = place / f"tiers.{i} ({symbol})"
        found.setdefault(symbol, []).append((read_table(named, table, rule), table["valid_from"]))
    for symbol, pairs in found.items():
        spot = place / f"tiers ({symbol})"
        for mode in MODES:
            mine = [pair for pair in pairs if pair[0].mode in ("", mode)]
            ascending(spot, [t.valid_from for t, _ in mine], [w for _, w in mine])
    return {symbol: tuple(t for t, _ in pairs) for symbol, pairs in found.items()}


def read_table(place: Place, table: Mapping[str, Any], rule: Callable[[int], str]) -> TierTable:
    """One tier table; `listed = false` says that the venue lists the symbol no longer."""
    source, confidence = origin(place, table)
    date = milliseconds(place / "valid_from", needed(place, table, "valid_from"))
    _check_looks(place, table, date)
    if not value_of(place / "listed", table.get("listed", True), FLAG):
        known_before = _moment(place, table, "known_before")
        return unlisted(date, source, confidence, known_before, str(table.get("mode", "")))
    rows, cap = read_rows(place, table)
    complete = bool(table.get("complete", True))
    if not complete and cap == inf:
        place.lacks("cap", "a table known in part ends at its last known limit")
    return TierTable(
        valid_from=date,
        source=source,
        confidence=confidence,
        floors=tuple(row.floor for row in rows),
        rates=tuple(row.rate for row in rows),
        deductions=_deductions(place / "rows", rows, rule(date)),
        max_leverages=tuple(row.max_leverage for row in rows),
        cap=cap,
        complete=complete,
        mode=word(place / "mode", table["mode"], MODES) if "mode" in table else "",
        **_slopes(place, table),
        unit=word(place / "unit", table.get("unit", "settle"), UNITS),
        known_before=_moment(place, table, "known_before"),
        seen_from=_moment(place, table, "seen_from", end=False) or ALWAYS,
        seen_until=_moment(place, table, "seen_until") or FOREVER,
        note=str(table.get("note", "")),
    )


def _check_looks(place: Place, table: Mapping[str, Any], date: int) -> None:
    """Refuse looks at a table that do not lie in order with the date it holds from."""
    known, until = (_moment(place, table, key) for key in ("known_before", "seen_until"))
    first = _moment(place, table, "seen_from", end=False)
    start = f"valid_from ({day_text(date)})"
    if known is not None and known >= date + DAY_MS:
        (place / "known_before").refuse(
            day_text(known), f"is after {start}", "give the last look that showed another table"
        )
    for key, look in (("seen_from", first), ("seen_until", until)):
        if look is not None and look < date:
            (place / key).refuse(
                day_text(look), f"is before {start}", "a table is seen from its first day on"
            )
    if first is not None and until is not None and first > until:
        (place / "seen_from").refuse(
            day_text(first), f"is after seen_until ({day_text(until)})", "swap the dates"
        )


def _slopes(place: Place, table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: number(place / key, table[key], RATE) for key in SLOPES if key in table}


def _moment(place: Place, table: Mapping[str, Any], key: str, *, end: bool = True) -> int | None:
    if key not in table:
        return None
    return milliseconds(place / key, table[key], end=end)


def deductions(floors: Sequence[float], rates: Sequence[float]) -> tuple[float, ...]:
    """Deductions that keep a progressive table continuous: d += floor·(rate − rate before)."""
    result = [0.0]
    for floor, (before, rate) in zip(floors[1:], pairwise(rates), strict=True):
        result.append(result[-1] + floor * (rate - before))
    return tuple(result)


def _deductions(place: Place, rows: list[Row], rule: str) -> tuple[float, ...]:
    """The deductions of a table; those that are written must be the same.

    They are kept for a flat table too, in case the rule changes while the table is in force.
    """
    result = deductions([row.floor for row in rows], [row.rate for row in rows])
    for i, (row, kept) in enumerate(zip(rows, result, strict=True)):
        wanted = kept if rule == PROGRESSIVE else 0.0
        if (
            i
            and row.deduction is not None
            and not isclose(row.deduction, wanted, rel_tol=1e-6, abs_tol=1e-9)
        ):
            (place / i / "deduction").refuse(
                row.deduction, f"breaks continuity at {row.floor:g}",
                f"write {wanted:.10g} or leave it out",
            )  # fmt: skip
    return result
