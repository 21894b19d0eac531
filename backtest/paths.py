"""The two courses of an account whose bars leave several ways open, in tables of records."""

from collections.abc import Mapping
from typing import Any

import polars as pl

PESSIMISTIC, OPTIMISTIC = "pessimistic", "optimistic"
_OTHER = {PESSIMISTIC: OPTIMISTIC, OPTIMISTIC: PESSIMISTIC}


def worst_path(config: Mapping[str, Any]) -> str:
    """The course that a run is told by: the pessimistic one, or the only one it was asked for."""
    path = str(config.get("path", "both"))
    return PESSIMISTIC if path == "both" else path


def history(frame: pl.DataFrame, path: str = PESSIMISTIC) -> pl.DataFrame:
    """The records of one course from the start: those before the account parted, and its own.

    A frame without a column `path`, as that of gaps in the data, is of both.
    """
    return frame.filter(pl.col("path") != _OTHER[path]) if "path" in frame.columns else frame
