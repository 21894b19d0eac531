"""The columns of an order file that say how an order rests: type, prices, triggers, names."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .core.state import OrderKind
from .errors import BacktestError, UsageError
from .instructions import TERMS, TRIGGERS, TYPES, problem
from .values import flag, parse_time

CANCEL = "cancel"


def set_terms(path: Path, frame: pl.DataFrame, events: NDArray[Any]) -> None:
    """Give the events (dtype ORDER) of rows that have a type their terms, in place.

    Raises UsageError with the row's number for what is no order.
    """
    typed = frame["type"].cast(pl.String).fill_null("").str.strip_chars()
    for row in np.flatnonzero((typed != "").to_numpy()):
        given = {name: frame[name][int(row)] if name in frame.columns else None for name in TERMS}
        name = frame["id"][int(row)] if "id" in frame.columns else None
        sized = "size" in frame.columns
        try:
            for key, value in _fields(typed[int(row)], given, name, sized).items():
                events[key][row] = value
        except BacktestError as error:
            raise UsageError(f"row {int(row) + 1} of {path} {error}") from None
    all_of_it = np.isinf(events["value"])
    events["reduce_only"] |= all_of_it & (events["kind"] == OrderKind.SIZE)


def without_sizes_of_cancels(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of a list; those that take an order back need no size."""
    if "type" not in frame.columns or "size" not in frame.columns:
        return frame
    cancels = pl.col("type").cast(pl.String).str.strip_chars() == CANCEL
    return frame.with_columns(
        size=pl.when(cancels).then(pl.col("size").fill_null(0)).otherwise("size")
    )


def _fields(kind: str, given: dict[str, Any], name: Any, sized: bool) -> dict[str, Any]:
    """A row's terms as fields of a core ORDER."""
    number = _name(name)
    if kind == CANCEL:
        if not number:
            raise UsageError("is a cancel without id; name the order that it takes back.")
        return {"kind": int(OrderKind.CANCEL), "value": float(number), "price": np.nan}
    for truth in ("reduce_only", "post_only"):
        given[truth] = False if given[truth] in (None, "") else flag(truth, given[truth])
    given = {key: None if value == "" else value for key, value in given.items()}
    if found := problem(kind, sized, given):
        raise UsageError(f"{found}.")
    chosen = given["price"] if kind == "limit" else given["trigger_price"]
    return {
        "price": np.nan if chosen is None else chosen,
        "type": TYPES.index(kind),
        "by": TRIGGERS.index(given["trigger_by"] or "last"),
        "reduce_only": int(given["reduce_only"]),
        "post_only": int(given["post_only"]),
        "callback": given["callback"] or 0.0,
        "until": 0 if given["good_till"] is None else parse_time(given["good_till"]),
        "id": number,
    }


def _name(value: Any) -> int:
    """The id of a row; 0 where it has none."""
    if value is None:
        return 0
    if float(value) != int(value) or value < 0:
        raise UsageError(f"has id {value!r}; give a whole number, or leave it empty.")
    return int(value)
