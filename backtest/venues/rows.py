"""Rows of a tier table: as written, and as a regular ladder continues them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isclose
from typing import Any

from ..core.types import TIER_WIDTH
from .check import Place, entries, known_keys, needed, number
from .schema import LADDER_KEYS, Kind

_AMOUNT = Kind(low=0.0)
_RATE = Kind(low=0.0, high=1.0)
_LEVERAGE = Kind(low=1.0)
_STEP = Kind(low=1e-12)


@dataclass(frozen=True)
class Row:
    """One tier: from this floor on, maintenance rate, maximum leverage, deduction if written."""

    floor: float
    rate: float
    max_leverage: float
    deduction: float | None = None


def read_rows(place: Place, table: Mapping[str, Any]) -> tuple[list[Row], float]:
    """The rows of a table with its ladder, and the largest key it allows (inf if none)."""
    written = entries(place / "rows", needed(place, table, "rows"))
    rows = [_row(place / "rows" / i, row) for i, row in enumerate(written)]
    _check_rows(place / "rows", rows)
    cap = number(place / "cap", table["cap"], _AMOUNT) if "cap" in table else inf
    if "ladder" in table:
        rows, top = _with_ladder(place / "ladder", table["ladder"], rows)
        if cap < inf and not isclose(cap, top, rel_tol=1e-9):
            (place / "cap").refuse(cap, f"is not the ladder's end {top:g}", "correct one of them")
        cap = top
    if not cap > rows[-1].floor:
        (place / "cap").refuse(
            cap, f"is not over the last floor {rows[-1].floor:g}", "give the end of the last tier"
        )
    if len(rows) > TIER_WIDTH:
        (place / "rows").refuse(
            len(rows), f"are more than {TIER_WIDTH} rows", "merge rows or widen TIER_WIDTH"
        )
    return rows, cap


def _row(place: Place, written: Any) -> Row:
    if not isinstance(written, list) or len(written) not in (3, 4):
        place.refuse(written, "is not a tier", "write [floor, rate, max leverage, deduction?]")
    kinds = (_AMOUNT, _RATE, _LEVERAGE, _AMOUNT)
    names = ("floor", "rate", "max_leverage", "deduction")
    values = [
        number(place / name, value, kind)
        for name, value, kind in zip(names, written, kinds, strict=False)
    ]
    return Row(*values)


def _check_rows(place: Place, rows: list[Row]) -> None:
    if not rows:
        place.refuse(rows, "is an empty table", "give at least one row")
    if rows[0].floor != 0.0:
        (place / "0.floor").refuse(rows[0].floor, "is not 0", "let the first tier start at 0")
    for i, (low, high) in enumerate(pairwise(rows), start=1):
        if high.floor <= low.floor:
            (place / i / "floor").refuse(
                high.floor, f"overlaps the tier from {low.floor:g} on", "sort rows by floor"
            )
        if high.rate < low.rate:
            (place / i / "rate").refuse(
                high.rate, f"is under {low.rate:g} of the tier before", "rates rise with size"
            )
        if high.max_leverage > low.max_leverage:
            (place / i / "max_leverage").refuse(
                high.max_leverage, f"is over {low.max_leverage:g} of the tier before",
                "maximum leverage falls with size",
            )  # fmt: skip


def _with_ladder(
    place: Place, ladder: Mapping[str, Any], rows: list[Row]
) -> tuple[list[Row], float]:
    """Rows followed by rows of equal width, and where they end."""
    known_keys(place, ladder, LADDER_KEYS)
    given = {k: number(place / k, needed(place, ladder, k), _STEP) for k in LADDER_KEYS}
    last, step = rows[-1], given["step"]
    if not given["from"] > last.floor:
        (place / "from").refuse(
            given["from"], f"is not over the last floor {last.floor:g}", "start the ladder after it"
        )
    if not isclose(1.0 / given["initial_rate"], last.max_leverage, rel_tol=1e-3):
        (place / "initial_rate").refuse(
            given["initial_rate"], f"is not 1 / {last.max_leverage:g}",
            "give the initial rate of the last written row",
        )  # fmt: skip
    room = given["until_initial_rate"] - given["initial_rate"]
    count = round(room / given["initial_rate_step"])
    more = [_rung(given, last, i) for i in range(count)]
    return rows + more, given["from"] + step * count


def _rung(ladder: Mapping[str, float], last: Row, i: int) -> Row:
    """Row i (from 0) of a ladder; rates are decimal fractions, kept free of rounding noise."""
    rate = round(last.rate + ladder["rate_step"] * (i + 1), 12)
    initial = round(ladder["initial_rate"] + ladder["initial_rate_step"] * (i + 1), 12)
    return Row(ladder["from"] + ladder["step"] * i, rate, 1.0 / initial)
