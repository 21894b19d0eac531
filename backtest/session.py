"""One venue's account while it runs: its lives, its counts, and the records it hands over."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .accounts import Account
from .columns import Names
from .config import RunConfig, milliseconds
from .core.engine import Engine, Settings
from .core.state import DTYPES, KINDS, REJECTION, OnLiquidation, OrderKind, Path, Rejected
from .core.types import MARK_IS_PROXY, MarginMode
from .fate import fate_of
from .life import Life
from .market.finer import Finer
from .market.stream import Block, Stream
from .money import Flows, starting_money
from .plan import Group, account_rules
from .records import Recorder

_OTHER_END = {Path.PESSIMISTIC: Path.OPTIMISTIC, Path.OPTIMISTIC: Path.PESSIMISTIC}
COUNTED = (
    "first", "bars", "proxy_bars", "extrapolated_bars", "funding_events", "assumed_funding_events",
)  # fmt: skip


@dataclass
class Session:
    """An account's lives, and what has been counted over the bars that they saw.

    There is one life until a bar's order of events matters; from there on the first one takes the
    worst way of every bar and the second one the best. A bar of each symbol counts on its own;
    `first` is the open of the first one.
    """

    account: Account
    rules: Any
    lives: list[Life]
    bar_ms: int
    finer: Finer | None = None
    first: int | None = None
    bars: int = 0
    proxy_bars: int = 0
    extrapolated_bars: int = 0
    funding_events: int = 0
    assumed_funding_events: int = 0

    @property
    def worst(self) -> Life:
        """The life that took the worst way of every bar; the only one of a run of one path."""
        return self.lives[0]

    def feed(self, block: Block, recorder: Recorder) -> None:
        """Run a block in all lives that have not ended, and hand over their records."""
        running = [life for life in self.lives if not life.engine.stopped]
        if not running:
            return
        self.first = int(block.ts[0]) if self.first is None else self.first
        for life in running:
            life.begin(block, self.bar_ms)
        for life in running:
            while not life.play():
                running += self._settle(life, recorder)
            life.flush(recorder)
        self._count(block, max(life.came for life in running))

    def _settle(self, life: Life, recorder: Recorder) -> list[Life]:
        """Say how a life goes on from a bar whose ways part; returns the life that begins there."""
        frame, path = life.frames[-1], Path[life.names.path.upper()]
        if self.finer is not None:
            needed = life.engine.concerned
            inside = self.finer.bars(frame.block, frame.at, frame.length_ms, needed)
            if inside is not None:
                life.look_into(inside)
                return []
        if path == Path.BOTH:
            life.flush(recorder)
            twin = life.part()
            self._decide(life, Path.PESSIMISTIC, recorder)
            self._decide(twin, Path.OPTIMISTIC, recorder)
            self.lives.append(twin)
            return [twin]
        self._decide(life, path, recorder)
        return []

    def _decide(self, life: Life, path: Path, recorder: Recorder) -> None:
        """Let a life go on along a path; where only a longer bar knows the marks, look first
        what the other end meets until that bar is over.
        """
        long_bar = life.long_bar()
        if long_bar is not None and life.fate is None:
            life.flush(recorder)
            other = life.shadow(long_bar + 1)
            other.decide(_OTHER_END[path], ask=True)
            while not other.play():
                self._settle(other, recorder)
            life.fate = fate_of(other.engine, long_bar)
        life.decide(path, ask=self.finer is not None)

    @property
    def carried(self) -> dict[str, Any]:
        """All that is carried from block to block, to go on from after a kill."""
        return {
            "counted": {name: getattr(self, name) for name in COUNTED},
            "finer": self.finer.carried if self.finer else None,
            "lives": [life.carried for life in self.lives],
        }

    def carry_on(self, carried: Mapping[str, Any]) -> None:
        """Go on from what was carried, as a session that was just opened."""
        for name, value in carried["counted"].items():
            setattr(self, name, value)
        if self.finer is not None:
            self.finer.carry_on(carried["finer"])
        self.lives += [self.worst.part() for _ in carried["lives"][1:]]
        for life, own in zip(self.lives, carried["lives"], strict=True):
            life.carry_on(own, ask=self.finer is not None)

    def _count(self, block: Block, came: int) -> None:
        flags = block.flags[:, :came]
        self.bars += int(np.count_nonzero(flags))
        self.proxy_bars += int(np.count_nonzero(flags & MARK_IS_PROXY))
        self.extrapolated_bars += _extrapolated(self.rules, block.ts[:came], flags)

    def leave_out(self, recorder: Recorder, orders: Any) -> None:
        """Record orders (dtype ORDER) that no bar of the run can fill."""
        records = {k: np.zeros(0, dtype) for k, dtype in zip(KINDS, DTYPES, strict=True)}
        refused = records["rejections"] = np.zeros(len(orders), REJECTION)
        for name in ("ts", "symbol", "price"):
            refused[name] = orders[name]
        sized = orders["kind"] == OrderKind.SIZE
        refused["size"] = np.where(sized, orders["value"], 0.0)
        refused["reason"] = Rejected.OUTSIDE_SPAN
        recorder.add(self.worst.names, records)

    def end(self, recorder: Recorder, stream: Stream) -> None:
        """Write what is open at the end, and what the data lacked."""
        for life in self.lives:
            life.engine.finish()
            life.flush(recorder)
        self.funding_events = sum(s.funding_events for s in stream.statistics)
        self.assumed_funding_events = sum(s.assumed_funding_events for s in stream.statistics)
        own = dict(zip(self.account.price_symbols, self.account.symbols, strict=True))
        gaps = [gap._asdict() for gap in stream.gaps]
        recorder.add_gaps(
            self.account.venue, [{**gap, "symbol": own[gap["symbol"]]} for gap in gaps]
        )


def _extrapolated(rules: Any, ts: Any, flags: Any) -> int:
    """Bars in which a symbol ran on rules from outside their known dates."""
    count = 0
    for number, periods in enumerate(rules):
        for rule in periods[periods["extrapolated"] == 1]:
            first, last = np.searchsorted(ts, [rule["valid_from"], rule["valid_to"]])
            count += int(np.count_nonzero(flags[number, first:last]))
    return count


def open_session(config: RunConfig, account: Account, group: Group) -> Session:
    """An account with its starting money, under the rules of the group's span."""
    rules = account_rules(config, account, group.span)
    start, pools = starting_money(config, account, group), list(account.pools)
    settings = replace(
        engine_settings(config), ask=config.path == "both" or group.finer is not None
    )
    engine = Engine(settings, rules, pools, start.cash, config.hedge)
    for pool, number in enumerate(account.priced_by):
        engine.price_pool(pool, number, config.cash if config.cash_in == "usd" else 0.0)
        engine.set_reserve(pool, config.reserve / config.cash * start.cash[pool])
    names = Names(
        account.venue, account.symbols, account.assets, account.pools, config.margin == "cross",
        _step_names(config, account, rules, group.span.since), config.hedge, config.path,
    )  # fmt: skip
    life = Life(engine, names, Flows(account, start))
    return Session(account, rules, [life], config.timeframe_ms, group.finer)


