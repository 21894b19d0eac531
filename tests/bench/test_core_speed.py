"""Speed of the core, as ratios to a loop of known cost timed in the same run.

The loop's cost is a chain of one subtraction, one multiplication and one addition per element:
about 2 ns where a processor runs at 3 to 4 GHz. A limit in nanoseconds is the limit on such a
machine; on a slower one it grows with the loop. Run with `-s` to read the numbers.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import pytest

from backtest.core.engine import Engine, Settings
from backtest.core.state import KINDS, ORDER, OnLiquidation, OrderKind
from backtest.core.types import FUNDING, HAS_MARK, HAS_TRADE, N_FIELDS, MarginMode
from tests.core.accounts import START, make_rules

pytestmark = pytest.mark.bench

BARS = 1_000_000
BLOCK = 65_536
MINUTE = 60_000
CALIBRATION_NS = 2.0
"""Cost per element of the calibration loop on the machine that limits are stated for."""
QUIET_NS = 25.0
ARRAYS_NS = 200.0
"""5 million bars per CPU second."""
STEP_NS = 2_000.0
"""270,000 bars per CPU second are 3,700 ns each; 1,700 are left to the strategy and its view."""


@numba.njit
def _chain(values: Any) -> float:
    total = 0.0
    for i in range(len(values)):
        total += 0.1 * (values[i] - total)
    return total


def _best(work: Callable[[], object], count: int, repeats: int = 7) -> float:
    """CPU nanoseconds per unit of work, best of several: others use this machine too."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time_ns()
        work()
        best = min(best, time.process_time_ns() - start)
    return best / count


@dataclass
class Machine:
    """How much slower than the reference this machine is at the moment."""

    slower: float

    def check(self, name: str, measured: float, limit: float) -> None:
        """Print a cost and hold it against its limit on this machine."""
        allowed = limit * self.slower
        print(f"\n{name}: {measured:.1f} ns, allowed {allowed:.1f} ns (machine {self.slower:.2f})")
        assert measured <= allowed


@pytest.fixture(scope="module")
def machine() -> Machine:
    values = np.random.default_rng(0).normal(size=BARS)
    _chain(values)
    return Machine(_best(lambda: _chain(values), BARS) / CALIBRATION_NS)


def _market(bars: int, volatility: float, funding_rate: float = np.nan) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(1)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, volatility, bars)))
    opens = np.concatenate([[100.0], close[:-1]])
    prices = np.full((N_FIELDS, 1, bars), np.nan)
    spread = 1.0 + volatility / 2
    high, low = np.maximum(opens, close) * spread, np.minimum(opens, close) / spread
    prices[0:4, 0] = prices[4:8, 0] = opens, high, low, close
    prices[FUNDING, 0, ::480] = funding_rate
    ts = START + MINUTE * np.arange(bars, dtype=np.int64)
    return ts, prices, np.full((1, bars), HAS_TRADE | HAS_MARK, np.uint8)


def _account(leverage: float) -> Engine:
    settings = Settings(
        MarginMode.ISOLATED, leverage, MINUTE, 60 * MINUTE, on_liquidation=OnLiquidation.REFILL
    )
    tiers = ((0, 0.004, 125), (5e4, 0.005, 125), (2.5e5, 0.01, 125), (1e6, 0.015, 125))
    return Engine(settings, [make_rules(tiers=tiers, cap=1e15)], [0], [10_000.0])


def _orders(ts: Any, every: int, kind: OrderKind, values: Any) -> Any:
    orders = np.zeros(len(ts[::every]), ORDER)
    orders["ts"], orders["kind"], orders["price"] = ts[::every], kind, np.nan
    orders["value"] = np.resize(values, len(orders))
    return orders


def test_one_position_in_a_quiet_book(machine: Machine):
    block = _market(BARS, 1e-6)
    order = _orders(block[0], BARS, OrderKind.SIZE, [10.0])
    held = []

    def run() -> None:
        engine = _account(leverage=10)
        engine.give(order)
        engine.feed(*block)
        held.append((engine.positions["size"][0], len(engine.take("equity"))))

    run()
    machine.check("quiet book, per bar", _best(run, BARS), QUIET_NS)
    assert set(held) == {(10.0, BARS // 60 + 1)}


def test_arrays_with_orders_funding_and_liquidations(machine: Machine):
    ts, prices, flags = _market(BARS, 8e-4, 1e-4)
    orders = _orders(ts, 500, OrderKind.EXPOSURE, [30.0, -30.0])
    seen: dict[str, int] = {}

    def run() -> None:
        engine = _account(leverage=40)
        engine.give(orders)
        seen.update(dict.fromkeys(KINDS, 0))
        for first in range(0, BARS, BLOCK):
            part = slice(first, first + BLOCK)
            values = np.ascontiguousarray(prices[:, :, part])
            engine.feed(ts[part], values, np.ascontiguousarray(flags[:, part]))
            for kind in KINDS:
                seen[kind] += len(engine.take(kind))

    run()
    machine.check("arrays, per bar", _best(run, BARS, 5), ARRAYS_NS)
    print({kind: number for kind, number in seen.items() if number})
    assert seen["liquidations"] > 500
    assert seen["fills"] > 2_000
    assert seen["funding"] > 1_000


def test_stepping_bar_by_bar_leaves_room_for_a_python_callback(machine: Machine):
    bars = 100_000
    block = _market(bars, 1e-6)
    order = _orders(block[0], bars, OrderKind.SIZE, [10.0])
    asked = []

    def strategy(bar: int) -> None:
        asked.append(bar)

    def run() -> None:
        engine = _account(leverage=10)
        engine.give(order)
        engine.load(*block)
        asked.clear()
        for bar in range(bars):
            engine.run(bar, bar + 1)
            strategy(bar)

    run()
    machine.check("one bar at a time, per bar", _best(run, bars, 5), STEP_NS)
    assert len(asked) == bars
