"""One account with all that it meets, and both accounts that are made of it."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from backtest.core.engine import Engine, Settings
from backtest.core.state import KINDS, ORDER, OrderKind, OrderType, Path, TriggerBy
from backtest.core.types import MarginMode
from backtest.venues.resolve import resolve

from .bar import Account
from .rules import Dated

SERIES_FIELDS = 10
ENDINGS = {"stop": 0, "continue": 1, "refill": 2}


@dataclass
class Plan:
    """What is played: a venue's rulebook, an account's settings, its orders, prices and flags.

    `prices[field, symbol, bar]` and `flags[symbol, bar]` are those of `core.types`; `settings` the
    oracle's names for the engine's.
    """

    book: Any
    symbols: list
    mode: str
    leverage: float
    pools: list
    cash: list
    legs: bool
    settings: dict
    orders: list
    times: Any
    prices: Any
    flags: Any
    last_rates: list
    priced_by: list
    start_usd: list
    reserves: list
    seed: int = 0
    dated: list = field(default_factory=list)
    ties: int = 0

    def __post_init__(self):
        """Read the rules as the oracle does."""
        self.dated = [Dated(self.book, s, self.mode, self.leverage) for s in self.symbols]
        self.cross = self.mode == "cross"

    def positions(self):
        """(rules, pool, leg) of every position: longs first where a symbol has two legs."""
        for leg in (1, -1) if self.legs else (0,):
            for dated, pool in zip(self.dated, self.pools, strict=True):
                yield dated, pool, leg

    def oracle(self):
        """The records of the oracle."""
        bars = self.prices[:SERIES_FIELDS].transpose(1, 2, 0)
        market = [[tuple(bar) for bar in series] for series in bars.tolist()]
        account = Account(self, market, self.flags.tolist(), self.times.tolist())
        for p in account.positions:
            p.last_rate = self.last_rates[p.series]
        account.play()
        return account

    def nudged(self, seed, share):
        """The same plan with prices that differ by up to a share."""
        moved = np.random.default_rng(seed).uniform(-share, share, self.prices.shape)
        return replace(self, prices=self.prices * (1.0 + moved))

    def engine(self):
        """The engine and its records by kind."""
        engine = self.ready_engine()
        engine.feed(self.times, self.prices, self.flags)
        engine.finish()
        return engine, {kind: engine.take(kind) for kind in KINDS}

    def block(self, first, last):
        """Bars [first, last) as the engine takes them."""
        part = slice(first, last)
        prices, flags = self.prices[:, :, part], self.flags[:, part]
        return self.times[part].copy(), np.ascontiguousarray(prices), np.ascontiguousarray(flags)

    def ready_engine(self):
        """The engine with all orders before the first bar."""
        s = self.settings
        settings = Settings(
            MarginMode[self.mode.upper()], self.leverage, s["timeframe"], s["sample"],
            slippage=s["slippage"], liquidation_slippage=s["liquidation_slippage"],
            on_liquidation=ENDINGS[s["on_liquidation"]], refill_below=s["refill_below"],
            rebalance=s["rebalance"], reenter=s["reenter"], path=Path[s["path"].upper()],
        )  # fmt: skip
        since, until = int(self.times[0]), int(self.times[-1]) + s["timeframe"]
        rules = [
            resolve(self.book, one, since, until, mode=self.mode, leverage=self.leverage)
            for one in self.symbols
        ]
        engine = Engine(settings, rules, self.pools, self.cash, self.legs)
        engine.know_funding(self.last_rates)
        for pool, (by, usd) in enumerate(zip(self.priced_by, self.start_usd, strict=True)):
            engine.price_pool(pool, by, usd)
        for pool, reserve in enumerate(self.reserves):
            engine.set_reserve(pool, reserve)
        engine.give(self._events())
        return engine

    def _events(self):
        events = np.zeros(len(self.orders), ORDER)
        for event, one in zip(events, self.orders, strict=True):
            event["ts"], event["symbol"], event["value"] = one.ts, one.symbol, one.value
            event["kind"], event["price"] = OrderKind[one.kind.upper()], one.price
            event["type"], event["by"] = OrderType[one.type.upper()], TriggerBy[one.by.upper()]
            event["reduce_only"], event["post_only"] = one.reduce_only, one.post_only
            event["callback"], event["until"], event["id"] = one.callback, one.until, one.id
        return events