def _step_names(config: RunConfig, account: Account, rules: Any, since: int) -> Any:
    """What names a step from the number of a RULES record, over all symbols, and of the step."""
    every = [(s, int(r["valid_from"])) for s, one in enumerate(rules) for r in one]
    book, mode = account.rulebook, config.margin

    def name(rule: int, step: int) -> str:
        symbol, valid_from = every[rule % len(every)]
        when = max(valid_from, since) if config.rules_as_of is None else config.rules_as_of
        contract = book.instrument(account.symbols[symbol]).contract
        return book.step_name(mode, step, when, contract, mode)

    return name


def engine_settings(config: RunConfig) -> Settings:
    """The config in the engine's units: fractions and milliseconds."""
    bar = config.timeframe_ms
    return Settings(
        mode=int(MarginMode[config.margin.upper()]),
        leverage=config.leverage,
        timeframe_ms=bar,
        sample_ms=max(milliseconds(config.sample), bar),
        slippage=config.slippage / 10_000,
        liquidation_slippage=config.liquidation_slippage_fraction,
        on_liquidation=int(OnLiquidation[config.on_liquidation.upper()]),
        refill_below=config.refill_below,
        rebalance=config.rebalance_band,
        reenter=config.reenter,
        path=int(Path[config.path.upper()]),
        pause=bool(config.policies),
    )
