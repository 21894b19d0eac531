"""An account's money in USD: what it starts with, and what its totals are worth.

Engine pools hold settle assets. A stablecoin is one USD, a coin is worth the mark of its symbol in
the run. Flows (fees, funding, losses, deposits) count at the mark of their record, what is held at
the end at the last mark; `revaluation` is what the coins held in between gained or lost, so that
deposits + realized + unrealized + shortfall + revaluation − costs = equity.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from .config import RunConfig
from .core.engine import Engine
from .core.state import IS_USD, UNPRICED, Reason
from .plan import Account, Group

COSTS = ("fees", "funding", "liquidation_fees", "forfeited")
FLOWS = ("deposits", *COSTS, "shortfall")
HELD = ("realized", "unrealized", "equity", "cash")


def starting_cash(config: RunConfig, account: Account, group: Group) -> list[float]:
    """Money of each pool in its settle asset: `cash` itself, or what it buys at the first open."""
    prices = [_first_open(config, group, number) for number in account.priced_by]
    return [config.cash / price for price in prices]


def _first_open(config: RunConfig, group: Group, number: int) -> float:
    """USD price of a settle asset at the first trade open of the run; 1 where none is needed."""
    if number < 0 or config.cash_in == "settle":
        return 1.0
    since, until = (
        pl.lit(moment, dtype=pl.Int64).cast(pl.Datetime("ms", "UTC"))
        for moment in (group.span.since, group.span.until)
    )
    bars = group.data[number].trade.scan()
    inside = pl.col("ts").is_between(since, until, closed="left")
    opens = bars.filter(inside).select("open").head(1).collect()
    return float(opens.item()) if opens.height else float("nan")


class Flows:
    """What moved an account's pools, in USD at the mark of each record."""

    def __init__(self, account: Account, start: list[float], first_usd: float) -> None:
        self._account = account
        self._pools = range(len(account.assets))
        self.usd: list[dict[str, float]] = [defaultdict(float) for _ in self._pools]
        for pool in self._pools:
            coin = account.priced_by[pool] >= 0
            self.usd[pool]["deposits"] = first_usd if coin else start[pool]

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
    """The account's totals in USD, and by settle asset in its own units under `assets`."""
    assets = {asset: _of_pool(engine, pool) for pool, asset in enumerate(account.assets)}
    worth = [
        _in_usd(own, flows.usd[pool], _last_price(engine, account.priced_by[pool]))
        for pool, own in enumerate(assets.values())
    ]
    names = (*FLOWS, *HELD, "revaluation")
    return {**{name: sum(one[name] for one in worth) for name in names}, "assets": assets}


def _of_pool(engine: Engine, pool: int) -> dict[str, float]:
    state = engine.pools[pool]
    own = {name: float(state[name]) for name in (*FLOWS, *HELD) if name != "unrealized"}
    return {**own, "unrealized": engine.unrealized(pool)}


def _last_price(engine: Engine, number: int) -> float | None:
    """The last USD price of a pool's asset; None where it is a dollar, NaN where not known."""
    if number == IS_USD:
        return None
    mark = 0.0 if number == UNPRICED else float(engine.positions["mark"][number])
    return mark or float("nan")


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
