"""What it costs to follow both ends of an account, against one path of the same account.

Run with `-s` to read the number.
"""

import time
from typing import Any

import numpy as np
import pytest

from backtest.core.engine import Engine, Settings
from backtest.core.state import KINDS, ORDER, OnLiquidation, OrderKind, OrderType, Path
from backtest.core.types import HAS_MARK, HAS_TRADE, N_FIELDS, MarginMode
from tests.core.accounts import START, make_rules

pytestmark = pytest.mark.bench

BARS = 100_000
HOUR = 3_600_000
MOST = 2.2
"""Both paths may cost as much more as one."""


def _market() -> tuple[Any, Any, Any]:
    """A walk whose mark lags a little behind trade, so that stops and liquidations race."""
    rng = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.006, BARS)))
    opens = np.concatenate([[100.0], close[:-1]])
    wick = 1.0 + np.abs(rng.normal(0, 0.004, (4, BARS)))
    prices = np.full((N_FIELDS, 1, BARS), np.nan)
    top, bottom = np.maximum(opens, close), np.minimum(opens, close)
    prices[0:4, 0] = opens, top * wick[0], bottom / wick[1], close
    prices[4:8, 0] = opens, top * wick[2], bottom / wick[3], close
    ts = START + HOUR * np.arange(BARS, dtype=np.int64)
    return ts, prices, np.full((1, BARS), HAS_TRADE | HAS_MARK, np.uint8)


def _orders(block: tuple[Any, Any, Any]) -> Any:
    """Every twenty bars a target and, at the next bar, a stop close to the liquidation price."""
    ts, prices, _ = block
    rows = range(10, BARS - 2, 20)
    orders = np.zeros(2 * len(rows), ORDER)
    orders["price"] = np.nan
    for k, bar in enumerate(rows):
        target, stop = orders[2 * k], orders[2 * k + 1]
        target["ts"], target["kind"], target["value"] = ts[bar], OrderKind.EXPOSURE, 8.0
        stop["ts"], stop["kind"], stop["type"] = ts[bar + 1], OrderKind.SIZE, OrderType.STOP
        stop["value"], stop["reduce_only"] = -np.inf, 1
        stop["price"] = prices[3, 0, bar] * 0.965
        stop["until"], stop["id"] = ts[bar + 1] + 19 * HOUR, k + 1
    return orders


def _engine(orders: Any, **more: Any) -> Engine:
    refill = {"on_liquidation": OnLiquidation.REFILL, "refill_below": 0.9}
    settings = Settings(MarginMode.ISOLATED, 25, HOUR, 24 * HOUR, **refill, **more)
    made = Engine(settings, [make_rules(cap=1e15)], [0], [10_000.0])
    made.give(orders)
    return made


def _count(engine: Engine, seen: dict[str, int]) -> None:
    for kind in KINDS:
        seen[kind] = seen.get(kind, 0) + len(engine.take(kind))


def _one(block: Any, orders: Any) -> dict[str, int]:
    seen: dict[str, int] = {}
    engine = _engine(orders, path=Path.PESSIMISTIC)
    engine.feed(*block)
    _count(engine, seen)
    return seen


def _both(block: Any, orders: Any) -> tuple[dict[str, int], dict[str, int], int]:
    first, worst, best = _engine(orders, path=Path.BOTH, ask=True), {}, {}
    parted = first.feed(*block)
    _count(first, worst)
    other = first.copy()
    for engine, path, seen in ((first, Path.PESSIMISTIC, worst), (other, Path.OPTIMISTIC, best)):
        engine.decide(path, ask=False)
        engine.load(*block)
        engine.run(parted, BARS)
        _count(engine, seen)
    return worst, best, parted


def _best(work: Any, repeats: int = 7) -> float:
    least = np.inf
    for _ in range(repeats):
        start = time.process_time_ns()
        work()
        least = min(least, time.process_time_ns() - start)
    return least / BARS


def test_both_paths_cost_little_more_than_twice_one():
    block = _market()
    orders = _orders(block)
    alone = _one(block, orders)
    worst, best, parted = _both(block, orders)
    assert parted < BARS // 100
    assert worst == alone, "the pessimist is the account that is run alone"
    assert best["liquidations"] < worst["liquidations"]
    one, both = _best(lambda: _one(block, orders)), _best(lambda: _both(block, orders))
    print(f"\none path {one:.0f} ns per bar, both {both:.0f} ns: {both / one:.2f} times")
    print(f"parted at bar {parted}; {worst} against {best}")
    assert both <= MOST * one
