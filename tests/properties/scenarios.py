"""Random accounts: rules of any mechanism, prices with gaps and holes, funding and orders.

A scenario is drawn in two parts: a choice per mechanism (`CHOICES`, which hypothesis varies and
shrinks) and a seed for prices and orders.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from backtest.core.engine import Engine, Settings
from backtest.core.state import KINDS, ORDER, OrderKind
from backtest.core.types import (
    CLOSE,
    FUNDING,
    FUNDING_INSIDE,
    HAS_MARK,
    HAS_TRADE,
    MARK_CLOSE,
    MARK_IS_PROXY,
    MARK_OPEN,
    N_FIELDS,
    OPEN,
    SEGMENT_END,
    CloseFee,
    FundingFrom,
    Gains,
    InitialRate,
    IsolatedOpen,
    Legs,
    LiquidationOrder,
    MarginMode,
    NextFunding,
    TierKey,
    TierRule,
    Trigger,
    ValuedAt,
)
from tests.core.accounts import FIFTHS, HOUR, LADDER, SMART, START, TWO_DOWN, make_rules, step

BARS = 80
CASH = 10_000.0
BY_VALUE = ((0, 0.004, 125), (20_000, 0.005, 100), (60_000, 0.01, 50), (150_000, 0.025, 20))
BY_SIZE = ((0, 0.004, 125), (200, 0.005, 100), (600, 0.01, 50), (1_500, 0.025, 20))
"""Tables low enough that every row is reached; sizes in base units at prices near 100."""

AT_MARK, AT_ENTRY, BY_BASE = TierKey.NOTIONAL_AT_MARK, TierKey.NOTIONAL_AT_ENTRY, TierKey.SIZE
PROGRESSIVE, FLAT, LINEAR = TierRule.PROGRESSIVE, TierRule.FLAT, TierRule.LINEAR_IN_SIZE
REQUIREMENTS = (
    (AT_MARK, PROGRESSIVE, ValuedAt.MARK),
    (AT_ENTRY, PROGRESSIVE, ValuedAt.ENTRY),
    (AT_ENTRY, FLAT, ValuedAt.ENTRY),
    (AT_ENTRY, FLAT, ValuedAt.MARK),
    (BY_BASE, FLAT, ValuedAt.MARK),
    (BY_BASE, FLAT, ValuedAt.ENTRY),
)
"""Tier key, rule and valuation that give a requirement without jumps along the mark."""
CLIFFS = (AT_MARK, FLAT, ValuedAt.MARK)
"""The form whose requirement jumps as the mark moves."""
GROWING = (BY_BASE, LINEAR, ValuedAt.MARK)
"""The form whose rate grows with the size in coin."""

PER_UNIT = {"linear": 1.0, "quanto": 2.0, "inverse": 10_000.0}
"""Units of size that are worth what one unit of a linear contract is at a price of 100."""
MULTIPLIER = {"linear": 1.0, "quanto": 0.5, "inverse": 1.0}

CHUNKS = (
    step("FRACTION", "FILLABLE", "EQUITY_SHARE", amount=0.1, at_least=1e3, at_most=2e4,
         spread=1.5, fee_to_fund=1),
    step("ALL", "BANKRUPTCY", "NONE"),
)  # fmt: skip
NETTING = (
    step("NET_LEGS", "MARKET", "NONE"),
    step("TIERS_DOWN", "BANKRUPTCY", "TAKER", min_tier=2, amount=2),
    step("ALL", "MARKET", "TAKER"),
)
AT_ZERO = (step("ALL", "ZERO_EQUITY", "TAKER"),)
PROCESSES = {
    "smart": SMART, "ladder": LADDER, "two_down": TWO_DOWN, "fifths": FIFTHS,
    "chunks": CHUNKS, "netting": NETTING, "at_zero": AT_ZERO,
}  # fmt: skip
CHOICES: dict[str, tuple[Any, ...]] = {
    "contract": tuple(PER_UNIT),
    "requirement": (*REQUIREMENTS, CLIFFS, GROWING),
    "process": tuple(PROCESSES),
    "next_funding": tuple(NextFunding),
    "initial_rate": tuple(InitialRate),
    "gains": tuple(Gains),
    "order": tuple(LiquidationOrder),
    "legs": tuple(Legs),
    "hedged": (False, True),
    "frozen": (0, 1),
    "expires": (False, True),
    "close_fee": tuple(CloseFee),
    "bankruptcy_fee": (0, 1),
    "isolated_open": tuple(IsolatedOpen),
    "funding_from": tuple(FundingFrom),
    "trigger": tuple(Trigger),
    "healthy_ratio": (1.0, 0.9, 0.0),
    "rules_change": (False, True),
    "mode": tuple(MarginMode),
    "leverage": (10.0, 3.0, 20.0),
    "symbols": (1, 2, 3),
    "two_pools": (False, True),
    "slippage": (0.0, 0.0005),
    "liquidation_slippage": (0.0, 0.002, -1.0),
    "on_liquidation": (1, 0, 2),
    "rebalance": (-1.0, 0.0, 0.5),
    "reenter": (False, True),
}


@dataclass(frozen=True, repr=False)
class Scenario:
    """One account with everything it meets."""

    choices: dict[str, Any]
    rules: list[Any]
    pools: list[int]
    ts: Any
    prices: Any
    flags: Any
    orders: Any
    cash: float = CASH
    seed: int = 0

    def __repr__(self) -> str:
        """What makes the same scenario again: `build(choices, seed)`."""
        return f"build({self.choices!r}, {self.seed})"

    def engine(self) -> Engine:
        """The account before its first bar, without orders."""
        c, hours = self.choices, self.choices.get("sample_hours", 4)
        same = ("slippage", "liquidation_slippage", "on_liquidation", "rebalance", "reenter")
        settings = Settings(
            c["mode"], c["leverage"], HOUR, hours * HOUR, **{name: c[name] for name in same}
        )
        cash = [self.cash] * (max(self.pools) + 1)
        return Engine(settings, self.rules, self.pools, cash, legs=c["hedged"])

    def block(self, first: int, last: int) -> tuple[Any, Any, Any]:
        """Bars [first, last) as the engine takes them."""
        part = slice(first, last)
        prices = np.ascontiguousarray(self.prices[:, :, part])
        return self.ts[part].copy(), prices, np.ascontiguousarray(self.flags[:, part])

    def with_choices(self, **changes: Any) -> "Scenario":
        """The same market and orders for an account run otherwise."""
        return replace(self, choices={**self.choices, **changes})


def scenarios(**fixed: Any) -> st.SearchStrategy[Scenario]:
    """Scenarios of any mechanisms, but for those that are given."""
    free = {name: st.sampled_from(options) for name, options in CHOICES.items()}
    given = {name: st.just(value) for name, value in fixed.items()}
    choices = st.fixed_dictionaries({**free, **given})
    return st.builds(build, choices, st.integers(0, 2**32 - 1))


def at_random(seed: int) -> Scenario:
    """The scenario of a seed, without hypothesis: another process makes the same one."""
    rng = np.random.default_rng(seed)
    picked = {name: options[rng.integers(len(options))] for name, options in CHOICES.items()}
    return build(picked, seed)


def build(choices: dict[str, Any], seed: int) -> Scenario:
    """Fill in rules, prices and orders."""
    rng = np.random.default_rng(seed)
    count = choices["symbols"]
    ts = START + HOUR * np.arange(BARS, dtype=np.int64)
    prices = np.full((N_FIELDS, count, BARS), np.nan)
    flags = np.full((count, BARS), HAS_TRADE | HAS_MARK, np.uint8)
    for s in range(count):
        _fill_prices(rng, prices[:, s])
        _fill_funding(rng, prices[:, s])
        _make_holes(rng, prices[:, s], flags[s])
    pools = [s % 2 if choices["two_pools"] else 0 for s in range(count)]
    rules = [_rules(choices) for _ in range(count)]
    orders = _orders(rng, choices, count, ts)
    return Scenario(choices, rules, pools, ts, prices, flags, orders, seed=seed)


def _fill_prices(rng: Any, prices: Any) -> None:
    """Random walk with heavy steps and gaps; the mark lags a little behind trade."""
    steps = rng.standard_t(3, BARS) * 0.015
    gaps = np.where(rng.random(BARS) < 0.15, rng.normal(0, 0.04, BARS), 0.0)
    close = 100.0 * np.exp(np.cumsum(steps + gaps))
    opens = np.concatenate([[100.0], close[:-1]]) * np.exp(gaps)
    apart = rng.normal(0, 0.002, (2, BARS))
    for first, shift in ((OPEN, np.zeros((2, BARS))), (MARK_OPEN, apart)):
        start, end = opens * (1 + shift[0]), close * (1 + shift[1])
        wick = np.abs(rng.normal(0, 0.008, (2, BARS)))
        high, low = np.maximum(start, end) * (1 + wick[0]), np.minimum(start, end) * (1 - wick[1])
        prices[first : first + 4] = start, high, low, end


def _fill_funding(rng: Any, prices: Any) -> None:
    rates = np.where(rng.random(BARS) < 0.3, 0.05, 0.0003) * rng.normal(0, 1, BARS)
    prices[FUNDING, ::8] = rates[::8]
    inside = rng.random(BARS) < 0.05
    prices[FUNDING_INSIDE, inside] = rates[inside]


def _make_holes(rng: Any, prices: Any, flags: Any) -> None:
    """Some bars have no trade, some nothing at all, one may end a segment."""
    kind = rng.random(BARS)
    prices[OPEN : CLOSE + 1, kind < 0.04] = np.nan
    flags[kind < 0.04] = HAS_MARK
    late = int(rng.integers(0, 4)) * (rng.random() < 0.3)
    flags[:late] = 0
    flags[kind < 0.02] = 0
    proxy = (kind > 0.96) & (flags == HAS_TRADE | HAS_MARK)
    prices[MARK_OPEN : MARK_CLOSE + 1, proxy] = prices[OPEN : CLOSE + 1, proxy]
    flags[proxy] |= MARK_IS_PROXY
    if rng.random() < 0.3:
        flags[BARS // 2] |= SEGMENT_END
    prices[OPEN : MARK_CLOSE + 1, flags & HAS_MARK == 0] = np.nan


SAME_NAMES = (
    "close_fee", "bankruptcy_fee", "isolated_open", "funding_from", "trigger", "healthy_ratio",
    "next_funding", "initial_rate", "gains", "order", "legs", "frozen",
)  # fmt: skip
"""Choices that are fields of the rules."""


def _rules(choices: dict[str, Any]) -> Any:
    key, rule, valued_at = choices["requirement"]
    contract, steps = choices["contract"], PROCESSES[choices["process"]]
    units = PER_UNIT[contract] if key == BY_BASE else 1.0
    tiers = BY_SIZE if key == BY_BASE else BY_VALUE
    tiers = tiers[:1] if rule == LINEAR else tiers
    tiers = tuple((floor * units, rate, leverage) for floor, rate, leverage in tiers)
    changes = {
        "tier_key": key, "tier_rule": rule, "maintenance_at": valued_at, "initial_at": valued_at,
        "cap": 4_000.0 * units if key == BY_BASE else 400_000.0, "rate_slope": 1e-5,
        "rate_cap": 0.03, "initial_slope": 2e-5 if rule == LINEAR else 0.0, "delivery_fee": 2e-4,
        "inverse": contract == "inverse", "multiplier": MULTIPLIER[contract],
        **{name: choices[name] for name in SAME_NAMES},
    }  # fmt: skip
    if choices["expires"]:
        changes["expires"] = START + HOUR * (3 * BARS // 4)
    rules = make_rules(steps, tiers, **changes)
    if not choices["rules_change"]:
        return rules
    dearer = tuple((floor, 5 * rate, leverage) for floor, rate, leverage in tiers)
    rules = np.concatenate([rules, make_rules(steps, dearer, **changes)])
    rules["valid_to"][0] = rules["valid_from"][1] = START + HOUR * (BARS // 3)
    return rules


def _orders(rng: Any, choices: dict[str, Any], count: int, ts: Any) -> Any:
    """Targets and sizes at random bars, some of them at a price of their own.

    Of a hedged symbol most go to the leg that takes their side, some to the wrong one.
    """
    number = 24 if choices["hedged"] else 16
    orders = np.zeros(number, ORDER)
    orders["ts"] = np.sort(ts[rng.integers(0, BARS, number)]) - 1
    orders["symbol"] = rng.integers(0, count, number)
    sized = rng.random(number) < 0.3
    orders["kind"] = np.where(sized, int(OrderKind.SIZE), int(OrderKind.EXPOSURE))
    exposure = rng.uniform(-0.9, 0.9, number) * choices["leverage"]
    exposure[rng.random(number) < 0.15] = 0.0
    sizes = rng.normal(0, 100, number) * PER_UNIT[choices["contract"]]
    orders["value"] = np.where(sized, sizes, exposure)
    orders["price"] = np.where(rng.random(number) < 0.15, 100.0, np.nan)
    if choices["hedged"]:
        wrong = rng.random(number) < 0.1
        orders["symbol"] += np.where((orders["value"] < 0.0) != wrong, count, 0)
    return orders


def run(scenario: Scenario, sizes: tuple[int, ...] = (BARS,)) -> tuple[Engine, dict[str, Any]]:
    """Play a scenario in blocks of the given sizes; the engine and all records by kind."""
    engine, kept, done = scenario.engine(), {kind: [] for kind in KINDS}, 0
    engine.give(scenario.orders)
    for size in sizes:
        if not engine.stopped:
            engine.feed(*scenario.block(done, done + size))
        done += size
        for kind in KINDS:
            kept[kind].append(engine.take(kind))
    engine.finish()
    for kind in KINDS:
        kept[kind].append(engine.take(kind))
    return engine, {kind: np.concatenate(parts) for kind, parts in kept.items()}


def as_bytes(engine: Engine, records: dict[str, Any]) -> tuple[bytes, ...]:
    """Everything a run leaves, for comparisons to the last bit."""
    return (
        *(records[kind].tobytes() for kind in KINDS),
        engine.pools.tobytes(), engine.positions.tobytes(),
    )  # fmt: skip
