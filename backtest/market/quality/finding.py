"""One thing that a check found, and the limits beyond which checks speak."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from backtest.market.check import Floats, Ints
from backtest.market.quality.checks import CHECKS, Level
from backtest.values import HOUR

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Limits:
    """Beyond what a check speaks."""

    band: float = 0.05
    """Fraction by which a high, low or close of trade and mark may part."""
    price: float = 1e-6
    """Fraction by which prices that should be the same may differ."""
    volume: float = 0.01
    """Fraction by which volumes that should be the same may differ."""
    stale_ms: int = 3 * HOUR
    """How long a price may stand still without volume, and at least `STALE_BARS`."""


@dataclass(frozen=True)
class Series:
    """Whose rows a finding is about."""

    venue: str
    symbol: str
    kind: str
    timeframe: str


@dataclass(frozen=True, slots=True)
class Finding:
    """`count` rows or bars from `start` to `stop` (inclusive, ms) that fail a check.

    `worst` is a measure of the worst one where there is one, and `detail` says what it is.
    """

    venue: str
    symbol: str
    kind: str
    timeframe: str
    check: str
    start: int
    stop: int
    count: int
    worst: float | None
    detail: str

    @property
    def level(self) -> Level:
        """How grave it is."""
        return CHECKS[self.check].level

    def to_dict(self) -> dict[str, Any]:
        """As plain values, with the level."""
        return {"level": self.level, **asdict(self)}


def found(
    of: Series, check: str, span: tuple[int, int], count: int, detail: str,
    worst: float | None = None,
) -> Finding:  # fmt: skip
    """A finding about a series."""
    return Finding(of.venue, of.symbol, of.kind, of.timeframe, check, *span, count, worst, detail)


def frame_of(findings: Iterable[Finding]) -> pl.DataFrame:
    """Findings as a frame: `start` and `stop` as times, null where a whole file fails."""
    time = pl.Datetime("ms", "UTC")
    schema = {
        "level": pl.String, "venue": pl.String, "symbol": pl.String, "kind": pl.String,
        "timeframe": pl.String, "check": pl.String, "start": pl.Int64, "stop": pl.Int64,
        "count": pl.Int64, "worst": pl.Float64, "detail": pl.String,
    }  # fmt: skip
    frame = pl.DataFrame([one.to_dict() for one in findings], schema=schema, orient="row")
    whole = pl.col("stop") == 0
    return frame.with_columns(
        pl.when(~whole).then(pl.col(name)).cast(time).alias(name) for name in ("start", "stop")
    )


def runs(bad: Bools) -> list[tuple[int, int]]:
    """Stretches [start, stop) of rows that are True, side by side."""
    if not bad.any():
        return []
    edges = np.flatnonzero(np.diff(bad.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def episodes(ts: Ints, bad: Bools, apart_ms: int) -> list[tuple[int, int]]:
    """First and last row of each group of rows that are True and not further apart."""
    rows = np.flatnonzero(bad)
    if len(rows) == 0:
        return []
    cuts = np.flatnonzero(np.diff(ts[rows]) > apart_ms) + 1
    ends = [0, *cuts.tolist(), len(rows)]
    return [(int(rows[a]), int(rows[b - 1])) for a, b in pairwise(ends)]


def apart(a: Floats, b: Floats) -> Floats:
    """How far values are from others, as a fraction of these; 0 where both are 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.abs(a - b) / np.abs(b)
    share[a == b] = 0.0
    return share
