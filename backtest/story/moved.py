"""What moved a margin ratio from one moment to another: parts that add up.

Equity and maintenance margin each change by the price of every position, funding, money paid in,
orders, the tier, and rules that changed. The sums of the parts are the whole change; what orders
and other things did is the rest, and a part that did nothing is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl

from ..core.requirement import maintenance_in_tier
from ..core.types import FundingFrom
from .between import Between
from .pick import Key, key_of
from .state import Held, pnl, ratio, tier_in

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


class Change(NamedTuple):
    """What one thing did to equity and to maintenance margin; a Part before it has a ratio."""

    kind: str
    symbol: str
    equity: float
    maintenance: float
    times: int = 0
    before: float = 0.0
    after: float = 0.0


def parts(readings: Sequence[Between]) -> list[Part]:
    """The parts in order, each with the ratio once it is added.

    Of several readings of the records the one that leaves least to the rest is right.
    """
    b = min(readings, key=lambda one: abs(_changes(one)[-1].equity))
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
    found = [_price(b, key) for key in b.old.positions] + [_funding(b), _deposits(b)]
    found += [change for key in b.kept for change in _table(b, key)]
    money = b.new.equity - b.old.equity - sum(c.equity for c in found)
    needs = b.new.maintenance - b.old.maintenance - sum(c.maintenance for c in found)
    kind = "orders" if b.fills.height else "other"
    return [*found, Change(kind, "", money, needs, b.fills.height)]


def _price(b: Between, key: Key) -> Change:
    """What the mark did: to the size held at each time, and to its margin at the first tier."""
    old, new, (rules, _) = b.old.positions[key], b.new.positions.get(key), b.rules[key]
    points, size, mark, money = _points(b.fills, key, new), old.size, old.mark, 0.0
    for price, after in points:
        money += pnl(rules, size, mark, price)
        size, mark = after, price
    needs = _needed(rules, old, mark, old.tier) - _needed(rules, old, old.mark, old.tier)
    return Change("price", key[0], money, needs, 0, old.mark, mark)


def _points(fills: pl.DataFrame, key: Key, new: Held | None) -> list[tuple[float, float]]:
    """(price, size from then on) at every fill of a position, and at the end if it is there."""
    own = [row for row in fills.iter_rows(named=True) if key_of(row) == key]
    end = [] if new is None else [(new.mark, new.size)]
    return [(row["price"], row["position_after"]) for row in own] + end


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
