"""Why orders were refused: the commonest reason, and what would have helped."""

import polars as pl

NO_MARGIN = "insufficient margin"
FEE_HINT = "the opening fee does not fit"
FEES_AT_MOST = 0.003
"""Of notional: more than opening takes besides the margin on any venue, closing fee included."""


def most_frequent(rejected: pl.DataFrame) -> str:
    """The reason that most of the orders were refused for; empty where there are none."""
    counts = rejected.group_by("reason").len().sort(["len", "reason"], descending=[True, False])
    return str(counts["reason"][0]) if counts.height else ""


def lacks_fee() -> pl.Expr:
    """Whether an order was short of margin by no more than fees: it left them no room."""
    base, settle = (
        pl.col("symbol").str.extract("^([^/]+)"),
        pl.col("symbol").str.extract(":([^-]+)"),
    )
    inverse = base == settle
    value = pl.when(inverse).then(1.0 / pl.col("price")).otherwise(pl.col("price"))
    notional = pl.col("size").abs() * value
    short = pl.col("required") - pl.col("available")
    narrowly = (short <= FEES_AT_MOST * notional).fill_null(False)
    # an order has a size, a transfer of money has none
    return (pl.col("reason") == NO_MARGIN) & (pl.col("size") != 0.0) & narrowly


def hint(rejected: pl.DataFrame, reason: str) -> str:
    """What most orders refused for a reason lacked, where that says more; empty otherwise."""
    same = rejected.filter(pl.col("reason") == reason)
    fees = int(same.select(lacks_fee().sum()).item())
    return FEE_HINT if 2 * fees > same.height else ""
