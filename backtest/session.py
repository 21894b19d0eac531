"""One venue's account while it runs: its engine, its counts, and the records it hands over."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .columns import Names
from .config import RunConfig, milliseconds
from .core.engine import Engine, Settings
from .core.state import DTYPES, KINDS, REJECTION, OnLiquidation, OrderKind, Rejected
from .core.types import MARK_IS_PROXY, MarginMode
from .dialogue import Dialogue
from .errors import UsageError
from .market.stream import Block, Stream
from .plan import Account, Span, account_rules
from .records import Recorder


@dataclass
class Session:
    """An account's engine, and what has been counted over the bars that it saw.

    A bar of each symbol counts on its own; `first` is the open of the first one.
    """

    account: Account
    engine: Engine
    rules: Any
    names: Names
    dialogue: Dialogue | None = None
    first: int | None = None
    bars: int = 0
    proxy_bars: int = 0
    extrapolated_bars: int = 0
    funding_events: int = 0
    assumed_funding_events: int = 0

    def feed(self, block: Block) -> None:
        """Run a block, unless the account has ended."""
        if self.engine.stopped:
            return
        self.first = int(block.ts[0]) if self.first is None else self.first
        feed = self.dialogue.feed if self.dialogue else _feed(self.engine)
        came = feed(block)
        flags = block.flags[:, :came]
        self.bars += int(np.count_nonzero(flags))
        self.proxy_bars += int(np.count_nonzero(flags & MARK_IS_PROXY))
        self.extrapolated_bars += _extrapolated(self.rules, block.ts[:came], flags)

    def flush(self, recorder: Recorder) -> None:
        """Hand the records written so far to the files."""
        recorder.add(self.names, {kind: self.engine.take(kind) for kind in KINDS})

    def leave_out(self, recorder: Recorder, orders: Any) -> None:
        """Record orders (dtype ORDER) that no bar of the run can fill."""
        records = {k: np.zeros(0, dtype) for k, dtype in zip(KINDS, DTYPES, strict=True)}
        refused = records["rejections"] = np.zeros(len(orders), REJECTION)
        for name in ("ts", "symbol", "price"):
            refused[name] = orders[name]
        sized = orders["kind"] == OrderKind.SIZE
        refused["size"] = np.where(sized, orders["value"], 0.0)
        refused["reason"] = Rejected.OUTSIDE_SPAN
        recorder.add(self.names, records)

    def end(self, recorder: Recorder, stream: Stream) -> None:
        """Write what is open at the end, and what the data lacked."""
        self.engine.finish()
        self.flush(recorder)
        self.funding_events = sum(s.funding_events for s in stream.statistics)
        self.assumed_funding_events = sum(s.assumed_funding_events for s in stream.statistics)
        own = dict(zip(self.account.price_symbols, self.account.symbols, strict=True))
        gaps = [gap._asdict() for gap in stream.gaps]
        recorder.add_gaps(
            self.account.venue, [{**gap, "symbol": own[gap["symbol"]]} for gap in gaps]
        )


def _feed(engine: Engine) -> Any:
    return lambda block: engine.feed(block.ts, block.prices, block.flags)


def _extrapolated(rules: Any, ts: Any, flags: Any) -> int:
    """Bars in which a symbol ran on rules from outside their known dates."""
    count = 0
    for number, periods in enumerate(rules):
        for rule in periods[periods["extrapolated"] == 1]:
            first, last = np.searchsorted(ts, [rule["valid_from"], rule["valid_to"]])
            count += int(np.count_nonzero(flags[number, first:last]))
    return count


def open_session(config: RunConfig, account: Account, span: Span) -> Session:
    """An account with its starting money, under the rules of the span."""
    _refuse_one_way_venue(config, account)
    rules = account_rules(config, account, span)
    cash = [config.cash] * len(account.assets)
    engine = Engine(engine_settings(config), rules, list(account.pools), cash, config.hedge)
    every, mode = np.concatenate(rules), config.margin
    frozen = config.rules_as_of

    def step_name(rule: int, step: int) -> str:
        when = max(int(every[rule % len(every)]["valid_from"]), span.since)
        return account.rulebook.step_name(mode, step, when if frozen is None else frozen)

    names = Names(
        account.venue, account.symbols, account.assets, account.pools, mode == "cross", step_name,
        config.hedge,
    )  # fmt: skip
    return Session(account, engine, rules, names)


def _refuse_one_way_venue(config: RunConfig, account: Account) -> None:
    if config.hedge and "hedge.legs" not in account.rulebook.decisions:
        raise UsageError(
            f"{account.venue} has no hedge mode: it holds one position per symbol; run it with "
            "--position-mode one_way, or leave it out of --venue."
        )


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
    )
