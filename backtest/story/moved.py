"""What moved a margin ratio from one moment to another: parts that add up.

Equity and maintenance margin each change by the price of every position, funding, money paid in,
orders, the tier, and rules that changed. The sums of the parts are the whole change; what orders
and other things did is the rest, and a part that did nothing is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import polars as pl

from ..core.requirement import maintenance_in_tier
from ..core.types import FundingFrom
from .pick import Fall, Key, key_of
from .replay import Outcome
from .state import Held, State, asset_of, pnl, ratio, tier_in

NOTHING = 1e-9
"""Share of the money at stake under which a part is a rounding error."""


ORDER = ("paid in", "orders", "other", "funding", "price", "tier", "rules")


@dataclass(frozen=True)
class Part:
    """What one thing did to a bucket, and the margin ratio after it; amounts in settle asset."""

    kind: str
    symbol: str
    equity: float
    maintenance: float
    ratio: float
    times: int = 0
    before: float = 0.0
    after: float = 0.0


@dataclass(frozen=True)
class Between:
    """The records of a bucket after one moment, up to another, and the rules at either."""

    old: State
    new: State
    fills: pl.DataFrame
    funding: pl.DataFrame
    deposits: pl.DataFrame
    rules: Mapping[Key, tuple[Any, Any]]
    cross: bool

    @property
    def kept(self) -> list[Key]:
        """Positions that were there at both moments."""
        return [key for key in self.new.positions if key in self.old.positions]


class Change(NamedTuple):
    """What one thing did to equity and to maintenance margin; a Part before it has a ratio."""

    kind: str
    symbol: str
    equity: float
    maintenance: float
    times: int = 0
    before: float = 0.0
    after: float = 0.0


def parts(b: Between) -> list[Part]:
    """The parts in order, each with the ratio once it is added."""
    scale = abs(b.old.equity) + abs(b.new.equity) + b.new.maintenance
    equity, needed, found = b.old.equity, b.old.maintenance, []
    for c in _in_order(_changes(b)):
        equity, needed = equity + c.equity, needed + c.maintenance
        if abs(c.equity) > NOTHING * scale or abs(c.maintenance) > NOTHING * scale:
            found.append(Part(*c[:4], ratio(equity, needed), *c[4:]))
    return found


def _in_order(changes: list[Change]) -> list[Change]:
    """Prices behind what moved money, tables last: the ratio then rarely passes its end."""
    return sorted(changes, key=lambda c: ORDER.index(c.kind))


def _changes(b: Between) -> list[Change]:
    """All changes; the last is the rest that no other explains."""
    found = [_price(b, key) for key in b.kept] + [_funding(b), _deposits(b)]
    found += [change for key in b.kept for change in _table(b, key)]
    money = b.new.equity - b.old.equity - sum(c.equity for c in found)
    needs = b.new.maintenance - b.old.maintenance - sum(c.maintenance for c in found)
    kind = "orders" if b.fills.height else "other"
    return [*found, Change(kind, "", money, needs, b.fills.height)]


def _price(b: Between, key: Key) -> Change:
    """What the mark did: to the size held at each time, and to its margin at the first tier."""
    old, new, (rules, _) = b.old.positions[key], b.new.positions[key], b.rules[key]
    points, size, mark, money = _points(b.fills, key, new), old.size, old.mark, 0.0
    for price, after in points:
        money += pnl(rules, size, mark, price)
        size, mark = after, price
    needs = _needed(rules, old, new.mark, old.tier) - _needed(rules, old, old.mark, old.tier)
    return Change("price", key[0], money, needs, 0, old.mark, new.mark)


def _points(fills: pl.DataFrame, key: Key, new: Held) -> list[tuple[float, float]]:
    """(price, size from then on) at every fill of a position, and at the end."""
    own = [row for row in fills.iter_rows(named=True) if key_of(row) == key]
    return [(row["price"], row["position_after"]) for row in own] + [(new.mark, new.size)]


def _needed(rules: Any, held: Held, mark: float, tier: int) -> float:
    """Maintenance margin of a position at a mark by one tier, without what is set apart."""
    return float(maintenance_in_tier(rules, tier - 1, held.size, held.entry, mark, 0.0))


def _table(b: Between, key: Key) -> list[Change]:
    """What another tier of the same table did, and another table."""
    old, new, (was, now) = b.old.positions[key], b.new.positions[key], b.rules[key]
    same = was["valid_from"] == now["valid_from"]
    tiers = (old.tier, new.tier if same else tier_in(was, new), new.tier)
    needs = [_needed(was, new, new.mark, tier) for tier in tiers[:2]]
    needs.append(_needed(now, new, new.mark, tiers[2]))
    return [
        Change("tier", key[0], 0.0, needs[1] - needs[0], 0, *tiers[:2]),
        Change("rules", key[0], 0.0, needs[2] - needs[1], 0, *tiers[1:]),
    ]


def _funding(b: Between) -> Change:
    """Payments that came out of the bucket."""
    paid, count = 0.0, 0
    for row in b.funding.iter_rows(named=True):
        if b.cross or b.rules[key_of(row)][0]["funding_from"] != FundingFrom.WALLET:
            paid, count = paid + row["amount"], count + 1
    return Change("funding", "", 0.0 - paid, 0.0, count)


def _deposits(b: Between) -> Change:
    return Change("paid in", "", float(b.deposits["amount"].sum()), 0.0, b.deposits.height)


def between(
    outcome: Outcome, fall: Fall, states: tuple[State, State], rules: Mapping[Key, tuple[Any, Any]]
) -> Between:
    """The records of the bucket between two of its states.

    Records of the bar of the liquidation do not say what came before it: of both readings the one
    that leaves less unexplained is taken.
    """
    old, new = states
    fills = _in_bucket(outcome.frame("fills"), fall)
    orders = pl.concat([_before_the_fall(fills, key, new.ts) for key in fall.opened])
    readings = [
        Between(
            old,
            new,
            _span(orders, old.ts, new.ts),
            _span(_in_bucket(outcome.frame("funding"), fall), old.ts, last),
            _span(_paid_in(outcome, fall), old.ts, last),
            rules,
            fall.cross,
        )
        for last in (new.ts, new.ts - 1)
    ]
    return min(readings, key=lambda one: abs(list(_changes(one))[-1].equity))


def _in_bucket(frame: pl.DataFrame, fall: Fall) -> pl.DataFrame:
    keys = ["|".join(key) for key in fall.opened]
    return frame.filter(pl.concat_str("symbol", "position_side", separator="|").is_in(keys))


def _before_the_fall(fills: pl.DataFrame, key: Key, ts: int) -> pl.DataFrame:
    """A position's fills until the first that liquidates at `ts`."""
    own = fills.filter(pl.col("symbol") == key[0], pl.col("position_side") == key[1])
    fell = (pl.col("ts").cast(pl.Int64) == ts) & (pl.col("reason") == "liquidation")
    return own.filter(fell.cum_sum() == 0)


def _paid_in(outcome: Outcome, fall: Fall) -> pl.DataFrame:
    """Deposits into the pool of a liquidation; none into an isolated position."""
    deposits = outcome.frame("deposits")
    asset = asset_of(fall.key[0]) if fall.cross else None
    return deposits.filter(pl.col("asset") == pl.lit(asset, pl.String))


def _span(frame: pl.DataFrame, first: int, last: int) -> pl.DataFrame:
    stamps = pl.col("ts").cast(pl.Int64)
    return frame.filter((stamps > first) & (stamps <= last))


def rules_at(outcome: Outcome, symbols: Sequence[str], key: Key, ts: int) -> Any:
    """The RULES record in force for a position at a time."""
    periods = outcome.rules[symbols.index(key[0])]
    for period in periods:
        if period["valid_from"] <= ts < period["valid_to"]:
            return period
    return periods[0]
