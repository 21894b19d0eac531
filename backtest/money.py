"""An account's money in USD: what it starts with, and what its totals are worth.

Engine pools hold settle assets. A stablecoin is one USD, a coin is worth the mark of its symbol in
the run. Flows (fees, funding, losses, deposits) count at the mark of their record, what is held at
the end at the last mark; `revaluation` is what the coins held in between gained or lost, so that
deposits + realized + unrealized + shortfall + revaluation − costs = equity.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import numpy as np
import polars as pl

from .accounts import Account
from .config import RunConfig
from .core.engine import Engine
from .core.state import IS_USD, UNPRICED, Reason
from .plan import Group

COSTS = ("fees", "funding", "liquidation_fees", "forfeited")
FLOWS = ("deposits", *COSTS, "shortfall")
HELD = ("realized", "unrealized", "equity", "cash")


@dataclass(frozen=True)
class Start:
    """What each pool begins with, in its settle asset and in USD (NaN where not known)."""

    cash: list[float]
    usd: list[float]


def starting_money(config: RunConfig, account: Account, group: Group) -> Start:
    """The money of each pool: `cash` itself, or the coin that `cash` buys at the first open."""
    prices = [_first_open(group, number) for number in account.priced_by]
    if config.cash_in == "settle":
        return Start([config.cash for _ in prices], [config.cash * price for price in prices])
    return Start([config.cash / price for price in prices], [config.cash for _ in prices])


def _first_open(group: Group, number: int) -> float:
    """USD price of a settle asset at the first trade open of the run."""
    if number < 0:
        return 1.0 if number == IS_USD else nan
    since, until = (
        pl.lit(moment, dtype=pl.Int64).cast(pl.Datetime("ms", "UTC"))
        for moment in (group.span.since, group.span.until)
    )
    bars = group.data[number].trade.scan()
    inside = pl.col("ts").is_between(since, until, closed="left")
    opens = bars.filter(inside).select("open").head(1).collect()
    return float(opens.item()) if opens.height else nan


class Flows:
    """What moved an account's pools, in USD at the mark of each record."""

    def __init__(self, account: Account, start: Start) -> None:
        self._account = account
        self._pools = range(len(account.assets))
        self.usd: list[dict[str, float]] = [defaultdict(float) for _ in self._pools]
        for pool in self._pools:
            self.usd[pool]["deposits"] = start.usd[pool]

    def carry_on(self, usd: Sequence[Mapping[str, float]]) -> None:
        """Go on from what was counted before, pool by pool."""
        self.usd = [defaultdict(float, one) for one in usd]

    def add(self, records: Mapping[str, Any]) -> None:
        """Count the records of a block (core dtypes, by kind)."""
        count = len(self._account.symbols)
        for pool in self._pools:
            if self._account.priced_by[pool] == IS_USD:
                continue
            symbols = np.flatnonzero(np.array(self._account.pools) == pool)
            mine = {
                kind: rows[np.isin(rows["symbol"] % count, symbols)]
                for kind, rows in records.items()
                if kind in ("liquidations", "fills", "funding")
            }
            deposits = records["deposits"]
            mine["deposits"] = deposits[deposits["pool"] == pool]
            for name, amount in _amounts(mine).items():
                self.usd[pool][name] += amount


def _amounts(records: Mapping[str, Any]) -> dict[str, float]:
    liquidations, fills = records["liquidations"], records["fills"]
    orders = fills[fills["reason"] != Reason.LIQUIDATION]
    return {
        "deposits": _usd(records["deposits"], "amount"),
        "fees": _usd(orders, "fee"),
        "funding": _usd(records["funding"], "amount"),
        "liquidation_fees": _usd(liquidations, "fee"),
        "forfeited": _usd(liquidations, "forfeited"),
        "shortfall": _usd(orders, "shortfall") + _usd(liquidations, "shortfall"),
    }


def _usd(records: Any, name: str) -> float:
    return float((records[name] * records["usd_price"]).sum())


def totals(engine: Engine, account: Account, flows: Flows) -> dict[str, Any]:
    """The account's totals in USD, and by settle asset in its own units under `assets`.

    None where no price in USD is known.
    """
    assets = {asset: _of_pool(engine, pool) for pool, asset in enumerate(account.assets)}
    worth = [
        _in_usd(own, flows.usd[pool], _last_price(engine, account.priced_by[pool]))
        for pool, own in enumerate(assets.values())
    ]
    names = (*FLOWS, *HELD, "revaluation")
    sums = {name: sum(one[name] for one in worth) for name in names}
    known = {name: None if isnan(value) else value for name, value in sums.items()}
    return {**known, "assets": assets}


def _of_pool(engine: Engine, pool: int) -> dict[str, float]:
    state = engine.pools[pool]
    own = {name: float(state[name]) for name in (*FLOWS, *HELD) if name != "unrealized"}
    return {**own, "unrealized": engine.unrealized(pool)}


def _last_price(engine: Engine, number: int) -> float | None:
    """The last USD price of a pool's asset; None where it is a dollar, NaN where not known."""
    if number == IS_USD:
        return None
    mark = 0.0 if number == UNPRICED else float(engine.positions["mark"][number])
    return mark or nan


def _in_usd(
    own: Mapping[str, float], flows: Mapping[str, float], price: float | None
) -> dict[str, float]:
    """One pool's totals in USD."""
    if price is None:
        return {**own, "revaluation": 0.0}
    worth = {name: own[name] * price for name in HELD}
    worth |= {name: flows[name] for name in FLOWS}
    paid = worth["deposits"] + worth["realized"] + worth["unrealized"] + worth["shortfall"]
    return {**worth, "revaluation": worth["equity"] - paid + sum(worth[c] for c in COSTS)}
