"""A bucket at one moment: its money, what it needs, and its positions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from ..core.contracts import unrealized_pnl
from ..core.tiers import tier_of
from ..core.types import Gains, Legs
from .pick import Fall, Key, key_of
from .replay import Outcome


@dataclass(frozen=True)
class Held:
    """A position at a moment; amounts in the settle asset.

    `twin` is the |size| of another leg that shares the tier.
    """

    size: float
    entry: float
    mark: float
    maintenance: float
    tier: int
    twin: float = 0.0


@dataclass(frozen=True)
class State:
    """A bucket at a moment: equity and maintenance margin as its venue reckons them."""

    ts: int
    equity: float
    maintenance: float
    positions: Mapping[Key, Held]

    @property
    def ratio(self) -> float:
        """Maintenance margin / equity; infinite where nothing is left."""
        return ratio(self.equity, self.maintenance)


def ratio(equity: float, maintenance: float) -> float:
    """Maintenance margin / equity; infinite where nothing is left to stand behind it."""
    return maintenance / equity if equity > 0.0 else float("inf")


def pnl(rules: Any, size: float, entry: float, mark: float) -> float:
    """The P&L of a size between two prices, settle asset."""
    return float(unrealized_pnl(rules, size, entry, mark))


def sampled(outcome: Outcome, fall: Fall, ts: int, rules: Mapping[Key, Any]) -> State | None:
    """The bucket at the close of the bar that opens at `ts`; None if nothing was open then."""
    moment = pl.lit(ts, pl.Int64).cast(pl.Datetime("ms", "UTC"))
    rows = outcome.frame("margin").filter(pl.col("ts") == moment)
    mine = [row for row in rows.iter_rows(named=True) if _belongs(fall, key_of(row))]
    held = {
        key_of(row): Held(
            row["size"], row["entry_price"], row["mark_price"], row["maintenance_margin"],
            row["tier"],
        )
        for row in mine
    }  # fmt: skip
    if fall.key not in held:
        return None
    if not fall.cross:
        row = next(row for row in mine if key_of(row) == fall.key)
        return State(ts, row["equity"], row["maintenance_margin"], held)
    asset = asset_of(fall.key[0])
    pool = outcome.frame("equity").filter(pl.col("ts") == moment, pl.col("asset") == asset)
    money = pool.row(0, named=True)
    gains = sum(shared(rules[key], one) for key, one in held.items())
    return State(ts, money["cash"] + gains, money["maintenance_margin"], held)


def _belongs(fall: Fall, key: Key) -> bool:
    """Whether a position is in the bucket: the one that fell, or any of its pool."""
    return asset_of(key[0]) == asset_of(fall.key[0]) if fall.cross else key == fall.key


def shared(rules: Any, held: Held) -> float:
    """The unrealised P&L of a position that stands behind its whole pool."""
    own = pnl(rules, held.size, held.entry, held.mark)
    return min(own, 0.0) if rules["gains"] == Gains.OWN else own


def triggered(outcome: Outcome, fall: Fall, ts: int, rules: Mapping[Key, Any]) -> State:
    """The bucket as the first step of its liquidation met it."""
    first = fall.first
    own = Held(
        first["size_before"], first["entry_price"], first["mark_price"],
        first["maintenance_margin"], first["tier_before"],
    )  # fmt: skip
    held = {fall.key: own}
    marks = outcome.frame("marks").filter(
        pl.col("ts") == first["ts"], pl.col("event") == first["event"]
    )
    if fall.cross:
        for row in marks.iter_rows(named=True):
            tier = first["tier_before"] if key_of(row) == fall.key else 0
            held[key_of(row)] = Held(
                row["size"], row["entry_price"], row["mark_price"], row["maintenance_margin"],
                tier,
            )  # fmt: skip
    held = {key: replace(one, twin=_twin(held, key, rules[key])) for key, one in held.items()}
    held = {
        key: one if one.tier else replace(one, tier=tier_in(rules[key], one))
        for key, one in held.items()
    }
    return State(ts, first["equity_before"], first["maintenance_margin"], held)


def tier_in(rules: Any, held: Held) -> int:
    """The number of the tier of a table that a position is in."""
    return int(tier_of(rules, abs(held.size) + held.twin, held.entry, held.mark)) + 1


def _twin(held: Mapping[Key, Held], key: Key, rules: Any) -> float:
    """|size| of the other leg of a symbol in a pool, where both are in one tier."""
    if rules["legs"] == Legs.SEPARATE:
        return 0.0
    return sum(abs(one.size) for k, one in held.items() if k[0] == key[0] and k != key)


def asset_of(symbol: str) -> str:
    """The settle asset of a contract."""
    return symbol.partition(":")[2].partition("-")[0]
